"""How a finished dataset is judged again."""

from __future__ import annotations

from pydantic import Field

from synthgen.spec.settings.base import Settings


class FilterSettings(Settings):
    """Flat on purpose: one key is one command-line option, one YAML line, one form field."""

    dataset: str = Field(description="Folder of the finished dataset.")
    out: str = Field(description="Folder of the new one.")
    filters: str = Field(
        "default", description="'default', 'audit', 'none', or a YAML file of filters."
    )
    set: dict[str, float] = Field(
        default_factory=dict,
        description="Limits over the filters', for example label_agreement.min=0.9,entropy.max=6.",
    )
    generator: str | None = Field(
        None, description="The bundle that made the dataset, if it is not bundled."
    )
