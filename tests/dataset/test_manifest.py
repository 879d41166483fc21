"""The manifest as a record: what is read is written again byte for byte."""

import json

import pytest

from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest, read_manifest
from synthgen.dataset.problems import Kind, Problem
from synthgen.dataset.run_settings import RunSettings, settings_hash
from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.stages.finished.merge import merge


def text(manifest):
    return json.dumps(manifest.to_json(), indent=2, ensure_ascii=False) + "\n"


def test_it_is_written_as_it_was_read(sampled, tmp_path):
    one, two = (sampled(n=30, seed=seed, out=str(tmp_path / str(seed))).root for seed in (1, 2))
    both = merge([one, two], tmp_path / "both").root
    for root in (one, both):
        assert text(read_manifest(Layout(root))) == (root / "manifest.json").read_text()
    manifest = read_manifest(Layout(both))
    made_of = {manifest.made_of(shard.name).plan.seed for shard in manifest.plan.shards}
    assert made_of == {1, 2}


def test_one_of_the_first_version_is_read(sampled):
    """Before pairs there were no domains, before the other hash none was named."""
    path = sampled(n=30).root / "manifest.json"
    record = json.loads(path.read_text())
    del record["generator"]["domains"], record["settings"]["pixel_hash"]
    manifest = Manifest.from_json(record)
    assert len(manifest.generator.task(("a",)).streams) == 1
    assert manifest.settings.pixel_hash == "BLAKE2b-64"
    assert json.loads(text(manifest)) == record


def test_a_shard_of_no_part_is_refused(sampled, tmp_path):
    one, two = (sampled(n=30, seed=seed, out=str(tmp_path / str(seed))).root for seed in (1, 2))
    path = merge([one, two], tmp_path / "both").root / "manifest.json"
    record = json.loads(path.read_text())
    for changed in ({"part_of": {}}, {"parts": record["parts"][:1]}, {"parts": [{}]}):
        path.write_text(json.dumps({**record, **changed}))
        with pytest.raises(SynthgenError, match="damaged"):
            read_manifest(Layout(path.parent))


def test_settings_are_hashed_without_the_amount():
    settings = RunSettings({"n": 5, "seed": 0, "filters": "none"})
    assert settings.hash == settings_hash({"n": 6, "per_class": 1, "seed": 0, "filters": "none"})
    assert settings.hash != settings_hash({"n": 5, "seed": 1, "filters": "none"})
    assert not settings.exact_duplicates and settings.image_format == "png"
    with pytest.raises(SynthgenError, match="no 'batch_size'"):
        settings.batch_size


def test_problems_have_a_kind_and_a_shard(sampled):
    root = sampled(n=90, images_per_shard=30).root
    (root / "data/train-00001.parquet").unlink()
    (root / "data/notes.txt").write_text("")
    (root / "README.md").write_text("---\n")
    found = verify(root).problems
    assert [(problem.kind, problem.shard) for problem in found] == [
        (Kind.MISSING, "train-00001.parquet"),
        (Kind.STRAY, "notes.txt"),
        (Kind.CARD, None),
    ]
    assert str(found[0]) == "data/train-00001.parquet: missing"
    assert str(Problem(Kind.PLAN, None, "plan.json: no readable plan")) == (
        "plan.json: no readable plan"
    )
