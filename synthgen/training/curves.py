"""``training.png``: the lines of ``metrics.jsonl`` as curves."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from synthgen.storage.whole import written_whole

MARGINS = {"left": 0.035, "right": 0.995, "bottom": 0.13, "top": 0.83, "wspace": 0.18}
"""Around and between the four panels, in shares of the figure and of a panel: room for the numbers
beside each, however long, as what they are of stands above it."""


def draw_curves(log: list[dict[str, Any]], path: Path, title: str) -> None:
    """Losses, the judge's accuracy, fidelity and diversity over images shown, as a PNG.

    Lines of the log that are events are drawn as vertical lines with their kind.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

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
    figure = Figure(figsize=(20, 4.2))
    FigureCanvasAgg(figure)
    # Margins are given: a layout that finds them lays out and measures every text once more.
    axes = figure.subplots(1, 4, gridspec_kw=MARGINS)
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
        axis.set_title(label, loc="left", fontsize="medium")
        if keys:
            axis.legend(fontsize=8)
    axes[1].set_ylim(0, 1.02)
    axes[2].set_yscale("log")
    figure.suptitle(title)
    with written_whole(path) as beside:
        figure.savefig(beside, dpi=110, format="png")


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
