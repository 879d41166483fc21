"""``synthgen advise``."""

from __future__ import annotations

from typing import Any

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.cli.shown import JSON, show
from synthgen.spec.settings.advise import AdviseSettings


@click.command(
    "advise",
    help="Look at the images in --data, and beside them, and say which ways of making data can "
    "help a model that learns from them, why, and what to type.",
)
@options_of(AdviseSettings)
@JSON
def command(as_json: bool, config: str | None, **given: Any) -> None:
    """What was found, what can help, what does not."""
    settings = settings_from(AdviseSettings, config, given)
    from synthgen.stages.advise.stage import advise

    show(advise(settings), as_json=as_json)
