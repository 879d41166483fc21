"""``synthgen verify``."""

from __future__ import annotations

import sys

import click

from synthgen.spec.credentials import without_credentials


@click.command(
    "verify", help="Check every promise of the dataset in FOLDER; exit code 1 if one fails."
)
@click.argument("folder", type=click.Path())
def command(folder: str) -> None:
    """Print what is wrong, or that nothing is."""
    from synthgen.dataset.verify import verify

    found, shown = verify(folder), without_credentials(folder)
    for problem in found.problems:
        click.echo(str(problem))
    if found.problems:
        click.echo(f"{len(found.problems)} problems in {shown}")
        sys.exit(1)
    click.echo(f"good: {found.rows:,} images in {found.shards} shards of {shown}")
