"""Wasserstein GAN with gradient penalty: Gulrajani et al. 2017, arXiv:1704.00028.

WGAN whose critic is kept Lipschitz by a penalty on the norm of its gradient between reals and
fakes, instead of by clipped weights; Adam. The penalty runs in float32 as a part of the critic's
own phase. The label is concatenated to G's latent and projected in the critic, whose features also
feed a classifier, with the weights of the authors' code for CIFAR-10 (section 5.4).
"""

from __future__ import annotations

from torch import Tensor

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Phase, Tensors, Term
from synthgen.algorithms.options import (
    ClassHead,
    ClassHeadInG,
    ConvWidth,
    CriticSteps,
    Embedding,
    Latent,
    LearningRate,
    PenaltyWeight,
)
from synthgen.algorithms.pair import (
    RAISE_LOGITS,
    WASSERSTEIN,
    class_head,
    classifying_tensors,
    logits,
    pair_tensors,
)
from synthgen.algorithms.registry import algorithm
from synthgen.losses.penalties import unit_gradient_penalty
from synthgen.networks.conv import ConvDiscriminator, ConvGenerator
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task


class WganGpOptions(Settings):
    latent: Latent = 100
    embedding: Embedding = 32
    width: ConvWidth = 64
    lr: LearningRate = 1e-4
    penalty: PenaltyWeight = 10.0
    d_steps: CriticSteps = 5
    classify: ClassHead = 1.0
    classify_g: ClassHeadInG = 0.1


@algorithm("wgan-gp", WganGpOptions, "Wasserstein GAN, gradient penalty", 2017, "arXiv:1704.00028")
def wgan_gp(task: Task, options: WganGpOptions) -> Algorithm:
    """For hard data where others fall over; slow, five critic steps a step."""
    adam = Adam(options.lr, betas=(0.0, 0.9))
    classify = options.classify > 0

    def penalty(t: Tensors) -> Tensor:
        return unit_gradient_penalty(lambda x: logits(t, x), t["image"], t["fake"])

    named, shown = class_head(task, options.classify, options.classify_g)
    critic = {"wasserstein": WASSERSTEIN, "penalty": Term(options.penalty, penalty), **named}
    generator = {"wasserstein": RAISE_LOGITS, **shown}
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
                terms=critic,
                optimizer=adam,
                times=options.d_steps,
                full_precision=True,
            ),
            Phase("G", trains=("G",), terms=generator, optimizer=adam),
        ),
        samples={"image": "fake"},
    )
