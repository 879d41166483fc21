"""SPADE: Park et al. 2019, arXiv:1903.07291.

An image from a semantic map. The generator starts at a latent and is told the map in every norm, so
that no norm can wash it out; two discriminators, one at half the size, see image and map. Hinge,
feature matching and a perceptual loss with the weights of pix2pixHD (appendix A; arXiv:1711.11585),
the perceptual one on EfficientNet-lite0's features in place of VGG's. Two time scales: D learns
faster. The image encoder that the paper adds for styles is not built.

G's step comes before D's, which judges the very fake that G has learnt from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

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
from synthgen.algorithms.options import DiscriminatorRate, GeneratorRate
from synthgen.algorithms.pix2pix import refuse_other_sizes
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.features.perceptual import Perceptual
from synthgen.losses.adversarial import hinge_discriminator, raise_logits
from synthgen.networks.condition import map_channels
from synthgen.networks.spade import LookingPatches, SpadeGenerator, packed
from synthgen.networks.translation import patch_layers
from synthgen.spec.fields import Field as TaskField
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Mask
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task

JUDGES = ("D", "D_half")
OfJudge = Callable[[Tensors, str], Tensor]
"""A formula that takes a judge's name."""


class SpadeOptions(Settings):
    latent: int = Field(64, ge=1, le=1024, description="Size of the latent.")
    width: int = Field(32, ge=4, le=512, description="Channels of the generator's last block.")
    hidden: int = Field(64, ge=4, le=512, description="Channels between the map and the gains.")
    width_d: int = Field(32, ge=4, le=512, description="Channels of the D's first layers.")
    matching: float = Field(10.0, ge=0, description="Weight of the feature matching.")
    perceptual: float = Field(10.0, ge=0, description="Weight of the perceptual loss.")
    lr_g: GeneratorRate = 1e-4
    lr_d: DiscriminatorRate = 4e-4


def plainest(classes: Sequence[str], image: ImageSpec) -> Task:
    """Images from a ``mask`` of the classes; of ``background`` and ``thing`` where none are
    named."""
    fields: dict[str, TaskField] = {
        "image": Image(image.height, image.width, image.channels),
        "mask": Mask(tuple(classes) or ("background", "thing"), image.height, image.width),
    }
    return Task(fields, ("mask",), ("image",), (("image", "mask"),))


TAKES = Takes(given=("map",), plainest=plainest)


@algorithm("spade", SpadeOptions, "SPADE", 2019, "arXiv:1903.07291", TAKES)
def spade(task: Task, options: SpadeOptions) -> Algorithm:
    """For images from semantic masks, many of each mask."""
    image = task.image
    refuse_other_sizes(task, "spade")
    channels = map_channels(task)
    layers = patch_layers(max(image.height, image.width))
    judges = {
        name: LookingPatches(channels + image.channels, options.width_d, layers, halvings)
        for halvings, name in enumerate(JUDGES)
    }
    look = Perceptual()

    return Algorithm(
        networks={
            "G": SpadeGenerator(channels, image, options.latent, options.width, options.hidden),
            **judges,
        },
        latents={"z": Normal((options.latent,))},
        tensors=_tensors(task, judges),
        phases=(
            Phase(
                "G",
                trains=("G",),
                terms={
                    "hinge": _mean(1.0, lambda t, d: raise_logits(t[f"fake_logits_{d}"])),
                    "matching": _mean(options.matching, _matching),
                    "perceptual": Term(options.perceptual, lambda t: look(t["fake"], t["image"])),
                },
                optimizer=Adam(options.lr_g, betas=(0.0, 0.999)),
                hands_on=("fake",),
            ),
            Phase(
                "D",
                trains=JUDGES,
                terms={"hinge": _mean(1.0, _hinge)},
                optimizer=Adam(options.lr_d, betas=(0.0, 0.999)),
            ),
        ),
        samples={"image": "fake"},
        judges=(),
        verdicts={name: (f"real_logits_{name}", f"fake_logits_{name}") for name in JUDGES},
        schedules={"lr": Schedule(1.0, 0.0, start=0.5)},
        inputs=task.others,
        augments=False,
    )


def _tensors(task: Task, judges: Mapping[str, LookingPatches]) -> dict[str, Formula]:
    """``maps``, ``fake``, and of each judge on reals and fakes ``real_logits_D`` (``float32 [N,
    patches]``) and ``real_features_D`` (:func:`synthgen.networks.spade.packed`) from one pass."""
    tensors: dict[str, Formula] = {
        # All that is given, channel by channel: float [N, maps, H, W].
        "maps": lambda t: torch.cat([t[name] for name in task.others], dim=1),
        "fake": lambda t: t.call("G", t["z"], t["maps"]),  # float [N, C, H, W]
    }
    for name, network in judges.items():
        patches = network.patches(task.image.height, task.image.width)
        for kind, images in (("real", "image"), ("fake", "fake")):
            seen = f"{kind}_seen_{name}"
            tensors[seen] = partial(_seen, judge=name, images=images)
            tensors[f"{kind}_logits_{name}"] = partial(_last, name=seen, numbers=patches)
            tensors[f"{kind}_features_{name}"] = partial(_but_last, name=seen, numbers=patches)
    return tensors


def _seen(t: Tensors, judge: str, images: str) -> Tensor:
    """What a judge's layers see, then its logits: ``float32 [N, numbers + patches]``."""
    network = t.networks[judge]
    assert isinstance(network, LookingPatches)
    found = network.features(t["maps"], t[images])
    return torch.cat([packed(found), found[-1].flatten(1).float()], dim=1)


def _last(t: Tensors, name: str, numbers: int) -> Tensor:
    return t[name][:, -numbers:]


def _but_last(t: Tensors, name: str, numbers: int) -> Tensor:
    return t[name][:, :-numbers]


def _mean(weight: float, of: OfJudge) -> Term:
    """The mean of a term over the judges."""
    return Term(weight, lambda t: torch.stack([of(t, name) for name in JUDGES]).mean())


def _hinge(t: Tensors, judge: str) -> Tensor:
    return hinge_discriminator(t[f"real_logits_{judge}"], t[f"fake_logits_{judge}"])


def _matching(t: Tensors, judge: str) -> Tensor:
    """Mean absolute difference of what the judge's layers see of the fake and of the real image,
    mean over the layers (Wang et al. 2018, arXiv:1711.11585, equation 4): a scalar."""
    real = t[f"real_features_{judge}"].detach()
    return (t[f"fake_features_{judge}"] - real).abs().sum(dim=1).mean()
