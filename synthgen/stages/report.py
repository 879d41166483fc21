"""One self-contained HTML page about a finished dataset, for a person to look at."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from synthgen.dataset.commit import disk_errors, read_json, write_text
from synthgen.dataset.layout import Layout
from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.text import as_text
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan
from synthgen.storage.place import Place, place

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
td, th { padding: .2rem .8rem; text-align: right }
th { border-bottom: 1px solid #999 } td:first-child, th:first-child { text-align: left }
img { max-width: 100%; image-rendering: pixelated } .poor { color: #a00 } code { background: #eee }
"""


def report(root: str | Place) -> Place:
    """Write ``report/report.html`` from the manifest and, if there is one, the evaluation.

    The page needs no network and runs no script; whatever a class or a path is called is text.

    Raises:
        SynthgenError: the dataset is not finished, or cannot be written.
    """
    layout = Layout(place(root))
    if not layout.is_complete() or not layout.manifest.is_file():
        raise SynthgenError(f"{root}: is no finished synthgen dataset")
    manifest = read_json(layout.manifest)
    found = layout.root / "report" / "metrics.json"
    evaluation = Evaluation.from_json(read_json(found), str(found)) if found.is_file() else None
    page = layout.root / "report" / "report.html"
    with disk_errors(layout.root):
        write_text(_page(layout, manifest, evaluation), page, layout.staging)
    return page


def _page(layout: Layout, manifest: Mapping[str, Any], evaluation: Evaluation | None) -> str:
    plan = Plan.from_json(manifest["plan"])
    name = html.escape(layout.root.resolve().name)
    generator = manifest["generator"]
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title>",
        f"<style>{STYLE}</style><h1>{name}</h1>",
        f"<p>{plan.rows:,} images of {len(plan.classes)} classes, made by the generator "
        f"<code>{html.escape(str(generator['name']))}</code> "
        f"({html.escape(str(generator['algorithm']))}), seed {plan.seed}.</p>",
        *_findings(evaluation),
        "<h2>Samples</h2><p>A random choice, one row per class, in the table's order.</p>",
        _picture(layout.contact_sheet),
        "<h2>What was kept</h2>",
        _counts(plan, manifest["receipts"]),
        f"<p>Filters: {html.escape(str(manifest['filters_text'])) or 'validity only'}</p>",
        "<h2>Where it comes from</h2>",
        f"<pre>{html.escape(_provenance(manifest))}</pre>",
    ]
    return "\n".join(parts) + "\n"


def _findings(found: Evaluation | None) -> list[str]:
    if found is None:
        return ["<p>Not compared with real images yet: <code>synthgen evaluate</code>.</p>"]
    return [f"<h2>In plain words</h2><pre>{html.escape(as_text(found))}</pre>"]


def _counts(plan: Plan, receipts: Sequence[Mapping[str, Any]]) -> str:
    reasons = list(dict.fromkeys(reason for receipt in receipts for reason in receipt["rejected"]))
    rows = []
    for name, kept in plan.per_class.items():
        lost = [
            sum(r["rejected"].get(reason, {}).get(name, 0) for r in receipts) for reason in reasons
        ]
        share = kept / max(1, kept + sum(lost))
        rows.append([name, f"{kept:,}", f"{share:.1%}", *(f"{count:,}" for count in lost)])
    return _table(["class", "images", "kept", *reasons], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line(head, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def _picture(path: Place) -> str:
    if not path.is_file():
        return "<p>(no contact sheet)</p>"
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="random samples, one row per class" src="data:image/png;base64,{data}">'


def _provenance(manifest: Mapping[str, Any]) -> str:
    kept = {key: manifest[key] for key in ("synthgen", "plan_hash", "generator")}
    settings = {key: value for key, value in manifest["settings"].items() if key != "filters"}
    return json.dumps({**kept, "settings": settings}, indent=2, ensure_ascii=False)
