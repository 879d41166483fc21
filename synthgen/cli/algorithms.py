"""``synthgen algorithms``."""

from __future__ import annotations

import click


@click.command("algorithms", help="List the algorithms that can be trained.")
def command() -> None:
    """One line each: name, title, year, paper."""
    from synthgen.algorithms.registry import DEFAULT, registered

    for name, found in registered().items():
        mark = "  (default)" if name == DEFAULT else ""
        click.echo(f"{name:<10} {found.title}, {found.year}, {found.paper}{mark}")
