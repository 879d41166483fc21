"""The README.md of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthgen.spec.markdown import plain
from synthgen.spec.task import Task


def model_card(
    algorithm: str,
    task: Task,
    training: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> str:
    """Markdown: what the generator makes, what it was trained on and with, how good it is."""
    names = ", ".join(plain(name) for name in task.classes)
    lines = [
        "---",
        "license: apache-2.0",
        "library_name: synthgen",
        "tags: [gan, image-generation, synthetic-data]",
        "---",
        "",
        f"# A {plain(algorithm)} generator of {task.image} images",
        "",
        _given(task, names),
        "",
        "Sample from it with `synthgen sample --generator <this folder> --n 1000`.",
        "",
        "## Training",
        "",
        "| | |",
        "|---|---|",
        f"| algorithm | {plain(algorithm)} |",
    ]
    for key, value in training.items():
        shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
        lines.append(f"| {plain(key.replace('_', ' '))} | {plain(shown)} |")
    lines += ["", "## Scores on held-out real images", "", "| | |", "|---|---|"]
    for key, value in _flat(metrics).items():
        lines.append(f"| {plain(key)} | {plain(value)} |")
    lines += [
        "",
        "A Fréchet distance on a classifier's own features compares generators scored by the same "
        "classifier only. It is not an FID.",
        "",
    ]
    return "\n".join(lines)


def _given(task: Task, names: str) -> str:
    """What it is given, and of what kinds."""
    if task.given == (task.stratum,):
        return f"Classes ({len(task.classes)}): {names}."
    kinds = [f"{plain(name)} ({plain(task.fields[name].kind)})" for name in task.given]
    classes = f" Classes ({len(task.classes)}): {names}." if task.stratum is not None else ""
    return f"Given: {', '.join(kinds) or 'nothing'}.{classes}"


def _flat(metrics: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in metrics.items():
        name = f"{above}{key.replace('_', ' ')}"
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{name}: "))
        else:
            flat[name] = f"{value:.4g}" if isinstance(value, float) else value
    return flat
