"""CycleGAN: Zhu et al. 2017, arXiv:1703.10593.

Two translators between the source's and the target's kind of image, a PatchGAN for each domain,
least-squares loss, cycle and identity losses, and a history of fakes for the discriminators. The
translators learn first in every step, and the discriminators then see the very fakes that they
learnt from. The label travels with the image: a translated image keeps its source's label, and the
target's discriminator sees it under that label.

None of these losses minds what an image shows: a cycle holds as well where every translator turns
all nines into fours. Two guards do (Hoffman et al. 2018, arXiv:1711.03213, CyCADA, equations 4 and
5), which the paper of CycleGAN does not have: a reader that learns the source's labels first and is
then left as it is names translations (``semantic``), and one that learns along names them, too
(``task``).
"""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from synthgen.algorithms.contract import Adam, Algorithm, Phase, Schedule, Tensors, Term
from synthgen.algorithms.pair import judged
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.losses.adversarial import least_squares_discriminator, least_squares_generator
from synthgen.losses.reconstruction import absolute_error
from synthgen.networks.image_pool import ImagePool
from synthgen.networks.label_reader import LabelReader
from synthgen.networks.translation import PatchDiscriminator, ResNetTranslator, patch_layers
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import CONDITION, CONDITIONS, Task, in_stream

OF_SOURCE = in_stream(CONDITION, "source")
"""The condition of the source's row."""


READER_WIDTH = 32
"""Channels of a reader's first layer."""
READER_RATE = 1e-3
"""Learning rate of the readers."""


class CycleganOptions(Settings):
    width: int = Field(64, ge=4, le=512, description="Channels of the translators' first layer.")
    blocks: int = Field(6, ge=1, le=18, description="Residual blocks of a translator.")
    width_d: int = Field(64, ge=4, le=512, description="Channels of the PatchGANs' first layer.")
    patch_layers: int | None = Field(
        None, ge=1, le=4, description="Strided layers of a PatchGAN; default: by the image's side."
    )
    cycle: float = Field(10.0, ge=0, description="Weight of the cycle loss.")
    identity: float = Field(0.5, ge=0, description="Identity loss as a share of the cycle loss.")
    pool: int = Field(50, ge=1, le=10_000, description="Fakes of a domain that are remembered.")
    lr: float = Field(2e-4, gt=0, le=1, description="Adam's learning rate of all networks.")
    semantic: float = Field(
        0.0, ge=0, description="Weight of what a frozen reader of the source's labels says of "
        "translations.",
    )  # fmt: skip
    task: float = Field(
        0.0, ge=0, description="Weight of what a reader says that learns on translations."
    )
    reading: float = Field(
        0.1, gt=0, lt=1, description="Share of the run in which the source's reader learns; the "
        "guards grow to their weight over as much again.",
    )  # fmt: skip


TAKES = Takes(given=(*CONDITIONS, "map"), streams=2)


@algorithm("cyclegan", CycleganOptions, "CycleGAN", 2017, "arXiv:1703.10593", TAKES)
def cyclegan(task: Task, options: CycleganOptions) -> Algorithm:
    """For labelled images of another look: sketch to photo, day to night; no pairs needed."""
    side = max(task.image.height, task.image.width)
    layers = options.patch_layers or patch_layers(side)
    guarded = guards(task, options)
    return Algorithm(
        networks={
            "to_target": ResNetTranslator(task, options.width, options.blocks),
            "to_source": ResNetTranslator(task, options.width, options.blocks),
            "D_target": PatchDiscriminator(task, options.width_d, layers),
            "D_source": PatchDiscriminator(task, options.width_d, layers),
            "pool_target": ImagePool(task, options.pool),
            "pool_source": ImagePool(task, options.pool),
            **{name: _reader(task) for name in guarded},
        },
        latents={},
        tensors={  # all images float [N, C, H, W], all logits float [N, patches]
            "translated": lambda t: t.call("to_target", t["source"], t[OF_SOURCE]),
            "returned": lambda t: t.call("to_source", t["image"], t[CONDITION]),
            "source_again": lambda t: t.call("to_source", t["translated"], t[OF_SOURCE]),
            "image_again": lambda t: t.call("to_target", t["returned"], t[CONDITION]),
            "image_kept": lambda t: t.call("to_target", t["image"], t[CONDITION]),
            "source_kept": lambda t: t.call("to_source", t["source"], t[OF_SOURCE]),
            "real_target": lambda t: judged(t, "image", CONDITION, "D_target"),
            "real_source": lambda t: judged(t, "source", OF_SOURCE, "D_source"),
            "fake_target": lambda t: judged(t, "translated", OF_SOURCE, "D_target"),
            "fake_source": lambda t: judged(t, "returned", CONDITION, "D_source"),
            "old_target": lambda t: pooled(t, "target", "translated", OF_SOURCE),
            "old_source": lambda t: pooled(t, "source", "returned", CONDITION),
        },
        phases=phases(options, guarded),
        samples={"image": "translated", "source": "source"},
        generators=("to_target",),
        judges=("D_target",),
        verdicts={"D_target": ("real_target", "old_target")},
        schedules={
            "lr": Schedule(1.0, 0.0, start=0.5),
            **({"guard": Schedule(0.0, 1.0, options.reading, 2 * options.reading)}
               if guarded else {}),
        },
        inputs=("source",),
    )  # fmt: skip


