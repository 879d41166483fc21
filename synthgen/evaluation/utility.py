"""Does a model get better? Accuracies of one fixed classifier by what it was trained on.

The record of ``report/utility.json`` and the reading of it. Training on generated and testing on
real images: Ravuri & Vinyals 2019, arXiv:1905.10887 (classification accuracy score).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import pandas as pd

from synthgen.evaluation.utility_rows import (
    SAW_NOTHING,
    Gain,
    TrainedOn,
    UtilityRow,
    membership_lines,
    spread,
    toughest_lines,
)

FORMAT = "synthgen-utility"
VERSION = 1


def flattered(shared: int, tested: int) -> str:
    """What to say of test images that are in the pool of unlabelled ones."""
    return (
        f"{shared:,} of {tested:,} test images are among the unlabelled images, pixel by pixel: "
        "the baselines that learn from these are flattered; name others with --unlabelled"
    )


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
    groups: tuple[str, ...] = ()
    """Names of the groups that the worst one is looked for among."""
    shared_unlabelled: int = 0
    """Test images whose very pixels are among the unlabelled images of baselines."""

    @property
    def learner(self) -> str:
        """What is trained: a classifier, or a network that reads a column off images."""
        column = self.protocol.get("learn")
        return "classifier" if column is None else f"reader of {column}"

    @property
    def protocol_name(self) -> str:
        """``strong`` or ``quick``."""
        return str(self.protocol.get("protocol", "quick"))

    @property
    def measure(self) -> str:
        """What the rows' ``accuracies`` are: accuracy, or the mean over the parts of a measure."""
        measure = self.protocol.get("measure")
        return "accuracy" if measure is None else f"mean {measure}"

    def row(self, trained_on: TrainedOn, real_per_class: int) -> UtilityRow | None:
        """The row of this kind and size that is of no baseline, if it was measured."""
        for row in self.rows:
            if (row.name, row.real_per_class) == (trained_on, real_per_class):
                return row
        return None

    def gain(self, row: UtilityRow) -> Gain | None:
        """What a row has over the same real images alone; ``None`` where it is no more than those,
        or they were not measured."""
        alone = self.row("real", row.real_per_class)
        if alone is None or row.name == "real" or not row.real_per_class:
            return None
        return Gain.between(row, row.accuracies, alone.accuracies)

    def gains(self) -> tuple[Gain, ...]:
        """One entry for each number of real images, in order."""
        both = [row for row in self.rows if row.trained_on == "real + synthetic"]
        found = [gain for row in both if (gain := self.gain(row)) is not None]
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
        whole = next((row for row in self.rows if row.name == "real" and row.all_real), None)
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
            points = f"{gain.points} points"
            lines.append(
                {
                    "better": f"with {what} the synthetic images help: {points}",
                    "worse": f"with {what} the synthetic images harm: {points}",
                    "open": f"with {what} it is open whether the synthetic images help: {points}",
                }[gain.verdict]
            )
        if self.shared_images:
            lines.append(
                f"{self.shared_images:,} of {self.test_images:,} test images are among the real "
                "training images, pixel by pixel: the accuracies flatter"
            )
        if self.shared_unlabelled:
            lines.append(flattered(self.shared_unlabelled, self.test_images))
        return [*lines, *toughest_lines(self.rows), *membership_lines(self.rows)]

    def to_frame(self) -> pd.DataFrame:
        """A row for each row and seed: what was trained on, how many images of either kind, the
        seed and the accuracy on real test images, 0 to 1."""
        frame = pd.DataFrame([asdict(row) for row in self.rows])
        frame = frame.drop(columns=["class_accuracies", "group_accuracies", "membership"]).rename(
            columns={"accuracies": "accuracy"}
        )
        frame["seed"] = [self.seeds[: len(values)] for values in frame["accuracy"]]
        return frame.explode(["seed", "accuracy"], ignore_index=True).astype(
            {"seed": "int64", "accuracy": "float64"}
        )

    def table(self) -> str:
        """Markdown: one line for each row, accuracies in per cent, mean ± deviation, and the
        differences to the same real images alone, mean and 95 % interval."""
        heads = [
            "trained on", "real images per class", "synthetic images", "the generator saw",
            self.measure, "against real only", "",
        ]  # fmt: skip
        heads += [] if "learn" in self.protocol else ["worst class"]
        heads += ["worst group"] if self.groups else []
        heads += ["attack: area / found"] if any(row.membership for row in self.rows) else []
        lines = [heads, ["---"] * len(heads), *(self._cells(row) for row in self.rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- ", "|---")

    def _cells(self, row: UtilityRow) -> list[str]:
        gain = self.gain(row)
        real = "none"
        if row.real_per_class:
            real = f"{row.real_per_class:,}" + (" (all)" if row.all_real else "")
        cells = [
            row.name,
            real,
            f"{row.synthetic_images:,}" if row.synthetic_images else "",
            "" if row.generator_saw == SAW_NOTHING else row.generator_saw,
            spread(row.accuracies),
            gain.points if gain else "",
            gain.verdict if gain else "",
        ]
        if "learn" not in self.protocol:
            worst = min(range(len(self.classes)), key=lambda k: row.class_accuracies[k])
            cells.append(f"{100 * row.class_accuracies[worst]:.1f} % ({self.classes[worst]})")
        if self.groups:
            means = [sum(values) for values in zip(*row.group_accuracies, strict=True)]
            cells.append(f"{spread(row.worst_groups)} ({self.groups[means.index(min(means))]})")
        if row.membership:
            area, _, found = (fmean(values) for values in zip(*row.membership, strict=True))
            cells.append(f"{area:.3f} / {100 * found:.1f} %")
        return cells

    def text(self) -> str:
        """For the terminal: the table, then the sentences."""
        seeds = "1 seed" if len(self.seeds) == 1 else f"{len(self.seeds)} seeds"
        head = (
            f"{self.dataset} against {self.real}, tested on {self.test_images:,} images of "
            f"{self.test}; {seeds}, {self.protocol_name} protocol, mean ± "
            "deviation, differences of the same seed with their 95 % interval:"
        )
        return "\n".join([head, "", self.table(), "", *self.sentences()])

    def to_json(self) -> dict[str, Any]:
        """What ``report/utility.json`` holds: the fields, and what is worked out from them."""
        rows = [
            {**asdict(row), "accuracy": row.accuracy, "deviation": row.deviation}
            for row in self.rows
        ]
        gains = [
            {**asdict(gain), "half_width": gain.half_width if gain.seeds > 1 else None,
             "verdict": gain.verdict}
            for gain in self.gains()
        ]  # fmt: skip
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
    """The record's values of the dataclass' own fields, lists as tuples; what an older record has
    not is left out."""
    names: Sequence[str] = tuple(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    return {name: _tuples(record[name]) for name in names if name in record}


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
