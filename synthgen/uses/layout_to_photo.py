"""A photograph from a layout: a mask that says for every place what is there."""

from __future__ import annotations

from synthgen.spec.advice import Help, measured
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.maps import Mask
from synthgen.spec.task import Task
from synthgen.uses.registry import NoOptions, Offered, Reads, Use, Words, made_from

SAID = Words(
    "A photograph from a mask of named classes, which stays beside it as its label map.",
    "mask -> image",
    "synthgen train --use layout-to-photo --data scenes --mask-names background,road,sky "
    "--resolution 64 --out runs/scenes",
)

MASK = "mask"
UNNAMED = ("background", "thing")
"""Classes of the mask where no data are at hand."""


def task(offered: Offered, options: NoOptions) -> Task:
    """``mask`` is given, ``image`` is made; a label travels along."""
    image = offered.image
    mask = offered.columns.get(MASK)
    if not isinstance(mask, Mask):
        names = offered.mask_names
        if not names and offered.columns:
            raise SynthgenError(
                "the values of the masks have no names: give --mask-names background,road,… in the "
                "order of the values, or write classes.json beside the data"
            )
        mask = Mask(names or UNNAMED, image.height, image.width)
    shown = Image(image.height, image.width, image.channels)
    return made_from(offered, {"image": shown, MASK: mask}, [MASK])


HELP = Help(
    does="photographs of masks that you change or draw, the mask beside each",
    brings="an intervention",
    when="masks",
    evidence=(
        measured(
            "500 scenes of the toy world: a segmenter reads the mask with mean IoU 0.67",
            "docs/uses/layout-to-photo.md",
        ),
    ),
    first="colour augmentation; cut things out by their masks and paste them elsewhere",
    commands=(
        "synthgen train --use layout-to-photo --data {data}{reading} --out {runs}-layouts",
        "synthgen sample --generator {runs}-layouts --given {data} --n {images} "
        "--out {out}-layouts",
        "synthgen utility {out}-layouts --real {data} --learn mask --sizes all{held}",
    ),
)

USE = Use("layout-to-photo", SAID, "pix2pix", NoOptions, task, Reads(partner=MASK), helps=HELP)
