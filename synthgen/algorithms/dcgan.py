"""DCGAN: Radford et al. 2015, arXiv:1511.06434.

Strided and transposed convolutions without pooling or hidden dense layers, batch norm in both
networks except at G's output and D's input, cross-entropy with the non-saturating generator. The
paper has no classes: the label is concatenated to G's latent and projected in D.
"""

from __future__ import annotations

from synthgen.algorithms.contract import Adam, Algorithm, Normal
from synthgen.algorithms.options import ConvWidth, Embedding, Latent, LearningRate
from synthgen.algorithms.pair import CROSS_ENTROPY, NON_SATURATING, in_turn, pair_tensors
from synthgen.algorithms.registry import algorithm
from synthgen.networks.conv import ConvDiscriminator, ConvGenerator
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task


class DcganOptions(Settings):
    latent: Latent = 100
    embedding: Embedding = 32
    width: ConvWidth = 64
    lr: LearningRate = 2e-4


@algorithm("dcgan", DcganOptions, "Deep convolutional GAN", 2015, "arXiv:1511.06434")
def dcgan(task: Task, options: DcganOptions) -> Algorithm:
    """For quick runs on small images."""
    return Algorithm(
        networks={
            "G": ConvGenerator(task, options.latent, options.embedding, options.width),
            "D": ConvDiscriminator(task, options.width),
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
