"""Wasserstein GAN: Arjovsky et al. 2017, arXiv:1701.07875.

A critic without sigmoid and without batch norm, whose weights are clipped after every step so that
it stays Lipschitz; five steps of it for each of G, which is DCGAN's; RMSProp. (The paper gives the
critic a hundred steps at the very start and at every five hundredth step of G; here it has five
throughout.) The paper has no classes: the label is concatenated to G's latent and projected in the
critic.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import nn

from synthgen.algorithms.contract import Algorithm, Normal, Phase, RMSProp
from synthgen.algorithms.pair import RAISE_LOGITS, WASSERSTEIN, pair_tensors
from synthgen.algorithms.registry import algorithm
from synthgen.networks.conv import ConvDiscriminator, ConvGenerator
from synthgen.spec.condition import ClassConditional
from synthgen.spec.settings.base import Settings


class WganOptions(Settings):
    latent: int = Field(100, ge=2, le=1024, description="Size of the latent.")
    embedding: int = Field(32, ge=1, le=1024, description="Size of the label's embedding in G.")
    width: int = Field(64, ge=4, le=512, description="Channels of D's first and G's last layer.")
    lr: float = Field(5e-5, gt=0, le=1, description="RMSProp's learning rate of both networks.")
    clip: float = Field(0.01, gt=0, le=1, description="Largest size of any weight of the critic.")
    d_steps: int = Field(5, ge=1, le=100, description="Steps of the critic for each of G.")


@algorithm(
    "wgan",
    title="Wasserstein GAN, weights clipped",
    year=2017,
    paper="arXiv:1701.07875",
    good_for="studying training: its loss follows quality; slow",
    options=WganOptions,
)
def wgan(task: ClassConditional, options: WganOptions) -> Algorithm:
    """Build the pair; see the module's text."""

    @torch.no_grad()
    def clip(networks: Mapping[str, nn.Module]) -> None:
        for parameter in networks["D"].parameters():
            parameter.clamp_(-options.clip, options.clip)

    return Algorithm(
        networks={
            "G": ConvGenerator(task, options.latent, options.embedding, options.width),
            "D": ConvDiscriminator(task, options.width, norm=False),
        },
        latents={"z": Normal((options.latent,))},
        tensors=pair_tensors(),
        phases=(
            Phase(
                "D",
                trains=("D",),
                terms={"wasserstein": WASSERSTEIN},
                optimizer=RMSProp(options.lr),
                times=options.d_steps,
                after=clip,
            ),
            Phase(
                "G",
                trains=("G",),
                terms={"wasserstein": RAISE_LOGITS},
                optimizer=RMSProp(options.lr),
            ),
        ),
        samples={"image": "fake"},
    )
