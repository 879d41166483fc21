"""Inpainting with gated convolutions and SN-PatchGAN: Yu et al. 2018, arXiv:1806.03589.

What is missing of an image is drawn from what is known of it. L1 and the hinge loss of a
discriminator that sees the hole too; one stage, where the paper has a coarse and a fine one, and no
contextual attention. Known pixels are copied, so that none of them can change.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field
from torch import Tensor

from synthgen.algorithms.contract import Adam, Algorithm, Phase, Tensors, Term
from synthgen.algorithms.options import LearningRate
from synthgen.algorithms.pair import HINGE, RAISE_LOGITS
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.losses.reconstruction import absolute_error
from synthgen.networks.gated import GatedUNet, SpectralPatches
from synthgen.spec.fields import Field as TaskField
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Mask
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Derived, Task

HOLE = ("known", "hole")
"""Classes of the mask of what is missing."""


class InpaintOptions(Settings):
    width: int = Field(32, ge=4, le=512, description="Channels of the generator's first layer.")
    width_d: int = Field(32, ge=4, le=512, description="Channels of D's first layer.")
    lr: LearningRate = 2e-4
    pixels: float = Field(10.0, ge=0, description="Weight of the L1 loss, over the whole image.")
    adversarial: float = Field(0.1, ge=0, description="Weight of the discriminator's verdict.")


def plainest(classes: Sequence[str], image: ImageSpec) -> Task:
    """Whole images from ``masked`` ones and their ``hole``."""
    shown = Image(image.height, image.width, image.channels)
    fields: dict[str, TaskField] = {
        "image": shown, "hole": Mask(HOLE, image.height, image.width), "masked": shown
    }  # fmt: skip
    derived = {"hole": Derived("hole", ()), "masked": Derived("masked", ("image", "hole"))}
    return Task(fields, ("hole", "masked"), ("image",), (("image",),), derived)


TAKES = Takes(given=("map",), names=("hole", "masked"), plainest=plainest)


@algorithm(
    "inpaint", InpaintOptions, "Gated inpainting, SN-PatchGAN", 2018, "arXiv:1806.03589", TAKES
)
def inpaint(task: Task, options: InpaintOptions) -> Algorithm:
    """For filling holes in images."""
    adam = Adam(options.lr, betas=(0.5, 0.999))
    channels = task.image.channels
    layers = 2 if max(task.image.height, task.image.width) <= 32 else 4

    def hole(t: Tensors) -> Tensor:
        return t["hole"][:, 1:2]

    return Algorithm(
        networks={
            "G": GatedUNet(channels, options.width),
            "D": SpectralPatches(channels, options.width_d, layers),
        },
        latents={},
        tensors={
            "fake": lambda t: t.call("G", t["masked"], hole(t)),  # float [N, C, H, W]
            "real_logits": lambda t: t.call("D", t["image"], hole(t)),  # float [N, patches]
            "fake_logits": lambda t: t.call("D", t["fake"], hole(t)),
        },
        phases=(
            Phase("D", trains=("D",), terms={"hinge": HINGE}, optimizer=adam),
            Phase(
                "G",
                trains=("G",),
                terms={
                    "pixels": Term(options.pixels, lambda t: absolute_error(t["fake"], t["image"])),
                    "adversarial": Term(options.adversarial, RAISE_LOGITS.formula),
                },
                optimizer=adam,
            ),
        ),
        samples={"image": "fake"},
        judges=(),
        inputs=("hole", "masked"),
        augments=False,
    )
