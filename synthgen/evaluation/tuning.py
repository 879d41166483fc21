"""Which way of sampling serves a classifier best: trials on validation images, and the choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any


@dataclass(frozen=True)
class Trial:
    """One combination of the grid with its accuracies on validation images, one for each seed."""

    latent_std: float
    truncation: float | None
    agreement: float | None
    """Least label agreement; ``None`` for the default filters."""
    share: float
    """Synthetic share of each batch."""
    finish: float
    """Last share of the steps that shows real images alone."""
    accuracies: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        return fmean(self.accuracies)


@dataclass(frozen=True)
class Tuning:
    """All trials, beside the same real images alone."""

    generator: str
    real: str
    real_fingerprint: str
    training_images: int
    validation_images: int
    unseen: bool
    """Whether the generator is known not to have been trained on the validation images."""
    real_only: tuple[float, ...]
    """Validation accuracies of the real images alone, one for each seed."""
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """Of the highest mean accuracy; the first of the grid among equals."""
        return max(self.trials, key=lambda trial: trial.accuracy)

    def margin(self) -> tuple[float, float]:
        """Mean and standard deviation (n - 1) of the best trial's gain over real images alone."""
        differences = [a - b for a, b in zip(self.best.accuracies, self.real_only, strict=True)]
        return fmean(differences), stdev(differences) if len(differences) > 1 else 0.0

    @property
    def helps(self) -> bool:
        """Whether the best mix beats the real images alone by more than the deviation.

        The best one speaks for all: of many, some have a small deviation by luck. One seed has
        none to be beyond.
        """
        mean, deviation = self.margin()
        return len(self.real_only) > 1 and mean > deviation

    @property
    def share(self) -> float:
        """Synthetic share of each batch to train with: the best trial's, or 0 if none helps."""
        return self.best.share if self.helps else 0.0

    def sentences(self) -> list[str]:
        """What was chosen, and what it is worth."""
        best, (mean, deviation) = self.best, self.margin()
        lines = [
            f"best of {len(self.trials)} on {self.validation_images:,} validation images: "
            f"{describe(best)}: {best.accuracy:.1%}, real images alone {fmean(self.real_only):.1%}"
        ]
        gain = f"{100 * mean:+.1f} ± {100 * deviation:.1f} points"
        if self.helps:
            lines.append(f"it beats the real images alone beyond the deviation: {gain}")
        elif len(self.real_only) > 1:
            lines.append(
                f"no mix of these samples beat the real images alone beyond the deviation: {gain}; "
                "use them for more than this classifier's accuracy, or not at all"
            )
        else:
            lines.append(
                f"whether it beats the real images alone is not known: {gain}, but one seed has no "
                "deviation; raise --seeds"
            )
        if not self.unseen:
            lines.append(
                "the generator may have been trained on the validation images: the choice leans "
                "to synthetic images"
            )
        return lines

    def table(self) -> str:
        """Markdown: one line for each trial, in per cent."""
        lines = [
            "| latent std | truncation | least agreement | synthetic share | last share on real "
            "| accuracy |",
            "|---|---|---|---|---|---|",
            f"| real images alone | | | 0 | | {100 * fmean(self.real_only):.1f}"
            f"{'' if self.helps else ' **not beaten**'} |",
        ]
        for trial in self.trials:
            cut = "off" if trial.truncation is None else f"{trial.truncation:g}"
            least = "default" if trial.agreement is None else f"{trial.agreement:g}"
            mark = " **best**" if trial == self.best else ""
            lines.append(
                f"| {trial.latent_std:g} | {cut} | {least} | {trial.share:g} | "
                f"{trial.finish:g} | {100 * trial.accuracy:.1f}{mark} |"
            )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "best": asdict(self.best),
            "margin": self.margin(),
            "helps": self.helps,
            "share": self.share,
            "sentences": self.sentences(),
        }


def describe(trial: Trial) -> str:
    """One combination in words."""
    parts = [f"latent std {trial.latent_std:g}"]
    if trial.truncation is not None:
        parts.append(f"truncation {trial.truncation:g}")
    if trial.agreement is not None:
        parts.append(f"label agreement of at least {trial.agreement:g}")
    parts.append(f"{trial.share:.0%} synthetic")
    if trial.finish:
        parts.append(f"the last {trial.finish:.0%} of the steps on real images alone")
    return ", ".join(parts)


def grid(
    stds: Sequence[float],
    truncations: Sequence[float | None],
    agreements: Sequence[float | None],
) -> list[tuple[float, float | None, float | None]]:
    """Every way of sampling, in order."""
    return [(s, t, a) for s in stds for t in truncations for a in agreements]
