"""Datasets made on different machines become one."""

import hashlib
import json

import datasets
import pytest

from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.stages.finished.merge import merge
from synthgen.stages.sample.filter import filter_dataset
from synthgen.stages.sample.repair import repair
from synthgen.stages.sample.reproduce import reproduce


def rows(folder, split):
    loaded = datasets.load_dataset(str(folder), split=split)
    return list(loaded.cast_column("image", datasets.Image(decode=False)))


def test_two_seeds_become_one_dataset_row_for_row(sampled, run_folder, tmp_path):
    common = {"n": 90, "images_per_shard": 40, "splits": {"train": 0.8, "test": 0.2}}
    one = sampled(**common, seed=1, out=str(tmp_path / "one")).root
    two = sampled(**common, seed=2, out=str(tmp_path / "two")).root
    report = merge([one, two], tmp_path / "both")
    assert verify(report.root).problems == [] and report.rows == 180 and report.dropped == 0
    for split in ("train", "test"):
        assert rows(report.root, split) == rows(one, split) + rows(two, split)
    train = len(rows(one, "train"))
    assert reproduce(report.root, 3, "train", generator=str(run_folder)).same
    assert reproduce(report.root, train + 3, "train", generator=str(run_folder)).same
    # The same again changes nothing; a shard that was lost is copied again.
    shards = sorted((report.root / "data").iterdir())
    hashes = [hashlib.sha256(p.read_bytes()).hexdigest() for p in shards]
    shards[1].unlink()
    (report.root / "README.md").unlink()
    merge([one, two], report.root)
    assert [hashlib.sha256(p.read_bytes()).hexdigest() for p in shards] == hashes
    assert verify(report.root).problems == []
    with pytest.raises(SynthgenError, match="merged from other datasets"):
        repair(report.root, generator=str(run_folder))
    from synthgen.spec.filter_settings import FilterSettings

    given = {"dataset": str(report.root), "out": str(tmp_path / "f"), "generator": str(run_folder)}
    with pytest.raises(SynthgenError, match="filter those, then merge"):
        filter_dataset(FilterSettings.parse(given))


def test_images_of_both_are_kept_once(sampled, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("exact_duplicate: true\n")
    small = sampled(n=60, images_per_shard=30, filters=str(rules), out=str(tmp_path / "small")).root
    large = sampled(n=90, images_per_shard=30, filters=str(rules), out=str(tmp_path / "large")).root
    repeats = {r["pixel_hash"] for r in rows(small, "train")} & {
        r["pixel_hash"] for r in rows(large, "train")
    }
    assert repeats
    report = merge([small, large], tmp_path / "both")
    assert report.dropped == len(repeats) and report.rows == 150 - len(repeats)
    assert verify(report.root).problems == []
    assert len({r["pixel_hash"] for r in rows(report.root, "train")}) == report.rows


def test_what_cannot_be_merged_is_named(sampled, tmp_path):
    one = sampled(n=30, out=str(tmp_path / "one")).root
    other = sampled(n=20, classes=("one", "two"), out=str(tmp_path / "other")).root
    webp = sampled(n=30, image_format="webp", out=str(tmp_path / "webp")).root
    out = tmp_path / "both"
    for folders, said in [
        ([one], "two datasets or more"),
        ([one, other], "its classes is"),
        ([one, webp], "its image_format is webp"),
        ([one, one], "is the same dataset"),
        ([one, tmp_path / "none"], "no finished synthgen dataset"),
    ]:
        with pytest.raises(SynthgenError, match=said):
            merge(folders, out)
        assert not out.exists()
    again = sampled(n=30, seed=9, out=str(tmp_path / "again")).root
    with pytest.raises(SynthgenError, match="lies in it"):
        merge([one, again], again, "overwrite")
    # A dataset from before the hash was part of the settings.
    manifest = json.loads((again / "manifest.json").read_text())
    assert manifest["settings"].pop("pixel_hash") == "XXH3-64"
    (again / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SynthgenError, match=r"again: its pixel_hash is BLAKE2b-64, .* XXH3-64"):
        merge([one, again], out)
    (one / ".synthgen" / "settings.json").write_text(json.dumps(manifest["settings"]))
    with pytest.raises(SynthgenError, match="holds a run with pixel_hash=null, not"):
        sampled(n=40, mode="extend", out=str(one), seed=9)
    again = sampled(n=30, seed=9, mode="overwrite", out=str(again)).root
    shard = next((again / "data").iterdir())
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    with pytest.raises(SynthgenError, match="missing or damaged; mend it with synthgen repair"):
        merge([one, again], out)
    assert not out.exists()
