"""``report/metrics.json``: what an evaluation found, while it is about the images there are."""

from __future__ import annotations

from synthgen.dataset.commit import read_json, write_json
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest
from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.text import as_markdown
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.storage.place import Place


def metrics_path(layout: Layout) -> Place:
    return layout.root / "report" / "metrics.json"


def write_metrics(layout: Layout, found: Evaluation) -> None:
    """Put the record where the report and the card find it."""
    write_json(found.to_json(), metrics_path(layout), layout.staging)


def quality_text(layout: Layout, manifest: Manifest) -> str:
    """The card's words on how good the images are; empty if they have not been evaluated."""
    path = metrics_path(layout)
    if not path.is_file():
        return ""
    try:
        found = Evaluation.from_json(read_json(path), str(path))
    except SynthgenError as error:
        say(f"left out of the card: {error}")
        return ""
    return as_markdown(found) if found.shards == manifest.shards_hash else ""
