"""CGAN: Mirza & Osindero 2014, arXiv:1411.1784.

The label enters both networks. The paper concatenates it to both inputs; G may instead have batch
norms with gains per class, and D a projection of the label. With ``mismatched`` negatives D also
sees real images under wrong labels (or another row's condition) and learns to refuse them (Reed et
al. 2016, arXiv:1605.05396, section 4.2). The networks are DCGAN's; the paper's were dense.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Term
from synthgen.algorithms.options import ConvWidth, Embedding, Latent, LearningRate
from synthgen.algorithms.pair import CROSS_ENTROPY, NON_SATURATING, in_turn, judged, pair_tensors
from synthgen.algorithms.registry import algorithm
from synthgen.losses.adversarial import (
    refuse,
)
from synthgen.networks.condition import condition_shape, index_count, mismatched
from synthgen.networks.conv import ConvDiscriminator, ConvGenerator
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import CONDITION, Task


class CganOptions(Settings):
    latent: Latent = 100
    embedding: Embedding = 32
    width: ConvWidth = 64
    lr: LearningRate = 2e-4
    generator: Literal["concat", "norm"] = Field(
        "concat", description="How the label enters G: beside the latent, or in the batch norms."
    )
    discriminator: Literal["concat", "projection"] = Field(
        "concat", description="How the label enters D: beside the image, or projected at the end."
    )
    mismatched: float = Field(
        0.5, ge=0, description="Weight of real images under wrong labels as negatives; 0 is off."
    )


@algorithm("cgan", CganOptions, "Conditional GAN", 2014, "arXiv:1411.1784")
def cgan(task: Task, options: CganOptions) -> Algorithm:
    """For comparing ways of conditioning; many classes of simple images."""
    classes = index_count(task)
    terms = {"cross_entropy": CROSS_ENTROPY}
    # Of a single class, or with nothing given, there is no wrong condition.
    if options.mismatched and (classes > 1 or condition_shape(task)[0]):
        terms["mismatched"] = Term(options.mismatched, lambda t: refuse(t["mismatched_logits"]))
    return Algorithm(
        networks={
            "G": ConvGenerator(
                task, options.latent, options.embedding, options.width, options.generator
            ),
            "D": ConvDiscriminator(task, options.width, conditioning=options.discriminator),
        },
        latents={"z": Normal((options.latent,))},
        tensors={
            **pair_tensors(),
            "wrong_condition": lambda t: mismatched(t[CONDITION], classes),
            "mismatched_logits": lambda t: judged(t, "image", "wrong_condition"),  # float [N]
        },
        phases=in_turn(
            terms, {"cross_entropy": NON_SATURATING}, Adam(options.lr, betas=(0.5, 0.999))
        ),
        samples={"image": "fake"},
    )
