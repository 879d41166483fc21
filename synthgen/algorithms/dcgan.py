"""DCGAN: Radford et al. 2015, arXiv:1511.06434.

Strided and transposed convolutions without pooling or hidden dense layers, batch norm in both
networks except at G's output and D's input, cross-entropy with the non-saturating generator. The
paper has no classes: the label is concatenated to G's latent and projected in D.
"""

from __future__ import annotations

from pydantic import Field

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Phase
from synthgen.algorithms.pair import CROSS_ENTROPY, NON_SATURATING, pair_tensors
from synthgen.algorithms.registry import algorithm
from synthgen.networks.conv import ConvDiscriminator, ConvGenerator
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task


class DcganOptions(Settings):
    latent: int = Field(100, ge=2, le=1024, description="Size of the latent.")
    embedding: int = Field(32, ge=1, le=1024, description="Size of the label's embedding in G.")
    width: int = Field(64, ge=4, le=512, description="Channels of D's first and G's last layer.")
    lr: float = Field(2e-4, gt=0, le=1, description="Adam's learning rate of both networks.")


@algorithm(
    "dcgan",
    title="Deep convolutional GAN",
    year=2015,
    paper="arXiv:1511.06434",
    good_for="quick runs on small images",
    options=DcganOptions,
)
def dcgan(task: Task, options: DcganOptions) -> Algorithm:
    """Build the pair; see the module's text."""
    adam = Adam(options.lr, betas=(0.5, 0.999))
    return Algorithm(
        networks={
            "G": ConvGenerator(task, options.latent, options.embedding, options.width),
            "D": ConvDiscriminator(task, options.width),
        },
        latents={"z": Normal((options.latent,))},
        tensors=pair_tensors(),
        phases=(
            Phase(
                "D",
                trains=("D",),
                terms={"cross_entropy": CROSS_ENTROPY},
                optimizer=adam,
            ),
            Phase(
                "G",
                trains=("G",),
                terms={"cross_entropy": NON_SATURATING},
                optimizer=adam,
            ),
        ),
        samples={"image": "fake"},
    )
