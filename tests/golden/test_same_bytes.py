"""``benchmarks/same_bytes.py`` sees every difference but those it says it leaves out."""

import json
import shutil
from pathlib import Path

import golden
import pytest


@pytest.fixture
def same_bytes(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    from benchmarks import same_bytes

    return same_bytes


@pytest.fixture
def pair(tmp_path):
    """Two copies of a dataset, each in the folder of a run."""
    for name in ("old", "new"):
        shutil.copytree(golden.DATASETS / "digits", tmp_path / name / "d")
    return tmp_path / "old", tmp_path / "new"


def changed(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_what_two_runs_of_the_same_code_differ_in_is_left_out(same_bytes, pair):
    old, new = pair
    assert list(same_bytes.differences(old, new)) == []
    (new / "d" / ".synthgen" / "lock").write_text("another process")
    for path in [new / "d" / "manifest.json", *new.rglob("receipts/*.json")]:
        record = json.loads(path.read_text())
        for receipt in record.get("receipts", [record]):
            receipt["seconds"] = {stage: 99.0 for stage in receipt["seconds"]}
        path.write_text(json.dumps(record))
    assert list(same_bytes.differences(old, new)) == []


def test_any_other_difference_is_told_with_its_place(same_bytes, pair):
    old, new = pair
    changed(new / "d" / "manifest.json", '"sha256": "', '"sha256": "0')
    changed(new / "d" / "README.md", "synthgen", "Synthgen")
    shard = new / "d" / "data" / "train-00001.parquet"
    content = bytearray(shard.read_bytes())
    content[77] ^= 1
    shard.write_bytes(content)
    next((new / "d" / "rejects").iterdir()).unlink()
    (new / "d" / "report" / "more.txt").write_text("")
    told = "\n".join(same_bytes.differences(old, new))
    for part in ("d/manifest.json from", "d/README.md from", "train-00001.parquet from byte 77",
                 "is in the old only", "d/report/more.txt is in the new only"):  # fmt: skip
        assert part in told
    assert len(told.splitlines()) == 5


def test_a_receipt_without_its_seconds_is_another_one(same_bytes, pair):
    old, new = pair
    path = next(new.rglob("receipts/*.json"))
    record = json.loads(path.read_text())
    del record["seconds"]
    path.write_text(json.dumps(record))
    assert len(list(same_bytes.differences(old, new))) == 1


def test_no_such_commit_is_told(same_bytes, tmp_path):
    with pytest.raises(same_bytes.Failed, match="no commit 'nowhere'"):
        same_bytes.export("nowhere", tmp_path)
