"""``synthgen reproduce``."""

from __future__ import annotations

import sys

import click


@click.command(
    "reproduce", help="Make the image of one row of the dataset in FOLDER again; compare."
)
@click.argument("folder", type=click.Path())
@click.option("--row", type=int, required=True, help="Row of the split, from 0.")
@click.option("--split", default=None, help="Split; default: the first.")
@click.option("--generator", default=None, help="Bundle, if it is not where it was.")
@click.option("--real", default=None, help="Images that latents were refined towards, likewise.")
@click.option("--device", default="auto", help="auto, cpu, cuda or cuda:N.")
def command(
    folder: str, row: int, split: str | None, generator: str | None, real: str | None, device: str
) -> None:
    """Exit code 1 if the image differs."""
    from synthgen.stages.sample.reproduce import reproduce

    result = reproduce(folder, row, split, generator=generator, real=real, device=device)
    click.echo(result.text)
    if not result.same:
        sys.exit(1)
