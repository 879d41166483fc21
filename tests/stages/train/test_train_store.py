"""Training runs whose folder lies on a store."""

import contextlib
import json

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train import store as train_store
from synthgen.stages.train.stage import train
from synthgen.storage.place import place
from synthgen.storage.store_path import StoreError
from synthgen.storage.transfer import files_below, put_whole, scratch
from synthgen.training.distributed import Ranks
from synthgen.training.loop import Training

WHERE = "memory://bucket/run"


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(MemoryFileSystem, "pseudo_dirs", [""])
    monkeypatch.setattr("synthgen.storage.retry.FIRST_WAIT", 0.0)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def lines(file):
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [{k: v for k, v in row.items() if k != "images_per_second"} for row in rows]


def test_a_run_on_a_store_goes_on_elsewhere_to_the_bundle_of_a_disk(
    digit_folder, small_training, run_folder, monkeypatch
):
    """Killed after its second checkpoint, with a store that was away at the first."""
    settings = TrainSettings.parse({**small_training, "data": str(digit_folder), "out": WHERE})
    real_step, real_put, steps = Training.step, train_store.put_whole, []

    def dying(self):
        steps.append(self.shown)
        if len(steps) == 180:
            raise RuntimeError("killed")
        real_step(self)

    def away(source, target):
        if 10 < len(steps) < 100:
            raise StoreError(f"{target}: the store fails")
        real_put(source, target)

    with monkeypatch.context() as faults, pytest.raises(RuntimeError, match="killed"):
        faults.setattr(Training, "step", dying)
        faults.setattr(train_store, "put_whole", away)
        train(settings)
    there = {n.partition("/")[2] for n in files_below(place(WHERE)) if n.startswith("checkpoints")}
    assert {"000000004800/state.json", "000000004800/best/config.json"} <= there
    assert not [name for name in there if name.startswith("000000002400")]
    bundle = train(settings)
    assert str(bundle) == f"{WHERE}/bundle"
    root = place(WHERE)
    assert lines(root / "metrics.jsonl") == lines(run_folder / "metrics.jsonl")
    for name in files_below(run_folder / "bundle"):
        if name != "config.json":  # which names the hardware and the data's folder
            assert (bundle / name).read_bytes() == (run_folder / "bundle" / name).read_bytes(), name
    assert load_generator(WHERE, "cpu", "fp32").name == "run"
    assert {"report.md", "training.png", "settings.json"} <= set(files_below(root))
    assert ".lock" not in files_below(root) and not scratch(f"training {root}").exists()
    count = len(files_below(root))
    assert train(settings) == bundle and len(files_below(root)) == count
    with pytest.raises(SynthgenError, match=f"{WHERE}: holds a run with batch_size=32, not 16"):
        train(settings.model_copy(update={"batch_size": 16}))


def checkpoint(here, number, best):
    """A checkpoint as training leaves it, of which ``best`` was the best bundle."""
    for name in ("best/generator.safetensors", "best/config.json"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(f"{best} {name}")
    folder = here / "checkpoints" / f"{number:012d}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("weights.safetensors", "optimizers.safetensors", "state.json"):
        (folder / name).write_text(f"{number} {best} {name}")


@pytest.mark.parametrize("again", [False, True], ids=["a new one", "the same once more"])
def test_killed_within_sending_a_checkpoint_has_one_with_its_own_bundle(
    tmp_path, monkeypatch, again
):
    real_put = put_whole
    for dies_at in range(12):
        monkeypatch.setattr(MemoryFileSystem, "store", {})
        root, calls = place(WHERE), []
        copy = train_store._Copy(root, tmp_path / f"here-{dies_at}")
        copy.pull()
        copy.here.mkdir()
        (copy.here / "settings.json").write_text("{}")
        checkpoint(copy.here, 100, best=1)
        copy.send(True)
        checkpoint(copy.here, 200, best=2)
        copy.send(True)

        def dying(source, target):
            calls.append(target)
            if len(calls) > dies_at:
                raise KeyboardInterrupt
            real_put(source, target)

        monkeypatch.setattr(train_store, "put_whole", dying)
        checkpoint(copy.here, 200 if again else 300, best=3)
        with contextlib.suppress(KeyboardInterrupt):
            copy.send(True)
        monkeypatch.setattr(train_store, "put_whole", real_put)
        other = train_store._Copy(root, tmp_path / f"there-{dies_at}")
        other.pull()
        numbers = sorted(p.name for p in (other.here / "checkpoints").iterdir())
        newest = other.here / "checkpoints" / numbers[-1]
        number, best, _ = (newest / "state.json").read_text().split()
        for name in ("weights.safetensors", "optimizers.safetensors"):
            assert (newest / name).read_text() == f"{number} {best} {name}"
        for name in ("best/generator.safetensors", "best/config.json"):
            assert (other.here / name).read_text() == f"{best} {name}"
    assert best == "3"  # in the end nobody died


def test_checkpoints_that_are_gone_here_go_there(tmp_path):
    root = place(WHERE)
    copy = train_store._Copy(root, tmp_path / "here")
    for number in (100, 200):
        checkpoint(copy.here, number, best=1)
    copy.send(True)
    for file in (copy.here / "checkpoints" / f"{200:012d}").iterdir():
        file.unlink()
    (copy.here / "checkpoints" / f"{200:012d}").rmdir()
    copy.send(True)
    left = {name.split("/")[1] for name in files_below(root) if name.startswith("checkpoints")}
    assert left == {f"{100:012d}"}


def test_other_files_other_trainers_and_other_machines_are_refused(tmp_path, monkeypatch):
    (tmp_path / "x").write_text("x")
    put_whole(tmp_path / "x", place("memory://bucket/other/x"))
    with (
        pytest.raises(SynthgenError, match="is not empty and holds no run"),
        train_store.run_folder(place("memory://bucket/other"), Ranks()),
    ):
        pass
    with train_store.run_folder(place(WHERE), Ranks()):
        refused = pytest.raises(SynthgenError, match="in use by process")
        with refused, train_store.run_folder(place(WHERE), Ranks()):
            pass
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    refused = pytest.raises(SynthgenError, match="a run of several machines")
    with refused, train_store.run_folder(place(WHERE), Ranks(0, 4, 0)):
        pass
