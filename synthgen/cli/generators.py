"""``synthgen generators``."""

from __future__ import annotations

import click

from synthgen.spec.errors import SynthgenError


@click.command("generators", help="ACTION 'list' the bundled generators, or 'show' one (NAME).")
@click.argument("action", type=click.Choice(["list", "show"]))
@click.argument("name", required=False)
def command(action: str, name: str | None) -> None:
    """List or show."""
    from synthgen.generators.zoo import bundled_names, metrics, show

    if action == "list":
        for known in bundled_names():
            config = show(known)
            click.echo(
                f"{known}: {config.read_task().image}, {config.algorithm}, "
                f"{config.training.get('images_shown', 0):,} images shown; "
                f"classes {', '.join(config.read_task().classes)}"
            )
        return
    if name is None:
        raise SynthgenError("name the generator to show: a bundled one, a folder or a hub id")
    import yaml

    record = {**show(name).model_dump(mode="json"), "metrics": metrics(name)}
    click.echo(yaml.safe_dump(record, sort_keys=False, allow_unicode=True).rstrip())
