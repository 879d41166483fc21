"""The settings of a dataset, as its manifest and its run have them on record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthgen.spec.carried import CarriedColumn, carried_from_json, carried_to_json
from synthgen.spec.columns import pixel_hash_of
from synthgen.spec.errors import SynthgenError
from synthgen.spec.refinement import Refinement
from synthgen.spec.soft_labels import SOFT_LABEL, SoftLabels

AMOUNT = ("n", "per_class", "per_prompt")
"""Settings that may differ when a dataset is extended."""

SOURCE = ("source", "source_split", "source_domain_column", "source_domain")
"""Settings that name the rows which a generator is given."""
NEWER_SOURCE = ("given_again", "set", "field", "balance", "prompts")
"""On record where they say something."""

STORY = "story"
"""On record where the generator was not simply trained and sampled: how the dataset came about."""

CARRIED, CARRIED_FINGERPRINT = "carried", "carried_fingerprint"
"""On record where columns of the given rows travel along: what they are, a hash of their cells."""


def carried_record(columns: Mapping[str, CarriedColumn], fingerprint: str) -> dict[str, Any]:
    """What is on record of columns that travel along: nothing where there are none."""
    if not columns:
        return {}
    return {CARRIED: carried_to_json(columns), CARRIED_FINGERPRINT: fingerprint}


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Hash of the settings that decide a shard's bytes: all but the amount."""
    kept = {key: value for key, value in settings.items() if key not in AMOUNT}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class RunSettings:
    """All that decides a dataset's bytes. Compared and hashed as a whole, whatever it holds."""

    record: Mapping[str, Any]
    """The JSON object; settings of older versions are fewer."""

    @property
    def hash(self) -> str:
        """Hash of the settings that decide a shard's bytes (:func:`settings_hash`)."""
        return settings_hash(self.record)

    @property
    def image_format(self) -> str:
        """``"png"``, ``"webp"`` or ``"jpeg"``."""
        return str(self.record.get("image_format", "png"))

    @property
    def pixel_hash(self) -> str:
        """The name of the hash in the column ``pixel_hash``."""
        return pixel_hash_of(self.record)

    @property
    def exact_duplicates(self) -> bool:
        """Whether the filters allow no two images of the same pixels."""
        return bool(self._filters.get("exact_duplicates"))

    @property
    def bounds(self) -> Sequence[Mapping[str, Any]]:
        """The filters' bounds, as JSON."""
        found: Sequence[Mapping[str, Any]] = self._filters.get("bounds", ())
        return found

    @property
    def story(self) -> str:
        """How the dataset came about, for its card; empty where there is nothing to tell."""
        return str(self.record.get(STORY, ""))

    @property
    def source_fingerprint(self) -> str | None:
        """Of the rows that were given; ``None`` if none were."""
        return self.record.get("source_fingerprint")

    @property
    def carried(self) -> dict[str, CarriedColumn]:
        """The columns of given rows that travel along, by their names in the dataset.

        Raises:
            ValueError: their record is damaged.
        """
        return carried_from_json(self.record.get(CARRIED, ()))

    @property
    def carried_fingerprint(self) -> str | None:
        """Of all cells of those columns; ``None`` if there are none."""
        return self.record.get(CARRIED_FINGERPRINT)

    @property
    def soft_labels(self) -> SoftLabels | None:
        """What the column of soft labels is; ``None`` if there is none.

        Raises:
            ValueError: its record is damaged.
        """
        record = self.record.get(SOFT_LABEL)
        return None if record is None else SoftLabels.from_json(record)

    @property
    def refined(self) -> Refinement | None:
        """How latents were refined; ``None`` if they were not.

        Raises:
            ValueError: its record is damaged.
        """
        return Refinement.of(self.record)

    @property
    def source(self) -> dict[str, Any]:
        """The settings that name the rows which were given."""
        found = {key: self._needed(key) for key in SOURCE} | {"carry": CARRIED in self.record}
        return found | {key: self.record[key] for key in NEWER_SOURCE if key in self.record}

    @property
    def precision(self) -> str:
        """``"fp32"`` or ``"bf16"``."""
        return str(self._needed("precision"))

    @property
    def batch_size(self) -> int:
        """Images that were generated together."""
        return int(self._needed("batch_size"))

    @property
    def latent_std(self) -> float:
        """Standard deviation of the latents."""
        return float(self._needed("latent_std"))

    @property
    def truncation(self) -> float | None:
        """The truncation of the latents; ``None`` if they were not truncated."""
        found: float | None = self._needed("truncation")
        return found

    def without_filters(self) -> dict[str, Any]:
        """All but the filters, which are long."""
        return {key: value for key, value in self.record.items() if key != "filters"}

    @property
    def _filters(self) -> Mapping[str, Any]:
        found = self.record.get("filters", {})
        return found if isinstance(found, Mapping) else {}

    def _needed(self, key: str) -> Any:
        if key not in self.record:
            raise SynthgenError(f"the dataset's settings are damaged (no '{key}'); sample it again")
        return self.record[key]
