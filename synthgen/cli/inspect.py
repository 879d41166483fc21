"""``synthgen inspect``."""

from __future__ import annotations

import json
from typing import Any

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.spec.settings.inspect import InspectSettings


@click.command(
    "inspect",
    help="Look at the images in DATA as training would read them. Options are those of train.",
)
@options_of(InspectSettings, "data")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def command(as_json: bool, **given: Any) -> None:
    """What was understood, what was left out, what is odd."""
    settings = settings_from(InspectSettings, None, given)
    from synthgen.stages.inspect.stage import inspect

    found = inspect(settings)
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(found.lines()))
