"""An image of another look: from pairs, or from two sets of images that are none."""

from __future__ import annotations

from dataclasses import replace

from synthgen.spec.advice import Help
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field, Image
from synthgen.spec.task import Task, two_kinds
from synthgen.uses.registry import NoOptions, Offered, Reads, Use, Words, made_from

SAID = Words(
    "An image of another look, from pairs or from two sets of images without pairs.",
    "image -> image",
    "synthgen train --use image-to-image --data pairs --resolution 64 --out runs/day",
)

SOURCE = "source"


def task(offered: Offered, options: NoOptions) -> Task:
    """``source`` is given, ``image`` is made. A label travels along from pairs; without pairs it is
    given, for it is all that the two sets have in common."""
    image = offered.image
    shown = Image(image.height, image.width, image.channels)
    if offered.kinds is not None:
        if offered.label is not None:
            return two_kinds(offered.label.names, image, offered.kinds)
        first, second = (replace(shown, shows=kind) for kind in offered.kinds)
        two: dict[str, Field] = {"image": second, SOURCE: first}
        return Task(two, (SOURCE,), ("image",), (("image",), (SOURCE,)))
    if offered.columns and not isinstance(offered.columns.get(SOURCE), Image):
        raise SynthgenError(
            "each image needs the one that it is made from: name its column with --field "
            "source=COLUMN"
        )
    return made_from(offered, {"image": shown, SOURCE: shown}, [SOURCE])


READS = Reads(partner=SOURCE, without_pairs="cyclegan")
# Plain cycles lose labels: most of what they make shows another class than its row says.
GUARDS = {"cyclegan": {"semantic": 1.0, "task": 1.0}}

HELP = Help(
    does="the partner of an image is made from it, also where it has none",
    brings="unlabelled images",
    when="pairs",
    first="is the partner computed by a program? Then run that on more images",
    commands=(
        "synthgen train --use image-to-image --data {data}{reading} --out {runs}-pairs",
        "synthgen sample --generator {runs}-pairs --given {data} --n {images} --out {out}-pairs",
        "synthgen evaluate {out}-pairs --real {data} --generator {runs}-pairs",
    ),
)

USE = Use("image-to-image", SAID, "pix2pix", NoOptions, task, READS, GUARDS, helps=HELP)
