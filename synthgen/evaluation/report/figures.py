"""The sections of tables and drawings."""

from __future__ import annotations

import json
from collections.abc import Iterator

from synthgen.evaluation.attributes import cells_of
from synthgen.evaluation.edits import HEADS, edit_rows
from synthgen.evaluation.evidence import Evidence
from synthgen.evaluation.parts import part_cells
from synthgen.evaluation.record import ClassEvaluation, Evaluation
from synthgen.evaluation.report.charts import (
    COLOURS,
    legend,
    map_panels,
    stacked,
    utility_chart,
)
from synthgen.evaluation.report.content import Content
from synthgen.evaluation.report.markup import Child, Html, bar, element, join, table
from synthgen.evaluation.retrieval import retrieval_rows
from synthgen.evaluation.text import measure_name, measure_rows, restored_rows, shown
from synthgen.evaluation.utility import Utility
from synthgen.evaluation.utility_rows import SAW_NOTHING

MEANINGS = (
    ("Fréchet distance, kernel distance", "how far the two sets of images are from each other, "
     "seen through the extractor named; smaller is better, and other real images show what is to "
     "be had"),
    ("precision", "share of images that lie where real ones do: are they real?"),
    ("recall", "share of real images that lie where these do: are they varied?"),
    ("density", "how many real neighbourhoods an image lies in, 1 for real images"),
    ("coverage", "share of real images with one of these near by: is all there?"),
    ("diversity", "how far apart two images of a class are, as a share of real ones'"),
    ("label agreement", "share of images to which the bundle's classifier, trained on real "
     "images, gives their own label; filters use it too"),
    ("linear probe", "share of images to which a linear classifier on the extractor's features, "
     "fitted to real images for this page, gives their own label: nothing was filtered by it"),
)  # fmt: skip


def beside_real(found: Evaluation) -> Iterator[Html]:
    """All measures beside what real images measure, as a whole and class by class."""
    yield element(
        "p",
        f"{found.images:,} images against {found.real_images:,} of {found.real}, seen through "
        f"{found.extractor}. Every figure stands beside its real value: that of other real images "
        "against the same ones, with as many images.",
    )
    if found.seen:
        yield element(
            "p",
            element("b", "The generator was trained on the very images that it is compared with: "),
            "distances, precision and recall flatter it.",
        )
    if found.overall:
        yield table(
            ("", "this dataset", "real against real"),
            measure_rows(found.overall, found.fid),
        )
        yield element("p", f"{found.overall.images:,} images on either side.", class_="note")
    yield element("h3", "Class by class")
    yield element("p", legend((("this dataset", "made"), ("real images", "real"))), class_="note")
    yield table(
        ("class", "diversity", "label agreement", "linear probe", "precision", "recall", "coverage",
         measure_name("frechet_distance", found.fid), "the nearest class is at"),
        (_class_row(entry) for entry in found.classes),
    )  # fmt: skip
    if found.attributes:
        yield element("h3", "Attributes, as the bundle's reader sees them")
        yield table(
            ("attribute", "this dataset", "of real images"), map(cells_of, found.attributes)
        )
    if found.edits:
        yield element("h3", "Edits, as the bundle's reader sees them")
        yield table(HEADS, edit_rows(found.edits))
    if found.parts:
        yield element("h3", "Parts of what was given, as the bundle's reader sees them")
        yield table(("part", "this dataset", "of real images"), map(part_cells, found.parts))
    if found.retrievals:
        yield element("h3", "Captions, as the bundle's reader sees them")
        yield table(("", "this dataset", "of real images"), retrieval_rows(found.retrievals))
    meanings = [(element("dt", name), element("dd", text)) for name, text in MEANINGS]
    yield element("details", element("summary", "What the figures mean"), element("dl", meanings))


def originals(found: Evaluation) -> Html:
    """How near images or solids are to those that they were to be, beside plain ways back."""
    parts = [
        join([
            element("p", f"{each.what}."),
            table(
                ("", "PSNR, mean", "mean difference of 255", "perceptual distance"),
                restored_rows(each),
            ),
        ])
        for each in found.restorations
    ]  # fmt: skip
    solids = found.reconstruction
    if solids is not None:
        parts.append(join([element("p", f"{solids.what}."), table(("", "IoU"), solids.rows())]))
    return join(parts)


