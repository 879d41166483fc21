"""A large image from a small one, which is derived from the large one by the mean of blocks."""

from __future__ import annotations

from pydantic import Field as Option

from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Derived, Task
from synthgen.uses.registry import Offered, Use, Words, made_from

SAID = Words(
    "A large image from a small one: the detail that enlarging lacks.",
    "small image -> image",
    "synthgen train --use super-resolution --data photos --resolution 64 --out runs/large",
)


class SuperResolutionOptions(Settings):
    scale: int = Option(4, ge=2, le=8, description="How many times as large the image becomes.")


def task(offered: Offered, options: SuperResolutionOptions) -> Task:
    """``small`` is given, ``image`` is made; a label travels along."""
    image, scale = offered.image, options.scale
    if image.height % scale or image.width % scale:
        raise SynthgenError(
            f"images of {image} do not shrink {scale} times to whole pixels; set --resolution or "
            "--use-options scale=N"
        )
    fields = {
        "image": Image(image.height, image.width, image.channels),
        "small": Image(image.height // scale, image.width // scale, image.channels),
    }
    derived = {"small": Derived("area_down", ("image",))}
    return made_from(offered, fields, ["small"], derived)


USE = Use("super-resolution", SAID, "srgan", SuperResolutionOptions, task)
