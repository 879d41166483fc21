"""Which images to give advice on."""

from __future__ import annotations

from pydantic import Field

from synthgen.spec.settings.data import DataSettings


class AdviseSettings(DataSettings):
    """Flat on purpose: one key is one command-line option, one YAML line, one form field."""

    unlabelled: str | None = Field(None, description="Images of the same kind without labels: a "
        "folder, archive, table or hub id. Labels that they have are not looked at.")  # fmt: skip
    target: str | None = Field(None, description="Images like those that the model will be used "
        "on, as for unlabelled; they may be of another look than data.")  # fmt: skip
    private: bool = Field(False, description="The images themselves must not be passed on: a "
        "generator, or its samples, are to go in their place.")  # fmt: skip
    field: dict[str, str] = Field(default_factory=dict, description="Columns that hold attributes, "
        "where they are not all: attributes=age,gender.")  # fmt: skip
    seed: int = Field(0, ge=0, lt=2**63, description="Seed of which images are compared.")
