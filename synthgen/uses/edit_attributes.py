"""The same image with other attributes: smiling, with glasses, with green hair."""

from __future__ import annotations

from pydantic import Field as Option

from synthgen.spec.advice import Help, measured
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task, edits
from synthgen.spec.vectors import Attributes
from synthgen.uses.faces import ATTRIBUTES, NOTICE
from synthgen.uses.registry import Offered, Reads, Use, Words

SAID = Words(
    "The same image with other attributes; both are kept, with what both show.",
    "image, attributes -> image",
    "synthgen train --use edit-attributes --data faces --field attributes=smiling,glasses "
    "--resolution 64 --out runs/edits",
    NOTICE,
)

UNNAMED = Attributes(("attribute",))
"""The attributes where no data are at hand."""


class EditAttributesOptions(Settings):
    least: float = Option(
        0.01, ge=0, lt=0.5, description="Smallest share of rows that a tag must have to be one."
    )


def task(offered: Offered, options: EditAttributesOptions) -> Task:
    """``source`` and ``attributes`` are given, ``image`` is made; ``source_attributes`` stay beside
    them, and a label travels along."""
    known = offered.columns.get(ATTRIBUTES)
    attributes = known if isinstance(known, Attributes) else UNNAMED
    return edits(offered.image, attributes, offered.label)


READS = Reads(attributes=lambda options: options.least, tagged=True)

HELP = Help(
    does="the same image with another value, so that all combinations are equally often there",
    brings="an intervention",
    when="attributes",
    evidence=(
        measured(
            "drawn faces: asked for green hair, a reader sees it in 95.7 %, after six "
            "minutes of training; images still blurred",
            "docs/uses/edit-attributes.md",
        ),
    ),
    first="rare combinations drawn as often as others, or GroupDRO (arXiv:1911.08731)",
    commands=(
        "synthgen train --use edit-attributes --data {data}{reading} --field {attributes} "
        "--out {runs}-edits",
        "synthgen sample --generator {runs}-edits --given {data} --n {many} --given-again "
        "--balance {attribute} --out {out}-edits",
        "synthgen evaluate {out}-edits --real {data} --generator {runs}-edits",
    ),
)

USE = Use("edit-attributes", SAID, "stargan", EditAttributesOptions, task, READS, helps=HELP)
