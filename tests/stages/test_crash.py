"""Every stage is killed (-9) at random moments and gone on with: the same bytes every time.

Half of the moments are random times; half are points inside the commits: right before or right
after a call that renames, removes, flushes or makes something. In full, 50 moments for each stage:
``SYNTHGEN_FULL=1 python -m pytest tests/stages/test_crash.py``.
"""

import json
import os
import random
import shutil
import signal
import time
import zlib

import pytest
from hub_server import TOKEN, Hub

from synthgen.dataset.verify import verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

FULL = bool(os.environ.get("SYNTHGEN_FULL"))
KILLS = 50 if FULL else 2
KILL = signal.SIGKILL


@pytest.fixture(scope="module")
def made(commands, run_folder, tmp_path_factory):
    """Two small finished datasets, with rejects."""
    folder = tmp_path_factory.mktemp("made")
    rules = folder / "rules.yaml"
    rules.write_text("label_agreement: {min: 0.3}\nexact_duplicate: true\n")
    for seed in ("1", "2"):
        commands.run("sample", "--generator", run_folder, "--n", 120, "--images-per-shard", 30,
                     "--filters", rules, "--keep-rejects", "--seed", seed,
                     "--out", folder / seed)  # fmt: skip
    return folder / "1", folder / "2"


@pytest.fixture(scope="module")
def hub():
    server = Hub()
    yield server
    server.close()


@pytest.fixture(scope="module")
def stages(run_folder, digit_folder, small_training, made, hub):
    """Name to the command's arguments, as a function of the folder that it works in."""
    one, two = made
    training = [f"--{k.replace('_', '-')}={v}" for k, v in small_training.items() if k != "options"]
    options = ",".join(f"{k}={v}" for k, v in small_training["options"].items())
    rules = one.parent / "rules.yaml"
    return {
        "train": lambda at: ["train", "--data", digit_folder, *training, "--images", 960,
                             "--ticks", 3, "--classifier-images", 300, "--options", options,
                             "--out", at / "out"],
        "sample": lambda at: ["sample", "--generator", run_folder, "--per-class", 80,
                              "--images-per-shard", 40, "--filters", rules, "--keep-rejects",
                              "--device", "cpu", "--precision", "fp32", "--batch-size", 32,
                              "--splits", "train=0.8,test=0.2", "--out", at / "out"],
        "workers": lambda at: ["sample", "--generator", run_folder, "--n", 240, "--filters",
                               "none", "--images-per-shard", 40, "--device", "cpu", "--precision",
                               "fp32", "--workers", 2, "--out", at / "out"],
        "filter": lambda at: ["filter", one, "--filters", "none", "--set",
                              "label_agreement.min=0.5", "--generator", run_folder,
                              "--out", at / "out"],
        "merge": lambda at: ["merge", one, two, "--out", at / "out"],
        "webdataset": lambda at: ["export", one, "--format", "webdataset", "--out", at / "out"],
        "imagefolder": lambda at: ["export", one, "--format", "imagefolder", "--out", at / "out"],
        "evaluate": lambda at: ["evaluate", at / "copy", "--real", digit_folder, "--generator",
                                run_folder, "--device", "cpu"],
        "publish": lambda at: ["publish", at / "copy", at / "out"],
        "calibrate": lambda at: ["calibrate", at / "bundle", "--data", digit_folder, "--device",
                                 "cpu"],
        "hub": lambda at: ["publish", at / "copy", f"hf://me/{at.name}"],
    }  # fmt: skip


NAMES = ["train", "sample", "workers", "filter", "merge", "webdataset", "imagefolder", "evaluate",
         "publish", "calibrate", "hub"]  # fmt: skip


def outcome(at, hub):
    """All that the stage leaves, but for measured times, how a folder is called and who held it."""
    found = {}
    for path in sorted(at.rglob("*")):
        name = path.relative_to(at).as_posix()
        own = ".synthgen/" in name or "checkpoints/" in name or "/classifier/" in name
        own |= path.name == ".lock"
        if path.is_file() and not own and not name.endswith(("training.png", "report.html")):
            found[name] = content(path)
    if at.name in {name.partition("/")[2] for name in hub.repositories}:
        repository = hub.repositories[f"me/{at.name}"].files("main")
        found.update({f"hub/{name}": text for name, text in repository.items()})
    return found


def content(path):
    if path.name == "metrics.jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        return [{k: v for k, v in row.items() if k != "images_per_second"} for row in rows]
    if path.name == "manifest.json":
        record = json.loads(path.read_text())
        for receipt in record["receipts"]:
            del receipt["seconds"]
        return record
    if path.name == "settings.json":
        return {k: v for k, v in json.loads(path.read_text()).items() if k != "out"}
    return path.read_bytes()


def prepare(at, made, bundle, hub):
    """A folder of its own for one run; the stages that write into a dataset get a copy."""
    at.mkdir()
    shutil.copytree(made[0], at / "copy")
    shutil.copytree(bundle, at / "bundle")
    return {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1"}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_killed_at_random_moments(name, commands, stages, made, run_folder, hub, tmp_path):
    arguments, rng = stages[name], random.Random(zlib.crc32(name.encode()))
    environment = prepare(tmp_path / "whole", made, run_folder / "bundle", hub)
    if name in ("evaluate", "calibrate"):  # the first run decodes the real images, once for all
        commands.run(*arguments(tmp_path / "whole"), env=environment)
    begin = time.monotonic()
    calls = commands.run(*arguments(tmp_path / "whole"), faults={}, env=environment).calls
    seconds = time.monotonic() - begin
    whole = outcome(tmp_path / "whole", hub)
    assert len(whole) > 3 and calls > 1
    struck = 0
    kills = KILLS if FULL or name != "workers" else 1  # whose imports take their time
    for number in range(1, kills + 1):
        at = tmp_path / str(number)
        prepare(at, made, run_folder / "bundle", hub)
        if number % 2:
            faults = {rng.randrange(2 * calls): KILL}
            command = commands.start(*arguments(at), faults=faults, env=environment)
        else:
            command = commands.start(*arguments(at), env=environment)
            time.sleep(rng.uniform(0.05, 1.0) * seconds)
            command.send(KILL)
        struck += command.wait() == -KILL
        complete_means_whole(at)
        if "--format" not in command.arguments or not (at / "out").exists():
            commands.run(*arguments(at), env=environment)
        again = outcome(at, hub)
        odd = again.keys() ^ whole.keys()
        assert not odd, f"moment {number}: {sorted(odd)}"
        for path in whole:
            assert again[path] == whole[path], f"moment {number}: {path}"
        shutil.rmtree(at)
    assert struck >= kills // 2


def complete_means_whole(at):
    """A card says complete: it may be there only if all is."""
    if (at / "out" / "README.md").exists() and (at / "out" / "data").is_dir():
        assert verify(at / "out").problems == []
