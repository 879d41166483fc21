"""Emoji and cartoons from photographs: what a photograph shows, drawn in another look."""

from __future__ import annotations

from synthgen.spec.task import Task
from synthgen.uses import image_to_image
from synthgen.uses.registry import NoOptions, Offered, Reads, Use, Words

SAID = Words(
    "Emoji and cartoons drawn after photographs, learnt from two sets of images.",
    "photo -> emoji",
    "synthgen train --use photo-to-emoji --data drawings --source photos --resolution 64 "
    "--out runs/emoji",
)


def task(offered: Offered, options: NoOptions) -> Task:
    """``source``, a photograph, is given, ``image`` is made; a class that both have is given."""
    return image_to_image.task(offered, NoOptions())


READS = Reads(without_pairs="dtn")
USE = Use("photo-to-emoji", SAID, "dtn", NoOptions, task, READS)
