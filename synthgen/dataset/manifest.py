"""manifest.json: where every image came from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from synthgen.dataset.columns import Columns, columns_of
from synthgen.dataset.commit import read_json
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt, file_sha256
from synthgen.dataset.run_settings import RunSettings
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan
from synthgen.spec.provenance import Origin

FORMAT = "synthgen-dataset"
VERSION = 1


@dataclass(frozen=True)
class Provenance:
    """By what the rows of a dataset are made again."""

    plan: Plan
    settings: RunSettings
    generator: Origin
    class_keys: Mapping[str, int]
    """Class to the generator's index of it."""
    plan_hash: str
    """The plan's, when it was written down."""

    def to_json(self) -> dict[str, Any]:
        """The JSON object that :meth:`from_json` reads."""
        return {
            "generator": self.generator.to_json(),
            "settings": dict(self.settings.record),
            "class_keys": dict(self.class_keys),
            "plan": self.plan.to_json(),
            "plan_hash": self.plan_hash,
        }

    @staticmethod
    def from_json(record: Any) -> Provenance:
        """The provenance of a JSON object.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is none.
            SynthgenError: its plan is none.
        """
        for key in ("settings", "class_keys"):
            if not isinstance(record[key], dict):
                raise ValueError(f"its {key} are none")
        return Provenance(
            Plan.from_json(record["plan"]),
            RunSettings(record["settings"]),
            Origin.from_json(record["generator"]),
            record["class_keys"],
            str(record["plan_hash"]),
        )


@dataclass(frozen=True)
class Manifest:
    """What a dataset's folder says of the dataset."""

    made: Provenance
    synthgen: str
    """The version that made it."""
    filters_text: str
    """What the filters are, for people."""
    scores: tuple[str, ...]
    """The columns of scores."""
    receipts: tuple[Receipt, ...]
    """Of all shards, in the plan's order."""
    parts: tuple[Provenance, ...] = ()
    """Of a merged dataset: the datasets that it was merged from."""
    part_of: Mapping[str, int] | None = None
    """Of a merged dataset: shard to the part that its rows are of."""

    @property
    def plan(self) -> Plan:
        return self.made.plan

    @property
    def settings(self) -> RunSettings:
        return self.made.settings

    @property
    def generator(self) -> Origin:
        return self.made.generator

    @property
    def columns(self) -> Columns:
        """The columns beside image and label.

        Raises:
            SynthgenError: one is of a kind that no installed package knows.
        """
        task, settings = self.generator.task(self.plan.classes), self.settings
        return columns_of(task, settings.carried, settings.soft_labels)

    @property
    def shards_hash(self) -> str:
        """SHA-256 (hex) over the hashes of all shards: changes when any image does."""
        text = "\n".join(sorted(receipt.sha256 for receipt in self.receipts))
        return hashlib.sha256(text.encode()).hexdigest()

    def receipt(self, shard: str) -> Receipt | None:
        """The receipt of the shard of this name."""
        return next((receipt for receipt in self.receipts if receipt.shard == shard), None)

    def made_of(self, shard: str) -> Provenance:
        """By what the rows of this shard are made again: of a merged dataset its part's."""
        return self.made if self.part_of is None else self.parts[self.part_of[shard]]

    def to_json(self) -> dict[str, Any]:
        """The whole file as a JSON object."""
        made = self.made
        record: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "synthgen": self.synthgen,
            "plan_hash": made.plan_hash,
            "plan": made.plan.to_json(),
            "settings": dict(made.settings.record),
            "generator": made.generator.to_json(),
            "class_keys": dict(made.class_keys),
            "scores": list(self.scores),
            "filters_text": self.filters_text,
            "receipts": [asdict(receipt) for receipt in self.receipts],
        }
        if self.part_of is not None:
            record["parts"] = [part.to_json() for part in self.parts]
            record["part_of"] = dict(self.part_of)
        return record

    @staticmethod
    def from_json(record: Any) -> Manifest:
        """The manifest of a JSON object, which anybody may have written.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is none.
            SynthgenError: its plan is none.
        """
        if record["format"] != FORMAT or record["version"] > VERSION:
            raise ValueError("it is of something else, or of a newer synthgen")
        made = Provenance.from_json(record)
        for read in ("carried", "soft_labels", "refined"):
            getattr(made.settings, read)  # it raises where its record is damaged
        names = {shard.name for shard in made.plan.shards}
        receipts = tuple(Receipt.from_json(receipt) for receipt in record["receipts"])
        if not all(receipt.shard in names for receipt in receipts):
            raise ValueError("a receipt is of no shard of the plan")
        texts = [record["synthgen"], record["filters_text"], *record["scores"]]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a name is no text")
        parts = tuple(Provenance.from_json(part) for part in record.get("parts", ()))
        part_of = record.get("part_of")
        if part_of is not None:
            numbers = {part_of[name] for name in names}
            if not numbers <= set(range(len(parts))):
                raise ValueError("a shard is of no part")
        return Manifest(
            made,
            record["synthgen"],
            record["filters_text"],
            tuple(record["scores"]),
            receipts,
            parts,
            part_of,
        )


def read_manifest(layout: Layout) -> Manifest:
    """The manifest of a dataset.

    Raises:
        SynthgenError: it is missing or damaged, or of something else.
        StoreError: the store that it is on fails.
    """
    record = read_json(layout.manifest)
    try:
        return Manifest.from_json(record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise SynthgenError(f"{layout.manifest}: damaged ({reason}); copy it again") from None


def finished_manifest(layout: Layout) -> Manifest:
    """The manifest of a dataset that is finished.

    Raises:
        SynthgenError: it is not, or its manifest is damaged.
        StoreError: the store that it is on fails.
    """
    if not layout.is_complete() or not layout.manifest.is_file():
        raise SynthgenError(f"{layout.root}: is no finished synthgen dataset")
    return read_manifest(layout)


def refuse_damaged(layout: Layout, manifest: Manifest) -> None:
    """Look whether the shards of a finished dataset have the bytes that its manifest promises.

    Raises:
        SynthgenError: one is missing or has others.
        StoreError: the store fails.
    """
    for receipt in manifest.receipts:
        path = layout.data / receipt.shard
        if not path.is_file() or file_sha256(path) != receipt.sha256:
            raise SynthgenError(f"{path}: missing or damaged; mend it with synthgen repair")
