"""The same face at another age: an edit of one number that keeps who it is."""

from __future__ import annotations

from pydantic import Field as Option

from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task, edits
from synthgen.spec.vectors import Attributes
from synthgen.uses.faces import ATTRIBUTES, NOTICE
from synthgen.uses.registry import Offered, Reads, Use, Words

SAID = Words(
    "The same face at another age, which is an ordered number.",
    "image, age -> image",
    "synthgen train --use ageing --data faces --resolution 64 --flip --out runs/ages",
    NOTICE,
)

IDENTITY = 1.0
"""Weight of the perceptual loss between a face before and after."""


class AgeingOptions(Settings):
    attribute: str = Option("age", description="The attribute that is the age: a number.")


def task(offered: Offered, options: AgeingOptions) -> Task:
    """``source`` and ``attributes``, the age alone, are given, ``image`` is made.

    Raises:
        SynthgenError: the age is no number.
    """
    known = offered.columns.get(ATTRIBUTES)
    if known is None:
        known = Attributes((options.attribute,), {options.attribute: (0.0, 100.0)})
    if not isinstance(known, Attributes) or set(known.names) != set(known.ranges):
        raise SynthgenError(
            f"ageing goes by a number, and '{options.attribute}' is none in these data; name the "
            "column of the ages with --use-options attribute=COLUMN"
        )
    return edits(offered.image, known, offered.label)


READS = Reads(
    attributes=lambda options: 0.0, named=lambda options: (options.attribute,), tagged=True
)
KEEPING = {"stargan": {"identity": IDENTITY}}
USE = Use("ageing", SAID, "stargan", AgeingOptions, task, READS, KEEPING)
