"""Bundles and real images on a store."""

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from synthgen.data.cache import load_images
from synthgen.generators.generator_set import save_set
from synthgen.generators.zoo import load_generator, short_name, show
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.storage.place import place
from synthgen.storage.store_path import StoreError
from synthgen.storage.transfer import files_below, put_whole


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(MemoryFileSystem, "pseudo_dirs", [""])
    monkeypatch.setattr("synthgen.storage.retry.FIRST_WAIT", 0.0)
    monkeypatch.setenv("SYNTHGEN_CACHE", str(tmp_path / "cache"))


def sent(folder, where):
    for name in files_below(folder):
        put_whole(folder / name, place(where) / name)
    return where


def drawn(name):
    return load_generator(name, "cpu", "fp32").sample(["nought", "two"], seed=3)


def test_a_generator_on_a_store_draws_what_that_of_a_folder_draws(
    run_folder, tmp_path, monkeypatch
):
    here = drawn(str(run_folder / "bundle"))
    sent(run_folder / "bundle", "memory://a/runs/digits/bundle")
    for name in ("memory://a/runs/digits", "memory://a/runs/digits/bundle"):
        assert np.array_equal(drawn(name), here)
        assert short_name(name) == "digits" == load_generator(name, "cpu", "fp32").name
    assert show("memory://a/runs/digits").read_task().classes == ("nought", "one", "two")

    def refuse(self, *given, **options):
        raise AssertionError("fetched twice")

    monkeypatch.setattr(MemoryFileSystem, "get_file", refuse)
    assert np.array_equal(drawn("memory://a/runs/digits"), here)


def test_a_set_on_a_store(run_folder, tmp_path):
    save_set(tmp_path / "set", [run_folder / "bundle"] * 3)
    sent(tmp_path / "set", "memory://a/set")
    assert np.array_equal(drawn("memory://a/set"), drawn(str(tmp_path / "set")))


@pytest.mark.parametrize("name", ["config.json", "generator.safetensors"])
def test_what_is_damaged_or_missing_is_named_and_not_kept(run_folder, name, tmp_path):
    where = place(sent(run_folder / "bundle", "memory://a/bundle"))
    file = where / name
    content = file.read_bytes()
    file.store.pipe_file(file.path, content[:-10])
    with pytest.raises(SynthgenError, match=f"memory://a/bundle/{name}.*(damaged|truncated)"):
        drawn(str(where))
    file.unlink()
    with pytest.raises(SynthgenError, match=r"missing; copy|no config\.json"):
        drawn(str(where))
    assert not [p for p in (tmp_path / "cache" / "bundles").glob("*")]
    file.store.pipe_file(file.path, content)
    drawn(str(where))


def test_a_store_that_is_down_is_named(monkeypatch):
    def down(self, *given, **options):
        raise ConnectionError("https://k:s3cr3t@host/ is down")

    monkeypatch.setattr(MemoryFileSystem, "info", down)
    with pytest.raises(
        StoreError, match=r"memory://a/x/bundle/set\.json: the store fails"
    ) as fault:
        drawn("memory://a/x")
    assert "s3cr3t" not in str(fault.value)


def test_real_images_on_a_store_are_those_of_the_folder(digit_folder):
    sent(digit_folder, "memory://a/digits")
    here = load_images(DataSettings.parse({"data": str(digit_folder)}))
    there = load_images(DataSettings.parse({"data": "memory://a/digits"}))
    assert there.name == here.name == "digits" and there.classes == here.classes
    assert np.array_equal(there.images, here.images)
    assert np.array_equal(there.labels, here.labels)
    with pytest.raises(SynthgenError, match="memory://a/none: holds no files"):
        load_images(DataSettings.parse({"data": "memory://a/none"}))
    put_whole(next(digit_folder.rglob("*.png")), place("memory://a/bad/x") / ".." / "y.png")
    with pytest.raises(SynthgenError, match="is none on a disk"):
        load_images(DataSettings.parse({"data": "memory://a/bad"}))


def test_a_signed_url_of_images_is_refused_without_its_signature():
    with pytest.raises(SynthgenError) as fault:
        load_images(DataSettings.parse({"data": "https://u:pw@host/x?X-Amz-Signature=abc"}))
    assert "pw" not in str(fault.value) and "abc" not in str(fault.value)
