"""SRGAN: Ledig et al. 2016, arXiv:1609.04802.

A large image from a small one. The generator first learns pixels alone (squared error, section 3.2,
"to avoid undesired local optima"), then the features of an ImageNet network and, at a thousandth of
their weight, the discriminator's verdict (equation 3). The networks are lighter than the paper's.

A state of the pixel phase is never the best of a run that goes on to the second. There D has a
learning rate of its own (individual rates: Heusel et al. 2017, arXiv:1706.08500), a quarter of G's,
as G begins it trained and D does not. That puts D's win off, and does not prevent it: see
docs/algorithms.md, which compares four other ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field
from torch.nn.functional import mse_loss

from synthgen.algorithms.contract import Adam, Algorithm, Phase, Term
from synthgen.algorithms.options import LearningRate
from synthgen.algorithms.pair import CROSS_ENTROPY, NON_SATURATING, judged
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.features.perceptual import Perceptual
from synthgen.networks.conv import ConvDiscriminator
from synthgen.networks.upscale import UpscaleGenerator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field as TaskField
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Derived, Task


class SrganOptions(Settings):
    width: int = Field(48, ge=4, le=512, description="Channels of the generator.")
    blocks: int = Field(8, ge=1, le=64, description="Residual blocks of the generator.")
    width_d: int = Field(32, ge=4, le=512, description="Channels of D's first layer.")
    lr: LearningRate = 2e-4
    lr_d: float = Field(
        5e-5,
        gt=0,
        le=1,
        description="Learning rate of D, which at the generator's soon knows every fake.",
    )
    pixels: float = Field(
        0.7, gt=0, le=1, description="Share of the run that learns pixels alone, before D starts."
    )
    perceptual: float = Field(0.1, ge=0, description="Weight of the perceptual loss after that.")
    adversarial: float = Field(1e-3, ge=0, description="Weight of D's verdict after that.")


def plainest(classes: Sequence[str], image: ImageSpec) -> Task:
    """Images twice as large from ``small`` ones."""
    fields: dict[str, TaskField] = {
        "image": Image(image.height, image.width, image.channels),
        "small": Image(image.height // 2, image.width // 2, image.channels),
    }
    return Task(
        fields, ("small",), ("image",), (("image",),), {"small": Derived("area_down", ("image",))}
    )


TAKES = Takes(given=("map",), names=("small",), plainest=plainest)


@algorithm("srgan", SrganOptions, "SRGAN", 2016, "arXiv:1609.04802", TAKES)
def srgan(task: Task, options: SrganOptions) -> Algorithm:
    """For large images from small ones."""
    small, large = task.fields["small"], task.image
    if not isinstance(small, Image) or large.height % small.height or large.width % small.width:
        raise SynthgenError("srgan: the small image's sides must divide the large image's")
    scale = large.height // small.height
    if scale != large.width // small.width or small.channels != large.channels:
        raise SynthgenError("srgan: both images have the same proportions and channels")
    adam = Adam(options.lr, betas=(0.9, 0.999))
    look = Perceptual()
    late = (options.pixels, 1.0)
    pixels = Term(1.0, lambda t: mse_loss(t["fake"].float(), t["image"].float()))
    phases = [
        Phase("pixels", trains=("G",), terms={"pixels": pixels}, optimizer=adam,
              window=(0.0, options.pixels)),
    ]  # fmt: skip
    if options.pixels < 1.0:
        phases += [
            Phase("D", trains=("D",), terms={"cross_entropy": CROSS_ENTROPY},
                  optimizer=replace(adam, lr=options.lr_d), window=late),
            Phase(
                "G",
                trains=("G",),
                terms={
                    "pixels": pixels,
                    "perceptual": Term(
                        options.perceptual, lambda t: look(t["fake"], t["image"])
                    ),
                    "adversarial": Term(options.adversarial, NON_SATURATING.formula),
                },
                window=late,
            ),
        ]  # fmt: skip
    return Algorithm(
        networks={
            "G": UpscaleGenerator(large.channels, options.width, options.blocks, scale),
            "D": ConvDiscriminator(task, options.width_d, norm=False),
        },
        latents={},
        tensors={
            "fake": lambda t: t.call("G", t["small"]),  # float [N, C, H, W]
            "real_logits": lambda t: judged(t, "image"),  # float [N]
            "fake_logits": lambda t: judged(t, "fake"),
        },
        phases=tuple(phases),
        samples={"image": "fake"},
        judges=(),
        inputs=("small",),
        augments=False,
    )
