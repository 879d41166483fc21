"""Weights that are none: refused in one line, without running or unpacking anything."""

import json
import pickle
import shutil
import struct

import pytest

from synthgen.generators.format import sha256 as _sha256
from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def header(record, size=None):
    text = json.dumps(record).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text


def weights(tmp_path):
    tensor = {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 4]}
    return {
        "a pickle": pickle.dumps(Trap(tmp_path / "sprung")),
        "a header of a million million bytes": struct.pack("<Q", 2**60) + b"{}",
        "a header longer than the file": header({}, 10_000),
        "a tensor of more numbers than bytes": header({"w": tensor}) + bytes(4),
        "a tensor out of the file": header(
            {"w": {"dtype": "F32", "shape": [1], "data_offsets": [2**40, 2**40 + 4]}}
        ),
        "tensors that overlap": header(
            {
                name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
                for name in ("w", "v")
            }
        ) + bytes(4),
        "a size that overflows": header(
            {"w": {"dtype": "F32", "shape": [2**62, 8], "data_offsets": [0, 4]}}
        ) + bytes(4),
        "a header of brackets": struct.pack("<Q", 100_000) + b"[" * 100_000,
        "nothing": b"",
    }  # fmt: skip


NAMES = ["a pickle", "a header of a million million bytes", "a header longer than the file",
         "a tensor of more numbers than bytes", "a tensor out of the file", "tensors that overlap",
         "a size that overflows", "a header of brackets", "nothing"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("file", ["generator.safetensors", "classifier.safetensors"])
def test_weights_that_are_none_are_refused(name, file, run_folder, tmp_path):
    """Though ``config.json`` vouches for their hash."""
    folder = tmp_path / "bundle"
    shutil.copytree(run_folder / "bundle", folder)
    content = weights(tmp_path)[name]
    (folder / file).write_bytes(content)
    config = json.loads((folder / "config.json").read_text())
    config["files"][file] = _sha256(content)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(SynthgenError) as fault:
        load_generator(str(folder), device="cpu")
    assert "\n" not in str(fault.value) and file in str(fault.value)
    assert not (tmp_path / "sprung").exists()


def test_checkpoints_that_are_pickles_are_refused(run_folder, tmp_path, digit_folder):
    from synthgen.spec.settings.train import TrainSettings
    from synthgen.stages.train.stage import train

    out = tmp_path / "run"
    shutil.copytree(run_folder, out)
    shutil.rmtree(out / "bundle")
    newest = max((out / "checkpoints").iterdir())
    (newest / "weights.safetensors").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    record = json.loads((out / "settings.json").read_text())
    with pytest.raises(SynthgenError, match="cannot resume from this checkpoint"):
        train(TrainSettings.parse({**record, "out": str(out), "data": str(digit_folder)}))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"width": 512, "widest": 2048, "latent": 8, "style": 16}},
        {"image": {"height": 1024, "width": 1024, "channels": 1}},
        {"image": {"height": 2**31, "width": 2**31, "channels": 1}},
        {"classes": [f"class {number}" for number in range(300_000)]},
    ],
    ids=["wide", "large", "vast", "many"],
)
def test_a_small_bundle_takes_no_more_memory_than_it_has(change, run_folder, tmp_path):
    import resource

    folder = tmp_path / "bundle"
    shutil.copytree(run_folder / "bundle", folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SynthgenError):
        load_generator(str(folder), device="cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


def test_files_of_a_bundle_have_their_own_names(run_folder, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(run_folder / "bundle", folder)
    config = json.loads((folder / "config.json").read_text())
    config["files"]["../../secret.safetensors"] = "0" * 64
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(SynthgenError, match="is no file of a bundle"):
        load_generator(str(folder), device="cpu")
    for name in ("../x", "a/../../b", "a/..", "..", "a\0b"):
        with pytest.raises(SynthgenError):
            load_generator(name, device="cpu")
