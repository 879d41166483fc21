"""``synthgen export``."""

from __future__ import annotations

from typing import Literal

import click

from synthgen.spec.credentials import without_credentials

FORMATS = ("imagefolder", "webdataset", "coco", "obj", "glb")


@click.command(
    "export", help="Write the dataset in FOLDER as image folders, WebDataset, COCO or meshes."
)
@click.argument("folder", type=click.Path())
@click.option("--format", "form", type=click.Choice(FORMATS), required=True,
              help="Class folders with a table, tar shards, COCO's annotations, or meshes of "
              "solids.")  # fmt: skip
@click.option("--out", type=click.Path(), required=True, help="New folder, or a URL.")
def command(
    folder: str, form: Literal["imagefolder", "webdataset", "coco", "obj", "glb"], out: str
) -> None:
    """Image files are the dataset's own, byte for byte."""
    from synthgen.stages.finished.export import export

    click.echo(f"exported: {export(folder, out, form):,} images to {without_credentials(out)}")
