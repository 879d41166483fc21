"""manifest.json: where every image came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from synthgen.dataset.receipts import Receipt
from synthgen.spec.plan import Plan

VERSION = 1


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
