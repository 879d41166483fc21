"""Which images to look at, and what to write of them."""

from __future__ import annotations

from pydantic import Field

from synthgen.spec.settings.train import TrainSettings


class InspectSettings(TrainSettings):
    """The settings of a training run, so that its line can be tried as it is; those that do
    not concern the images change nothing."""

    out: str | None = Field(
        None,
        description="New folder for the images as training will see them, an ordinary dataset with "
        "a contact sheet of each class; default: none is written.",
    )
    set_aside: float | None = Field(
        None,
        gt=0,
        lt=0.9,
        description="With out: put this share of each class into a split 'test' of its own, chosen "
        "by seed.",
    )
