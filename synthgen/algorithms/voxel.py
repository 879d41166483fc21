"""Solids from views: a 3D U-Net and the voxel discriminator of 3D-GAN (Wu et al. 2016,
arXiv:1610.07584).

The views are put back into the volume along their lines of sight, and a 3D network makes the solid
of them. It learns from pairs: cross-entropy keeps each voxel near the pair's, the discriminator,
which sees the solid beside its views, keeps the whole like real ones. Where nothing but a class is
given, solids are made from latents, as in the paper.

What is stored as the image is a picture of the solid's voxels, drawn by the function that draws the
real solids' (``spec/projection.py``): scores and filters look at both alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Phase, Tensors, Term
from synthgen.algorithms.options import Embedding, Latent, LearningRate, VolumeWidth
from synthgen.algorithms.pair import CROSS_ENTROPY, NON_SATURATING
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.networks.voxel import ViewsToVolume, VolumeDiscriminator, VolumeGenerator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field as TaskField
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec, to_float
from synthgen.spec.projection import pictures
from synthgen.spec.settings.base import Settings
from synthgen.spec.solids import Views, Voxels
from synthgen.spec.task import CONDITION, Derived, Task

VOXELS = "voxels"
LEAST = 4
"""Smallest side of a grid."""


class VoxelOptions(Settings):
    latent: Latent = 32
    embedding: Embedding = 16
    width: VolumeWidth = 8
    width_d: int = Field(8, ge=4, le=128, description="Half of the channels of D's first layer.")
    voxels: float = Field(
        100.0, ge=0, description="Weight of the voxels' cross-entropy, where views are given."
    )
    lr: LearningRate = 1e-3
    lr_d: float = Field(2e-4, gt=0, le=1, description="Adam's learning rate of D.")


def plainest(classes: Sequence[str], image: ImageSpec) -> Task:
    """Solids of half the image's side from four silhouettes of it."""
    side = max(LEAST, image.height // 2)
    turns = (0.0, 90.0, 180.0, 270.0)
    fields: dict[str, TaskField] = {
        "image": Image(image.height, image.width, image.channels),
        VOXELS: Voxels(side),
        "views": Views(4, side, side, 1, turns),
    }
    derived = {"views": Derived("silhouettes", (VOXELS,))}
    return Task(fields, ("views",), ("image", VOXELS), (("image", VOXELS),), derived)


def grid_of(task: Task, name: str) -> Voxels:
    """The solids that are made.

    Raises:
        SynthgenError: there are none, or they are too small.
    """
    field = task.fields.get(VOXELS)
    if not isinstance(field, Voxels) or VOXELS not in task.made:
        raise SynthgenError(f"{name} makes solids: this task makes no '{VOXELS}'")
    if field.side < LEAST:
        raise SynthgenError(f"{name}: grids of {field}; it takes {LEAST} voxels a side and more")
    return field


TAKES = Takes(given=("index", "vector", "map"), made=("image", VOXELS), plainest=plainest)


@algorithm("voxel", VoxelOptions, "Voxel GAN", 2016, "arXiv:1610.07584", TAKES)
def voxel(task: Task, options: VoxelOptions) -> Algorithm:
    """For solids from views of them, learnt from pairs, or from noise."""
    field, image = grid_of(task, "voxel"), task.image
    if VOXELS not in task.streams[0]:
        raise SynthgenError(
            "voxel learns from solids, and these rows have none (a column 'voxels', or files .npy "
            "or .binvox); from silhouettes alone --algorithm prgan learns"
        )
    given = [task.fields[name] for name in task.others]
    views = given[0] if len(given) == 1 else None
    if given and not isinstance(views, Views):
        raise SynthgenError("voxel makes solids from one field of views, or from none")
    assert views is None or isinstance(views, Views)
    name = task.others[0] if given else ""

    def logits(t: Tensors) -> Tensor:
        if name:
            return t.call("G", t[name], t["z"])
        return t.call("G", t["z"], t[CONDITION])

    def verdict(t: Tensors, volume: str) -> Tensor:
        """``float [N]``."""
        seen = (t[name],) if name else (None,)
        found: Tensor = t.networks["D"](t[volume], t[CONDITION], *seen)
        return found

    generator = (
        ViewsToVolume(views, field.side, options.latent, options.width) if views is not None
        else VolumeGenerator(task, field.side, options.latent, options.embedding, options.width)
    )  # fmt: skip
    terms = {"adversarial": NON_SATURATING}
    if name:
        terms["voxels"] = Term(options.voxels, lambda t: _cross_entropy(t["logits"], t[VOXELS]))
    adam = Adam(options.lr, betas=(0.5, 0.999))
    return Algorithm(
        networks={
            "G": generator,
            "D": VolumeDiscriminator(task, field.side, options.width_d, views),
        },
        latents={"z": Normal((options.latent,))},
        tensors={
            "logits": logits,  # float [N, 1, S, S, S]
            "solid": lambda t: torch.tanh(t["logits"] / 2),  # 2 p - 1
            "picture": lambda t: _picture(t["logits"], image),  # float [N, C, H, W]
            "real_logits": lambda t: verdict(t, VOXELS),  # float [N]
            "fake_logits": lambda t: verdict(t, "solid"),
        },
        phases=(
            Phase("G", trains=("G",), terms=terms, optimizer=adam, hands_on=("solid",)),
            Phase("D", trains=("D",), terms={"cross_entropy": CROSS_ENTROPY},
                  optimizer=Adam(options.lr_d, betas=(0.5, 0.999))),
        ),
        samples={"image": "picture", VOXELS: "solid"},
        judges=(),
        inputs=task.others,
        augments=False,
    )  # fmt: skip


def _picture(logits: Tensor, image: ImageSpec) -> Tensor:
    """What is seen of the solids that are stored, in [-1, 1]."""
    rows = (logits[:, 0] > 0).byte()
    return to_float(pictures(rows, image.height, image.width, image.channels))


def _cross_entropy(logits: Tensor, solid: Tensor) -> Tensor:
    """The voxels' mean cross-entropy; ``solid`` has -1 and 1."""
    return binary_cross_entropy_with_logits(logits.float(), (solid.float() + 1) / 2)
