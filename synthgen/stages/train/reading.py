"""How a use reads the rows of the data: with which columns that are computed from theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from synthgen.data import captions
from synthgen.data.attributes import FIELD, attributed
from synthgen.data.captions import captioned
from synthgen.data.class_choice import chosen_as
from synthgen.data.joints import FIELD as POINTS
from synthgen.data.joints import jointed
from synthgen.data.records import unlabelled_table
from synthgen.data.sources import Source, place_here
from synthgen.data.views import names_of
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import TrainSettings
from synthgen.uses.registry import Use


@dataclass(frozen=True)
class ReadSo:
    """How a use reads the rows that settings name."""

    settings: TrainSettings
    view: Callable[[Source], Source] | None = None
    """Makes columns of what the rows have."""
    apart: str | None = None
    """The field whose column the view makes, whatever it is called in the data."""


def reading_of(settings: TrainSettings, use: Use) -> ReadSo:
    """The way in which a use reads rows: with captions, with attributes, with one choice, with
    joints, or as they are."""
    if use.reads.captioned:
        view = partial(captioned, asked=settings.field.get(captions.FIELD))
        return ReadSo(unlabelled_table(settings), view, captions.FIELD)
    options = use.options.parse(settings.use_options, f"options of {use.name}")
    choice = use.reads.choice(options)
    if choice is not None:
        view = partial(chosen_as, name=choice.name, column=choice.column, classes=settings.classes)
        return ReadSo(settings, view, FIELD)
    least, joints = use.reads.attributes(options), use.reads.joints(options)
    if least is not None:
        names = asked_of(settings) or use.reads.named(options)
        view = partial(attributed, asked=names, least=least)
        return ReadSo(unlabelled_table(settings), view, FIELD)
    if joints is not None:
        _refuse_identity(settings)
        folder, asked = place_here(settings), settings.field.get(POINTS)
        view = partial(jointed, folder=folder, asked=asked, told=joints)
        return ReadSo(unlabelled_table(settings), view, POINTS)
    return ReadSo(settings)


def _refuse_identity(settings: TrainSettings) -> None:
    """Nothing, unless a column is named that says who is shown.

    Raises:
        SynthgenError: one is.
    """
    for name in ("identity", "person"):
        if name in settings.field:
            raise SynthgenError(
                f"--field {name}: pairs of one person in two poses are not read; leave it out, and "
                "people are made from joints alone"
            )


def asked_of(settings: TrainSettings) -> tuple[str, ...]:
    """The attributes that settings name."""
    return names_of(settings.field, FIELD)
