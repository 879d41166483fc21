"""``synthgen utility``."""

from __future__ import annotations

from typing import Any

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.spec.settings.utility import UtilitySettings


@click.command("utility", help="Train a classifier on DATASET, test it on real images.")
@options_of(UtilitySettings, "dataset")
def command(**given: Any) -> None:
    """Prints the table and leaves it in report/utility.json."""
    settings = settings_from(UtilitySettings, None, given)
    from synthgen.stages.utility.stage import utility

    click.echo(utility(settings).text())
