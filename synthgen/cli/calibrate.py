"""``synthgen calibrate``."""

from __future__ import annotations

from typing import Any

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.spec.calibrate_settings import CalibrateSettings


@click.command("calibrate", help="Measure real images for the filters of the generator BUNDLE.")
@options_of(CalibrateSettings, "bundle")
def command(**given: Any) -> None:
    """Rewrites the bundle's calibration and reference; its networks stay as they are."""
    settings = settings_from(CalibrateSettings, None, given)
    from synthgen.stages.judging.calibrate import calibrate_on

    click.echo(calibrate_on(settings).text())
