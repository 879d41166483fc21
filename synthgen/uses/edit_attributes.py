"""The same image with other attributes: smiling, with glasses, with green hair."""

from __future__ import annotations

from pydantic import Field as Option

from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task, edits
from synthgen.spec.vectors import Attributes
from synthgen.uses.faces import ATTRIBUTES, NOTICE
from synthgen.uses.registry import Offered, Use

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


USE = Use(
    name="edit-attributes",
    title="The same image with other attributes; both are kept, with what both show.",
    given="image, attributes",
    made="image",
    algorithm="stargan",
    example="synthgen train --use edit-attributes --data faces --field attributes=smiling,glasses "
    "--resolution 64 --out runs/edits",
    options=EditAttributesOptions,
    task=task,
    attributes=lambda options: options.least,
    tagged=True,
    notice=NOTICE,
)
