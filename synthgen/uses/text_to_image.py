"""New images from captions: what is said of an image is given, the image is made."""

from __future__ import annotations

from synthgen.spec.advice import Help
from synthgen.spec.fields import Image
from synthgen.spec.task import Task
from synthgen.spec.texts import Text
from synthgen.uses.registry import NoOptions, Offered, Reads, Use, Words, made_from

SAID = Words(
    "New images from captions, of the rows' own or from a file of prompts.",
    "caption -> image",
    "synthgen train --use text-to-image --data pictures --resolution 64 --out runs/told",
)

CAPTION = "caption"


def task(offered: Offered, options: NoOptions) -> Task:
    """``caption`` is given, ``image`` is made; a label is what a caption's row has, and travels
    along."""
    image = offered.image
    shown = Image(image.height, image.width, image.channels)
    caption = offered.columns.get(CAPTION, Text())
    return made_from(offered, {"image": shown, CAPTION: caption}, [CAPTION])


HELP = Help(
    does="images of captions that no row has",
    brings="an intervention",
    when="captions",
    commands=(
        "synthgen train --use text-to-image --data {data}{reading} --out {runs}-told",
        "synthgen sample --generator {runs}-told --n {many} --out {out}-told",
    ),
)

USE = Use("text-to-image", SAID, "stackgan", NoOptions, task, Reads(captioned=True), helps=HELP)
