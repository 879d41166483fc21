"""A person in a pose: joints are given, the image of a person who stands so is made."""

from __future__ import annotations

from pydantic import Field as Option

from synthgen.spec.advice import Help, measured
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.maps import Keypoints
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task
from synthgen.uses.registry import Offered, Reads, Use, Words, made_from

KEYPOINTS = "keypoints"
UNNAMED = ("head", "left hand", "right hand", "left foot", "right foot")
"""Joints where no data are at hand."""
NOTICE = (
    "images of real people need a legal ground (consent, a licence, a law); the people made are "
    "synthetic and nobody, and train_distance says how near each is to the nearest training image"
)
SAID = Words(
    "A person in a pose that is given by joints, which stay beside the image.",
    "keypoints -> image",
    "synthgen train --use pose-to-person --data people --resolution 64 --flip --out runs/people",
    NOTICE,
)


class PoseToPersonOptions(Settings):
    joints: str = Option(
        "",
        description="Names of the joints in the order of their column, between blanks; default: as "
        "joints.json beside the data says.",
    )


def task(offered: Offered, options: PoseToPersonOptions) -> Task:
    """``keypoints`` are given, ``image`` is made; a label travels along."""
    image = offered.image
    joints = offered.columns.get(KEYPOINTS)
    if not isinstance(joints, Keypoints):
        if offered.columns:
            raise SynthgenError(f"the rows have no column '{KEYPOINTS}' of joints")
        joints = Keypoints(UNNAMED, image.height, image.width, (), ((1, 2), (3, 4)))
    shown = Image(image.height, image.width, image.channels)
    return made_from(offered, {"image": shown, KEYPOINTS: joints}, [KEYPOINTS])


READS = Reads(joints=lambda options: options.joints)

HELP = Help(
    does="images of poses that you choose, the joints beside each",
    brings="an intervention",
    when="joints",
    evidence=(
        measured(
            "toy world: 88 % of joints asked for are found; photographs of sports 26 %",
            "docs/uses/pose-to-person.md",
        ),
    ),
    first="mirroring, turning and scaling images with their joints",
    commands=(
        "synthgen train --use pose-to-person --data {data}{reading} --out {runs}-poses",
        "synthgen sample --generator {runs}-poses --given {data} --n {images} --out {out}-poses",
        "synthgen utility {out}-poses --real {data} --learn keypoints --sizes all{held}",
    ),
)

USE = Use("pose-to-person", SAID, "pose", PoseToPersonOptions, task, READS, helps=HELP)
