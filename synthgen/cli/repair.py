"""``synthgen repair``."""

from __future__ import annotations

import click


@click.command("repair", help="Make again the missing or damaged shards of the dataset in FOLDER.")
@click.argument("folder", type=click.Path())
@click.option("--generator", default=None, help="Bundle, if it is not a bundled one.")
@click.option("--source", default=None, help="Images to translate, if they lie elsewhere now.")
@click.option("--real", default=None, help="Images that latents were refined towards, likewise.")
@click.option("--device", default="auto", help="auto, cpu, cuda or cuda:N.")
def command(
    folder: str, generator: str | None, source: str | None, real: str | None, device: str
) -> None:
    """Whatever is whole stays as it is."""
    from synthgen.stages.sample.repair import repair

    report = repair(folder, generator=generator, source=source, real=real, device=device)
    click.echo(f"{report.made} shards made again" if report.made else "nothing was damaged")
    click.echo(report.text())