def guards(task: Task, options: CycleganOptions) -> tuple[str, ...]:
    """Names of the readers that guard labels: none where rows have no label."""
    if task.stratum is None or not task.by_class:
        return ()
    weights = {"reader": options.semantic, "task": options.task}
    return tuple(name for name, weight in weights.items() if weight > 0)


def _reader(task: Task) -> nn.Module:
    return LabelReader(task.image, len(task.classes), READER_WIDTH)


def misnamed(t: Tensors, by: str, images: str, under: str) -> Tensor:
    """Cross-entropy of what a reader says of images with their rows' labels: a scalar, nought
    while the guards are off."""
    strength = t.scalar("guard")
    if strength == 0:
        return t[images].new_zeros(())
    return strength * cross_entropy(t.call(by, t[images]), t[under])


def pooled(t: Tensors, domain: str, images: str, under: str) -> Tensor:
    """Logits ``float [N, patches]`` of fakes among which earlier ones from the pool are mixed."""
    shown, conditions = t.networks[f"pool_{domain}"](t[images], t[under])
    return t.call(f"D_{domain}", t.augment(shown), conditions)


def phases(options: CycleganOptions, guarded: tuple[str, ...] = ()) -> tuple[Phase, ...]:
    """Both translators together, then both discriminators on what these have just made, and the
    readers of labels."""
    adam = Adam(options.lr, betas=(0.5, 0.999))
    cycle, identity = options.cycle, options.cycle * options.identity
    translators = {
        "target": Term(1.0, lambda t: least_squares_generator(t["fake_target"])),
        "source": Term(1.0, lambda t: least_squares_generator(t["fake_source"])),
        "cycle_source": Term(cycle, lambda t: absolute_error(t["source_again"], t["source"])),
        "cycle_target": Term(cycle, lambda t: absolute_error(t["image_again"], t["image"])),
        "identity_target": Term(identity, lambda t: absolute_error(t["image_kept"], t["image"])),
        "identity_source": Term(identity, lambda t: absolute_error(t["source_kept"], t["source"])),
    }
    if "reader" in guarded:
        weight = options.semantic
        translators["semantic"] = Term(
            weight, lambda t: misnamed(t, "reader", "translated", OF_SOURCE)
        )
        translators["semantic_back"] = Term(
            weight, lambda t: misnamed(t, "reader", "returned", CONDITION)
        )
    if "task" in guarded:
        translators["task"] = Term(
            options.task, lambda t: misnamed(t, "task", "translated", OF_SOURCE)
        )
    discriminators = {
        "target": Term(
            1.0, lambda t: least_squares_discriminator(t["real_target"], t["old_target"])
        ),
        "source": Term(
            1.0, lambda t: least_squares_discriminator(t["real_source"], t["old_source"])
        ),
    }
    own = Term(1.0, lambda t: cross_entropy(t.call("reader", t["source"]), t[OF_SOURCE]))
    made = Term(1.0, lambda t: cross_entropy(t.call("task", t["translated"]), t[OF_SOURCE]))
    learns = Adam(READER_RATE, betas=(0.9, 0.999))
    readings = {
        "reader": Phase(
            "reader", trains=("reader",), terms={"labels": own}, optimizer=learns,
            window=(0.0, options.reading),
        ),
        "task": Phase("task", trains=("task",), terms={"labels": made}, optimizer=learns),
    }  # fmt: skip
    return (
        Phase(
            "G",
            trains=("to_target", "to_source"),
            terms=translators,
            optimizer=adam,
            hands_on=("translated", "returned"),
        ),
        Phase("D", trains=("D_target", "D_source"), terms=discriminators, optimizer=adam),
        *(readings[name] for name in guarded),
    )
