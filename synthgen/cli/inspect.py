"""``synthgen inspect``."""

from __future__ import annotations

from typing import Any

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.cli.shown import JSON, show
from synthgen.spec.settings.inspect import InspectSettings


@click.command(
    "inspect",
    help="Look at the images in DATA as training would read them. Options are those of train.",
)
@options_of(InspectSettings, "data")
@JSON
def command(as_json: bool, **given: Any) -> None:
    """What was understood, what was left out, what is odd."""
    settings = settings_from(InspectSettings, None, given)
    from synthgen.stages.inspect.stage import inspect

    show(inspect(settings), as_json=as_json)
