"""``synthgen algorithms``."""

from __future__ import annotations

import click


@click.command("algorithms", help="List the algorithms that can be trained, with their sizes.")
def command() -> None:
    """Name, paper, parameters and FLOPs at 32 px, what it is good for."""
    from synthgen.stages.train.algorithms_table import sized_algorithms

    for sized in sized_algorithms():
        click.echo(sized.text())
