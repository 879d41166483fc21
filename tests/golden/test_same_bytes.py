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
    told = "\n".join(map(str, same_bytes.differences(old, new)))
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
        same_bytes.sides("nowhere", tmp_path)


def test_locks_in_folders_within_a_run_are_left_out(same_bytes, pair):
    old, new = pair
    (new / "d" / "classes" / "0001").mkdir(parents=True)
    (new / "d" / "classes" / "0001" / ".lock").write_text("host 1")
    assert list(same_bytes.differences(old, new)) == []


OLD_CONFIG = {
    "format": "f", "version": 1, "image": {"height": 8, "width": 8, "channels": 1},
    "classes": ["a", "b"], "domains": [], "files": {"README.md": "0" * 64},
}  # fmt: skip
NEW_CONFIG = {
    "format": "f", "version": 2, "files": {"README.md": "0" * 64},
    "task": {"fields": {"image": {"kind": "image", "height": 8, "width": 8, "channels": 1},
                        "label": {"kind": "label", "names": ["a", "b"]}}},
}  # fmt: skip
OLD_STATE = {"shown": 3, "extra": {"stopped": False}}
NEW_STATE = {
    "shown": 3, "extra": {"stopped": False, "time": None},
    "pace": {"target": 9, "since": 0, "done": 0.0},
}  # fmt: skip


def encoded(record):
    return record if isinstance(record, (bytes, type(None))) else json.dumps(record).encode()


@pytest.mark.parametrize(
    ("run", "name", "old", "new", "spoilt"),
    [
        ("train-digits", "digits/bundle/config.json", OLD_CONFIG, NEW_CONFIG,
         {**NEW_CONFIG, "files": {"README.md": "1" * 64}}),
        ("train-pairs", "x/best/config.json", OLD_CONFIG, NEW_CONFIG, {**NEW_CONFIG, "more": 1}),
        ("train-per-class", "s/bundle/set.json", {"format": "s", "parts": {"0000": "a" * 64}},
         {"format": "s", "parts": {"0000": "b" * 64}}, {"format": "s", "parts": {"1": "b" * 64}}),
        ("train-digits", "digits/checkpoints/000000000007/state.json", OLD_STATE, NEW_STATE,
         {**NEW_STATE, "shown": 4}),
        ("train-digits", "digits/settings.json", {"data": "d", "seed": 3},
         None, {"data": "d", "seed": 3, "minutes": 5.0}),
        ("train-digits", "digits/decided.json", None, {"images": 3}, b""),
        ("extend-filter-merge-report", "one/report/report.html", b"<p class=a>it&#x27;s</p>",
         b"\n<p class=a>\n it&#39;s </p>", b"<p class=b>it&#39;s</p>"),
        ("train-translator", "translator/metrics.jsonl", b'{"score": 1}', b'{"score": 2}', None),
    ],
)  # fmt: skip
def test_what_is_meant_is_known_by_name_and_nothing_beside_it(
    same_bytes, run, name, old, new, spoilt
):
    from benchmarks.same_bytes_files import Unlike

    if name.endswith("settings.json"):
        from synthgen.spec.settings.train import TrainSettings

        fields = TrainSettings.model_fields.items()
        added = {key: field.get_default(call_default_factory=True) for key, field in fields}
        new, spoilt = {**added, **old}, {**added, **spoilt}

    def outcome(made, run=run):
        return same_bytes.judged(run, [Unlike(name, encoded(old), encoded(made))], 9)

    known = outcome(new)
    assert known.good and known.text.startswith("as meant (8 files same)") and known.meant
    assert not outcome(spoilt).good and outcome(spoilt).text.startswith("differs: ")
    other = outcome(new, "digits")
    assert not other.good and not other.meant


def test_weights_of_cyclegan_may_differ_but_not_their_names_nor_the_first_ones(same_bytes):
    from benchmarks.same_bytes_files import Unlike

    def tensors(name, value):
        head = json.dumps({name: {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}).encode()
        return len(head).to_bytes(8, "little") + head + bytes([value])

    def good(path, new):
        found = Unlike(f"translator/{path}", tensors("a", 1), new)
        return same_bytes.judged("train-translator", [found], 1).good

    assert good("best/generator.safetensors", tensors("a", 2))
    assert good("checkpoints/000000000320/weights.safetensors", tensors("a", 2))
    assert not good("best/generator.safetensors", tensors("b", 2))
    assert not good("checkpoints/000000000000/weights.safetensors", tensors("a", 2))
