"""BigGAN: Brock et al. 2018, arXiv:1809.11096.

SAGAN's losses and networks, with one class embedding shared by all of G's batch norms, the latent
dealt out over G's blocks, several steps of D for each of G, orthogonal initialisation, and a
penalty on what keeps the rows of G's kernels from being orthogonal (not on the embedding).
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Phase, Tensors, Term
from synthgen.algorithms.options import (
    DiscriminatorRate,
    DiscriminatorWidth,
    GeneratorRate,
    GeneratorWidth,
)
from synthgen.algorithms.pair import HINGE, RAISE_LOGITS, pair_tensors
from synthgen.algorithms.registry import algorithm
from synthgen.losses.penalties import off_diagonal_orthogonality
from synthgen.networks.canvas import Canvas
from synthgen.networks.resnet import ResNetDiscriminator, SharedGenerator
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task


class BigganOptions(Settings):
    chunk: int = Field(20, ge=1, le=256, description="Numbers of the latent that each block gets.")
    embedding: int = Field(128, ge=1, le=1024, description="Size of the shared class embedding.")
    width: GeneratorWidth = 384
    width_d: DiscriminatorWidth = 192
    lr_g: GeneratorRate = 2e-4
    lr_d: DiscriminatorRate = 2e-4
    d_steps: int = Field(4, ge=1, le=16, description="Steps of D for each of G.")
    orthogonality: float = Field(1e-4, ge=0, description="Weight of the orthogonal penalty.")


@algorithm("biggan", BigganOptions, "BigGAN", 2018, "arXiv:1809.11096")
def biggan(task: Task, options: BigganOptions) -> Algorithm:
    """For many classes and much data; wants a GPU and large batches."""
    latent = options.chunk * (Canvas.for_image(task.image).levels + 1)
    generator = SharedGenerator(task, options.chunk, options.embedding, options.width)

    def orthogonality(t: Tensors) -> Tensor:
        kernels = [
            module.weight
            for module in generator.modules()
            if isinstance(module, nn.Conv2d | nn.Linear)
        ]
        return torch.stack([off_diagonal_orthogonality(kernel) for kernel in kernels]).sum()

    return Algorithm(
        networks={"G": generator, "D": ResNetDiscriminator(task, options.width_d)},
        latents={"z": Normal((latent,))},
        tensors=pair_tensors(),
        phases=(
            Phase(
                "D",
                trains=("D",),
                terms={"hinge": HINGE},
                optimizer=Adam(options.lr_d, betas=(0.0, 0.999)),
                times=options.d_steps,
            ),
            Phase(
                "G",
                trains=("G",),
                terms={
                    "hinge": RAISE_LOGITS,
                    "orthogonality": Term(options.orthogonality, orthogonality),
                },
                optimizer=Adam(options.lr_g, betas=(0.0, 0.999)),
            ),
        ),
        samples={"image": "fake"},
    )
