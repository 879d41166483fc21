"""A server, deployments and workers on the loopback: what no unit test sees."""

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipelines.local_cluster import local_cluster
from synthgen.dataset.verify import verify
from synthgen.spec.plan import Plan
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.stage import sample

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SHARED = {"classes": ["cat", "dog"], "images_per_shard": 30, "batch_size": 64, "seed": 3}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with local_cluster(tmp_path_factory.mktemp("cluster")) as running:
        running.start_worker("cpu-0", "cpu")
        for number in range(2):
            environment = {"CUDA_VISIBLE_DEVICES": str(number), "OMP_NUM_THREADS": "1"}
            running.start_worker(f"gpu-{number}", "gpu", environment)
        yield running


def hashes(folder):
    return [
        hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(Path(folder, "data").iterdir())
    ]


def local(tmp_path, **changes):
    settings = SampleSettings.parse({**SHARED, "out": str(tmp_path / "local"), **changes})
    return hashes(sample(settings).root)


def receipts(out):
    """Receipts that are there, with what changes when a shard is made again."""
    folder = Path(out) / ".synthgen" / "receipts"
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in folder.glob("*.json")}


def until(condition, seconds=120, every=0.1):
    # Each question to the server takes time from the runs that are asked about.
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(every)
    raise TimeoutError("it did not happen")


