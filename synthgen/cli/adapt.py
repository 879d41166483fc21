"""``synthgen adapt``."""

from __future__ import annotations

from typing import Any

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.spec.settings.adapt import AdaptSettings


@click.command("adapt", help="Give labelled images the look of a place without labels.")
@options_of(AdaptSettings)
@click.option("--dry-run", is_flag=True, help="Show what is understood and planned, and stop.")
def command(config: str | None, dry_run: bool, **given: Any) -> None:
    """Adapt, or go on with a run that was stopped."""
    settings = settings_from(AdaptSettings, config, given)
    from synthgen.stages.adapt.stage import adapt, describe

    click.echo(describe(settings) if dry_run else adapt(settings).text())
