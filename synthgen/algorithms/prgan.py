"""PrGAN: Gadelha et al. 2016, arXiv:1612.05872.

Solids from silhouettes alone. No solid is ever seen: the generator makes one of a latent, a
differentiable projection shows it from a direction that is drawn (section 3.1, equation 1), and the
discriminator tells its silhouettes from real ones. Nothing says from where a real silhouette was
taken: directions are eight turns about the upright axis, each as likely, as in the paper.

The paper's D has batch norm; here it has none, and its gradients on real images are penalised (R1:
Mescheder et al. 2018, arXiv:1801.04406).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Phase, Schedule, Tensors, Term
from synthgen.algorithms.options import ConvWidth, Embedding, Latent, LearningRate, VolumeWidth
from synthgen.algorithms.pair import CROSS_ENTROPY, NON_SATURATING, centered_penalty, judged
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.algorithms.voxel import LEAST, VOXELS, grid_of
from synthgen.networks.conv import ConvDiscriminator
from synthgen.networks.voxel import VolumeGenerator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field as TaskField
from synthgen.spec.fields import Image, Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.projection import projected, turned_each
from synthgen.spec.settings.base import Settings
from synthgen.spec.solids import Voxels
from synthgen.spec.task import CONDITION, Task


class PrganOptions(Settings):
    latent: Latent = 100
    embedding: Embedding = 16
    width: VolumeWidth = 16
    width_d: ConvWidth = 32
    views: int = Field(
        8, ge=0, le=360, description="Directions that silhouettes are seen from; 0: any direction."
    )
    density: float = Field(
        1.0, gt=0, le=10, description="How much of the light a voxel stops in the projection."
    )
    dark: bool = Field(False, description="Silhouettes are dark on light, not light on dark.")
    gamma: float = Field(1.0, ge=0, description="Weight of the penalty on D's gradients (R1).")
    lr: LearningRate = 2e-4


R1 = Term(1.0, lambda t: centered_penalty(t, "image"))


def plainest(classes: Sequence[str], image: ImageSpec) -> Task:
    """Solids of half the image's side, learnt from the images as silhouettes, by class."""
    side = max(LEAST, min(image.height, image.width) // 2)
    fields: dict[str, TaskField] = {
        "image": Image(image.height, image.width, image.channels),
        VOXELS: Voxels(side),
        "label": Label(tuple(classes)),
    }
    return Task(fields, ("label",), ("image", VOXELS), (("image", "label"),), stratum="label")


TAKES = Takes(made=("image", VOXELS), plainest=plainest)


@algorithm("prgan", PrganOptions, "Projective GAN", 2016, "arXiv:1612.05872", TAKES)
def prgan(task: Task, options: PrganOptions) -> Algorithm:
    """For solids from silhouettes alone."""
    field, image = grid_of(task, "prgan"), task.image
    if VOXELS in task.streams[0]:
        raise SynthgenError(
            "prgan learns from silhouettes alone, and these rows have solids: --algorithm voxel"
        )
    light = -1.0 if options.dark else 1.0

    def seen(t: Tensors, occupied: Tensor) -> Tensor:
        """The silhouette of ``float [N, 1, S, S, S]`` in [0, 1] from the direction drawn, ``float
        [N, C, H, W]`` in [-1, 1]."""
        angles = direction(t["view"].float(), options.views)
        lines = turned_each(occupied[:, 0].float(), angles, image.height, image.width)
        shown = projected(lines, options.density)[:, None]
        return light * (2 * shown - 1).expand(-1, image.channels, -1, -1)

    def stored(t: Tensors) -> Tensor:
        """The silhouette of the voxels that are stored: black and white."""
        shown = seen(t, (t["logits"] > 0).float()) * light
        half = 1 - 2 * math.exp(-options.density / 2)  # half a voxel on the line of sight
        return light * torch.where(shown > half, 1.0, -1.0)

    adam = Adam(options.lr, betas=(0.5, 0.999))
    return Algorithm(
        networks={
            "G": VolumeGenerator(
                task, field.side, options.latent, options.embedding, options.width
            ),
            "D": ConvDiscriminator(task, options.width_d, norm=False),
        },
        latents={"z": Normal((options.latent,)), "view": Normal((2,))},
        tensors={
            "logits": lambda t: t.call("G", t["z"], t[CONDITION]),  # float [N, 1, S, S, S]
            "fake": lambda t: seen(t, torch.sigmoid(t["logits"])),  # float [N, C, H, W]
            "solid": lambda t: torch.tanh(t["logits"] / 2),
            "silhouette": stored,  # float [N, C, H, W]
            "real_logits": lambda t: judged(t, "image"),  # float [N]
            "fake_logits": lambda t: judged(t, "fake"),
        },
        phases=(
            Phase("D", trains=("D",), terms={"cross_entropy": CROSS_ENTROPY},
                  optimizer=adam.beside_a_lazy_phase(4)),
            Phase("R1", trains=("D",), terms={"r1": R1}, every=4, lazy=True, full_precision=True),
            Phase("G", trains=("G",), terms={"adversarial": NON_SATURATING}, optimizer=adam),
        ),
        samples={"image": "silhouette", VOXELS: "solid"},
        judges=(),
        schedules={"gamma": Schedule(options.gamma, options.gamma)},
        augments=False,
    )  # fmt: skip


def direction(drawn: Tensor, views: int) -> Tensor:
    """An angle in degrees for each of ``float [N, 2]`` normal numbers: their own direction, all as
    likely, or the nearest below it of so many ``views``."""
    share = (torch.atan2(drawn[:, 1], drawn[:, 0]) / (2 * math.pi)) % 1.0
    if not views:
        return share * 360
    return (share * views).floor().clamp(max=views - 1) * (360 / views)
