"""pix2pix: Isola et al. 2017, arXiv:1611.07004.

An image from another one, or from any maps of its size, learnt from pairs. A U-Net draws it; a
PatchGAN sees it beside what it was drawn from, and so judges whether the two belong together. L1
keeps the whole near the pair's, the discriminator makes its detail sharp (equation 4). Noise is
dropout alone, at sampling too: an image is a function of what is given and of its candidate.

G's step comes before D's, which judges the very fake that G has learnt from: one pass of G in a
step in place of two.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Phase, Schedule, Tensors, Term
from synthgen.algorithms.options import LearningRate
from synthgen.algorithms.pair import HALF_CROSS_ENTROPY, NON_SATURATING
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.losses.reconstruction import absolute_error
from synthgen.networks.condition import map_channels
from synthgen.networks.translation import patch_layers
from synthgen.networks.unet import ConditionedPatches, UNet
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field as TaskField
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task

SMALLEST = 8
"""Shorter side in pixels below which the discriminator has no patch."""


class Pix2pixOptions(Settings):
    width: int = Field(64, ge=4, le=512, description="Channels of the generator's first layer.")
    width_d: int = Field(64, ge=4, le=512, description="Channels of D's first layer.")
    patch_layers: int | None = Field(
        None, ge=1, le=4, description="Strided layers of D; default: by the image's side."
    )
    pixels: float = Field(100.0, ge=0, description="Weight of the L1 loss.")
    lr: LearningRate = 2e-4


def plainest(classes: Sequence[str], image: ImageSpec) -> Task:
    """Images from ``source`` images of the same size."""
    shown = Image(image.height, image.width, image.channels)
    fields: dict[str, TaskField] = {"image": shown, "source": shown}
    return Task(fields, ("source",), ("image",), (("image", "source"),))


TAKES = Takes(given=("map",), plainest=plainest)


@algorithm("pix2pix", Pix2pixOptions, "pix2pix", 2017, "arXiv:1611.07004", TAKES)
def pix2pix(task: Task, options: Pix2pixOptions) -> Algorithm:
    """For images from images, masks or edges, learnt from pairs."""
    image = task.image
    refuse_other_sizes(task, "pix2pix")
    channels = map_channels(task)
    unet = UNet(channels, image, options.width)
    layers = options.patch_layers or patch_layers(max(image.height, image.width))
    adam = Adam(options.lr, betas=(0.5, 0.999))

    def maps(t: Tensors) -> Tensor:
        """All that is given, channel by channel: ``float [N, maps, H, W]``."""
        return torch.cat([t[name] for name in task.others], dim=1)

    return Algorithm(
        networks={
            "G": unet,
            "D": ConditionedPatches(channels + image.channels, options.width_d, layers),
        },
        latents={"dropout": Normal((max(1, unet.noise),))},
        tensors={
            "maps": maps,
            "fake": lambda t: t.call("G", t["maps"], t["dropout"]),  # float [N, C, H, W]
            "real_logits": lambda t: t.call("D", t["maps"], t["image"]),  # float [N, patches]
            "fake_logits": lambda t: t.call("D", t["maps"], t["fake"]),
        },
        phases=(
            Phase(
                "G",
                trains=("G",),
                terms={
                    "adversarial": NON_SATURATING,
                    "pixels": Term(options.pixels, lambda t: absolute_error(t["fake"], t["image"])),
                },
                optimizer=adam,
                hands_on=("fake",),
            ),
            Phase("D", trains=("D",), terms={"cross_entropy": HALF_CROSS_ENTROPY}, optimizer=adam),
        ),
        samples={"image": "fake"},
        judges=(),
        schedules={"lr": Schedule(1.0, 0.0, start=0.5)},
        inputs=task.others,
        augments=False,
    )


def refuse_other_sizes(task: Task, name: str) -> None:
    """Nothing, if the algorithm of this name can make the image of the task's maps.

    Raises:
        SynthgenError: nothing is given as a map, a map has another size than the image, or the
            image is smaller than a patch.
    """
    image = task.image
    if not task.others:
        raise SynthgenError(f"{name} makes images from maps (an image, a mask, joints): none given")
    for given in task.others:
        field = task.fields[given]
        size = getattr(field, "height", None), getattr(field, "width", None)
        if size != (image.height, image.width):
            raise SynthgenError(
                f"{name}: '{given}' and the image that is made have one size, not "
                f"{size[0]}x{size[1]} and {image.height}x{image.width}"
            )
    if min(image.height, image.width) < SMALLEST:
        raise SynthgenError(f"{name}: images of {image}; it takes {SMALLEST} px and more")
