"""What a training run tells: one line per tick, and ``report.md`` at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from synthgen.stages.train.tick_score import Score
from synthgen.training.loop import Training


def tick_row(
    training: Training,
    means: Mapping[str, float],
    score: Score,
    real: float,
    classes: Sequence[str],
) -> dict[str, Any]:
    """The line of ``metrics.jsonl`` of one tick: where the run is, the ``means`` since the tick
    before, and the score, ``None`` if an image was not finite, beside that of ``real`` images."""
    return {
        "images": training.shown,
        "attempt": training.remedies.attempt,
        **{name: float(f"{value:.6g}") for name, value in means.items()},
        "score": score.frechet if math.isfinite(score.frechet) else None,
        "score_real": real,
        "agreement": score.agreement,
        "diversity": score.diversity,
        "least_diversity": score.least_diversity,
        "least_diverse_class": classes[score.least_diverse],
    }


def tick_line(row: dict[str, Any], eta: float) -> str:
    """The line of one tick; ``eta`` is in seconds."""
    losses = "  ".join(f"{k[5:]} {v:.3f}" for k, v in row.items() if k.startswith("loss/"))
    right = "  ".join(f"{k[9:]} {v:.0%}" for k, v in row.items() if k.startswith("accuracy/"))
    minutes, seconds = divmod(int(eta), 60)
    return (
        f"{row['images']:>9,} img  {row['images_per_second']:.0f} img/s  loss: {losses}  "
        f"judged right: {right}  score {row['score']:.4g} (real {row['score_real']:.2g})  "
        f"{_agreement(row, '.0%')}diversity {row['diversity']:.2f} "
        f"(least: '{row['least_diverse_class']}' {row['least_diversity']:.2f})  "
        f"ETA {minutes}:{seconds:02d}"
    )


def _agreement(row: Mapping[str, Any], form: str, words: str = "agreement {}  ") -> str:
    """How many labels are right, in words; nothing where there are no labels."""
    found = row.get("agreement")
    return "" if found is None else words.format(format(found, form))


def report_text(
    log: Sequence[dict[str, Any]], best: dict[str, float], wanted: int, stopped: bool
) -> str:
    """``report.md``: what happened, when, what was changed, and what was kept."""
    events = [row for row in log if "event" in row]
    shown = max((row["images"] for row in log), default=0)
    lines = ["# Training report", ""]
    if stopped:
        lines += [
            f"**The run was stopped at {shown:,} of {wanted:,} images**: it kept falling over "
            "after every change of the stability ladder. The bundle holds its best state, from "
            "before. Look at the samples before you use it; a lower learning rate, a stronger "
            "penalty, more augmentation or more images per class are what usually helps.",
            "",
        ]
    if best:
        lines += [
            f"Best state: score {best['score']:.4g} at {best['images']:,} images shown; "
            f"{_agreement(best, '.1%', 'label agreement {}, ')}diversity "
            f"{best['diversity']:.2f} of the "
            "real images'.",
            "",
        ]
    if not events:
        lines.append("No alarm: no divergence, no saturated discriminator, no mode collapse.")
    else:
        lines += ["| at images | fault | what was seen | went back to | what was changed |"]
        lines += ["|---|---|---|---|---|"]
        lines += [
            f"| {row['images']:,} | {row['event']} | {row['why']} | {row['back_to']:,} | "
            f"{row['action']} |"
            for row in events
        ]
    return "\n".join(lines) + "\n"
