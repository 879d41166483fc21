"""New characters from tags: hair colour, glasses, mood, whatever the data say of each."""

from __future__ import annotations

from pydantic import Field as Option

from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task
from synthgen.uses.faces import given_attributes
from synthgen.uses.registry import Offered, Reads, Use, Words

SAID = Words(
    "New characters with the tags that are asked for.",
    "tags -> image",
    "synthgen train --use characters --data drawings --field attributes=tags --resolution 64 "
    "--out runs/characters",
)


class CharactersOptions(Settings):
    least: float = Option(
        0.05, ge=0, lt=0.5, description="Smallest share of rows that a tag must have to be one."
    )


def task(offered: Offered, options: CharactersOptions) -> Task:
    """``attributes`` are given and so is a label, if there is one; ``image`` is made."""
    return given_attributes(offered, taken=True)


READS = Reads(attributes=lambda options: options.least, tagged=True)
USE = Use("characters", SAID, "r3gan", CharactersOptions, task, READS)
