"""ProGAN: Karras et al. 2017, arXiv:1710.10196.

G and D grow from the smallest resolution to the full one, each new level faded in. Wasserstein loss
with gradient penalty and a drift term, equalised learning rates, pixel norm, minibatch deviation;
the optimisers start anew with every level. The label is concatenated to the latent and projected in
D, whose features also feed a classifier (Odena et al. 2017, arXiv:1610.09585), as in the authors'
code.
"""

from __future__ import annotations

from pydantic import Field
from torch import Tensor

from synthgen.algorithms.contract import (
    Adam,
    Algorithm,
    Normal,
    Phase,
    Piecewise,
    Tensors,
    Term,
)
from synthgen.algorithms.options import (
    ClassHead,
    ClassHeadInG,
    Embedding,
    FullWidth,
    Latent,
    LearningRate,
    PenaltyWeight,
    Widest,
)
from synthgen.algorithms.pair import (
    RAISE_LOGITS,
    WASSERSTEIN,
    class_head,
    classifying_tensors,
    judged,
    logits,
    pair_tensors,
)
from synthgen.algorithms.registry import algorithm
from synthgen.losses.penalties import drift, unit_gradient_penalty
from synthgen.networks.canvas import Canvas
from synthgen.networks.progressive import (
    ProgressiveDiscriminator,
    ProgressiveGenerator,
    at_lod,
)
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task


class ProganOptions(Settings):
    latent: Latent = 128
    embedding: Embedding = 32
    width: FullWidth = 32
    widest: Widest = 256
    lr: LearningRate = 1e-3
    penalty: PenaltyWeight = 10.0
    drift: float = Field(1e-3, ge=0, description="Weight of the critic's squared real logits.")
    classify: ClassHead = 1.0
    classify_g: ClassHeadInG = 0.1
    grown_at: float = Field(
        0.5, gt=0, lt=1, description="Share of the run after which the full resolution is there."
    )


def growth(levels: int, grown_at: float) -> tuple[Piecewise, tuple[float, ...]]:
    """``lod`` over the run, and where each level begins to fade in.

    A stable period before each fade, all of one length.
    """
    points, starts = [(0.0, float(levels))], []
    length = grown_at / max(1, 2 * levels)
    for level in range(1, levels + 1):
        start = (2 * level - 1) * length
        points += [(start, float(levels - level + 1)), (start + length, float(levels - level))]
        starts.append(start)
    return Piecewise(tuple(points)), tuple(starts)


@algorithm("progan", ProganOptions, "Progressive growing of GANs", 2017, "arXiv:1710.10196")
def progan(task: Task, options: ProganOptions) -> Algorithm:
    """For steady training from 64 px up, when most of the budget may go to small images."""
    adam = Adam(options.lr, betas=(0.0, 0.99))
    canvas = Canvas.for_image(task.image)
    lod, starts = growth(canvas.levels, options.grown_at)

    classify = options.classify > 0

    def real(t: Tensors) -> Tensor:
        """The real images, as sharp as G's are by now: faded on the canvas, as G's are drawn."""
        return canvas.crop(at_lod(canvas.cover(t["image"]), t.scalar("lod")))

    def penalty(t: Tensors) -> Tensor:
        return unit_gradient_penalty(lambda x: logits(t, x), t["real"], t["fake"])

    named, shown = class_head(task, options.classify, options.classify_g)
    critic = {
        "wasserstein": WASSERSTEIN,
        "penalty": Term(options.penalty, penalty),
        "drift": Term(options.drift, lambda t: drift(t["real_logits"])),
        **named,
    }
    generator = {"wasserstein": RAISE_LOGITS, **shown}
    plain = {**pair_tensors(), "real_logits": lambda t: judged(t, "real")}
    return Algorithm(
        networks={
            "G": ProgressiveGenerator(
                task, options.latent, options.embedding, options.width, options.widest
            ),
            "D": ProgressiveDiscriminator(task, options.width, options.widest, classify),
        },
        latents={"z": Normal((options.latent,))},
        tensors={
            "real": real,  # float [N, C, H, W]
            **(classifying_tensors("real") if classify else plain),
        },
        phases=(
            Phase(
                "D",
                trains=("D",),
                terms=critic,
                optimizer=adam,
                full_precision=True,
                resets=starts,
            ),
            Phase("G", trains=("G",), terms=generator, optimizer=adam, resets=starts),
        ),
        samples={"image": "fake"},
        schedules={"lod": lod, "G.lod": lod, "D.lod": lod},
    )
