"""PG2, pose guided person generation: Ma et al. 2017, arXiv:1705.09368.

An image of a person from joints, each a bump in a channel of its own. Stage 1 learns the whole by
L1, in which the body counts twice; stage 2 adds a difference map that makes it sharp, judged beside
what is given. Where another image of the same person is given, it is one more map, and both stages
see it as in the paper.

Without one, many people have a pose: stage 1 draws their mean, and stage 2 is told a latent, of
which it makes one of them. So that it does not pass the latent by, images of two latents are driven
apart (Yang et al. 2019, arXiv:1901.09024), and L1 weighs less. The paper's fully connected layer
and its DCGAN discriminator are U-Net and PatchGAN here, as in pix2pix.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor

from synthgen.algorithms.contract import (
    Adam,
    Algorithm,
    Formula,
    Normal,
    Phase,
    Schedule,
    Tensors,
    Term,
)
from synthgen.algorithms.options import Latent, LearningRate
from synthgen.algorithms.pair import HALF_CROSS_ENTROPY, NON_SATURATING
from synthgen.algorithms.pix2pix import refuse_other_sizes
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.losses.pose import masked_error, pose_mask, spread
from synthgen.networks.condition import map_channels
from synthgen.networks.translation import patch_layers
from synthgen.networks.unet import ConditionedPatches, StyledUNet, UNet
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field as TaskField
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Keypoints
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task

REACH = 2.0
"""How far from a limb the body goes, in radii of a joint's bump."""
JOINTS = ("head", "left hand", "right hand", "left foot", "right foot")
"""Of the plainest task."""


class PoseOptions(Settings):
    latent: Latent = 32
    width: int = Field(32, ge=4, le=512, description="Channels of both generators' first layer.")
    width_d: int = Field(32, ge=4, le=512, description="Channels of D's first layer.")
    patch_layers: int | None = Field(
        None, ge=1, le=4, description="Strided layers of D; default: by the image's side."
    )
    coarse: float = Field(
        0.3, gt=0, lt=1, description="Share of the run that learns stage 1, before stage 2 begins."
    )
    pixels: float | None = Field(
        None,
        ge=0,
        description="Weight of the L1 loss in stage 2; default: 10 with an image of the person, 1 "
        "without.",
    )
    diversity: float | None = Field(
        None,
        ge=0,
        description="Weight of the difference between images of two latents; default: 0 with an "
        "image of the person, 2 without.",
    )
    lr: LearningRate = 2e-4


def plainest(classes: Sequence[str], image: ImageSpec) -> Task:
    """Images from the ``keypoints`` of a head, two hands and two feet."""
    height, width = image.height, image.width
    fields: dict[str, TaskField] = {
        "image": Image(height, width, image.channels),
        "keypoints": Keypoints(JOINTS, height, width, (), ((1, 2), (3, 4))),
    }
    return Task(fields, ("keypoints",), ("image",), (("image", "keypoints"),))


TAKES = Takes(given=("map",), plainest=plainest)


@algorithm("pose", PoseOptions, "PG2", 2017, "arXiv:1705.09368", TAKES)
def pose(task: Task, options: PoseOptions) -> Algorithm:
    """For people from joints, many of each pose.

    Builds both stages and their judge; see the module's text.
    """
    image, channels = task.image, map_channels(task)
    refuse_other_sizes(task, "pose")
    layers = options.patch_layers or patch_layers(max(image.height, image.width))
    coarse = UNet(channels, image, options.width)
    adam = Adam(options.lr, betas=(0.5, 0.999))
    late = (options.coarse, 1.0)
    return Algorithm(
        networks={
            "G1": coarse,
            "G2": StyledUNet(channels + image.channels, image, options.width, options.latent),
            "D": ConditionedPatches(channels + image.channels, options.width_d, layers),
        },
        latents={"z": Normal((options.latent,))},
        tensors=_tensors(task, max(1, coarse.noise)),
        phases=(
            Phase(
                "G1",
                trains=("G1",),
                terms={"pixels": _error(1.0, "coarse")},
                optimizer=adam,
                window=(0.0, options.coarse),
            ),
            Phase(
                "G2",
                trains=("G2",),
                terms=_of_stage_2(task, options),
                optimizer=adam,
                window=late,
                hands_on=("fake",),
            ),
            Phase("D", ("D",), {"cross_entropy": HALF_CROSS_ENTROPY}, adam, window=late),
        ),
        samples={"image": "fake"},
        generators=("G1", "G2"),
        judges=(),
        schedules={"lr": Schedule(1.0, 0.0, start=(1 + options.coarse) / 2)},
        inputs=task.others,
        augments=False,
    )


def _tensors(task: Task, undropped: int) -> dict[str, Formula]:
    """``maps``, ``mask``, ``coarse``, ``fake`` and D's logits; ``undropped`` is how many numbers of
    noise stage 1 takes."""
    name, body = _joints(task)
    return {
        # All that is given, channel by channel: float [N, maps, H, W].
        "maps": lambda t: torch.cat([t[other] for other in task.others], dim=1),
        # Where the body is, 0 or 1: float [N, 1, H, W].
        "mask": lambda t: pose_mask(t[name], body.skeleton, REACH * body.radius),
        # Without dropout: float [N, C, H, W].
        "coarse": lambda t: t.call("G1", t["maps"], t["maps"].new_zeros(len(t["maps"]), undropped)),
        "fake": lambda t: _refined(t, t["z"]),
        "real_logits": lambda t: t.call("D", t["maps"], t["image"]),  # float [N, patches]
        "fake_logits": lambda t: t.call("D", t["maps"], t["fake"]),
    }


def _refined(t: Tensors, latents: Tensor) -> Tensor:
    """The coarse image and the difference map of these latents: ``float32 [N, C, H, W]``."""
    coarse = t["coarse"].detach()
    difference = t.call("G2", torch.cat([coarse, t["maps"]], dim=1), latents)
    return coarse + 2 * difference  # as far as from one end of the range to the other


def _of_stage_2(task: Task, options: PoseOptions) -> dict[str, Term]:
    """What the difference map is to do: deceive D, be near the real image, and vary."""
    shown = any(isinstance(task.fields[name], Image) for name in task.others)
    pixels = options.pixels if options.pixels is not None else 10.0 if shown else 1.0
    diversity = options.diversity if options.diversity is not None else 0.0 if shown else 2.0
    terms = {"adversarial": NON_SATURATING, "pixels": _error(pixels, "fake")}
    return {**terms, "diversity": Term(diversity, _alike)} if diversity else terms


def _error(weight: float, made: str) -> Term:
    return Term(weight, lambda t: masked_error(t[made], t["image"], t["mask"]))


def _alike(t: Tensors) -> Tensor:
    """Minus the difference of images of two latents for that of the latents, up to the difference
    of two real images: a scalar."""
    other = t["z"].roll(1, dims=0)
    most = (t["image"] - t["image"].roll(1, dims=0)).abs().mean()
    return -spread(t["fake"], _refined(t, other), t["z"], other, most)


def _joints(task: Task) -> tuple[str, Keypoints]:
    """The given joints, and what they are called.

    Raises:
        SynthgenError: none are given.
    """
    for name in task.others:
        found = task.fields[name]
        if isinstance(found, Keypoints):
            return name, found
    raise SynthgenError("pose makes images from joints (a field of keypoints): none given")
