"""StarGAN: Choi et al. 2017, arXiv:1711.09020.

One generator changes any attribute of an image: it is shown the image and told the attributes that
are asked for. A discriminator says for each patch whether it is real, and reads the attributes; the
Wasserstein loss with gradient penalty (equation 8), the attributes read rightly (equations 5 and
6), and the image back once its own attributes are asked for again (equation 7). In training a row
is asked for the attributes of another row of its batch.

What differs from the paper. The attributes set the gains and offsets of the instance norms: laid
beside the image as constant maps, as the paper has them, the first of these norms takes them away
where the borders are reflected. Attributes may be choices and numbers, which are read by
regression. One that a row does not know is never asked of it and takes part in no loss. An eighth
of each batch is asked for what it shows, and is to stay as it is.

``identity`` is the weight of a perceptual loss between an image and its edit: Antipov et al. 2017,
arXiv:1702.01983, keep a face's identity by the distance of features of a face network; here they
are EfficientNet-lite0's.
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
    Phase,
    Schedule,
    Tensors,
    Term,
)
from synthgen.algorithms.options import CriticSteps, LearningRate, PenaltyWeight
from synthgen.algorithms.pair import RAISE_LOGITS, WASSERSTEIN
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.features.perceptual import Perceptual
from synthgen.losses.attributes import misread_attributes
from synthgen.losses.penalties import unit_gradient_penalty
from synthgen.losses.reconstruction import absolute_error
from synthgen.networks.attribute_judge import AttributeJudge
from synthgen.networks.translation import ResNetTranslator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import CONDITION, Task, edits
from synthgen.spec.vectors import Attributes

SMALLEST = 8
"""Shorter side in pixels below which there is hardly anything to halve."""
KEPT = 8
"""One row in so many is asked for what it shows."""


class StarganOptions(Settings):
    width: int = Field(64, ge=4, le=512, description="Channels of the generator's first layer.")
    blocks: int = Field(6, ge=1, le=18, description="Residual blocks of the generator.")
    width_d: int = Field(64, ge=4, le=512, description="Channels of D's first layer.")
    lr: LearningRate = 1e-4
    penalty: PenaltyWeight = 10.0
    d_steps: CriticSteps = 5
    classify: float = Field(1.0, ge=0, description="Weight of what D reads of the attributes.")
    reconstruct: float = Field(10.0, ge=0, description="Weight of the way back to the image.")
    identity: float = Field(
        0.0, ge=0, description="Weight of the perceptual loss between an image and its edit."
    )


def plainest(classes: Sequence[str], image: ImageSpec) -> Task:
    """Edits of images whose one attribute is their class."""
    names = tuple(classes) if len(classes) > 1 else ("no", "yes")
    return edits(image, Attributes(("kind",), {}, {"kind": names}))


TAKES = Takes(given=("vector", "map"), plainest=plainest, names=("source",))


@algorithm("stargan", StarganOptions, "StarGAN", 2017, "arXiv:1711.09020", TAKES)
def stargan(task: Task, options: StarganOptions) -> Algorithm:
    """For images with other attributes than they have, all by one network."""
    image, field = task.image, _attributes(task)
    judge = AttributeJudge(image, field.entering, options.width_d)
    patches = judge.patches
    adam = Adam(options.lr, betas=(0.5, 0.999))
    look = Perceptual()

    def penalty(t: Tensors) -> Tensor:
        def logit(images: Tensor) -> Tensor:
            return t.call("D", images)[:, :patches].mean(dim=1)

        return unit_gradient_penalty(logit, t["image"], t["fake"])

    def misread(of: str, asked: str) -> Formula:
        return lambda t: misread_attributes(field, t[of][:, patches:], t[asked])

    generator = {
        "wasserstein": RAISE_LOGITS,
        "attributes": Term(options.classify, misread("fake_seen", "asked")),
        "reconstruct": Term(options.reconstruct, lambda t: absolute_error(t["back"], t["image"])),
        "kept": Term(options.reconstruct / KEPT, _kept),
    }
    if options.identity:
        generator["identity"] = Term(options.identity, lambda t: look(t["fake"], t["image"]))
    return Algorithm(
        networks={"G": ResNetTranslator(task, options.width, options.blocks), "D": judge},
        latents={},
        tensors={
            "asked": lambda t: others(t[CONDITION]),  # float [N, entering]
            "fake": lambda t: t.call("G", t["image"], t["asked"]),  # float [N, C, H, W]
            "back": lambda t: t.call("G", t["fake"], t[CONDITION]),
            "edited": lambda t: t.call("G", t["source"], t[CONDITION]),
            "real_seen": lambda t: t.call("D", t["image"]),  # float [N, patches + entering]
            "fake_seen": lambda t: t.call("D", t["fake"]),
            "real_logits": lambda t: t["real_seen"][:, :patches],
            "fake_logits": lambda t: t["fake_seen"][:, :patches],
        },
        phases=(
            Phase(
                "D",
                trains=("D",),
                terms={
                    "wasserstein": WASSERSTEIN,
                    "penalty": Term(options.penalty, penalty),
                    "attributes": Term(options.classify, misread("real_seen", CONDITION)),
                },
                optimizer=adam,
                times=options.d_steps,
                full_precision=True,
            ),
            Phase("G", trains=("G",), terms=generator, optimizer=adam),
        ),
        samples={"image": "edited"},
        judges=(),
        schedules={"lr": Schedule(1.0, 0.0, start=0.5)},
        inputs=task.others,
        augments=False,
    )


def others(own: Tensor) -> Tensor:
    """Attributes to ask rows for, ``float [N, width]``: another row's of the batch, at random; what
    either row does not know stays as it is, and so does all of every eighth row."""
    drawn = own[torch.randperm(len(own), device=own.device)]
    asked = torch.where((own != 0) & (drawn != 0), drawn, own)
    stays = torch.arange(len(own), device=own.device) % KEPT == KEPT - 1
    return torch.where(stays[:, None], own, asked)


def _kept(t: Tensors) -> Tensor:
    """Mean absolute difference of image and edit of the rows that are asked for what they show: a
    scalar."""
    same = (t["asked"] == t[CONDITION]).all(dim=1)
    if not bool(same.any()):
        return t["image"].new_zeros(())
    return absolute_error(t["fake"][same], t["image"][same])


def _attributes(task: Task) -> Attributes:
    """The attributes that are asked for.

    Raises:
        SynthgenError: there are none, or something else is given besides, or images are too small.
    """
    found = [task.fields[name] for name in task.conditions]
    if len(found) != 1 or not isinstance(found[0], Attributes) or task.others != ("source",):
        raise SynthgenError("stargan makes an image from a source and from attributes alone")
    source, image = task.fields["source"], task.image
    size = getattr(source, "height", None), getattr(source, "width", None)
    if size != (image.height, image.width):
        raise SynthgenError("stargan: the source and the image that is made have one size")
    if min(image.height, image.width) < SMALLEST:
        raise SynthgenError(f"stargan: images of {image}; it takes {SMALLEST} px and more")
    return found[0]
