"""manifest.json: where every image came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from synthgen.dataset.commit import read_json
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan

VERSION = 1
LARGEST_SIDE = 4096


def make_manifest(
    plan: Plan,
    receipts: Sequence[Receipt],
    *,
    settings: Mapping[str, Any],
    generator: Mapping[str, Any],
    class_keys: Mapping[str, int],
    scores: Sequence[str],
    version: str,
    filters_text: str,
) -> dict[str, Any]:
    """Plan, receipts, settings and generator as one JSON record.

    ``generator`` has its name, reference, algorithm, image size, weights' hash and training
    provenance; ``class_keys`` maps a class to the generator's index of it; ``version`` is
    synthgen's.
    """
    return {
        "format": "synthgen-dataset",
        "version": VERSION,
        "synthgen": version,
        "plan_hash": plan.hash,
        "plan": plan.to_json(),
        "settings": dict(settings),
        "generator": dict(generator),
        "class_keys": dict(class_keys),
        "scores": list(scores),
        "filters_text": filters_text,
        "receipts": [asdict(receipt) for receipt in receipts],
    }


def read_manifest(layout: Layout) -> dict[str, Any]:
    """The manifest of a dataset, which anybody may have written, with all that others rely on.

    Raises:
        SynthgenError: it is missing or damaged, or of something else.
        StoreError: the store that it is on fails.
    """
    record = read_json(layout.manifest)
    try:
        if record["format"] != "synthgen-dataset" or record["version"] > VERSION:
            raise ValueError("it is of something else, or of a newer synthgen")
        names = {shard.name for shard in Plan.from_json(record["plan"]).shards}
        for receipt in record["receipts"]:
            if Receipt(**receipt).shard not in names:
                raise ValueError("a receipt is of no shard of the plan")
        generator, image = record["generator"], ImageSpec(**record["generator"]["image"])
        if not (
            1 <= image.height <= 4096 and 1 <= image.width <= 4096 and image.channels in (1, 3)
        ):
            raise ValueError(f"images of {image}")
        texts = [generator["name"], generator["algorithm"], record["filters_text"]]
        texts += [*record["scores"], *(generator.get("domains") or ())]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a name is no text")
        for key in ("settings", "class_keys"):
            if not isinstance(record[key], dict):
                raise ValueError(f"its {key} are none")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise SynthgenError(f"{layout.manifest}: damaged ({reason}); copy it again") from None
    manifest: dict[str, Any] = record
    return manifest