def _class_row(entry: ClassEvaluation) -> list[Child]:
    cells: list[Child] = [
        entry.name,
        bar(entry.diversity, entry.real_diversity, _percent(entry.diversity), most=1.25),
        bar(entry.agreement, entry.real_agreement, _percent(entry.agreement)),
        bar(entry.probe_agreement, entry.real_probe_agreement, _percent(entry.probe_agreement)),
    ]
    if entry.compared is None:
        return [*cells, "–", "–", "–", "too few images", ""]
    made, real = entry.compared.made, entry.compared.real
    for name in ("precision", "recall", "coverage"):
        value = getattr(made, name)
        cells.append(bar(value, getattr(real, name), _percent(value)))
    far = element("small", f"real {shown(real.frechet_distance)}")
    cells.append(join([shown(made.frechet_distance), far]))
    other = entry.compared
    cells.append(
        join([shown(other.other_class_distance), element("small", other.other_class)])
        if other.other_class
        else "–"
    )
    return cells


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def mapped(content: Content, evidence: Evidence) -> Html:
    """Real and synthetic images on one map."""
    real = sum(not point.made for point in evidence.points)
    return join([
        element("p", f"{real:,} real and {len(evidence.points) - real:,} synthetic images along "
                "the two directions in which their features differ most (principal components). "
                "Real images with no synthetic ones near are what is missing; synthetic ones with "
                "no real ones near look like nothing real. What lies apart is unlike; what lies "
                "together may still differ in ways that two directions do not show.",
                class_="note"),
        map_panels(evidence.points, content.classes),
    ])  # fmt: skip


def acceptance(content: Content) -> Html:
    """Candidates kept and thrown away, by class and reason."""
    reasons = list(dict.fromkeys(name for entry in content.acceptance for name in entry.rejected))
    style = {name: f"c{place % COLOURS}" for place, name in enumerate(reasons)}
    rows = []
    for entry in content.acceptance:
        whole = max(1, entry.candidates)
        parts = [(entry.kept / whole, "kept", "kept")]
        parts += [(entry.rejected.get(name, 0) / whole, style[name], name) for name in reasons]
        rows.append([entry.name, stacked(parts), f"{entry.share:.1%}", f"{entry.kept:,}",
                     *(f"{entry.rejected.get(name, 0):,}" for name in reasons)])  # fmt: skip
    return join([
        element("p", "Filters: ", content.filters or "validity only", class_="note"),
        table(("class", "", "kept", "images", *(_legend_head(name, style) for name in reasons)),
              rows),
    ])  # fmt: skip


def _legend_head(name: str, style: dict[str, str]) -> Html:
    return join([element("i", class_=f"key {style[name]}"), " ", name.replace("_", " ")])


def utility(found: Utility) -> Html:
    """Accuracy of one fixed classifier by what it was trained on."""
    rows = [
        (row.name, f"{row.real_per_class:,}" + (" (all)" if row.all_real else "")
         if row.real_per_class else "–",
         f"{row.synthetic_images:,}" if row.synthetic_images else "–",
         f"{100 * row.accuracy:.1f} ± {100 * row.deviation:.1f} %",
         "–" if row.generator_saw == SAW_NOTHING else row.generator_saw)
        for row in found.rows
    ]  # fmt: skip
    return join([
        element("p", f"One {found.learner}, trained {len(found.seeds)} times with each training "
                f"set and tested on {found.test_images:,} real images of {found.test}."),
        element("p", element("b", f"The generator saw {found.generator_saw}."), " Both questions, "
                "a generator shared in place of data and few images made more, are never mixed."),
        element("ul", [element("li", line) for line in found.sentences()]),
        utility_chart(found),
        table(("trained on", "real per class", "synthetic", found.measure, "the generator saw"),
              rows),
    ])  # fmt: skip


def provenance(content: Content) -> Html:
    """Generator, settings, hashes."""
    facts = [(element("dt", name), element("dd", value)) for name, value in content.facts]
    whole = json.dumps(content.manifest, indent=2, ensure_ascii=False)
    return join([
        element("dl", facts),
        element("details", element("summary", "Generator and settings in full"),
                element("pre", whole)),
    ])  # fmt: skip
