"""SPADE: Park et al. 2019, arXiv:1903.07291.

An image from a mask of classes, or from any maps of its size. The maps do not go in at the front,
where norms would take away what large areas of one class say: they draw the gains and offsets of
every norm. Patches at two scales judge the image beside its maps by the hinge loss; the features
that they see of it, and those of an ImageNet network, are matched with the pair's. That network is
EfficientNet-lite0, where the paper has VGG: its weights come with a package.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from pydantic import Field
from torch import Tensor

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Phase, Schedule, Tensors, Term
from synthgen.algorithms.pair import HINGE, RAISE_LOGITS
from synthgen.algorithms.pix2pix import refuse_other_sizes
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.features.perceptual import Perceptual
from synthgen.networks.condition import map_channels
from synthgen.networks.spade import HIDDEN, MapGenerator, PatchesAtScales
from synthgen.networks.translation import patch_layers
from synthgen.spec.fields import Field as TaskField
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Mask
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task


class SpadeOptions(Settings):
    latent: int = Field(256, ge=2, le=1024, description="Size of the latent.")
    width: int = Field(64, ge=4, le=512, description="Channels of the generator's last block.")
    hidden: int = Field(HIDDEN, ge=4, le=512, description="Channels between maps and gains.")
    width_d: int = Field(64, ge=4, le=512, description="Channels of D's first layer.")
    matching: float = Field(10.0, ge=0, description="Weight of D's features of fake and real.")
    perceptual: float = Field(10.0, ge=0, description="Weight of the ImageNet network's features.")
    lr_g: float = Field(1e-4, gt=0, le=1, description="Adam's learning rate of G.")
    lr_d: float = Field(4e-4, gt=0, le=1, description="Adam's learning rate of D.")


def plainest(classes: Sequence[str], image: ImageSpec) -> Task:
    """Images from a ``mask`` of two classes."""
    fields: dict[str, TaskField] = {
        "image": Image(image.height, image.width, image.channels),
        "mask": Mask(("background", "thing"), image.height, image.width),
    }
    return Task(fields, ("mask",), ("image",), (("image", "mask"),))


@algorithm(
    "spade",
    title="SPADE",
    year=2019,
    paper="arXiv:1903.07291",
    options=SpadeOptions,
    good_for="images from masks of classes, large areas of one class too",
    takes=Takes(given=("map",), plainest=plainest),
)
def spade(task: Task, options: SpadeOptions) -> Algorithm:
    """Build the pair; see the module's text."""
    refuse_other_sizes(task, "spade")
    image, channels = task.image, map_channels(task)
    # Half of a small image, which the second scale sees, has no room for more layers.
    layers = min(patch_layers(max(image.height, image.width)), 2)
    judge = PatchesAtScales(channels, image, options.width_d, layers)
    look = Perceptual()
    matching = Term(options.matching, lambda t: matched(t, judge.patches))
    terms = {"hinge": RAISE_LOGITS, "matching": matching}
    if options.perceptual > 0:
        terms["perceptual"] = Term(options.perceptual, lambda t: look(t["fake"], t["image"]))
    return Algorithm(
        networks={
            "G": MapGenerator(channels, image, options.latent, options.width, options.hidden),
            "D": judge,
        },
        latents={"z": Normal((options.latent,))},
        tensors={
            "maps": lambda t: torch.cat([t[name] for name in task.others], dim=1),
            "fake": lambda t: t.call("G", t["z"], t["maps"]),  # float [N, C, H, W]
            "real_seen": lambda t: seen(t, "image"),  # float [N, patches + features]
            "fake_seen": lambda t: seen(t, "fake"),
            "real_logits": lambda t: t["real_seen"][:, : judge.patches],  # float [N, patches]
            "fake_logits": lambda t: t["fake_seen"][:, : judge.patches],
        },
        phases=(
            Phase(
                "G", trains=("G",), terms=terms, hands_on=("fake",),
                optimizer=Adam(options.lr_g, betas=(0.0, 0.999)),
            ),
            Phase(
                "D", trains=("D",), terms={"hinge": HINGE},
                optimizer=Adam(options.lr_d, betas=(0.0, 0.999)),
            ),
        ),
        samples={"image": "fake"},
        judges=(),
        schedules={"lr": Schedule(1.0, 0.0, start=0.5)},
        inputs=task.others,
        augments=False,
    )  # fmt: skip


def seen(t: Tensors, images: str) -> Tensor:
    """What D says of the tensor ``images`` beside the maps, and all that it has seen of it."""
    return cast(PatchesAtScales, t.networks["D"]).look(t["maps"], t[images])


def matched(t: Tensors, patches: int) -> Tensor:
    """Mean absolute difference of D's features of fake and real, summed over layers: a scalar,
    nought for equal images."""
    real, fake = (t[name][:, patches:] for name in ("real_seen", "fake_seen"))
    return (fake - real.detach()).abs().sum(dim=1).mean()
