"""CGN, counterfactual generative networks: Sauer & Geiger 2021, arXiv:2101.06046.

Three mechanisms draw an image: the mask m and the foreground f of an object, which are told its
class, and the background b, which is told its own. They are composed as x = m * f + (1 - m) * b, so
that one can be changed and the others stay as they are. As in the paper's variant for MNIST all are
trained together, from scratch, by a discriminator of the composed image; the mask is kept binary
and its area in bounds ("Shape Mechanism").

Here the discriminator knows both classes as they go together in the data. The paper keeps objects
out of backgrounds by a saliency network and learns textures from patches of the image ("Texture
Mechanism", "Background Mechanism"); trained from scratch there is no such network. Instead a second
discriminator compares patches from anywhere in b with patches from near the corners of real images,
where objects seldom are. And b is larger than the image: a random window of it is shown, so that no
object in b and no rest of b in f would lie where it should (Bielski & Favaro 2019,
arXiv:1905.12663, section 3). Mask and foreground share a latent, so that the drawing on an object
fits its shape. Objective and networks are those of :mod:`synthgen.algorithms.r3gan`.

Where the data have masks, the first discriminator sees them beside the image, as a further channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
from synthgen.algorithms.options import (
    Gamma,
    GammaEnd,
    Latent,
    LearningRate,
    PenaltyEvery,
    PenaltyShare,
    Widest,
)
from synthgen.algorithms.pair import pair_tensors, relativistic_phases
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.losses.adversarial import cross_entropy_discriminator, non_saturating_generator
from synthgen.losses.masks import area, outside_bounds, undecided
from synthgen.losses.penalties import zero_centered_penalty
from synthgen.networks.composition import (
    PatchJudge,
    any_patches,
    centre,
    composed,
    corner_patches,
    patch_side,
    places,
    soft_mask,
    windows,
)
from synthgen.networks.condition import index_count, index_of
from synthgen.networks.residual import ResidualDiscriminator, ResidualGenerator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image, Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.scenes import MASK, scenes
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import CONDITION, Task, label_to_image

MECHANISMS = ("mask", "foreground", "background")
DECIDED = (0.2, 0.7)
"""Shares of the run from which on a mask must begin to decide, and to be small, and must be both.
Asked at once, it shrinks to nothing and the object is drawn in the background."""


class CgnOptions(Settings):
    latent: Latent = 64
    style: int = Field(64, ge=8, le=1024, description="Size of the style that scales features.")
    width: int = Field(
        16, ge=4, le=512, description="Channels of foreground and background at full resolution; "
        "doubled per halving; the mask has half of them.",
    )  # fmt: skip
    width_d: int = Field(
        24, ge=4, le=512, description="Channels of D at full resolution; doubled per halving."
    )
    widest: Widest = 192
    lr: LearningRate = 4e-4
    shift: float = Field(
        0.125, ge=0, le=0.5, description="How far the background's window moves, as a share of the "
        "image's side.",
    )  # fmt: skip
    texture: float = Field(
        2.0, ge=0, description="Weight of the patches of the background that are to look like "
        "those in the corners of real images.",
    )  # fmt: skip
    smooth: float = Field(0.1, ge=0, description="Weight of R1 of the judge of patches.")
    binary: float = Field(0.2, ge=0, description="Weight of the mask's binary entropy.")
    bounds: float = Field(5.0, ge=0, description="Weight of an area outside of its bounds.")
    least: float = Field(0.05, ge=0, lt=1, description="Smallest area of an object, as a share.")
    most: float = Field(0.7, gt=0, le=1, description="Largest area of an object, as a share.")
    area: float = Field(0.2, ge=0, description="Weight of the mask's area.")
    gamma: Gamma = 2.0
    gamma_end: GammaEnd = 0.5
    penalty_every: PenaltyEvery = 4
    penalty_share: PenaltyShare = 0.25


def plainest(classes: Sequence[str], image: ImageSpec) -> Task:
    """Objects of these classes before backgrounds of the same classes."""
    return scenes(image, Label(tuple(classes)), classes)


TAKES = Takes(made=("image", "mask"), names=("attributes", MASK), plainest=plainest)


@algorithm("cgn", CgnOptions, "Counterfactual generative network", 2021, "arXiv:2101.06046", TAKES)
def cgn(task: Task, options: CgnOptions) -> Algorithm:
    """For objects on other backgrounds than they have in the data.

    Builds the three mechanisms and the two judges; see the module's text.
    """
    image, reach = task.image, _reach(task.image, options)
    larger = ImageSpec(image.height + reach[0], image.width + reach[1], image.channels)
    shape, form = (
        label_to_image(task.classes, ImageSpec(image.height, image.width, channels))
        for channels in (1, image.channels)
    )
    masked = MASK in task.streams[0]
    adam = Adam(options.lr, betas=(0.0, 0.99))
    sizes = options.widest, options.style
    return Algorithm(
        networks={
            "mask": ResidualGenerator(shape, options.latent, max(4, options.width // 2), *sizes),
            "foreground": ResidualGenerator(form, options.latent, options.width, *sizes),
            "background": ResidualGenerator(
                _told(task, larger), options.latent, options.width, *sizes
            ),
            "D": ResidualDiscriminator(
                _pictured(task, image.channels + masked), options.width_d, options.widest
            ),
            "patches": PatchJudge(_told(task, image), options.width_d),
        },
        latents={
            "z": Normal((options.latent,)),
            "z_background": Normal((options.latent,)),
            "shift": Normal((2,)),
        },
        tensors=_tensors(task, reach, masked=masked),
        phases=_phases(options, adam),
        samples={"image": "composite", MASK: "parts"},
        generators=MECHANISMS,
        judges=(),
        verdicts={
            "D": ("real_logits", "fake_logits"),
            "patches": ("corner_logits", "patch_logits"),
        },
        schedules={
            "gamma": Schedule(options.gamma, options.gamma_end, end=0.5),
            "decided": Schedule(0.0, 1.0, *DECIDED),
        },
        augments=not masked,
    )


def _phases(options: CgnOptions, adam: Adam) -> tuple[Phase, ...]:
    """The judges, then the three mechanisms together."""
    judge, penalty, deceive = relativistic_phases(
        adam, options.penalty_every, options.penalty_share, real="shown"
    )
    of_patches = Term(
        1.0, lambda t: cross_entropy_discriminator(t["corner_logits"], t["patch_logits"])
    )
    terms = {
        **deceive.terms,
        "texture": Term(options.texture, lambda t: non_saturating_generator(t["patch_logits"])),
        "binary": Term(options.binary, lambda t: t.scalar("decided") * undecided(t["cut"])),
        "bounds": Term(
            options.bounds, lambda t: outside_bounds(t["cut"], options.least, options.most)
        ),
        "area": Term(options.area, lambda t: t.scalar("decided") * area(t["cut"])),
    }
    return (
        judge,
        penalty,
        Phase(
            "patches",
            trains=("patches",),
            terms={"cross_entropy": of_patches, "r1": Term(options.smooth, _steepness)},
            optimizer=adam,
            full_precision=True,
        ),
        replace(deceive, trains=MECHANISMS, terms=terms),
    )


def _tensors(task: Task, reach: tuple[int, int], *, masked: bool) -> dict[str, Formula]:
    """``object`` (``int64 [N]``) and ``scene`` (``float [N, width]``): what the layers are told;
    ``cut`` (the mask, ``[N, 1, H, W]``), ``drawn`` (the foreground), ``behind`` (the window of the
    background) and ``composite`` (``[N, C, H, W]`` each); ``parts``, the mask as its field's
    ``[N, 2, H, W]``; ``shown`` and ``fake``, what D sees, beside the masks where there are some;
    and the logits."""
    side = patch_side(task.image)
    plain = pair_tensors()
    return {
        "object": lambda t: index_of(t[CONDITION], index_count(task)),
        "scene": lambda t: t[CONDITION][:, int(task.stratum is not None) :],
        "cut": _cut,
        "drawn": lambda t: t.call("foreground", t["z"], t["object"]),
        "wide": lambda t: t.call("background", t["z_background"], t["scene"]),
        "behind": lambda t: _window(t, task.image, reach),
        "composite": lambda t: composed(t["cut"], t["drawn"], t["behind"]),
        "parts": lambda t: torch.cat([1 - t["cut"], t["cut"]], dim=1),
        "shown": lambda t: _beside(t["image"], t[MASK][:, 1:]) if masked else t["image"],
        "fake": lambda t: _beside(t["composite"], t["cut"]) if masked else t["composite"],
        "real_logits": lambda t: t.call("D", t.augment(t["shown"]), t[CONDITION]),
        "fake_logits": plain["fake_logits"],
        "corners": lambda t: corner_patches(t["image"], side),
        "corner_logits": lambda t: _patched(t, t["corners"]),
        "patch_logits": lambda t: _patched(t, any_patches(t["wide"], side)),
    }


def _cut(t: Tensors) -> Tensor:
    """The mask ``float32 [N, 1, H, W]``; at the start it is an object's in the middle, or the
    layers might change roles."""
    outputs = t.call("mask", t["z"], t["object"])
    height, width = outputs.shape[2:]
    return soft_mask(outputs + centre(height, width, outputs.device))


def _window(t: Tensors, image: ImageSpec, reach: tuple[int, int]) -> Tensor:
    """The part of the larger background that is seen: ``float32 [N, C, H, W]``."""
    top, left = (places(t["shift"][:, axis], reach[axis] + 1) for axis in (0, 1))
    return windows(t["wide"], top, left, image.height, image.width)


def _beside(images: Tensor, mask: Tensor) -> Tensor:
    """Images with their masks as a further channel in [-1, 1]."""
    return torch.cat([images, 2 * mask - 1], dim=1)


def _patched(t: Tensors, patches: Tensor) -> Tensor:
    """Logits of four patches of each row under what its background is told: ``float [4 * N]``."""
    return t.call("patches", patches, t["scene"].repeat(4, 1))


def _steepness(t: Tensors) -> Tensor:
    """R1 of the judge of patches: a scalar."""
    return zero_centered_penalty(lambda patches: _patched(t, patches), t["corners"])


def _reach(image: ImageSpec, options: CgnOptions) -> tuple[int, int]:
    """By how many pixels more than the image the background is drawn, down and across."""
    return round(2 * options.shift * image.height), round(2 * options.shift * image.width)


def _told(task: Task, image: ImageSpec) -> Task:
    """The task of drawing a background from the vectors that are given.

    Raises:
        SynthgenError: none is.
    """
    vectors = [name for name in task.conditions if task.fields[name].enters == "vector"]
    if not vectors:
        raise SynthgenError("cgn: nothing is given that says what the background is")
    shown = Image(image.height, image.width, image.channels)
    fields = {"image": shown, **{name: task.fields[name] for name in vectors}}
    return Task(fields, tuple(vectors), ("image",), (tuple(fields),))


def _pictured(task: Task, channels: int) -> Task:
    """The task with images of so many channels, as D sees them."""
    image = task.image
    fields = {**task.fields, task.pictured: Image(image.height, image.width, channels)}
    return replace(task, fields=fields)
