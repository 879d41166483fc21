"""A photograph from a drawing: from drawings that the data have, or from the photographs' edges."""

from __future__ import annotations

from pydantic import Field as Option

from synthgen.spec.drawings import THRESHOLD
from synthgen.spec.fields import Image
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Derived, Task
from synthgen.uses.registry import Offered, Reads, Use, Words, made_from

SAID = Words(
    "A photograph from a drawing; a folder of photographs is enough to learn from.",
    "drawing -> image",
    "synthgen train --use sketch-to-photo --data photos --resolution 64 --out runs/drawn",
)

SKETCH = "sketch"


class SketchToPhotoOptions(Settings):
    threshold: float = Option(
        THRESHOLD, gt=0, le=128, description="Grey levels a pixel by which a photograph changes "
        "across a line of its sketch, at least.",
    )  # fmt: skip


def task(offered: Offered, options: SketchToPhotoOptions) -> Task:
    """``sketch`` is given, ``image`` is made; a label travels along.

    The sketch is a column of the data where they have one. Else it is derived from the image.
    """
    image = offered.image
    fields = {
        "image": Image(image.height, image.width, image.channels),
        SKETCH: Image(image.height, image.width, 1),
    }
    derived = {SKETCH: Derived("sketch", ("image",), {"threshold": options.threshold})}
    return made_from(offered, fields, [SKETCH], {} if SKETCH in offered.columns else derived)


USE = Use("sketch-to-photo", SAID, "pix2pix", SketchToPhotoOptions, task, Reads(partner=SKETCH))
