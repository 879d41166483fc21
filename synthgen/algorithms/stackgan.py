"""StackGAN: Zhang et al. 2016, arXiv:1612.03242, with the heads of StackGAN++ (arXiv:1710.10916).

Images from captions. One generator has heads at growing sizes, each of which is told the caption
again and has a judge of its own: of the image alone, and of the image with its caption. A judge
learns from real images with their captions, real images with those of other rows, and fakes with
the captions that they were made from. What the generator is told is drawn from a Gaussian about the
caption's vector, kept near the standard normal (conditioning augmentation).

The text encoder needs no download: before the GAN begins it learns, together with an encoder of
images, to find each image's caption among those of the batch and the other way round. It then
stays as it is, as the paper's own does.

G's step comes before the judges', which look at the very fakes that G has learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from pydantic import Field
from torch import Tensor

from synthgen.algorithms.contract import Adam, Algorithm, Formula, Normal, Phase, Tensors, Term
from synthgen.algorithms.options import FullWidth, Latent, Widest
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.features.matching import matching_loss, mismatched_rows, numbered
from synthgen.losses.adversarial import non_saturating_generator, refuse
from synthgen.networks.matching import ImageEncoder, TextEncoder
from synthgen.networks.stack import (
    StackedGenerator,
    TextJudge,
    divergence,
    drawn_from,
    head_sizes,
    shrunk,
)
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field as TaskField
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import CONDITION, Task
from synthgen.spec.texts import Text

SMALLEST = 8
"""Side in pixels below which the first head's image is no image."""


class StackganOptions(Settings):
    latent: Latent = 64
    text: int = Field(128, ge=4, le=1024, description="Size of a caption's vector.")
    told: int = Field(64, ge=2, le=1024, description="Numbers drawn about it for the generator.")
    width: FullWidth = 16
    widest: Widest = 128
    width_d: FullWidth = 32
    reading: float = Field(
        0.2, gt=0, lt=1, description="Share of the images shown by which the captions' encoder "
        "has learnt, before the GAN begins.",
    )  # fmt: skip
    divergence: float = Field(2.0, ge=0, description="Weight of the drawn vectors' KL divergence.")
    lr: float = Field(2e-4, gt=0, le=1, description="Adam's learning rate of G and the judges.")
    lr_text: float = Field(1e-3, gt=0, le=1, description="Adam's learning rate of the encoders.")


def plainest(classes: Sequence[str], image: ImageSpec) -> Task:
    """Images from captions; classes are not given."""
    fields: dict[str, TaskField] = {
        "image": Image(image.height, image.width, image.channels),
        "caption": Text(),
    }
    return Task(fields, ("caption",), ("image",), (("image", "caption"),))


TAKES = Takes(plainest=plainest)


@algorithm("stackgan", StackganOptions, "StackGAN", 2016, "arXiv:1612.03242", TAKES)
def stackgan(task: Task, options: StackganOptions) -> Algorithm:
    """For images from captions, or from attributes.

    Builds the encoders, the generator and a judge for each head; see the module's text.
    """
    image = task.image
    if not task.conditions:
        raise SynthgenError("stackgan makes images from captions or attributes: none are given")
    if min(image.height, image.width) < SMALLEST:
        raise SynthgenError(f"stackgan: images of {image}; it takes {SMALLEST} px and more")
    sizes = head_sizes(image)
    generator = StackedGenerator(
        image, options.text, options.told, options.latent, options.width, options.widest
    )
    judges = {
        f"D_{max(size.height, size.width)}": TextJudge(
            size, options.text, options.told, options.width_d, options.widest
        )
        for size in sizes
    }
    return Algorithm(
        networks={
            "text": TextEncoder(task, options.text),
            "look": ImageEncoder(image, options.text, options.width_d),
            "G": generator,
            **judges,
        },
        latents={"z": Normal((options.latent,)), "about": Normal((options.told,))},
        tensors=_tensors(generator, tuple(judges), sizes),
        phases=_phases(options, tuple(judges)),
        samples={"image": "fake"},
        generators=("text", "G"),
        judges=(),
        verdicts={name: (f"real_logits_{name}", f"fake_logits_{name}") for name in judges},
    )


def _phases(options: StackganOptions, judges: Sequence[str]) -> tuple[Phase, ...]:
    """The encoders of texts and images first; then the generator and its judges, in turn."""
    adam = Adam(options.lr, betas=(0.5, 0.999))
    begun = (options.reading, 1.0)
    return (
        Phase(
            "matching",
            trains=("text", "look"),
            terms={"matching": Term(1.0, _matching)},
            optimizer=Adam(options.lr_text, betas=(0.9, 0.999)),
            window=(0.0, options.reading),
        ),
        Phase(
            "G",
            trains=("G",),
            terms={
                **{name: Term(1.0, partial(_convincing, judge=name)) for name in judges},
                "divergence": Term(options.divergence, lambda t: divergence(t["gaussian"])),
            },
            optimizer=adam,
            window=begun,
            hands_on=("fakes",),
        ),
        Phase(
            "D",
            trains=tuple(judges),
            terms={name: Term(1.0, partial(_judging, judge=name)) for name in judges},
            optimizer=adam,
            window=begun,
        ),
    )


