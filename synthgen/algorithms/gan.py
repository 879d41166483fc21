"""GAN: Goodfellow et al. 2014, arXiv:1406.2661.

Dense networks, rectifiers in G and maxout in D, cross-entropy on logits with the non-saturating
generator, one step each in turn. (The paper trains with momentum and decaying rates; here it is
Adam.) The paper has no classes: the label is concatenated to G's latent and to the inputs of D's
layers, and projected in D.
"""

from __future__ import annotations

from pydantic import Field

from synthgen.algorithms.contract import Adam, Algorithm, Normal
from synthgen.algorithms.options import Embedding, Latent, LearningRate
from synthgen.algorithms.pair import CROSS_ENTROPY, NON_SATURATING, in_turn, pair_tensors
from synthgen.algorithms.registry import algorithm
from synthgen.networks.mlp import DenseGenerator, MaxoutDiscriminator
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task


class GanOptions(Settings):
    latent: Latent = 100
    embedding: Embedding = 32
    width: int = Field(1200, ge=4, le=8192, description="Units of G's hidden layers.")
    width_d: int = Field(240, ge=4, le=8192, description="Units of D's hidden layers.")
    pieces: int = Field(5, ge=2, le=16, description="Linear maps per maxout unit.")
    lr: LearningRate = 2e-4


@algorithm("gan", GanOptions, "Generative adversarial network", 2014, "arXiv:1406.2661")
def gan(task: Task, options: GanOptions) -> Algorithm:
    """For a baseline, and tiny images without texture."""
    return Algorithm(
        networks={
            "G": DenseGenerator(task, options.latent, options.embedding, options.width),
            "D": MaxoutDiscriminator(task, options.width_d, options.pieces),
        },
        latents={"z": Normal((options.latent,))},
        tensors=pair_tensors(),
        phases=in_turn(
            {"cross_entropy": CROSS_ENTROPY},
            {"cross_entropy": NON_SATURATING},
            Adam(options.lr, betas=(0.5, 0.999)),
        ),
        samples={"image": "fake"},
    )
