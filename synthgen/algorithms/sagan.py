"""Self-attention GAN: Zhang et al. 2018, arXiv:1805.08318.

Hinge loss, spectral norm in both networks, one self-attention block in each, class-conditional
batch norm in G and a projection of the label in D, and two time scales: D learns faster.
"""

from __future__ import annotations

from synthgen.algorithms.contract import Adam, Algorithm, Normal
from synthgen.algorithms.options import (
    DiscriminatorRate,
    DiscriminatorWidth,
    GeneratorRate,
    GeneratorWidth,
    Latent,
)
from synthgen.algorithms.pair import HINGE, RAISE_LOGITS, in_turn, pair_tensors
from synthgen.algorithms.registry import algorithm
from synthgen.networks.resnet import ResNetDiscriminator, ResNetGenerator
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task


class SaganOptions(Settings):
    latent: Latent = 128
    width: GeneratorWidth = 256
    width_d: DiscriminatorWidth = 128
    lr_g: GeneratorRate = 1e-4
    lr_d: DiscriminatorRate = 4e-4


@algorithm("sagan", SaganOptions, "Self-attention GAN", 2018, "arXiv:1805.08318")
def sagan(task: Task, options: SaganOptions) -> Algorithm:
    """For photographs with structure across the image; wants a GPU."""
    return Algorithm(
        networks={
            "G": ResNetGenerator(task, options.latent, options.width),
            "D": ResNetDiscriminator(task, options.width_d),
        },
        latents={"z": Normal((options.latent,))},
        tensors=pair_tensors(),
        phases=in_turn(
            {"hinge": HINGE},
            {"hinge": RAISE_LOGITS},
            Adam(options.lr_d, betas=(0.0, 0.9)),
            Adam(options.lr_g, betas=(0.0, 0.9)),
        ),
        samples={"image": "fake"},
    )
