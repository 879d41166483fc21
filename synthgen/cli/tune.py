"""``synthgen tune``."""

from __future__ import annotations

from typing import Any

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.spec.settings.tune import TuneSettings


@click.command("tune", help="Choose sampling settings by a classifier on held-out real images.")
@options_of(TuneSettings)
def command(config: str | None, **given: Any) -> None:
    """Prints all trials; the best becomes a file for synthgen sample."""
    settings = settings_from(TuneSettings, config, given)
    from synthgen.stages.utility.tune import tune

    click.echo(tune(settings).text())
