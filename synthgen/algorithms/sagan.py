"""Self-attention GAN: Zhang et al. 2018, arXiv:1805.08318.

Hinge loss, spectral norm in both networks, one self-attention block in each, class-conditional
batch norm in G and a projection of the label in D, and two time scales: D learns faster.
"""

from __future__ import annotations

from pydantic import Field

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Phase
from synthgen.algorithms.pair import HINGE, RAISE_LOGITS, pair_tensors
from synthgen.algorithms.registry import algorithm
from synthgen.networks.resnet import ResNetDiscriminator, ResNetGenerator
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task


class SaganOptions(Settings):
    latent: int = Field(128, ge=2, le=1024, description="Size of the latent.")
    width: int = Field(256, ge=8, le=2048, description="Channels of G up to 32 px.")
    width_d: int = Field(128, ge=8, le=2048, description="Channels of D up to 32 px.")
    lr_g: float = Field(1e-4, gt=0, le=1, description="Adam's learning rate of G.")
    lr_d: float = Field(4e-4, gt=0, le=1, description="Adam's learning rate of D.")


@algorithm(
    "sagan",
    title="Self-attention GAN",
    year=2018,
    paper="arXiv:1805.08318",
    options=SaganOptions,
    good_for="photographs with structure across the image; wants a GPU",
)
def sagan(task: Task, options: SaganOptions) -> Algorithm:
    """Build the pair; see the module's text."""
    return Algorithm(
        networks={
            "G": ResNetGenerator(task, options.latent, options.width),
            "D": ResNetDiscriminator(task, options.width_d),
        },
        latents={"z": Normal((options.latent,))},
        tensors=pair_tensors(),
        phases=(
            Phase(
                "D",
                trains=("D",),
                terms={"hinge": HINGE},
                optimizer=Adam(options.lr_d, betas=(0.0, 0.9)),
            ),
            Phase(
                "G",
                trains=("G",),
                terms={"hinge": RAISE_LOGITS},
                optimizer=Adam(options.lr_g, betas=(0.0, 0.9)),
            ),
        ),
        samples={"image": "fake"},
    )
