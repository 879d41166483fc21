"""PixelDA: Bousmalis et al. 2017, arXiv:1612.05424.

One translator G from the source's images, with noise, to images like the target's; a discriminator
D of translated and real target images; and a task classifier T that learns the source's labels on
the source's own images and on their translations (equations 1 to 3, without the content loss of
equation 4). T is what keeps labels: a translation that shows another class than its row costs G.

D and G see no label, so the target needs none; whatever labels its rows have are not looked at.
Half of CycleGAN's networks, and no way back: for small images it is the cheaper of the two.
"""

from __future__ import annotations

from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Phase, Schedule, Tensors, Term
from synthgen.algorithms.pair import CROSS_ENTROPY, NON_SATURATING, judged
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.networks.label_reader import LabelReader
from synthgen.networks.pixel_translation import GROUPS, PixelTranslator, WholeDiscriminator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import CONDITION, CONDITIONS, Task, in_stream, two_kinds

OF_SOURCE = in_stream(CONDITION, "source")
"""The condition of the source's row."""


class PixeldaOptions(Settings):
    latent: int = Field(10, ge=1, le=1024, description="Numbers of noise for each image.")
    width: int = Field(
        16, ge=4, le=512, multiple_of=GROUPS, description="Channels of the translator."
    )
    blocks: int = Field(3, ge=1, le=18, description="Residual blocks of the translator.")
    width_d: int = Field(32, ge=4, le=512, description="Channels of D's first layer.")
    width_t: int = Field(
        32, ge=4, le=512, multiple_of=4, description="Channels of the task classifier's first."
    )
    task: float = Field(
        1.0, ge=0, description="Weight in G of what the task classifier says of translations; 0 "
        "leaves labels without a guard.",
    )  # fmt: skip
    lr: float = Field(1e-3, gt=0, le=1, description="Adam's learning rate of all networks.")


TAKES = Takes(
    given=(*CONDITIONS, "map"), streams=2,
    plainest=lambda classes, image: two_kinds(classes, image, ("source", "target")),
)  # fmt: skip


@algorithm("pixelda", PixeldaOptions, "PixelDA", 2017, "arXiv:1612.05424", TAKES)
def pixelda(task: Task, options: PixeldaOptions) -> Algorithm:
    """For small labelled images given the look of images without labels."""
    if options.task and (task.stratum is None or not task.by_class):
        raise SynthgenError("pixelda: its guard needs rows with a class; give task=0 without them")
    guarded = options.task > 0
    adam = Adam(options.lr, betas=(0.5, 0.999))
    networks = {
        "G": PixelTranslator(task.image, options.latent, options.width, options.blocks),
        "D": WholeDiscriminator(task.image, options.width_d),
    }
    generator = {"target": NON_SATURATING}
    if guarded:
        networks["T"] = LabelReader(task.image, len(task.classes), options.width_t)
        generator["task"] = Term(options.task, lambda t: _misread(t, "translated"))
    own = Term(0.5, lambda t: _misread(t, "source"))
    made = Term(0.5, lambda t: _misread(t, "translated"))
    reads = Phase("T", trains=("T",), terms={"source": own, "made": made}, optimizer=adam)
    return Algorithm(
        networks=networks,
        latents={"z": Normal((options.latent,))},
        tensors={  # images float [N, C, H, W], logits float32 [N]
            "translated": lambda t: t.call("G", t["source"], t["z"]),
            "real_logits": lambda t: judged(t, "image"),
            "fake_logits": lambda t: judged(t, "translated", OF_SOURCE),
        },
        phases=(
            Phase(
                "G", trains=("G",), terms=generator, optimizer=adam, hands_on=("translated",)
            ),
            Phase("D", trains=("D",), terms={"target": CROSS_ENTROPY}, optimizer=adam),
            *([reads] if guarded else []),
        ),
        samples={"image": "translated", "source": "source"},
        schedules={"lr": Schedule(1.0, 0.05, start=0.4)},
        inputs=("source",),
    )  # fmt: skip


def _misread(t: Tensors, images: str) -> Tensor:
    """Cross-entropy of what T says of images with the labels of the source's rows: a scalar."""
    return cross_entropy(t.call("T", t[images]), t[OF_SOURCE])
