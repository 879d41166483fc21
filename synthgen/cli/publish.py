"""``synthgen publish``."""

from __future__ import annotations

import click


@click.command(
    "publish", help="Copy the finished dataset in FOLDER to WHERE: hf://org/name or a URL."
)
@click.argument("folder", type=click.Path())
@click.argument("where")
@click.option("--public", is_flag=True, help="Make a new hub repository public; default: private.")
@click.option(
    "--real-images/--no-real-images",
    default=True,
    help="Whether the report shows real images beside synthetic ones; without, none leaves.  "
    "[default: real-images]",
)
def command(folder: str, where: str, public: bool, real_images: bool) -> None:
    """The card is copied last."""
    from synthgen.stages.publish.stage import publish

    sent = publish(folder, where, private=not public, real_images=real_images)
    click.echo(f"published: {sent}")
