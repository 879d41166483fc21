"""Does a model get better? Accuracies of one fixed classifier by what it was trained on.

The record of ``report/utility.json`` and the reading of it. Training on generated and testing on
real images: Ravuri & Vinyals 2019, arXiv:1905.10887 (classification accuracy score).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any, Literal

import pandas as pd

FORMAT = "synthgen-utility"
VERSION = 1

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
    """Accuracy of real + synthetic less that of the same real images alone, seed by seed."""

    real_per_class: int
    all_real: bool
    mean: float
    deviation: float
    """Standard deviation (n - 1) of the differences, which share seed and real images."""

    @property
    def verdict(self) -> Literal["better", "worse", "no difference"]:
        """Whether the mean difference is further from nought than the deviation."""
        if abs(self.mean) <= self.deviation:
            return "no difference"
        return "better" if self.mean > 0 else "worse"


@dataclass(frozen=True)
class Utility:
    """All rows of one dataset; ``generator_saw`` holds for every row that uses synthetic images,
    so that the two questions (data shared as a generator, few data made more) never mix."""

    dataset: str
    generator: str
    generator_saw: str
    classes: tuple[str, ...]
    real: str
    real_fingerprint: str
    test: str
    test_fingerprint: str
    test_images: int
    shared_images: int
    """Test images whose very pixels are among the real training images."""
    seeds: tuple[int, ...]
    protocol: dict[str, Any]
    """Every setting of the classifier and its training: the same in all rows."""
    rows: tuple[UtilityRow, ...]

    @property
    def learner(self) -> str:
        """What is trained: a classifier, or a network that reads a column off images."""
        column = self.protocol.get("learn")
        return "classifier" if column is None else f"reader of {column}"

    @property
    def measure(self) -> str:
        """What the rows' ``accuracies`` are: accuracy, or the mean over the parts of a measure."""
        measure = self.protocol.get("measure")
        return "accuracy" if measure is None else f"mean {measure}"

    def row(self, trained_on: TrainedOn, real_per_class: int) -> UtilityRow | None:
        """The row of this kind and size, if it was measured."""
        for row in self.rows:
            if (row.trained_on, row.real_per_class) == (trained_on, real_per_class):
                return row
        return None

    def gains(self) -> tuple[Gain, ...]:
        """One entry for each number of real images, in order."""
        found = []
        for both in self.rows:
            alone = self.row("real", both.real_per_class)
            if both.trained_on != "real + synthetic" or alone is None:
                continue
            differences = [a - b for a, b in zip(both.accuracies, alone.accuracies, strict=True)]
            deviation = stdev(differences) if len(differences) > 1 else 0.0
            found.append(Gain(both.real_per_class, both.all_real, fmean(differences), deviation))
        return tuple(sorted(found, key=lambda gain: gain.real_per_class))

    def _gap(self, made: UtilityRow, whole: UtilityRow) -> str:
        points = f"a gap of {100 * (whole.accuracy - made.accuracy):.1f} points"
        if "learn" in self.protocol:
            return (
                f"trained on synthetic images alone the {self.learner} reaches {made.accuracy:.1%} "
                f"on real test images ({self.measure}), on all {whole.real_images:,} real images "
                f"{whole.accuracy:.1%}: {points}"
            )
        return (
            f"trained on synthetic images alone the classifier is right on {made.accuracy:.1%} of "
            f"real test images, on all {whole.real_images:,} real images on {whole.accuracy:.1%}: "
            f"{points}"
        )

    def sentences(self) -> list[str]:
        """What a person should know, in plain words."""
        lines = []
        whole = next((row for row in self.rows if row.trained_on == "real" and row.all_real), None)
        made = next((row for row in self.rows if row.trained_on == "synthetic"), None)
        if made is not None and whole is not None:
            lines.append(self._gap(made, whole))
        attribute = self.protocol.get("attribute")
        if made is not None and attribute is not None:
            worst = min(range(len(self.classes)), key=lambda k: made.class_accuracies[k])
            real = "" if whole is None else f", on real ones {whole.class_accuracies[worst]:.1%}"
            lines.append(
                f"the worst group is {attribute} = {self.classes[worst]}: right on "
                f"{made.class_accuracies[worst]:.1%} trained on synthetic images{real}"
            )
        for gain in self.gains():
            what = f"{gain.real_per_class:,} real images per class"
            points = f"{100 * gain.mean:+.1f} ± {100 * gain.deviation:.1f} points"
            lines.append(
                {
                    "better": f"with {what} the synthetic images help: {points}",
                    "worse": f"with {what} the synthetic images harm: {points}",
                    "no difference": f"with {what} the synthetic images make no difference beyond "
                    f"the deviation: {points}",
                }[gain.verdict]
            )
        if self.shared_images:
            lines.append(
                f"{self.shared_images:,} of {self.test_images:,} test images are among the real "
                "training images, pixel by pixel: the accuracies flatter"
            )
        return lines

    def to_frame(self) -> pd.DataFrame:
        """A row for each row and seed: what was trained on, how many images of either kind, the
        seed and the accuracy on real test images, 0 to 1."""
        frame = pd.DataFrame([asdict(row) for row in self.rows])
        frame = frame.drop(columns="class_accuracies").rename(columns={"accuracies": "accuracy"})
        frame["seed"] = [self.seeds[: len(values)] for values in frame["accuracy"]]
        return frame.explode(["seed", "accuracy"], ignore_index=True).astype(
            {"seed": "int64", "accuracy": "float64"}
        )

    def table(self) -> str:
        """Markdown: one line for each row, accuracies in per cent, mean ± deviation."""
        gains = {gain.real_per_class: gain for gain in self.gains()}
        lines = [
            "| trained on | real images per class | synthetic images | the generator saw "
            f"| {self.measure} | against real only |",
            "|---|---|---|---|---|---|",
        ]
        for row in self.rows:
            gain = gains.get(row.real_per_class) if row.trained_on == "real + synthetic" else None
            against = f"{100 * gain.mean:+.1f} ± {100 * gain.deviation:.1f}" if gain else ""
            real = "none"
            if row.real_per_class:
                real = f"{row.real_per_class:,}" + (" (all)" if row.all_real else "")
            saw = "" if row.generator_saw == SAW_NOTHING else row.generator_saw
            made = f"{row.synthetic_images:,}" if row.synthetic_images else ""
            score = f"{100 * row.accuracy:.1f} ± {100 * row.deviation:.1f} %"
            lines.append(f"| {row.trained_on} | {real} | {made} | {saw} | {score} | {against} |")
        return "\n".join(lines)

    def text(self) -> str:
        """For the terminal: the table, then the sentences."""
        head = (
            f"{self.dataset} against {self.real}, tested on {self.test_images:,} images of "
            f"{self.test}; {len(self.seeds)} seeds, mean ± deviation:"
        )
        return "\n".join([head, "", self.table(), "", *self.sentences()])

    def to_json(self) -> dict[str, Any]:
        """What ``report/utility.json`` holds: the fields, and what is worked out from them."""
        rows = [
            {**asdict(row), "accuracy": row.accuracy, "deviation": row.deviation}
            for row in self.rows
        ]
        gains = [{**asdict(gain), "verdict": gain.verdict} for gain in self.gains()]
        return {
            "format": FORMAT, "version": VERSION, **asdict(self), "rows": rows, "gains": gains,
            "sentences": self.sentences(),
        }  # fmt: skip

    @staticmethod
    def from_json(record: dict[str, Any]) -> Utility:
        """Read what :meth:`to_json` gave.

        Raises:
            ValueError: the record is of another format or version.
        """
        if (record.get("format"), record.get("version")) != (FORMAT, VERSION):
            raise ValueError(f"is no {FORMAT} of version {VERSION}")
        rows = tuple(UtilityRow(**_fields(UtilityRow, row)) for row in record["rows"])
        return Utility(**{**_fields(Utility, record), "rows": rows})


def _fields(kind: type, record: dict[str, Any]) -> dict[str, Any]:
    """The record's values of the dataclass' own fields, lists as tuples."""
    names: Sequence[str] = tuple(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    return {
        name: tuple(value) if isinstance(value := record[name], list) else value for name in names
    }
