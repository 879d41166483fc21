"""R3GAN's objective on light networks: Huang et al. 2024, arXiv:2501.05441. This project's default.

Relativistic pairing of the logits with zero-centred gradient penalties on reals (R1) and fakes
(R2). The penalties run every few steps, on part of the batch, in float32, with respect to the
image before augmentation. The networks are not the paper's: residual, without normalisation like
its own, but narrow, with styled convolutions in G, a class embedding in G's mapping and a
projection head in D.
"""

from __future__ import annotations

from pydantic import Field

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Schedule
from synthgen.algorithms.options import (
    FullWidth,
    Gamma,
    GammaEnd,
    Latent,
    LearningRate,
    PenaltyEvery,
    PenaltyShare,
    Widest,
)
from synthgen.algorithms.pair import pair_tensors, relativistic_phases
from synthgen.algorithms.registry import algorithm
from synthgen.networks.residual import ResidualDiscriminator, ResidualGenerator
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task


class R3ganOptions(Settings):
    latent: Latent = 64
    style: int = Field(128, ge=8, le=1024, description="Size of the style that scales features.")
    width: FullWidth = 32
    widest: Widest = 256
    lr: LearningRate = 4e-4
    gamma: Gamma = 2.0
    gamma_end: GammaEnd = 0.5
    penalty_every: PenaltyEvery = 4
    penalty_share: PenaltyShare = 0.25


@algorithm(
    "r3gan",
    R3ganOptions,
    "R3GAN (light): relativistic pairing, R1 and R2",
    2024,
    "arXiv:2501.05441",
)
def r3gan(task: Task, options: R3ganOptions) -> Algorithm:
    """For most things: stable, varied, the most quality for its arithmetic."""
    adam = Adam(options.lr, betas=(0.0, 0.99))

    return Algorithm(
        networks={
            "G": ResidualGenerator(
                task, options.latent, options.width, options.widest, options.style
            ),
            "D": ResidualDiscriminator(task, options.width, options.widest),
        },
        latents={"z": Normal((options.latent,))},
        tensors=pair_tensors(),
        phases=relativistic_phases(adam, options.penalty_every, options.penalty_share),
        samples={"image": "fake"},
        schedules={"gamma": Schedule(options.gamma, options.gamma_end, end=0.5)},
    )
