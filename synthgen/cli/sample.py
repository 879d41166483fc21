"""``synthgen sample``."""

from __future__ import annotations

from typing import Any, Literal

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.spec.errors import SynthgenError
from synthgen.spec.sample_settings import SampleSettings


@click.command("sample", help="Make a filtered, labelled, sharded dataset with a generator.")
@options_of(SampleSettings)
@click.option("--resume", is_flag=True, help="Go on with the run in the folder; there must be one.")
@click.option("--overwrite", is_flag=True, help="Remove what synthgen made in the folder first.")
@click.option("--extend", is_flag=True, help="Add images to the finished dataset in the folder.")
@click.option("--dry-run", is_flag=True, help="Show settings, plan and filters, and stop.")
def command(
    config: str | None, resume: bool, overwrite: bool, extend: bool, dry_run: bool, **given: Any
) -> None:
    """Sample, or go on with a run that was stopped."""
    if resume + overwrite + extend > 1:
        raise SynthgenError("give one of --resume, --overwrite and --extend")
    settings = settings_from(SampleSettings, config, given)
    from synthgen.stages.sample import describe, sample

    if dry_run:
        click.echo(describe(settings))
        return
    mode: Literal["new", "resume", "overwrite", "extend"] = (
        "resume" if resume else "overwrite" if overwrite else "extend" if extend else "new"
    )
    click.echo(sample(settings, mode).text())
