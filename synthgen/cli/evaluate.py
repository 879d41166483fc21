"""``synthgen evaluate``."""

from __future__ import annotations

from typing import Any

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.spec.settings.evaluate import EvaluateSettings


@click.command("evaluate", help="Compare the finished DATASET with real images, class by class.")
@options_of(EvaluateSettings, "dataset")
def command(**given: Any) -> None:
    """The figures go into report/metrics.json, the card and report/report.html as well."""
    settings = settings_from(EvaluateSettings, None, given)
    from synthgen.evaluation.text import as_text
    from synthgen.stages.evaluate.stage import evaluate
    from synthgen.stages.publish.report import report

    click.echo(as_text(evaluate(settings)))
    click.echo(f"report: {report(settings.dataset)}")
