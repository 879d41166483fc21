"""``synthgen merge``."""

from __future__ import annotations

import click


@click.command("merge", help="Join finished datasets of the same classes and columns into one.")
@click.argument("folders", nargs=-1, required=True, type=click.Path())
@click.option("--out", required=True, type=click.Path(), help="Folder of the new dataset.")
@click.option("--overwrite", is_flag=True, help="Remove what synthgen made in the folder first.")
def command(folders: tuple[str, ...], out: str, overwrite: bool) -> None:
    """Shards are copied as they are; images that repeat an earlier dataset's are left out."""
    from synthgen.stages.finished.merge import merge

    click.echo(merge(folders, out, "overwrite" if overwrite else "new").text())
