"""Coupled GAN: Liu & Tuzel 2016, arXiv:1606.07536.

One latent makes a pair of images, one in each domain, of the same class: the generators share their
first layers, the discriminators their last. Only each domain's own images are seen, never pairs.
Cross-entropy with the non-saturating generators.
"""

from __future__ import annotations

from pydantic import Field

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Phase, Term
from synthgen.algorithms.options import Embedding, Latent
from synthgen.algorithms.pair import judged
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.losses.adversarial import cross_entropy_discriminator, non_saturating_generator
from synthgen.networks.coupled import (
    CoupledDiscriminator,
    CoupledGenerator,
    DiscriminatorTrunk,
    GeneratorTrunk,
)
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import CONDITION, Task, in_stream

OF_SOURCE = in_stream(CONDITION, "source")
"""The condition of the source's row."""


class CoganOptions(Settings):
    latent: Latent = 100
    embedding: Embedding = 32
    width: int = Field(64, ge=4, le=512, description="Channels of the heads.")
    lr: float = Field(2e-4, gt=0, le=1, description="Adam's learning rate of all networks.")


TAKES = Takes(streams=2)


@algorithm("cogan", CoganOptions, "Coupled GAN", 2016, "arXiv:1606.07536", TAKES)
def cogan(task: Task, options: CoganOptions) -> Algorithm:
    """For new pairs of images: the same thing in two domains."""
    adam = Adam(options.lr, betas=(0.5, 0.999))
    drawing = GeneratorTrunk(task, options.latent, options.embedding, options.width)
    judging = DiscriminatorTrunk(task, options.width)

    return Algorithm(
        networks={
            "G_target": CoupledGenerator(task, drawing, options.width),
            "G_source": CoupledGenerator(task, drawing, options.width),
            "D_target": CoupledDiscriminator(task, judging, options.width),
            "D_source": CoupledDiscriminator(task, judging, options.width),
        },
        latents={"z": Normal((options.latent,))},
        tensors={  # images float [N, C, H, W], logits float [N]
            "fake": lambda t: t.call("G_target", t["z"], t[CONDITION]),
            "fake_in_source": lambda t: t.call("G_source", t["z"], t[CONDITION]),
            "real_target": lambda t: judged(t, "image", CONDITION, "D_target"),
            "real_source": lambda t: judged(t, "source", OF_SOURCE, "D_source"),
            "fake_target": lambda t: judged(t, "fake", CONDITION, "D_target"),
            "fake_source": lambda t: judged(t, "fake_in_source", CONDITION, "D_source"),
        },
        phases=(
            Phase(
                "D",
                trains=("D_target", "D_source"),
                terms={
                    "target": Term(
                        1.0,
                        lambda t: cross_entropy_discriminator(t["real_target"], t["fake_target"]),
                    ),
                    "source": Term(
                        1.0,
                        lambda t: cross_entropy_discriminator(t["real_source"], t["fake_source"]),
                    ),
                },
                optimizer=adam,
            ),
            Phase(
                "G",
                trains=("G_target", "G_source"),
                terms={
                    "target": Term(1.0, lambda t: non_saturating_generator(t["fake_target"])),
                    "source": Term(1.0, lambda t: non_saturating_generator(t["fake_source"])),
                },
                optimizer=adam,
            ),
        ),
        samples={"image": "fake", "source": "fake_in_source"},
        generators=("G_target", "G_source"),
        judges=("D_target",),
        verdicts={"D_target": ("real_target", "fake_target")},
    )
