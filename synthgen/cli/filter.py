"""``synthgen filter``."""

from __future__ import annotations

from typing import Any

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.spec.filter_settings import FilterSettings


@click.command("filter", help="Judge DATASET again from its stored scores; makes a new one.")
@options_of(FilterSettings, "dataset")
@click.option("--overwrite", is_flag=True, help="Remove what synthgen made in the folder first.")
def command(overwrite: bool, **given: Any) -> None:
    """Nothing is sampled; kept images are copied as they are."""
    settings = settings_from(FilterSettings, None, given)
    from synthgen.stages.sample.filter import filter_dataset

    click.echo(filter_dataset(settings, "overwrite" if overwrite else "new").text())