def _matching(t: Tensors) -> Tensor:
    seen = t.call("look", t.augment(t["image"]))
    return matching_loss(seen, t.call("text", t[CONDITION]), t["numbers"])


def _tensors(
    generator: StackedGenerator, judges: Sequence[str], sizes: Sequence[ImageSpec]
) -> dict[str, Formula]:
    """``texts`` (``float32 [N, text]``), ``gaussian`` (``[N, 2 * told]``), ``fakes`` (all heads'
    images, flat), ``fake`` (the last one's, ``[N, C, H, W]``), ``others`` (rows of other captions,
    ``int64 [N]``), and of each judge ``real_seen_D``, ``real_verdicts_D``, ``fake_verdicts_D`` and
    ``wrong_verdicts_D`` (``[N, 2]``: of the image alone, of image and caption)."""
    tensors: dict[str, Formula] = {
        "numbers": lambda t: numbered(t[CONDITION]),
        "others": lambda t: mismatched_rows(t["numbers"]),
        "texts": lambda t: t.call("text", t[CONDITION]),
        "gaussian": lambda t: _generator(t).gaussian(t["texts"]),
        "fakes": lambda t: t.call("G", drawn_from(t["gaussian"], t["about"]), t["z"]),
        "fake": lambda t: generator.head(t["fakes"], len(sizes) - 1),
    }
    for stage, (name, size) in enumerate(zip(judges, sizes, strict=True)):
        tensors |= {
            f"real_seen_{name}": partial(_real_seen, judge=name, size=size),
            f"real_verdicts_{name}": partial(_of_real, judge=name),
            f"wrong_verdicts_{name}": partial(_of_mismatched, judge=name),
            f"fake_verdicts_{name}": partial(_of_fake, judge=name, stage=stage),
            f"real_logits_{name}": partial(_together, verdicts=f"real_verdicts_{name}"),
            f"fake_logits_{name}": partial(_together, verdicts=f"fake_verdicts_{name}"),
        }
    return tensors


def _generator(t: Tensors) -> StackedGenerator:
    network = t.networks["G"]
    assert isinstance(network, StackedGenerator)
    return network


def _judge(t: Tensors, name: str) -> TextJudge:
    network = t.networks[name]
    assert isinstance(network, TextJudge)
    return network


def _real_seen(t: Tensors, judge: str, size: ImageSpec) -> Tensor:
    return _judge(t, judge).seen(t.augment(shrunk(t["image"], size)))


def _of_real(t: Tensors, judge: str) -> Tensor:
    return _judge(t, judge).verdicts(t[f"real_seen_{judge}"], t["texts"])


def _of_mismatched(t: Tensors, judge: str) -> Tensor:
    """On real images with another row's text; those that have none are judged with their own, and
    :func:`_judging` passes them over."""
    texts = t["texts"][t["others"].clamp(min=0)]
    return _judge(t, judge).verdicts(t[f"real_seen_{judge}"], texts)


def _of_fake(t: Tensors, judge: str, stage: int) -> Tensor:
    images = t.augment(_generator(t).head(t["fakes"], stage))
    return t.call(judge, images, t["texts"])


def _together(t: Tensors, verdicts: str) -> Tensor:
    return t[verdicts][:, 1]


def _judging(t: Tensors, judge: str) -> Tensor:
    """A judge's loss: real images are real, alone and with their captions; fakes are not; real
    images with others' captions do not belong together, and count half with the fakes
    (arXiv:1612.03242, section 3.4; arXiv:1710.10916, equation 5)."""
    real, fake = t[f"real_verdicts_{judge}"], t[f"fake_verdicts_{judge}"]
    alone = non_saturating_generator(real[:, 0]) + refuse(fake[:, 0])
    real_logits, fake_logits = t[f"real_logits_{judge}"], t[f"fake_logits_{judge}"]
    wrong = t[f"wrong_verdicts_{judge}"][:, 1][t["others"] >= 0]
    refused = refuse(fake_logits)
    if len(wrong):
        refused = (refused + refuse(wrong)) / 2
    return alone + non_saturating_generator(real_logits) + refused


def _convincing(t: Tensors, judge: str) -> Tensor:
    """The generator's loss by one judge: both logits of its fakes are to be high."""
    verdicts = t[f"fake_verdicts_{judge}"]
    return torch.stack([non_saturating_generator(verdicts[:, k]) for k in (0, 1)]).sum()
