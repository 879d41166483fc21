"""``synthgen verify``."""

from __future__ import annotations

import sys

import click


@click.command(
    "verify", help="Check every promise of the dataset in FOLDER; exit code 1 if one fails."
)
@click.argument("folder", type=click.Path())
def command(folder: str) -> None:
    """Print what is wrong, or that nothing is."""
    from synthgen.stages.verify import verify

    found = verify(folder)
    for problem in found.problems:
        click.echo(problem)
    if found.problems:
        click.echo(f"{len(found.problems)} problems in {folder}")
        sys.exit(1)
    click.echo(f"good: {found.rows:,} images in {found.shards} shards of {folder}")
