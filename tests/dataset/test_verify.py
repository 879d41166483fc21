"""Damage a good dataset on purpose: each kind must be found and named."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError


@pytest.fixture
def dataset(sampled):
    root = sampled(n=90, images_per_shard=30).root
    assert verify(root).problems == []
    return root


def found(root):
    return " / ".join(map(str, verify(root).problems))


def rewrite(path, change):
    """Write a changed shard and a receipt that vouches for it: only reading can tell."""
    import hashlib

    pq.write_table(change(pq.read_table(path)), path)
    receipt = path.parent.parent / f".synthgen/receipts/{path.name}.json"
    record = json.loads(receipt.read_text())
    record["bytes"] = path.stat().st_size
    record["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    receipt.write_text(json.dumps(record))
    manifest = path.parent.parent / "manifest.json"
    whole = json.loads(manifest.read_text())
    for position, copy in enumerate(whole["receipts"]):
        if copy["shard"] == path.name:
            whole["receipts"][position] = record
    manifest.write_text(json.dumps(whole))


def shard(root, number=1):
    return root / f"data/train-{number:05d}.parquet"


def test_a_missing_shard(dataset):
    shard(dataset).unlink()
    assert "data/train-00001.parquet: missing" in found(dataset)


def test_a_stray_file(dataset):
    (dataset / "data/train-00001.parquet.tmp").write_bytes(b"half")
    assert "train-00001.parquet.tmp: not in the plan" in found(dataset)


def test_a_truncated_shard(dataset):
    shard(dataset).write_bytes(shard(dataset).read_bytes()[:-100])
    assert "its receipt says" in found(dataset) and "not a readable Parquet file" in found(dataset)


def test_a_flipped_bit(dataset):
    content = bytearray(shard(dataset).read_bytes())
    content[len(content) // 3] ^= 1
    shard(dataset).write_bytes(bytes(content))
    assert "SHA-256 differs" in found(dataset)


def test_an_undecodable_image(dataset):
    def spoil(table):
        images = table.column("image").to_pylist()
        images[4]["bytes"] = images[4]["bytes"][:30]
        return table.set_column(
            0, table.schema.field(0), pa.array(images, table.schema.field(0).type)
        )

    rewrite(shard(dataset), spoil)
    assert "image of row 34" in found(dataset)


def test_a_wrong_label_count_and_a_label_outside(dataset):
    def relabel(table):
        labels = np.asarray(table.column("label")).copy()
        labels[0] = 9
        return table.set_column(1, table.schema.field(1), pa.array(labels))

    rewrite(shard(dataset), relabel)
    assert "a label is outside 0 to 2" in found(dataset)
    assert "images per class" in found(dataset)


def test_an_extra_column(dataset):
    rewrite(shard(dataset), lambda table: table.append_column("x", pa.array([1] * 30)))
    assert "its columns are not those of the features" in found(dataset)


def test_another_label_order_in_one_shard(dataset):
    def swap(table):
        text = table.schema.metadata[b"huggingface"].replace(b'"nought", "one"', b'"one", "nought"')
        return table.replace_schema_metadata({"huggingface": text})

    rewrite(shard(dataset), swap)
    assert "its features are not those of the card" in found(dataset)


def test_a_missing_receipt_and_a_changed_card(dataset):
    (dataset / ".synthgen/receipts/train-00002.parquet.json").write_text("{}")
    card = dataset / "README.md"
    card.write_text(card.read_text().replace("num_examples: 90", "num_examples: 91"))
    manifest = json.loads((dataset / "manifest.json").read_text())
    manifest["receipts"] = []
    (dataset / "manifest.json").write_text(json.dumps(manifest))
    assert "train-00002.parquet: has no receipt" in found(dataset)
    assert "README.md: says {'train': 91} images, the plan {'train': 90}" in found(dataset)


def test_an_unfinished_dataset(dataset):
    (dataset / "README.md").unlink()
    assert "not complete" in found(dataset)


def test_no_dataset_at_all(tmp_path):
    with pytest.raises(SynthgenError, match="is no synthgen dataset"):
        verify(tmp_path)
