"""``synthgen sample``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from typing import Any, Literal

import click

from synthgen.cli.options import options_of, settings_from
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings


@click.command("sample", help="Make a filtered, labelled, sharded dataset with a generator.")
@options_of(SampleSettings)
@click.option("--resume", is_flag=True, help="Go on with the run in the folder; there must be one.")
@click.option("--overwrite", is_flag=True, help="Remove what synthgen made in the folder first.")
@click.option("--extend", is_flag=True, help="Add images to the finished dataset in the folder.")
@click.option(
    "--engine",
    type=click.Choice(["local", "prefect", "ray"]),
    default="local",
    help="Where shards are made: this process, a Prefect flow, a Ray cluster.",
)
@click.option("--ray-address", default=None, help="Ray cluster; default: a local one.")
@click.option("--ray-gpus", type=float, default=0.0, help="GPUs of each Ray task.")
@click.option(
    "--deployment",
    default=None,
    metavar="FLOW/NAME",
    help="Start a run of this Prefect deployment, for example build-dataset/adhoc.",
)
@click.option("--watch", is_flag=True, help="With --deployment: wait until the run has ended.")
@click.option("--dry-run", is_flag=True, help="Show settings, plan and filters, and stop.")
def command(
    config: str | None,
    resume: bool,
    overwrite: bool,
    extend: bool,
    dry_run: bool,
    **given: Any,
) -> None:
    """Sample, or go on with a run that was stopped."""
    if resume + overwrite + extend > 1:
        raise SynthgenError("give one of --resume, --overwrite and --extend")
    where = _Where(**{field.name: given.pop(field.name) for field in fields(_Where)})
    settings = settings_from(SampleSettings, config, given)
    from synthgen.stages.sample.resolve import describe
    from synthgen.stages.sample.stage import sample

    if dry_run:
        click.echo(describe(settings))
        return
    mode: Literal["new", "resume", "overwrite", "extend"] = (
        "resume" if resume else "overwrite" if overwrite else "extend" if extend else "new"
    )
    engine, options = where.chosen()
    if engine == "local":
        click.echo(sample(settings, mode).text())
    else:
        click.echo(find_engine(engine)(settings, mode, **options))


@dataclass(frozen=True)
class _Where:
    """The options that say where shards are made."""

    engine: str
    ray_address: str | None
    ray_gpus: float
    deployment: str | None
    watch: bool

    def chosen(self) -> tuple[str, dict[str, Any]]:
        """The engine, and what it is called with.

        Raises:
            SynthgenError: options that do not go together.
        """
        if self.deployment is not None:
            if self.engine != "local":
                raise SynthgenError("give --engine or --deployment, not both")
            return "deployment", {"deployment": self.deployment, "watch": self.watch}
        if self.watch:
            raise SynthgenError("--watch goes with --deployment")
        if self.engine == "ray":
            return self.engine, {"address": self.ray_address, "num_gpus": self.ray_gpus}
        return self.engine, {}


def find_engine(name: str) -> Callable[..., str]:
    """The function of the entry point group ``synthgen.engines``: this package knows no scheduler.

    Raises:
        SynthgenError: no installed package has it.
    """
    for point in entry_points(group="synthgen.engines", name=name):
        found: Callable[..., str] = point.load()
        return found
    raise SynthgenError(f"engine '{name}' is not installed; install synthgen with its pipelines")
