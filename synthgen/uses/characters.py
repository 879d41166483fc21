"""New characters from tags: hair colour, glasses, mood, whatever the data say of each."""

from __future__ import annotations

from pydantic import Field as Option

from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task
from synthgen.uses.faces import given_attributes
from synthgen.uses.registry import Offered, Use


class CharactersOptions(Settings):
    least: float = Option(
        0.05, ge=0, lt=0.5, description="Smallest share of rows that a tag must have to be one."
    )


def task(offered: Offered, options: CharactersOptions) -> Task:
    """``attributes`` are given and so is a label, if there is one; ``image`` is made."""
    return given_attributes(offered, taken=True)


USE = Use(
    name="characters",
    title="New characters with the tags that are asked for.",
    given="tags",
    made="image",
    algorithm="r3gan",
    example="synthgen train --use characters --data drawings --field attributes=tags "
    "--resolution 64 --out runs/characters",
    options=CharactersOptions,
    task=task,
    attributes=lambda options: options.least,
    tagged=True,
)
