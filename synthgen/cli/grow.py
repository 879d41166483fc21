"""``synthgen grow``."""

from __future__ import annotations

from typing import Any

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.spec.settings.grow import GrowSettings


@click.command("grow", help="Grow a dataset out of few labels and a pool of images without.")
@options_of(GrowSettings)
@click.option("--dry-run", is_flag=True, help="Show images, plan and time, and stop.")
def command(config: str | None, dry_run: bool, **given: Any) -> None:
    """Grow, or go on with a run that was stopped."""
    settings = settings_from(GrowSettings, config, given)
    if dry_run:
        from synthgen.stages.grow.plan import describe

        click.echo(describe(settings))
        return
    from synthgen.stages.grow.stage import grow

    click.echo(grow(settings).text())
