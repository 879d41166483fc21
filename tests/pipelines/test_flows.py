"""The flows in this process, on a temporary server."""

import hashlib
import importlib
import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

import pipelines  # noqa: F401 - the environment before Prefect
from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.stage import sample
from synthgen.storage.place import place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SETTINGS = {"classes": ["cat", "dog"], "n": 90, "images_per_shard": 30, "batch_size": 32, "seed": 4}


@pytest.fixture(scope="module", autouse=True)
def server():
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


def hashes(folder):
    files = sorted((place(folder) / "data").iterdir(), key=str)
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    out = tmp_path_factory.mktemp("local") / "out"
    return hashes(sample(SampleSettings.parse({**SETTINGS, "out": str(out)})).root)


def test_a_flow_in_this_process_makes_the_bytes_of_a_local_run(local, tmp_path):
    from pipelines.run import with_prefect

    out = tmp_path / "out"
    settings = SampleSettings.parse({**SETTINGS, "out": str(out), "workers": 2})
    assert str(out) in with_prefect(settings, "new")
    assert hashes(out) == local and verify(out).problems == []


def test_a_flow_writes_to_a_store_and_takes_no_credentials(local):
    from pipelines.run import with_prefect

    out = "memory://flows/out"
    text = with_prefect(SampleSettings.parse({**SETTINGS, "out": out}), "new")
    assert 'load_dataset("parquet", data_files={"train": "memory://flows/out/data/' in text
    assert hashes(out) == local and verify(out).problems == []
    secret = SampleSettings.parse({**SETTINGS, "out": "s3://KEY:S3CR3T@bucket/x"})
    with pytest.raises(SynthgenError, match=r"out: .* has credentials") as fault:
        with_prefect(secret, "new")
    assert "S3CR3T" not in str(fault.value)


def test_a_flow_goes_on_from_the_receipts_of_a_local_run(local, tmp_path, monkeypatch):
    from pipelines.run import with_prefect
    from synthgen.stages.sample.shard_maker import ShardMaker

    settings = SampleSettings.parse({**SETTINGS, "out": str(tmp_path / "out")})
    real_commit, committed = ShardMaker.commit, []

    def commit(self, shard, made):
        if len(committed) == 2:
            raise KeyboardInterrupt
        committed.append(shard.index)
        return real_commit(self, shard, made)

    monkeypatch.setattr(ShardMaker, "commit", commit)
    with pytest.raises(KeyboardInterrupt):
        sample(settings)
    assert committed == [0, 1]
    monkeypatch.setattr(ShardMaker, "commit", real_commit)
    with_prefect(settings, "new")
    assert hashes(tmp_path / "out") == local


@pytest.mark.skipif(
    not importlib.util.find_spec("prefect_ray"), reason="the extra 'ray' is not installed"
)
def test_ray_makes_the_same_bytes(local, tmp_path):
    from pipelines.run import with_ray

    with_ray(SampleSettings.parse({**SETTINGS, "out": str(tmp_path / "out")}), "new")
    assert hashes(tmp_path / "out") == local


def test_what_may_pass_is_tried_again_and_a_mistake_is_not(tmp_path, monkeypatch):
    from pipelines import engines
    from pipelines.build_dataset import build_dataset

    tries = []
    real_make = engines.make_here

    def failing(maker, shards):
        tries.append(shards[0].index)
        if len(tries) == 1:
            raise OSError("the network file system went away")
        return real_make(maker, shards)

    monkeypatch.setattr(engines, "make_here", failing)
    monkeypatch.setitem(engines.SAMPLING, "retry_delay_seconds", 0.1)
    build_dataset(**{**SETTINGS, "out": str(tmp_path / "out")})
    assert tries == [0, 0, 1, 2]

    tries.clear()

    def mistaken(maker, shards):
        tries.append(shards[0].index)
        raise SynthgenError("class 'cat' keeps none of its candidates")

    monkeypatch.setattr(engines, "make_here", mistaken)
    with pytest.raises(SynthgenError, match="keeps none"):
        build_dataset(**{**SETTINGS, "out": str(tmp_path / "no")})
    assert tries == [0]


def test_a_hundred_shards_are_at_most_a_hundred_tasks():
    from pipelines.engines import chunks
    from synthgen.spec.plan import ShardPlan

    shards = [ShardPlan(i, "train", i, (1,)) for i in range(1234)]
    groups = chunks(shards)
    assert len(groups) <= 100 and [s for group in groups for s in group] == shards
    assert chunks([]) == []


def test_forty_shards_cost_forty_task_runs(tmp_path):
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    from pipelines.build_dataset import build_dataset

    build_dataset(**{**SETTINGS, "n": 80, "images_per_shard": 2, "out": str(tmp_path / "out")})
    with get_client(sync_client=True) as client:
        run = client.read_flow_runs(sort="START_TIME_DESC", limit=1)[0]
        wanted = FlowRunFilter(id={"any_": [run.id]})
        tasks = [task for offset in (0, 200)
                 for task in client.read_task_runs(flow_run_filter=wanted, offset=offset)]  # fmt: skip
    assert verify(tmp_path / "out").shards == 40 and len(tasks) == 40


