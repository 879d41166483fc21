"""Bundles changed at random: they load as what was saved, or are refused in one line."""

import json
import shutil
from contextlib import suppress

import numpy as np
import pytest

from synthgen.generators.generator_set import save_set
from synthgen.generators.zoo import load_generator, metrics, show
from synthgen.spec.errors import SynthgenError


def mutate(folder, rng):
    """One random change of one random file; what was done."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    path = files[rng.integers(len(files))]
    content = bytearray(path.read_bytes())
    kind = rng.choice(["flip", "cut", "delete", "insert", "swap", "json"])
    if kind == "flip":
        for _ in range(int(rng.integers(1, 4))):
            content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
    elif kind == "cut":
        content = content[: rng.integers(len(content))]
    elif kind == "delete":
        path.unlink()
        return f"{kind} {path.name}"
    elif kind == "insert":
        at = int(rng.integers(len(content)))
        content[at:at] = rng.bytes(int(rng.integers(1, 30)))
    elif kind == "swap":
        other = files[rng.integers(len(files))]
        content = bytearray(other.read_bytes())
    elif path.suffix == ".json":
        record = json.loads(content)
        key = sorted(record)[rng.integers(len(record))]
        junk = [None, -1, "x", [], {}, 1e300, {"a": {"b": []}}, ["../../etc/passwd"], True]
        record[key] = junk[rng.integers(len(junk))]
        content = bytearray(json.dumps(record).encode())
    path.write_bytes(bytes(content))
    return f"{kind} {path.name}"


@pytest.mark.timeout(200)
def test_two_hundred_mutated_bundles(run_folder, tmp_path):
    original = load_generator(str(run_folder), device="cpu", precision="fp32")
    images = original.sample(["one"] * 3, batch_size=4)
    refused, touched = 0, set()
    for seed in range(200):
        folder = tmp_path / f"{seed}"
        shutil.copytree(run_folder / "bundle", folder)
        done = mutate(folder, np.random.default_rng(seed))
        before = sorted(path.name for path in folder.iterdir())
        try:
            loaded = load_generator(str(folder), device="cpu", precision="fp32")
        except SynthgenError as error:
            refused += 1
            assert str(error).strip() and "\n" not in str(error), done
        else:
            touched |= {path.name for path in folder.iterdir()
                        if path.read_bytes() != (run_folder / "bundle" / path.name).read_bytes()}  # fmt: skip
            # A change of the card or of free text is no harm; weights must be the saved ones.
            assert np.array_equal(loaded.sample(["one"] * 3, batch_size=4), images), done
        for read in (metrics, show):
            with suppress(SynthgenError):
                read(str(folder))
        assert sorted(path.name for path in folder.iterdir()) == before
        shutil.rmtree(folder)
    # A judge, the card and the scores are not read to sample: nothing else may pass unseen.
    assert touched <= {"discriminator.safetensors", "README.md", "metrics.json", "config.json"}
    assert refused > 80  # the discriminator, the card and the metrics are not read to sample


def test_mutated_sets_of_bundles(run_folder, tmp_path):
    whole = tmp_path / "whole"
    save_set(whole, [run_folder / "bundle"] * 3)
    original = load_generator(str(whole), device="cpu", precision="fp32")
    images, refused = original.sample(["one"] * 3, batch_size=4), 0
    for seed in range(30):
        folder, rng = tmp_path / f"{seed}", np.random.default_rng(seed)
        shutil.copytree(whole, folder)
        done = mutate(folder if seed % 2 else folder / f"{rng.integers(3):04d}", rng)
        try:
            loaded = load_generator(str(folder), device="cpu", precision="fp32")
        except SynthgenError as error:
            refused += 1
            assert str(error).strip() and "\n" not in str(error), done
        else:
            assert np.array_equal(loaded.sample(["one"] * 3, batch_size=4), images), done
        shutil.rmtree(folder)
    assert refused > 15
