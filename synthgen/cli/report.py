"""``synthgen report``."""

from __future__ import annotations

import click


@click.command("report", help="Write one self-contained HTML page about the dataset in FOLDER.")
@click.argument("folder", type=click.Path())
@click.option(
    "--real-images/--no-real-images",
    default=True,
    help="Whether the page shows real images beside synthetic ones.  [default: real-images]",
)
def command(folder: str, real_images: bool) -> None:
    """Run synthgen evaluate before, to have its figures in it."""
    from synthgen.stages.publish.report import report

    click.echo(f"report: {report(folder, real_images=real_images)}")
