"""The rows of a table of utility, and the differences between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

from synthgen.evaluation.paired import Verdict, differences, half_width, verdict

TrainedOn = Literal["real", "synthetic", "real + synthetic"]

SAW_ALL = "all training images"
"""A generator that learnt from more than the classifier gets: shared in place of data."""
SAW_THESE = "only these images"
"""A generator that learnt from just the images that the classifier gets: the low-data case."""
SAW_UNKNOWN = "images that are not known here"
"""The generator's record of its training data is not that of the real images given."""
SAW_NOTHING = "no generator"


@dataclass(frozen=True)
class UtilityRow:
    """One kind of training set, trained on with every seed and tested on real test images."""

    trained_on: TrainedOn
    real_per_class: int
    """Real images of each class: the x of a curve; 0 where none is used, and the largest class'
    count where all are."""
    all_real: bool
    """Whether these are all the real images there are."""
    real_images: int
    synthetic_images: int
    synthetic_share: float
    """Share of each batch that is synthetic, 0 to 1."""
    generator_saw: str
    """What real data the generator was trained on: one of the ``SAW_…`` texts."""
    accuracies: tuple[float, ...]
    """Test accuracy, 0 to 1, of each seed."""
    class_accuracies: tuple[float, ...]
    """Mean over the seeds of the test accuracy of each class."""
    baseline: str = ""
    """The method that more was got out of the real images with, in a row without synthetic ones."""
    group_accuracies: tuple[tuple[float, ...], ...] = ()
    """Test accuracy of each group, for each seed; empty where there are no groups."""

    @property
    def name(self) -> str:
        """What the row was trained on, and by which method."""
        return f"{self.trained_on}, {self.baseline}" if self.baseline else self.trained_on

    @property
    def worst_groups(self) -> tuple[float, ...]:
        """Test accuracy of the worst group, for each seed."""
        return tuple(min(groups) for groups in self.group_accuracies)

    @property
    def accuracy(self) -> float:
        """Mean over the seeds."""
        return fmean(self.accuracies)

    @property
    def deviation(self) -> float:
        """Standard deviation over the seeds (n - 1); 0 for one seed."""
        return stdev(self.accuracies) if len(self.accuracies) > 1 else 0.0


@dataclass(frozen=True)
class Gain:
    """Accuracy of a row less that of another one with the same real images, seed by seed."""

    real_per_class: int
    all_real: bool
    mean: float
    deviation: float
    """Standard deviation (n - 1) of the differences, which share seed and real images."""
    seeds: int = 1

    @classmethod
    def between(cls, row: UtilityRow, values: tuple[float, ...], other: tuple[float, ...]) -> Gain:
        """Of ``values`` of a row over ``other`` values, for each seed."""
        mean, deviation = differences(values, other)
        return cls(row.real_per_class, row.all_real, mean, deviation, len(values))

    @property
    def half_width(self) -> float:
        """Half the 95 % interval of the mean difference, by Student's t over the seeds; infinite
        for one seed."""
        return half_width(self.deviation, self.seeds)

    @property
    def verdict(self) -> Verdict:
        """``open`` where the 95 % interval has nought in it."""
        return verdict(self.mean, self.half_width)

    @property
    def points(self) -> str:
        """The mean difference in points and its interval, as text."""
        mean = f"{100 * self.mean:+.1f}"
        if self.seeds < 2:
            return f"{mean} (one seed, no interval)"
        low, high = self.mean - self.half_width, self.mean + self.half_width
        return f"{mean} ({100 * low:+.1f} to {100 * high:+.1f})"


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation (n - 1) in per cent."""
    deviation = stdev(values) if len(values) > 1 else 0.0
    return f"{100 * fmean(values):.1f} ± {100 * deviation:.1f} %"


def toughest_lines(rows: Sequence[UtilityRow]) -> list[str]:
    """One sentence for each number of real images that baselines were measured with: the toughest,
    and whether generated data beat it; of the worst group where there are groups."""
    lines = []
    sizes = {row.real_per_class: row.all_real for row in rows if row.baseline}
    for size, every in sorted(sizes.items()):
        same = [row for row in rows if row.real_per_class == size and size]
        toughest = max(
            (row for row in same if row.trained_on == "real"), key=lambda row: fmean(_judged(row))
        )
        where = "all" if every else f"{size:,}"
        name = toughest.baseline or "real images alone"
        what = "the worst group of the test" if toughest.group_accuracies else "the test"
        line = (
            f"toughest baseline with {where} real images per class: {name}, right on "
            f"{fmean(_judged(toughest)):.1%} of {what}"
        )
        both = next((row for row in same if row.trained_on == "real + synthetic"), None)
        if both is not None:
            gain = Gain.between(both, _judged(both), _judged(toughest))
            lead = {
                "better": "GAN data beat it by",
                "worse": "GAN data do not beat it:",
                "open": "GAN data do not beat it, it is open:",
            }[gain.verdict]
            line += f"; {lead} {gain.points} points"
        lines.append(line)
    return lines


def _judged(row: UtilityRow) -> tuple[float, ...]:
    return row.worst_groups or row.accuracies
