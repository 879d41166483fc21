"""``synthgen report``."""

from __future__ import annotations

import click


@click.command("report", help="Write one self-contained HTML page about the dataset in FOLDER.")
@click.argument("folder", type=click.Path())
def command(folder: str) -> None:
    """Run synthgen evaluate before, to have its figures in it."""
    from synthgen.stages.report import report

    click.echo(f"report: {report(folder)}")
