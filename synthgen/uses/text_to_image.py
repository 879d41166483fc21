"""New images from captions: what is said of an image is given, the image is made."""

from __future__ import annotations

from synthgen.spec.fields import Field, Image
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task
from synthgen.spec.texts import Text
from synthgen.uses.registry import Offered, Use

CAPTION = "caption"


class TextToImageOptions(Settings):
    """There are none: the captions are all that is given."""


def task(offered: Offered, options: TextToImageOptions) -> Task:
    """``caption`` is given, ``image`` is made; a label is what a caption's row has, and travels
    along."""
    image = offered.image
    fields: dict[str, Field] = {
        "image": Image(image.height, image.width, image.channels),
        CAPTION: offered.columns.get(CAPTION, Text()),
    }
    if offered.label is None:
        return Task(fields, (CAPTION,), ("image",), (("image", CAPTION),))
    fields["label"] = offered.label
    return Task(fields, (CAPTION,), ("image",), (("image", CAPTION, "label"),), stratum="label")


USE = Use(
    name="text-to-image",
    title="New images from captions, of the rows' own or from a file of prompts.",
    given="caption",
    made="image",
    algorithm="stackgan",
    example="synthgen train --use text-to-image --data pictures --resolution 64 --out runs/told",
    options=TextToImageOptions,
    task=task,
    captioned=True,
)
