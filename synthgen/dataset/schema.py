"""The columns of a dataset: one source for every shard's metadata and for the card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from synthgen.dataset.codecs.registry import codec_of
from synthgen.dataset.columns import Columns
from synthgen.spec.columns import TRAIN_ROW
from synthgen.spec.soft_labels import SOFT_LABEL

if TYPE_CHECKING:
    import datasets

PROVENANCE = ("seed", "shard", "candidate", "generator_class")
"""The four numbers that make an image again, with the manifest's generator and settings."""


def make_features(
    classes: tuple[str, ...],
    scores: tuple[str, ...],
    *,
    reason: bool = False,
    columns: Columns = Columns(),  # noqa: B008 - frozen
) -> datasets.Features:
    """Columns of a shard: image, label, the further ``columns``, provenance, pixel hash,
    scores; rejects have a reason."""
    import datasets

    found: dict[str, Any] = {
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=list(classes)),
    }
    found.update({name: codec_of(kind).feature() for name, kind in columns.fields.items()})
    if columns.domain:
        found["domain"] = datasets.Value("string")
    for name, carried in columns.carried.items():
        classes_of = list(carried.names)
        found[name] = (
            datasets.ClassLabel(names=classes_of) if classes_of else datasets.Value(carried.dtype)
        )
    if columns.soft is not None:
        number = datasets.Value("float32")
        found[SOFT_LABEL] = datasets.Sequence(number, length=columns.soft.classes)
    found.update({name: datasets.Value("int64") for name in PROVENANCE})
    found["pixel_hash"] = datasets.Value("int64")
    found.update({name: datasets.Value(score_type(name)) for name in scores})
    if reason:
        found["reason"] = datasets.Value("string")
    return datasets.Features(found)


def score_type(name: str) -> str:
    """The type of a score's column: every score but one is a measure."""
    return "int64" if name == TRAIN_ROW else "float32"


def arrow_schema(features: datasets.Features) -> pa.Schema:
    """The Arrow schema with the ``huggingface`` metadata that ``load_dataset`` reads."""
    schema = features.arrow_schema
    info = {"info": {"features": features.to_dict()}}
    return schema.with_metadata({"huggingface": json.dumps(info)})


def features_of(schema: pa.Schema) -> dict[str, Any] | None:
    """The features in a shard's metadata; ``None`` if it has none that can be read."""
    try:
        record: dict[str, Any] = json.loads((schema.metadata or {})[b"huggingface"])
        features: dict[str, Any] = record["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return None
    return features
