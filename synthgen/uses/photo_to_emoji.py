"""Emoji and cartoons from photographs: what a photograph shows, drawn in another look."""

from __future__ import annotations

from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task
from synthgen.uses import image_to_image
from synthgen.uses.registry import Offered, Use


class PhotoToEmojiOptions(Settings):
    """There are none."""


def task(offered: Offered, options: PhotoToEmojiOptions) -> Task:
    """``source``, a photograph, is given, ``image`` is made; a class that both have is given."""
    if offered.kinds is None and offered.columns:
        raise SynthgenError(
            "photographs and drawings are two sets of images without pairs: give one folder with a "
            "folder of each, or use image-to-image for pairs"
        )
    return image_to_image.task(offered, image_to_image.ImageToImageOptions())


USE = Use(
    name="photo-to-emoji",
    title="Emoji and cartoons drawn after photographs, learnt from two sets of images.",
    given="photo",
    made="emoji",
    algorithm="dtn",
    example="synthgen train --use photo-to-emoji --data both --resolution 64 --out runs/emoji",
    options=PhotoToEmojiOptions,
    task=task,
    without_pairs="dtn",
)
