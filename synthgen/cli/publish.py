"""``synthgen publish``."""

from __future__ import annotations

import click


@click.command(
    "publish", help="Copy the finished dataset in FOLDER to WHERE: hf://org/name or a URL."
)
@click.argument("folder", type=click.Path())
@click.argument("where")
@click.option("--public", is_flag=True, help="Make a new hub repository public; default: private.")
def command(folder: str, where: str, public: bool) -> None:
    """The card is copied last."""
    from synthgen.stages.publish import publish

    click.echo(f"published: {publish(folder, where, private=not public)}")
