"""Flow ``build-dataset``: generator → plan → shards → verify → publish → evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from prefect import flow, task
from prefect.deployments import run_deployment
from prefect.runtime import flow_run
from pydantic import Field

from pipelines.artifacts import show_counts, show_dataset, show_plan
from pipelines.engines import FanOut, here
from pipelines.evaluate_dataset import evaluate_dataset
from pipelines.parameters import flat, settings_of
from pipelines.retries import SAMPLING
from pipelines.train_generators import train_generators
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt
from synthgen.dataset.verify import verify
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import ShardPlan
from synthgen.spec.settings.base import read_yaml
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.publish.report import report as write_report
from synthgen.stages.publish.stage import publish
from synthgen.stages.sample.job import Job, Tell
from synthgen.stages.sample.stage import MakeShards, sample
from synthgen.storage.place import place

PARAMETERS: dict[str, Any] = {
    "data": (str | None, Field(None, description="Train a generator on these images first (class "
             "folders, dataset folder or hub id), unless its bundle is there already.")),
    "use": (str | None, Field(None, description="What the generator is trained for, with data: one "
            "of synthgen uses, with its options in the recipe.")),
    "given": (str | None, Field(None, description="Rows that the generator is given: the same as "
              "source.")),
    "recipe": (str | None, Field(None, description="YAML file of training settings; with data.")),
    "run_folder": (str | None, Field(None, description="Training's run folder; default: "
                   "runs/<name of data>.")),
    "existing": (Literal["go on", "overwrite", "extend"], Field("go on", description="What to do "
                 "when the output folder holds a run already.")),
    "children": (int, Field(0, ge=0, le=256, description="Spread the shards over so many child "
                 "runs; 0 makes them in this run.")),
    "child_deployment": (str, Field("sample-shards/gpu", description="Deployment of the child "
                         "runs.")),
    "train_deployment": (str, Field("train-generators/gpu", description="Deployment that trains, "
                         "where there are children.")),
    "child_retries": (int, Field(3, ge=0, le=20, description="New child runs for a range that "
                      "failed.")),
    "dated": (bool, Field(False, description="Append the date and time of the scheduled start to "
              "the output folder, so that every scheduled run makes a dataset of its own.")),
    "check": (bool, Field(True, description="Verify the finished dataset.")),
    "publish_to": (str | None, Field(None, description="Publish the dataset: hf://org/name or any "
                   "fsspec URL.")),
    "real_images": (bool, Field(True, description="Whether the report shows real images beside "
                    "synthetic ones; without, none is published.")),
    "evaluate_with": (str | None, Field(None, description="Evaluate against these real images; "
                      "default: those that the generator was trained on here; none: do not.")),
    "utility": (bool, Field(False, description="Train classifiers on it as well, as synthgen "
                "evaluate --utility does; it takes minutes.")),
    "utility_settings": (dict[str, Any], Field(default_factory=dict, description="Settings of "
                         "synthgen utility, for example test and seeds; with utility.")),
}  # fmt: skip


@flow(name="build-dataset")
@flat(SampleSettings, more=PARAMETERS)
def build_dataset(**parameters: Any) -> str:
    """Build a labelled dataset; the folder of it.

    Run again, after whatever end, it goes on: finished generators and shards are not made again.
    """
    generator = parameters["generator"]
    if parameters["data"] is not None:
        if generator is not None:
            raise SynthgenError("give a generator, or data to train one on, not both")
        generator = _trained(parameters)
    elif parameters["use"] is not None:
        raise SynthgenError("use: say what to train a generator on with data")
    given = {"generator": generator, "source": _given(parameters)}
    settings = SampleSettings.parse({**settings_of(SampleSettings, parameters), **given})
    if parameters["utility"] and _real(parameters) == "none":
        raise SynthgenError("utility: name the real images to train and test on with evaluate_with")
    if parameters["dated"]:
        settings = settings.model_copy(update={"out": _dated(settings.out)})
    make: MakeShards = here
    if parameters["children"]:
        make = FanOut(
            parameters["child_deployment"], parameters["children"], parameters["child_retries"]
        )

    def shown(layout: Layout, job: Job, missing: list[ShardPlan], progress: Tell) -> list[Receipt]:
        show_plan(job.plan, len(missing))
        return list(make(layout, job, missing, progress))

    existing = parameters["existing"]
    report = sample(settings, "new" if existing == "go on" else existing, shown)
    layout = Layout(report.root)
    if parameters["check"]:
        found = verify(report.root)
        if found.problems:
            raise SynthgenError(
                f"{report.root}: {len(found.problems)} problems: {found.problems[0]}"
            )
        say(f"verified: {found.rows:,} images in {found.shards} shards")
    show_counts(report.plan, report.receipts)
    show_dataset(layout, report.text())
    _evaluated(str(report.root), parameters, settings)
    shows_real = parameters["real_images"]
    write_report(report.root, real_images=shows_real)
    if parameters["publish_to"] is not None:
        publish_finished(str(report.root), parameters["publish_to"], shows_real)
    return str(report.root.resolve())


def _given(parameters: dict[str, Any]) -> str | None:
    """The rows that the generator is given, by whichever name."""
    if None not in (parameters["given"], parameters["source"]):
        raise SynthgenError("given: is another name of source; leave one of them out")
    found: str | None = parameters["given"] or parameters["source"]
    return found


def _real(parameters: dict[str, Any]) -> str:
    """The real images to compare with, or ``none``."""
    found: str = parameters["evaluate_with"] or parameters["data"] or "none"
    return found


def _evaluated(root: str, parameters: dict[str, Any], settings: SampleSettings) -> None:
    """Compare with the images that the user named, or else with those trained on, if that goes."""
    real = _real(parameters)
    if real == "none":
        return
    try:
        evaluate_dataset(
            dataset=root, real=real, generator=settings.generator, device=settings.device,
            utility=parameters["utility"], utility_settings=parameters["utility_settings"],
        )  # fmt: skip
    except SynthgenError as error:
        if parameters["evaluate_with"] or parameters["utility"]:
            raise
        # Nobody asked: a recipe may read columns or a split of the data that only training knows.
        say(f"not evaluated: {error}")


@task(name="publish", **SAMPLING)
def publish_finished(folder: str, where: str, real_images: bool = True) -> None:
    """Copy the dataset to where others read it; goes on where an upload broke off."""
    say(f"published: {publish(folder, where, real_images=real_images)}")


def _trained(parameters: dict[str, Any]) -> str:
    """The bundle of the generator that the training parameters describe."""
    data, recipe = parameters["data"], parameters["recipe"]
    folder = parameters["run_folder"] or str(Path("runs") / Path(data.rstrip("/")).name)
    values = read_yaml(recipe) if recipe else {}
    if parameters["use"] is not None:
        values = {**values, "use": parameters["use"]}
    settings = TrainSettings.parse({**values, "data": data, "out": folder}, recipe or "parameters")
    if parameters["children"]:
        return _trained_elsewhere(parameters["train_deployment"], settings)
    bundle: str = train_generators(**settings.model_dump())
    return bundle


def _trained_elsewhere(deployment: str, settings: TrainSettings) -> str:
    """Have a worker of the GPU pool train: this run may be on a machine that has no GPU."""
    folder = str(place(str(settings.out)).resolve())
    data = str(Path(settings.data).resolve()) if Path(settings.data).exists() else settings.data
    values = {**settings.model_dump(mode="json"), "out": folder, "data": data}
    run: Any = run_deployment(deployment, parameters=values, timeout=None, as_subflow=True)
    if not run.state.is_completed():
        raise RuntimeError(f"training run {run.name}: {run.state.name}: {run.state.message}")
    return str(place(folder) / "bundle")


def _dated(out: str | None) -> str:
    if out is None:
        raise SynthgenError("dated: name the output folder with out")
    start = flow_run.scheduled_start_time
    return f"{out.rstrip('/')}-{start:%Y%m%d-%H%M%S}"
