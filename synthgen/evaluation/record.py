"""What an evaluation found: the one record that the text, metrics.json, card and report show."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from synthgen.evaluation.edits import Edits
from synthgen.evaluation.measures import Compared
from synthgen.evaluation.repeats import Closeness
from synthgen.evaluation.restoration import Restoration
from synthgen.evaluation.utility import Utility
from synthgen.spec.errors import SynthgenError

VERSION = 1

Level = Literal["bad", "care", "good"]


@dataclass(frozen=True)
class Finding:
    """One plain sentence. ``bad`` is reason enough not to use the dataset."""

    level: Level
    about: str
    """memorisation, repetition, diversity, coverage, realism, labels or originals."""
    text: str


@dataclass(frozen=True)
class ClassEvaluation:
    """One class. ``None`` where it has too few images, or nothing to measure with."""

    name: str
    images: int
    real_images: int
    diversity: float | None
    """Spread of its images as a share of the real ones'."""
    real_diversity: float | None
    """Spread of one half of the real images as a share of the other half's."""
    agreement: float | None
    """Share of its images to which the label classifier gives their own label."""
    real_agreement: float | None
    compared: Compared | None
    probe_agreement: float | None = None
    """Share of its images to which a linear probe on the extractor's features gives their own
    label: a witness that filters nothing."""
    real_probe_agreement: float | None = None
    """The share for real images that the probe was not fitted to."""


@dataclass(frozen=True)
class AttributeEvaluation:
    """One value of an attribute, or an attribute that is a number, as a reader sees it."""

    attribute: str
    value: str
    """Empty of a number."""
    number: bool
    images: int
    """That have the value."""
    agreement: float | None
    """Share of them of which the reader says so; of a number the mean error."""
    real_images: int
    real_agreement: float | None


@dataclass(frozen=True)
class PartEvaluation:
    """A named part of a field, as a class of a mask, or the mean over all, as a reader sees it."""

    column: str
    part: str
    """Empty of the mean."""
    measure: str
    images: int
    """That have the part."""
    value: float
    """0 to 1."""
    real_images: int
    real_value: float | None


@dataclass(frozen=True)
class Duplicates:
    """Images that are there twice."""

    rows: int
    exact: int
    """Rows beyond the first of those with the same pixels; of the whole dataset."""
    real_rows: int
    real_exact: int
    near: Closeness | None


@dataclass(frozen=True)
class Memorisation:
    """Images that are the training set's, or nearly."""

    training: str
    """The images searched, by name."""
    known: bool
    """Whether they are known to be what the generator was trained on."""
    total: int
    searched: int
    """Of ``total`` images, for the nearest; identical pixels are looked for among all."""
    unseen: str
    """Which real images tell what is usual."""
    rows: int
    copies: int
    """Images looked at whose pixels, or their mirror image, are a training image's."""
    near: Closeness | None
    agrees: bool = False
    """Whether images must agree with given rows: then nearness is no sign of memorisation."""


@dataclass(frozen=True)
class Acceptance:
    """A class' candidates: those kept, and those thrown away by reason."""

    name: str
    kept: int
    rejected: dict[str, int]

    @property
    def candidates(self) -> int:
        return self.kept + sum(self.rejected.values())

    @property
    def share(self) -> float:
        """Of the candidates that are kept; 1 where there were none."""
        return self.kept / self.candidates if self.candidates else 1.0


@dataclass(frozen=True)
class Evaluation:
    """Distances belong to the extractor named: they compare nothing that another one measured."""

    dataset: str
    shards: str
    """Hash of the shards' hashes: which images this is about."""
    extractor: str
    """Name of the feature extractor."""
    fid: bool
    """Whether it is FID's Inception: only then are the distances FID and KID."""
    real: str
    real_fingerprint: str
    seen: bool
    """Whether the generator is known to have been trained on the real images compared with."""
    images: int
    real_images: int
    overall: Compared | None
    classes: tuple[ClassEvaluation, ...]
    acceptance: tuple[Acceptance, ...]
    duplicates: Duplicates
    memorisation: Memorisation
    verdict: str = ""
    findings: tuple[Finding, ...] = ()
    restorations: tuple[Restoration, ...] = ()
    """Where images were made from what was derived of originals: how near they come to these."""
    attributes: tuple[AttributeEvaluation, ...] = ()
    """Of a dataset whose images are made from attributes."""
    edits: Edits | None = None
    """Of a dataset whose images are edits of others."""
    parts: tuple[PartEvaluation, ...] = ()
    """Of fields with parts, as masks: what a reader sees of each."""
    utility: Utility | None = None
    """Where it was asked for: the same record as ``report/utility.json``."""

    @property
    def level(self) -> Level:
        """The worst of the findings'."""
        levels = {finding.level for finding in self.findings}
        return "bad" if "bad" in levels else "care" if "care" in levels else "good"

    def to_frame(self) -> pd.DataFrame:
        """A row for each class, by its name: images, diversity and label agreement beside the real
        ones', candidates and what was kept of them, and the distances, named as in the record (the
        real images' own with ``real_`` before them). What was not measured is not a number."""
        kept = {entry.name: entry for entry in self.acceptance}
        rows = []
        for entry in self.classes:
            row = {key: value for key, value in asdict(entry).items() if key != "compared"}
            if entry.name in kept:
                row["candidates"] = kept[entry.name].candidates
                row["kept"] = kept[entry.name].share
            if entry.compared is not None:
                row.update(asdict(entry.compared.made))
                real = asdict(entry.compared.real)
                row.update({f"real_{name}": value for name, value in real.items()})
            rows.append(row)
        return pd.DataFrame(rows).set_index("name")

    def to_json(self) -> dict[str, Any]:
        """A JSON record; figures that are not numbers are null."""
        own = {"version": VERSION, "level": self.level, **asdict(self)}
        del own["utility"]
        if self.utility is not None:
            own["utility"] = self.utility.to_json()
        if self.edits is None:
            del own["edits"]
        record: dict[str, Any] = _finite(own)
        return record

    @staticmethod
    def from_json(record: Any, where: str) -> Evaluation:
        """What :meth:`to_json` gave.

        Raises:
            SynthgenError: it is damaged, or of another version.
        """
        try:
            if record["version"] != VERSION:
                raise ValueError
            own = {key: value for key, value in record.items() if key not in ("version", "level")}
            if "utility" in own:
                own["utility"] = Utility.from_json(own["utility"])
            return TypeAdapter(Evaluation).validate_python(own)
        except (ValidationError, ValueError, KeyError, TypeError):
            raise SynthgenError(
                f"{where}: damaged or of another version; run synthgen evaluate again"
            ) from None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
