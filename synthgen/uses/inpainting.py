"""A whole image from one with a hole; every pixel outside the hole stays as it is."""

from __future__ import annotations

from pydantic import Field as Option
from pydantic import field_validator

from synthgen.spec.fields import Field, Image
from synthgen.spec.maps import Mask
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Derived, Task
from synthgen.uses.registry import Offered, Use, Words, made_from

SAID = Words(
    "A whole image from one with a hole; known pixels stay as they are.",
    "image with a hole, the hole -> image",
    "synthgen train --use inpainting --data photos --resolution 64 --out runs/whole",
)

SHAPES = ("box", "brush", "side")


class InpaintingOptions(Settings):
    holes: str = Option("box+brush+side", description="Shapes of holes, of box, brush and side.")
    least: float = Option(0.25, gt=0, lt=1, description="Smallest hole, as a share of the side.")
    most: float = Option(0.5, gt=0, lt=1, description="Largest hole, as a share of the side.")

    @field_validator("holes")
    @classmethod
    def _known(cls, holes: str) -> str:
        if unknown := [shape for shape in holes.split("+") if shape not in SHAPES]:
            raise ValueError(f"'{unknown[0]}' is none of {', '.join(SHAPES)}; join them by +")
        return holes


def task(offered: Offered, options: InpaintingOptions) -> Task:
    """``hole`` and ``masked`` are given, ``image`` is made; a label travels along."""
    image = offered.image
    shown = Image(image.height, image.width, image.channels)
    fields: dict[str, Field] = {
        "image": shown,
        "hole": Mask(("known", "hole"), image.height, image.width),
        "masked": shown,
    }
    law = {"shapes": options.holes.split("+"), "least": options.least, "most": options.most}
    derived = {"hole": Derived("hole", (), law), "masked": Derived("masked", ("image", "hole"))}
    return made_from(offered, fields, ["hole", "masked"], derived)


USE = Use("inpainting", SAID, "inpaint", InpaintingOptions, task)