def processes_of(run_id):
    """Process ids of the engine that runs a flow run."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and run_id in (folder / "environ").read_text(errors="replace"):
                command = (folder / "cmdline").read_text(errors="replace")
                found.append((int(folder.name), command))
        except OSError:
            continue
    return [pid for pid, command in found if "engine" in command or "prefect" in command]


def test_children_on_two_devices_make_the_bytes_of_a_local_run(cluster, tmp_path):
    out = tmp_path / "out"
    smaller = {**SHARED, "n": 180, "images_per_shard": 15}
    parameters = {**smaller, "out": str(out), "children": 2}
    given = [f"--param={name}={json.dumps(value)}" for name, value in parameters.items()]
    # As the README has it; the other tests' runs start by the server's API.
    told = cluster.prefect("deployment", "run", "build-dataset/adhoc", *given)
    run = re.search(r"UUID: ([0-9a-f-]{36})", told)[1]
    assert cluster.wait(run, 200) == "COMPLETED"
    assert verify(out).problems == []
    assert hashes(out) == local(tmp_path, **smaller)
    mine = {"flow_runs": {"parent_flow_run_id": {"any_": [run]}}}
    children = cluster.api("POST", "flow_runs/filter", mine)
    assert {child["state_type"] for child in children} == {"COMPLETED"} and len(children) == 2
    made = cluster.api("POST", "artifacts/filter", {
        "artifacts": {"key": {"any_": ["made"]},
                      "flow_run_id": {"any_": [child["id"] for child in children]}},
    })  # fmt: skip
    locks = [artifact["description"] for artifact in made]
    # With two children and two workers of one run each, no device had both.
    assert sorted(locks) == ["Made under lock cuda-0.", "Made under lock cuda-1."]
    shown = cluster.api("POST", "artifacts/filter", {
        "artifacts": {"flow_run_id": {"any_": [run]}},
    })  # fmt: skip
    assert {"plan", "shards", "counts", "seconds", "dataset"} <= {a["key"] for a in shown}
    tasks = cluster.api("POST", "task_runs/count", {
        "flow_runs": {"id": {"any_": [run, *(child["id"] for child in children)]}}
    })  # fmt: skip
    assert tasks <= 2 * 6 + 4
    # Library lines reach the run's log.
    assert "verified: 180 images in 12 shards" in cluster.prefect("flow-run", "logs", run)


def test_a_killed_child_is_replaced_and_nothing_is_made_twice(cluster, tmp_path):
    out = tmp_path / "out"
    run = cluster.run_deployment(
        "build-dataset/adhoc",
        {**SHARED, "n": 600, "images_per_shard": 25, "out": str(out), "children": 2},
    )
    until(lambda: len(receipts(out)) >= 4)
    mine = {"flow_runs": {"parent_flow_run_id": {"any_": [run]}}}
    child = until(lambda: next((r["id"] for r in cluster.api("POST", "flow_runs/filter", mine)
                                if r["state_type"] == "RUNNING"), None), every=0.5)  # fmt: skip
    killed = processes_of(child)
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    before = receipts(out)
    assert cluster.wait(run, 120) == "COMPLETED"
    after = receipts(out)
    assert len(after) == 24 and {name: after[name] for name in before} == before
    states = [r["state_type"] for r in cluster.api("POST", "flow_runs/filter", mine)]
    assert sorted(states) == ["COMPLETED", "COMPLETED", "CRASHED"]
    assert verify(out).problems == []


def test_a_killed_parent_is_retried_and_finds_its_children(cluster, tmp_path):
    larger, out = {**SHARED, "images_per_shard": 40, "n": 960}, tmp_path / "out"
    run = cluster.run_deployment("build-dataset/adhoc", {**larger, "out": str(out), "children": 2})
    until(lambda: len(receipts(out)) >= 4)
    for pid in processes_of(run):
        os.kill(pid, signal.SIGKILL)
    before = receipts(out)
    assert 4 <= len(before) < 24
    assert cluster.wait(run, 60) == "CRASHED"
    assert not (out / "README.md").exists()
    # Prefect's worker reports the crash once more, mostly some seconds after the run's own process
    # did, and would put an end to a retry that came before. The children go on meanwhile.
    time.sleep(15)
    for _ in range(3):
        cluster.prefect("flow-run", "retry", run)
        until(lambda: cluster.state(run) not in ("CRASHED",), 60, every=0.5)
        if cluster.wait(run, 120) != "CRASHED":
            break
        # The report was later still, on a busy machine, and the retry's process goes on without it.
        until(lambda: cluster.state(run) == "COMPLETED" or not processes_of(run), every=1)
        if cluster.state(run) == "COMPLETED":
            break
    assert cluster.state(run) == "COMPLETED"
    after = receipts(out)
    assert len(after) == 24 and {name: after[name] for name in before} == before
    assert verify(out).problems == []
    assert hashes(out) == local(tmp_path, **larger)
    mine = {"flow_runs": {"parent_flow_run_id": {"any_": [run]}}}
    assert len(cluster.api("POST", "flow_runs/filter", mine)) == 2, "its children were not found"


def test_the_nightly_deployment_is_scheduled_and_fires(cluster, tmp_path):
    nightly = cluster.api("GET", "deployments/name/build-dataset/nightly")
    assert nightly["schedules"][0]["schedule"]["cron"] == "0 2 * * *"
    assert nightly["global_concurrency_limit"]["limit"] == 1
    # The scheduler has made runs for the coming nights by itself.
    coming = until(
        lambda: [r for r in cluster.runs("build-dataset") if r["auto_scheduled"]], every=1
    )
    assert {r["state_type"] for r in coming} == {"SCHEDULED"}
    out = tmp_path / "night"
    parameters = {**SHARED, "n": 30, "out": str(out), "dated": True}
    cluster.api("PATCH", f"deployments/{nightly['id']}", {"parameters": parameters})
    cluster.prefect("deployment", "schedule", "create", "build-dataset/nightly", "--interval", "15", "--accept-yes")  # fmt: skip
    fired = until(lambda: [r["id"] for r in cluster.runs("build-dataset")
                           if r["auto_scheduled"] and r["state_type"] == "COMPLETED"], 180, every=1)  # fmt: skip
    assert fired
    made = next(folder for folder in tmp_path.iterdir() if (folder / "README.md").exists())
    assert made.name.startswith("night-20") and verify(made).problems == []
    schedules = cluster.api("GET", f"deployments/{nightly['id']}/schedules")
    for schedule in schedules:
        cluster.api("DELETE", f"deployments/{nightly['id']}/schedules/{schedule['id']}")


def test_the_command_line_submits_and_watches(cluster, tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "synthgen", "sample", "--n", "20", *arguments],
            env=cluster.environment, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = run(
        "--classes", "cat", "--out", "here", "--deployment", "build-dataset/adhoc", "--watch"
    )
    assert done.returncode == 0 and "Completed" in done.stdout, done.stderr
    assert verify(tmp_path / "here").rows == 20  # relative to where the command was given
    done = run("--classes", "cat", "--deployment", "build-dataset/none")
    assert done.returncode == 2 and done.stderr.startswith("error: deployment 'build-dataset/none'")
    refused = cluster.prefect(
        "deployment", "run", "build-dataset/adhoc", "--param", "seed=-1", check=False
    )
    assert "greater than or equal to" in refused or "minimum" in refused


def test_a_new_folder_of_images_becomes_a_dataset_in_one_run(
    cluster, digit_folder, small_training, tmp_path
):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(json.dumps({**small_training, "images": 2000, "ticks": 2}))
    parameters = {
        "data": str(digit_folder), "recipe": str(recipe), "run_folder": str(tmp_path / "run"),
        "n": 60, "filters": "none", "children": 1, "out": str(tmp_path / "out"),
    }  # fmt: skip
    run = cluster.run_deployment("build-dataset/adhoc", parameters)
    assert cluster.wait(run, 200) == "COMPLETED"
    assert verify(tmp_path / "out").rows == 60
    metrics = json.loads((tmp_path / "out" / "report" / "metrics.json").read_text())
    assert metrics["seen"] and metrics["verdict"] in (tmp_path / "out" / "README.md").read_text()
    config = tmp_path / "run" / "bundle" / "config.json"
    made = config.stat().st_mtime_ns
    again = {**parameters, "out": str(tmp_path / "again"), "n": 30, "evaluate_with": "none"}
    assert cluster.wait(cluster.run_deployment("build-dataset/adhoc", again), 200) == "COMPLETED"
    assert verify(tmp_path / "again").rows == 30
    assert not (tmp_path / "again" / "report" / "metrics.json").exists()
    assert config.stat().st_mtime_ns == made, "the bundle was there and was trained again"
    plan = Plan.from_json(json.loads((tmp_path / "out" / ".synthgen" / "plan.json").read_text()))
    assert plan.classes == ("nought", "one", "two")


def test_a_use_is_trained_and_given_rows_in_one_run_on_two_workers(cluster, tmp_path):
    rng, data = np.random.default_rng(0), tmp_path / "data"
    for number in range(40):
        folder = data / ("odd" if number % 2 else "even")
        folder.mkdir(parents=True, exist_ok=True)
        blocks = rng.integers(0, 256, (4, 4, 3), np.uint8).repeat(4, axis=0).repeat(4, axis=1)
        Image.fromarray(blocks).save(folder / f"{number:02d}.png")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(json.dumps({
        "images": 64, "batch_size": 8, "ticks": 1, "score_samples": 16, "classifier_images": 64,
        "device": "cpu", "precision": "fp32", "resolution": 16, "use_options": {"scale": 2},
        "options": {"width": 8, "blocks": 1, "width_d": 8, "perceptual": 0.0}, "structure": "flat",
    }))  # fmt: skip
    wanted = {
        "n": 40,
        "filters": "none",
        "images_per_shard": 5,
        "batch_size": 8,
        "precision": "fp32",
    }
    run = cluster.run_deployment("build-dataset/adhoc", {
        **wanted, "data": str(data), "use": "super-resolution", "recipe": str(recipe),
        "run_folder": str(tmp_path / "run"), "given": str(data), "children": 2,
        "out": str(tmp_path / "out"), "evaluate_with": "none",
    })  # fmt: skip
    assert cluster.wait(run, 300) == "COMPLETED"
    own = {"generator": str(tmp_path / "run"), "source": str(data), "out": str(tmp_path / "local")}
    root = sample(SampleSettings.parse({**wanted, **own, "device": "cpu"})).root
    assert hashes(tmp_path / "out") == hashes(root) and len(hashes(root)) == 8
    assert verify(tmp_path / "out").problems == []
    table = pq.read_table(next((root / "data").iterdir()))
    assert {"small", "given_label"} <= set(table.column_names)


@pytest.mark.skipif(
    not os.environ.get("SYNTHGEN_FULL"), reason="minutes of silence: SYNTHGEN_FULL=1"
)
def test_a_worker_that_dies_with_its_run_is_noticed_by_the_heartbeat(cluster, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.heartbeat"], env=cluster.environment, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert "set:" in done.stdout
    out = tmp_path / "out"
    run = cluster.run_deployment(
        "build-dataset/adhoc",
        {**SHARED, "n": 40_000, "images_per_shard": 100, "out": str(out), "children": 2},
    )
    until(lambda: len(receipts(out)) >= 4)
    time.sleep(35)  # a heartbeat has come
    mine = {"flow_runs": {"parent_flow_run_id": {"any_": [run]}}}
    running = [r["id"] for r in cluster.api("POST", "flow_runs/filter", mine)
               if r["state_type"] == "RUNNING"]  # fmt: skip
    victims = {pid for child in running for pid in processes_of(child)}
    worker = cluster.processes["gpu-0"].pid
    group = {pid for pid in victims if os.getpgid(pid) == os.getpgid(worker)}
    cluster.kill("gpu-0")
    for pid in group:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    before = receipts(out)
    assert cluster.wait(run, 500) == "COMPLETED"
    after = receipts(out)
    assert {name: after[name] for name in before} == before and len(after) == 400
    assert verify(out).problems == []
