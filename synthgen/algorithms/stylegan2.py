"""StyleGAN2: Karras et al. 2019, arXiv:1912.04958, light, with classes.

Non-saturating loss, lazy R1 on D and lazy path-length penalty on G, style mixing, noise, truncation
towards each class' mean style. The label's embedding enters the mapping and is projected in D. For
few images train it with ``augment: ada`` (Karras et al. 2020, arXiv:2006.06676).
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Phase, Schedule, Tensors, Term
from synthgen.algorithms.options import FullWidth, Latent, LearningRate, Widest
from synthgen.algorithms.pair import CROSS_ENTROPY, NON_SATURATING, centered_penalty, pair_tensors
from synthgen.algorithms.registry import algorithm
from synthgen.losses.penalties import path_lengths
from synthgen.networks.style import StyleDiscriminator, StyleGenerator
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import CONDITION, Task

PATH_MEMORY = 0.01
"""Share of the newest batch in the running mean of path lengths."""


class Stylegan2Options(Settings):
    latent: Latent = 128
    style: int = Field(128, ge=8, le=1024, description="Size of the style.")
    depth: int = Field(2, ge=1, le=16, description="Layers of the mapping (the paper has 8).")
    width: FullWidth = 32
    widest: Widest = 256
    lr: LearningRate = 2e-3
    gamma: float = Field(0.5, ge=0, description="Weight of R1.")
    r1_every: int = Field(16, ge=1, description="Steps between R1 penalties.")
    path: float = Field(2.0, ge=0, description="Weight of the path-length penalty; 0 is off.")
    path_every: int = Field(4, ge=1, description="Steps between path-length penalties.")
    mixing: float = Field(0.9, ge=0, le=1, description="Share of fakes with two styles.")


@algorithm("stylegan2", Stylegan2Options, "StyleGAN2 (light)", 2019, "arXiv:1912.04958")
def stylegan2(task: Task, options: Stylegan2Options) -> Algorithm:
    """For faces and other aligned images; few images, with augment: ada."""
    generator = StyleGenerator(
        task,
        latent=options.latent,
        style=options.style,
        depth=options.depth,
        width=options.width,
        widest=options.widest,
    )

    def mixed(t: Tensors) -> Tensor:
        styles = generator_of(t).styles(t["z"], t[CONDITION])
        others = generator_of(t).styles(torch.randn_like(t["z"]), t[CONDITION])
        return generator_of(t).mixed(styles, others, options.mixing)

    return Algorithm(
        networks={"G": generator, "D": StyleDiscriminator(task, options.width, options.widest)},
        latents={
            "z": Normal((options.latent,)),
            "noise": Normal((generator.synthesis.noise_size,)),
        },
        tensors={
            **pair_tensors(),
            "styles": mixed,  # float [N, layers, style]
            "fake": lambda t: t.call("G", t["styles"], t["noise"]),  # float [N, C, H, W]
            "sample": lambda t: t.call(
                "G",
                generator_of(t).styles(t["z"], t[CONDITION], t.scalar("truncation")),
                t["noise"],
            ),  # float [N, C, H, W]
        },
        phases=phases(options),
        samples={"image": "sample"},
        schedules={"gamma": Schedule(options.gamma, options.gamma)},
        truncates=True,
    )


def phases(options: Stylegan2Options) -> tuple[Phase, ...]:
    """D and G in turn, each with its lazy penalty: R1 for D, the path lengths for G."""
    adam = Adam(options.lr, betas=(0.0, 0.99))
    pair = [
        Phase(
            "D",
            trains=("D",),
            terms={"cross_entropy": CROSS_ENTROPY},
            optimizer=adam.beside_a_lazy_phase(options.r1_every),
        ),
        Phase(
            "R1",
            trains=("D",),
            terms={"r1": Term(1.0, lambda t: centered_penalty(t, "image"))},
            every=options.r1_every,
            lazy=True,
            full_precision=True,
        ),
        Phase(
            "G",
            trains=("G",),
            terms={"cross_entropy": NON_SATURATING},
            optimizer=adam.beside_a_lazy_phase(options.path_every) if options.path else adam,
        ),
    ]
    if options.path:
        pair.append(
            Phase(
                "path",
                trains=("G",),
                terms={"length": Term(options.path, path_penalty)},
                every=options.path_every,
                lazy=True,
                full_precision=True,
                batch_share=0.5,
            )
        )
    return tuple(pair)


def path_penalty(t: Tensors) -> Tensor:
    """How far path lengths lie from their running mean, squared: Karras et al. 2019, eq. 4."""
    net = generator_of(t)
    styles = net.styles(t["z"], t[CONDITION])
    lengths = path_lengths(net(styles, t["noise"]), styles)
    with torch.no_grad():
        net.path_mean.lerp_(lengths.mean(), PATH_MEMORY)
    return (lengths - net.path_mean).square().mean()


def generator_of(t: Tensors) -> StyleGenerator:
    """The generator at work: the trained one, or its average when images are drawn."""
    network = t.networks["G"]
    assert isinstance(network, StyleGenerator)
    return network
