"""``synthgen uses``."""

from __future__ import annotations

import click

from synthgen.spec.errors import SynthgenError
from synthgen.uses.registry import find_use, use_names


@click.command("uses", help="List what generators can be trained for, or show one use.")
@click.argument("action", required=False, default="list")
@click.argument("name", required=False)
def command(action: str, name: str | None) -> None:
    """``list``, or ``show NAME``."""
    if action == "list" and name is None:
        for known in use_names():
            use = find_use(known)
            click.echo(f"{use.name}: {use.said.title}")
            click.echo(f"    {use.said.way}, by {use.algorithm}: {use.said.example}")
        return
    if action != "show" or name is None:
        raise SynthgenError("say 'synthgen uses list' or 'synthgen uses show NAME'")
    use = find_use(name)
    click.echo(f"{use.name}: {use.said.title}\n")
    click.echo(f"makes:     {use.said.way}\nalgorithm: {use.algorithm}")
    for option, field in use.options.model_fields.items():
        click.echo(f"option:    {option} (default {field.default}): {field.description}")
    click.echo(f"\n{use.said.example}")
