"""``synthgen train``."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.spec.settings.train import BUDGETS, TrainSettings
from synthgen.storage.place import Place, place


@click.command("train", help="Train a generator on labelled images, from a YAML file or options.")
@options_of(TrainSettings)
@click.option("--dry-run", is_flag=True, help="Show settings, sizes and time, and stop.")
def command(config: str | None, dry_run: bool, **given: Any) -> None:
    """Train, or go on with a run that was stopped."""
    settings = settings_from(TrainSettings, config, given, instead=BUDGETS)
    if settings.out is None:
        named = Path(config).stem if config else _name(settings.data)
        settings = settings.model_copy(update={"out": str(Path("runs") / named)})
    if dry_run:
        from synthgen.stages.train.dry_run import describe

        click.echo(describe(settings))
        return
    from synthgen.stages.train.stage import train

    bundle = train(settings)
    if os.environ.get("RANK", "0") == "0":
        click.echo(f"generator: {bundle}")
        click.echo(f"use it: {sampling_command(bundle)}")


def sampling_command(bundle: Place) -> str:
    """What to type to sample from a finished bundle: with rows to make images from, where it
    needs them."""
    from synthgen.generators.format import LAW
    from synthgen.generators.zoo import show
    from synthgen.stages.sample.conditions import row_fields

    line = f"synthgen sample --generator {shlex.quote(str(bundle))}"
    config = show(str(bundle))
    task = config.read_task()
    needed = row_fields(task)
    drawn = LAW in config.files and all(task.fields[name].enters == "vector" for name in needed)
    if not needed or drawn:
        return f"{line} --n 1000"
    return f"{line} --given DATA --n 1000   # DATA: rows that have {' and '.join(needed)}"


def _name(data: str) -> str:
    found = place(data.rstrip("/"))
    return found.resolve().name