def test_a_damaged_shard_has_not_arrived_until_its_bytes_are_right(sampled):
    from pipelines.engines import _arrived
    from synthgen.dataset.commit import read_json
    from synthgen.dataset.layout import Layout
    from synthgen.dataset.receipts import read_receipt
    from synthgen.spec.plan import Plan

    layout = Layout(sampled(n=60, images_per_shard=20).root)
    plan = Plan.from_json(read_json(layout.plan))
    orders = {shard.index: read_receipt(layout, shard).order for shard in plan.shards}

    class Job:
        def order(self, shard, excluded):
            return orders[shard.index]

    def arrived(damaged):
        left = {shard.index: shard for shard in plan.shards}
        return [receipt.shard for receipt in _arrived(layout, Job(), left, damaged)]

    names = [shard.name for shard in plan.shards]
    assert arrived(set()) == arrived({1}) == names
    path = layout.data / names[1]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert arrived({1}) == [names[0], names[2]]
    path.write_bytes(whole)
    assert arrived({1}) == names


def test_the_form_has_types_bounds_enums_and_descriptions():
    from prefect.utilities.callables import parameter_schema

    from pipelines.build_dataset import build_dataset

    fields = parameter_schema(build_dataset.fn).model_dump()["properties"]
    assert fields["image_format"]["enum"] == ["png", "webp", "jpeg"]
    assert fields["acceptance_floor"]["minimum"] == 0
    assert fields["children"]["maximum"] == 256
    for name, field in SampleSettings.model_fields.items():
        assert fields[name]["description"] == field.description


def test_a_bad_value_is_refused_before_anything_is_made(tmp_path):
    from prefect.exceptions import ParameterTypeError

    from pipelines.build_dataset import build_dataset

    out = tmp_path / "no"
    with pytest.raises((ParameterTypeError, ValidationError)):
        build_dataset(**{**SETTINGS, "seed": -1, "out": str(out)})
    with pytest.raises(SynthgenError, match="either n"):
        build_dataset(**{**SETTINGS, "per_class": 5, "out": str(out)})
    with pytest.raises(SynthgenError, match="not both"):
        build_dataset(**{**SETTINGS, "generator": "cifar10-32", "data": "x", "out": str(out)})
    with pytest.raises(SynthgenError, match=r"utility: name the real images .* evaluate_with"):
        build_dataset(**{**SETTINGS, "utility": True, "out": str(out)})
    assert not out.exists()


def test_filter_evaluate_and_publish_flows(
    sampled, run_folder, digit_folder, test_folder, tmp_path
):
    from pipelines.build_dataset import build_dataset
    from pipelines.filter_dataset import filter_dataset_flow

    folder = build_dataset(
        generator=str(run_folder), n=45, filters="none", out=str(tmp_path / "out"), device="cpu",
        publish_to=str(tmp_path / "shared"), evaluate_with=str(digit_folder), utility=True,
        real_images=False,
        utility_settings={"test": str(test_folder), "sizes": "5", "seeds": 1, "steps": 20,
                          "batch_size": 16, "width": 8},
    )  # fmt: skip
    metrics = json.loads((Path(folder) / "report" / "metrics.json").read_text())
    assert [row["trained_on"] for row in metrics["utility"]["rows"]] == [
        "real", "synthetic", "real + synthetic",
    ]  # fmt: skip
    assert "real + synthetic" in (tmp_path / "shared" / "README.md").read_text()
    shown = {path.name for path in (tmp_path / "shared" / "report").iterdir()}
    assert shown == {"contact-sheet.png", "metrics.json", "report.html", "utility.json"}
    assert verify(tmp_path / "shared").rows == 45
    tight = filter_dataset_flow(
        dataset=folder, out=str(tmp_path / "tight"), filters="none", generator=str(run_folder),
        set={"label_agreement.min": 0.5},
    )  # fmt: skip
    assert verify(tight).problems == []


def test_per_class_generators_are_trained_by_a_flow(digit_folder, small_training, tmp_path):
    from pipelines.train_generators import train_generators
    from synthgen.generators.zoo import load_generator

    values = {**small_training, "images": 640, "ticks": 1, "per_class": True}
    bundle = train_generators(**values, data=str(digit_folder), out=str(tmp_path / "run"))
    assert load_generator(bundle).classes == ("nought", "one", "two")


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("grow", {"labelled": "few", "unlabelled": "pool"}),
        ("adapt", {"source": "photos", "target": "camera"}),
    ],
)
def test_each_step_is_a_task_and_a_mistake_is_told_once(name, asked, tmp_path, monkeypatch):
    from prefect.runtime import task_run

    page = importlib.import_module(f"pipelines.{name}_dataset")
    build = getattr(page, f"{name}_dataset")
    steps, tasks = ("first step", "second step", "finish"), []

    def stage(settings, do):
        for step in steps:
            do(step, lambda: tasks.append(task_run.task_name))
        return SimpleNamespace(dataset=tmp_path / settings.out, table=str, text=str)

    monkeypatch.setattr(page, name, stage)
    asked = {**asked, "out": "made", "device": "cpu"}
    assert build(**asked) == str(tmp_path / "made")
    assert tuple(tasks) == steps

    def mistaken(settings, do):
        def fail():
            tasks.append("failed")
            raise SynthgenError("the classifiers are sure of no image of the pool")

        do("first step", fail)

    monkeypatch.setattr(page, name, mistaken)
    with pytest.raises(SynthgenError, match="sure of no image"):
        build(**asked)
    assert tasks.count("failed") == 1
