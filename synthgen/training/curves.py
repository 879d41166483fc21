"""``training.png``: the lines of ``metrics.jsonl`` as curves."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from synthgen.storage.whole import written_whole


def draw_curves(log: list[dict[str, Any]], path: Path, title: str) -> None:
    """Losses, the judge's accuracy, fidelity and diversity over images shown, as a PNG.

    Lines of the log that are events are drawn as vertical lines with their kind.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [row for row in log if "event" not in row]
    events = [row for row in log if "event" in row]
    if not rows:
        return
    keys = list(dict.fromkeys(key for row in rows for key in row))
    # A line ends where the run was rolled back.
    gaps = {"attempt": -1, "images": float("nan")}
    rows = [
        row
        for before, now in pairwise([rows[0], *rows])
        for row in ([gaps, now] if now["attempt"] != before["attempt"] else [now])
    ]
    shown = [row["images"] for row in rows]
    panels = (
        ("loss", [key for key in keys if key.startswith("loss/")]),
        ("share judged right", [key for key in keys if key.startswith("accuracy/")]),
        ("fidelity score (lower is better)", ["score"]),
        ("diversity, 1 is the real images'", ["diversity", "least_diversity"]),
    )
    figure, axes = pyplot.subplots(1, 4, figsize=(20, 4), layout="constrained")
    for axis, (label, keys) in zip(axes, panels, strict=True):
        for key in keys:
            axis.plot(shown, [_number(row.get(key)) for row in rows], label=key, marker=".")
        for event in events:
            axis.axvline(event["images"], color="red", linestyle="--", linewidth=1)
            axis.text(
                event["images"], 0.5, event["event"], color="red", rotation=90, fontsize=8,
                transform=axis.get_xaxis_transform(),
            )  # fmt: skip
        axis.set_xlabel("real images shown")
        axis.set_ylabel(label)
        if keys:
            axis.legend(fontsize=8)
    axes[1].set_ylim(0, 1.02)
    axes[2].set_yscale("log")
    figure.suptitle(title)
    with written_whole(path) as beside:
        figure.savefig(beside, dpi=110, format="png")
    pyplot.close(figure)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
