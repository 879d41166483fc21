"""``synthgen evaluate``."""

from __future__ import annotations

from typing import Any

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.spec.evaluate_settings import EvaluateSettings


@click.command("evaluate", help="Compare the finished DATASET with real images, class by class.")
@options_of(EvaluateSettings, "dataset")
def command(**given: Any) -> None:
    """Prints the figures and leaves them in report/metrics.json."""
    settings = settings_from(EvaluateSettings, None, given)
    from synthgen.evaluation.text import as_text
    from synthgen.stages.evaluate import evaluate

    click.echo(as_text(evaluate(settings)))
