"""``report/metrics.json``: what an evaluation found, while it is about the images there are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from synthgen.dataset.commit import read_json, write_json
from synthgen.dataset.layout import Layout
from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.text import as_markdown
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.storage.place import Place


def shards_hash(manifest: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over the hashes of all shards of a manifest: changes when any image does."""
    text = "\n".join(sorted(receipt["sha256"] for receipt in manifest["receipts"]))
    return hashlib.sha256(text.encode()).hexdigest()


def metrics_path(layout: Layout) -> Place:
    return layout.root / "report" / "metrics.json"


def write_metrics(layout: Layout, found: Evaluation) -> None:
    """Put the record where the report and the card find it."""
    write_json(found.to_json(), metrics_path(layout), layout.staging)


def quality_text(layout: Layout, manifest: Mapping[str, Any]) -> str:
    """The card's words on how good the images are; empty if they have not been evaluated."""
    path = metrics_path(layout)
    if not path.is_file():
        return ""
    try:
        found = Evaluation.from_json(read_json(path), str(path))
    except SynthgenError as error:
        say(f"left out of the card: {error}")
        return ""
    return as_markdown(found) if found.shards == shards_hash(manifest) else ""
