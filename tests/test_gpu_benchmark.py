"""The benchmark for borrowed GPUs: its parcels, its kit, and its end in time."""

import signal
import threading

import datasets
import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import gpu, gpu_kit, gpu_parcel
from benchmarks.gpu_checks import all_checks
from synthgen.spec.errors import SynthgenError


@pytest.fixture
def run(tmp_path):
    """A run folder of three checkpoints, with random weights that nothing makes smaller."""
    folder = tmp_path / "work" / "run"
    for shown in (0, 100, 200):
        checkpoint = folder / "checkpoints" / f"{shown:012d}"
        checkpoint.mkdir(parents=True)
        (checkpoint / "weights.safetensors").write_bytes(np.random.default_rng(shown).bytes(2500))
    (folder / "settings.json").write_text("{}")
    (folder / "best").mkdir()
    (folder / "best" / "config.json").write_text("best")
    return folder


def test_a_run_comes_back_from_its_parts_with_the_newest_checkpoint(run, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_parcel, "PART_BYTES", 4000)
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.tar.07").write_bytes(b"of an earlier sitting")
    parts = gpu_parcel.pack(run, out)
    assert len(parts) > 1 and sorted(out.iterdir()) == parts
    assert all(path.stat().st_size <= 4000 for path in parts)
    again = tmp_path / "again" / "run"
    assert gpu_parcel.unpack(out, again)
    assert [path.name for path in (again / "checkpoints").iterdir()] == [f"{200:012d}"]
    for name in ("checkpoints/000000000200/weights.safetensors", "settings.json",
                 "best/config.json"):  # fmt: skip
        assert (again / name).read_bytes() == (run / name).read_bytes()
    assert not gpu_parcel.unpack(tmp_path / "work", tmp_path / "none")


def test_a_run_that_is_too_large_leaves_the_parts_from_before(run, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_parcel, "PART_BYTES", 1000)
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.tar.00").write_bytes(b"of an earlier sitting")
    with pytest.raises(SynthgenError, match="6 are the most"):
        gpu_parcel.pack(run, out)
    assert (out / "run.tar.00").read_bytes() == b"of an earlier sitting"
    assert [path.name for path in out.iterdir()] == ["run.tar.00"]


def test_a_missing_part_is_told(run, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_parcel, "PART_BYTES", 4000)
    out = tmp_path / "out"
    out.mkdir()
    gpu_parcel.pack(run, out)[0].unlink()
    with pytest.raises(SynthgenError, match="do not fit together"):
        gpu_parcel.unpack(out, tmp_path / "again" / "run")


def test_without_a_gpu_its_checks_say_so_and_the_pixels_are_compared():
    checks = {check.name: check for check in all_checks(torch.device("cpu"))}
    assert [check.held for check in checks.values()] == [None, None, None, True]


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_the_block_is_left_when_its_time_is_over(handler):
    waited = threading.Event()
    before = signal.signal(signal.SIGINT, handler)
    try:
        left_in_time(waited)
    finally:
        signal.signal(signal.SIGINT, before)


def left_in_time(waited):
    with gpu.stopped_after(0.05):
        waited.wait(60)
        pytest.fail("nobody said that the time was over")
    with pytest.raises(ValueError), gpu.stopped_after(0.2):
        raise ValueError  # what is done in time, well or not, is not disturbed afterwards
    waited.wait(0.5)


def test_the_kit_takes_as_many_images_of_each_class_as_find_room(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (90, 16, 16, 3), dtype=np.uint8)
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b", "c"])}
    )
    rows = {"image": [Image.fromarray(image) for image in noise], "label": sorted([0, 1, 2] * 30)}
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "train-0.parquet"
    datasets.Dataset.from_dict(rows, features=features).to_parquet(path)
    size = path.stat().st_size
    assert gpu_kit.copy_images(tmp_path / "data", tmp_path / "all", size) == (90, 90)
    assert gpu_kit.copy_images(tmp_path / "data", tmp_path / "half", size // 2 + 1) == (45, 90)
    half = datasets.load_dataset(str(tmp_path / "half"), split="train")
    assert np.bincount(half["label"]).tolist() == [15, 15, 15]
    assert half.features == features
    assert np.array_equal(np.asarray(half[0]["image"]), noise[0])
    with pytest.raises(SynthgenError, match="no Parquet files"):
        gpu_kit.copy_images(tmp_path / "empty", tmp_path / "none", 10)


def test_the_kit_needs_what_training_imports_and_not_what_is_there_already():
    packages = gpu_kit.needed()
    assert {"pydantic", "pydantic-core", "datasets", "multiprocess", "matplotlib"} <= set(packages)
    assert not {"torch", "numpy", "pyarrow", "prefect", "hf-xet"} & set(packages)
