import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest

from synthgen.dataset import writer
from synthgen.dataset.encoding.images import decode, encode
from synthgen.dataset.layout import Layout
from synthgen.dataset.rows import Rows
from synthgen.dataset.run_folder import open_run
from synthgen.dataset.writer import Made, write_shard
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan, ShardPlan


def rows(images, labels):
    count = len(images)
    zeros = np.zeros(count, np.int64)
    return Rows(
        encode(images, "png"), labels, np.arange(count), zeros, np.arange(count) * 7,
        {"contrast": np.linspace(0, 1, count, dtype=np.float32)},
    )  # fmt: skip


PLAN = Plan(("a", "b"), 0, (ShardPlan(0, "train", 0, (3, 2)),))
LABELS = np.asarray([0, 1, 0, 1, 0])


def made(digits):
    return Made(rows(digits[0][:5], LABELS), None, {}, {"generate": 1.0}, "cpu", "order")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("image_format", ["png", "webp"])
def test_lossless_formats_give_the_pixels_back(channels, image_format):
    images = np.random.default_rng(0).integers(0, 256, (6, 9, 9, channels), dtype=np.uint8)
    for pixels, encoded in zip(images, encode(images, image_format), strict=True):
        assert np.array_equal(decode(encoded, ImageSpec(9, 9, channels)), pixels)
    with pytest.raises(ValueError, match="is 9x9"):
        decode(encode(images, image_format)[0], ImageSpec(8, 8, channels))


def test_the_same_rows_give_the_same_bytes(digits, tmp_path):
    receipts = [write_shard(Layout(tmp_path / n), PLAN, PLAN.shards[0], made(digits)) for n in "xy"]
    assert receipts[0].sha256 == receipts[1].sha256
    assert not list((tmp_path / "x/.synthgen/staging").iterdir())


def test_a_shard_is_laid_out_as_promised(digits, tmp_path):
    write_shard(Layout(tmp_path), PLAN, PLAN.shards[0], made(digits))
    file = pq.ParquetFile(tmp_path / "data/train-00000.parquet")
    group = file.metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    image = columns["image.bytes"]
    assert image.compression == "UNCOMPRESSED" and "PLAIN_DICTIONARY" not in image.encodings
    assert columns["label"].compression == "ZSTD" and columns["label"].has_offset_index
    loaded = datasets.load_dataset("parquet", data_files=str(tmp_path / "data/*.parquet"))["train"]
    assert loaded.features["label"].names == ["a", "b"] and loaded["label"] == LABELS.tolist()


def test_rows_that_are_not_those_of_the_plan_are_refused(digits, tmp_path):
    wrong = Made(rows(digits[0][:4], LABELS[:4]), None, {}, {}, "cpu", "order")
    with pytest.raises(ValueError, match="planned"):
        write_shard(Layout(tmp_path), PLAN, PLAN.shards[0], wrong)
    assert not (tmp_path / "data").exists()


def test_a_full_disk_is_one_line_and_leaves_nothing(digits, tmp_path, monkeypatch):
    import errno

    def full(self, table, **settings):
        assert self.where.is_file()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(SynthgenError, match="the disk is full; free some space"):
        write_shard(Layout(tmp_path), PLAN, PLAN.shards[0], made(digits))
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


@pytest.mark.parametrize("size", [1, 400, 10**9])
def test_row_groups_are_of_a_size_and_lose_no_row(digits, tmp_path, monkeypatch, size):
    monkeypatch.setattr(writer, "ROW_GROUP_BYTES", size)
    rows = made(digits)
    write_shard(Layout(tmp_path), PLAN, PLAN.shards[0], rows)
    table = pq.ParquetFile(tmp_path / "data" / PLAN.shards[0].name)
    column = [image["bytes"] for image in table.read()["image"].to_pylist()]
    assert column == rows.kept.encoded
    assert table.read()["candidate"].to_pylist() == rows.kept.candidates.tolist()
    groups = [table.metadata.row_group(i).num_rows for i in range(table.num_row_groups)]
    each = sum(map(len, column)) / len(column)
    fit = max(1, int(size / each))
    assert (fit, table.num_row_groups) in {(1, 5), (2, 3), (3, 2)} or fit > 5
    assert groups[:-1] == [fit] * (len(groups) - 1) and 0 < groups[-1] <= fit


def test_two_runs_on_one_folder_do_not_meet(tmp_path):
    with (
        open_run(tmp_path / "out", {"n": 1}, PLAN, "new"),
        pytest.raises(SynthgenError, match="in use by process"),
        open_run(tmp_path / "out", {"n": 1}, PLAN, "new"),
    ):
        pass
    with open_run(tmp_path / "out", {"n": 1}, PLAN, "new") as (_, plan):
        assert plan == PLAN


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(SynthgenError, match="cannot be written"),
        open_run(tmp_path / "file/out", {}, PLAN, "new"),
    ):
        pass


def test_class_names_cannot_break_the_card(sampled, run_folder, tmp_path):
    from synthgen.dataset.card import dataset_card
    from synthgen.dataset.manifest import Manifest, Provenance
    from synthgen.dataset.receipts import Receipt
    from synthgen.dataset.run_settings import RunSettings
    from synthgen.spec.image import ImageSpec
    from synthgen.spec.provenance import Origin, TrainingRecord

    nasty = ('<script>alert("x")</script>', "a|b: 'c'\n- d", "日本")
    plan = Plan(nasty, 0, (ShardPlan(0, "train", 0, (1, 1, 1)),))
    receipt = Receipt("train-00000.parquet", 3, dict.fromkeys(nasty, 1), 9, "", "", {}, {}, "cpu")
    origin = Origin("x", "y", ImageSpec(8, 8, 1), "", TrainingRecord())
    made = Provenance(plan, RunSettings({}), origin, {}, plan.hash)
    manifest = Manifest(made, "0", "", (), (receipt,))
    text = dataset_card(Layout(tmp_path), manifest)
    body = text.split("---\n", 2)[2]
    assert "<script>" not in body and "a|b" not in body
    import yaml

    front = yaml.safe_load(text.split("---\n")[1])
    names = front["dataset_info"][0]["features"][1]["dtype"]["class_label"]["names"]
    assert tuple(names.values()) == nasty


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"real_fingerprint": "f2", "targets_sha256": "t2"},
         "the real images that its latents were refined towards have changed; put them back"),
        ({"targets_sha256": "t2"}, "holds a run with refined="),
    ],
)  # fmt: skip
def test_real_images_that_have_changed_are_said_in_words(changes, said, tmp_path):
    record = {"steps": 4, "real_fingerprint": "f1", "targets_sha256": "t1"}
    with open_run(tmp_path / "out", {"refined": record}, PLAN, "new"):
        pass
    other = {"refined": {**record, **changes}}
    with (
        pytest.raises(SynthgenError, match=said),
        open_run(tmp_path / "out", other, PLAN, "new"),
    ):
        pass
