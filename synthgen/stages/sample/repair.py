"""Make again exactly the shards of a dataset that are missing or damaged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from synthgen.dataset.commit import read_json
from synthgen.dataset.layout import Layout
from synthgen.dataset.problems import Kind
from synthgen.dataset.receipts import receipt_path
from synthgen.dataset.run_settings import STORY, settings_hash
from synthgen.dataset.verify import verify
from synthgen.machine.progress import say
from synthgen.quality.filters import FilterSet
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.finished.origin import load_made_by
from synthgen.stages.sample.report import SampleReport
from synthgen.stages.sample.resolve import resolve
from synthgen.stages.sample.stage import run
from synthgen.storage.place import Place, place


def repair(
    root: str | Place,
    *,
    generator: str | None = None,
    source: str | None = None,
    real: str | None = None,
    device: str = "auto",
) -> SampleReport:
    """Go on with the dataset's own run: whatever ``verify`` finds whole stays, byte for byte.

    ``generator`` is needed where the bundle is no bundled one, ``source`` where the images that
    were translated lie elsewhere now, ``real`` where those do that latents were refined towards.

    Raises:
        SynthgenError: the folder has no run of ``synthgen sample`` (its dot-folder is gone, or it
            was filtered from another dataset), or the generator or the source is another than it
            was.
    """
    layout = Layout(place(root))
    if not layout.settings.is_file() or not layout.plan.is_file():
        raise SynthgenError(
            f"{root}: holds no run to repair (its .synthgen folder is missing); sample it again"
        )
    resolved: dict[str, Any] = read_json(layout.settings)
    if not isinstance(resolved, dict):
        raise SynthgenError(f"{layout.settings}: is damaged; sample the dataset again")
    if "filtered_from" in resolved:
        raise SynthgenError(f"{root}: was filtered from another dataset; run synthgen filter again")
    if "merged_from" in resolved:
        raise SynthgenError(
            f"{root}: was merged from other datasets; run the same synthgen merge again"
        )
    if lacking := {"generator", "generator_sha256", "filters", "source"} - set(resolved):
        raise SynthgenError(
            f"{layout.settings}: is damaged (no '{min(lacking)}'); sample the dataset again"
        )
    wanted = {key: value for key, value in resolved.items() if key in SampleSettings.model_fields}
    # The filters are on record with every limit: they need not be worked out again.
    changes: dict[str, Any] = {"filters": "none", "out": str(root), "device": device}
    changes["carry"] = "carried" in resolved
    if generator is not None:
        changes["generator"] = generator
    if source is not None:
        changes["source"] = source
    if real is not None:
        changes["real"] = real
    asked = SampleSettings.parse({**wanted, **changes}, str(layout.settings))
    name, digest = resolved["generator"], resolved["generator_sha256"]
    maker = load_made_by(layout.root, name, digest, generator, device, asked.precision)
    fresh = resolve(asked, maker)
    # Where the source lies is no part of what it is: its fingerprint is compared.
    as_they_were = {"filters", "source", "real", STORY}
    kept = {key: value for key, value in resolved.items() if key in as_they_were}
    settings = {**fresh.settings, **kept}
    filters = FilterSet.from_json(resolved["filters"])
    job = replace(fresh.job, filters=filters, settings_hash=settings_hash(settings))
    tools = fresh.tools.with_filters(filters)
    return run(
        replace(fresh, job=job, tools=tools, settings=settings), "resume", before=_forget_bad
    )


def _forget_bad(layout: Layout) -> None:
    """Take the receipts away from the shards that are bad, and the card from what is not whole."""
    plan, found = Plan.from_json(read_json(layout.plan)), verify(layout.root)
    if found.problems:
        layout.card.unlink(missing_ok=True)
    bad = {problem.shard for problem in found.problems}
    for shard in plan.shards:
        if shard.name in bad:
            receipt_path(layout, shard).unlink(missing_ok=True)
    for problem in found.problems:
        if problem.kind is Kind.STRAY:
            say(f"{problem}; move it elsewhere")
