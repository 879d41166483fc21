"""The receipts as a table, and what is added up of it."""

import pytest

import synthgen
from synthgen.dataset.counts import by_class, counts, rejected, seconds
from synthgen.dataset.receipts import Receipt
from synthgen.spec.errors import SynthgenError


def receipt(number, kept, lost, took):
    name = f"train-{number:05d}.parquet"
    return Receipt(name, sum(kept.values()), kept, 1, "", "", lost, took, "cpu")


RECEIPTS = [
    receipt(0, {"cat": 3, "dog": 4}, {"statistics": {"cat": 1, "dog": 0}}, {"write": 1.5}),
    receipt(1, {"cat": 5, "dog": 6},
            {"statistics": {"cat": 2, "dog": 0}, "agreement": {"dog": 7}}, {"write": 1, "score": 2}),
]  # fmt: skip


def test_there_is_a_row_for_each_shard_class_and_outcome():
    table = counts(RECEIPTS)
    assert list(table.columns) == ["shard", "class", "outcome", "images"] and len(table) == 9
    chosen = table[(table["class"] == "dog") & (table["outcome"] == "agreement")]
    assert chosen[["shard", "images"]].values.tolist() == [["train-00001.parquet", 7]]


def test_sums_by_class_keep_the_order_of_the_receipts():
    table = by_class(RECEIPTS)
    assert list(table.index) == ["cat", "dog"]
    assert list(table.columns) == ["kept", "statistics", "agreement"]
    assert table.values.tolist() == [[8, 3, 0], [10, 0, 7]]
    assert rejected(RECEIPTS).sum().to_dict() == {"statistics": 3, "agreement": 7}
    assert seconds(RECEIPTS) == {"write": 2.5, "score": 2.0}


def test_of_no_receipts_there_is_nothing():
    assert rejected([]).sum().sum() == 0 and seconds([]) == {}


def test_a_dataset_is_read_from_its_folder(sampled, tmp_path):
    report = sampled(n=60, images_per_shard=30)
    table = synthgen.read_receipts(report.root)
    kept = table[table["outcome"] == "kept"]
    assert kept.groupby("class")["images"].sum().to_dict() == report.plan.per_class
    assert set(table["split"]) == {"train"}
    (report.root / "manifest.json").unlink()
    (report.root / ".synthgen/receipts/train-00001.parquet.json").unlink()
    assert set(synthgen.read_receipts(report.root)["shard"]) == {"train-00000.parquet"}
    with pytest.raises(SynthgenError, match="is no synthgen dataset"):
        synthgen.read_receipts(tmp_path)
