"""Wasserstein GAN: Arjovsky et al. 2017, arXiv:1701.07875.

A critic without sigmoid and without batch norm, whose weights are clipped after every step so that
it stays Lipschitz; five steps of it for each of G, a hundred in G's first steps and now and then;
G is DCGAN's; RMSProp. The paper has no classes: the label is concatenated to G's latent and
projected in the critic, whose features also feed a classifier (Odena et al. 2017,
arXiv:1610.09585). That head is no part of the critic's logit and is not clipped.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import nn

from synthgen.algorithms.contract import Algorithm, Burst, Normal, Phase, RMSProp
from synthgen.algorithms.options import (
    ClassHead,
    ClassHeadInG,
    ConvWidth,
    CriticSteps,
    Embedding,
    Latent,
)
from synthgen.algorithms.pair import (
    RAISE_LOGITS,
    WASSERSTEIN,
    class_head,
    classifying_tensors,
    pair_tensors,
)
from synthgen.algorithms.registry import algorithm
from synthgen.networks.conv import ConvDiscriminator, ConvGenerator
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task

FIRST_STEPS, EVERY = 25, 500
"""Steps of G that have ``d_burst`` steps of the critic: the first ones, and one in so many (the
authors' code)."""


class WganOptions(Settings):
    latent: Latent = 100
    embedding: Embedding = 32
    width: ConvWidth = 64
    lr: float = Field(5e-5, gt=0, le=1, description="RMSProp's learning rate of both networks.")
    clip: float = Field(0.01, gt=0, le=1, description="Largest size of any weight of the critic.")
    d_steps: CriticSteps = 5
    d_burst: int = Field(
        100, ge=1, le=1000, description="Steps of the critic in G's first 25 and each 500th step."
    )
    classify: ClassHead = 1.0
    classify_g: ClassHeadInG = 0.1


@algorithm("wgan", WganOptions, "Wasserstein GAN, weights clipped", 2017, "arXiv:1701.07875")
def wgan(task: Task, options: WganOptions) -> Algorithm:
    """For studying training: its loss follows quality; slow."""
    classify = options.classify > 0

    @torch.no_grad()
    def clip(networks: Mapping[str, nn.Module]) -> None:
        for name, parameter in networks["D"].named_parameters():
            if not name.startswith("classes."):
                parameter.clamp_(-options.clip, options.clip)

    named, shown = class_head(task, options.classify, options.classify_g)
    return Algorithm(
        networks={
            "G": ConvGenerator(task, options.latent, options.embedding, options.width),
            "D": ConvDiscriminator(task, options.width, norm=False, classify=classify),
        },
        latents={"z": Normal((options.latent,))},
        tensors=classifying_tensors() if classify else pair_tensors(),
        phases=(
            Phase(
                "D",
                trains=("D",),
                terms={"wasserstein": WASSERSTEIN, **named},
                optimizer=RMSProp(options.lr),
                times=options.d_steps,
                burst=Burst(options.d_burst, FIRST_STEPS, EVERY),
                after=clip,
            ),
            Phase(
                "G",
                trains=("G",),
                terms={"wasserstein": RAISE_LOGITS, **shown},
                optimizer=RMSProp(options.lr),
            ),
        ),
        samples={"image": "fake"},
    )
