"""Dataset folders of version 1: today's commands still read, check, mend and grow them."""

import json
import shutil

import datasets
import golden
import numpy as np
import pytest

R3GAN = ("--generator", golden.BUNDLES / "r3gan")
NAMES = ("digits", "translated", "webp")
ROWS = {"digits": {"train": 48}, "translated": {"train": 45}, "webp": {"train": 30, "test": 10}}


@pytest.fixture
def folder(tmp_path):
    """A function that copies the dataset of this name, for who writes into it."""

    def copy(name):
        shutil.copytree(golden.DATASETS / name, tmp_path / name)
        return tmp_path / name

    return copy


@pytest.fixture(scope="module")
def negatives(tmp_path_factory):
    """The images that the dataset ``translated`` was made from."""
    return golden.digit_folders(tmp_path_factory.mktemp("digits"))[1]


def rows_of(folder, split="train"):
    return list(datasets.load_dataset(str(folder), split=split))


def verified(folder):
    return golden.synthgen("verify", folder) == 0


def same_rows(one, two, allowed=1):
    """Whether rows have the same labels and origins, and images to ``allowed`` grey levels."""
    origins = [
        [(row["label"], row["seed"], row["shard"], row["candidate"]) for row in rows]
        for rows in (one, two)
    ]
    return origins[0] == origins[1] and all(
        np.abs(np.asarray(a["image"], dtype=int) - np.asarray(b["image"])).max() <= allowed
        for a, b in zip(one, two, strict=True)
    )


def test_the_datasets_are_of_version_one():
    assert sorted(path.name for path in golden.DATASETS.iterdir()) == sorted(NAMES)
    for name in NAMES:
        assert json.loads((golden.DATASETS / name / "manifest.json").read_text())["version"] == 1


@pytest.mark.parametrize("name", NAMES)
def test_they_load_and_verify(name, folder):
    root = folder(name)
    data = datasets.load_dataset(str(root))
    assert {split: len(part) for split, part in data.items()} == ROWS[name]
    for split in ROWS[name]:
        row = data[split][0]
        grey = "RGB" if name == "webp" else "L"  # WebP knows no grey images
        assert row["image"].size == (8, 8) and row["image"].mode == grey
        assert data.unique("label")[split] and data[split].features["label"].names == [
            *golden.CLASSES
        ]
        assert ("source" in row) == (name == "translated")
    assert verified(root)


def test_damage_is_still_noticed(folder):
    root = folder("digits")
    shard = sorted((root / "data").iterdir())[1]
    content = bytearray(shard.read_bytes())
    content[200] ^= 1
    shard.write_bytes(content)
    assert not verified(root)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_reproduced(name, folder, negatives, monkeypatch, capsys):
    monkeypatch.chdir(negatives.parent)  # the source's path is on record as it was given: relative
    bundle = golden.BUNDLES / ("cyclegan" if name == "translated" else "r3gan")
    root = folder(name)
    for split, count in ROWS[name].items():
        where = ("--row", count - 1, "--split", split, "--generator", bundle, "--device", "cpu")
        assert golden.synthgen("reproduce", root, *where) == 0
        assert f"{split} row {count - 1}" in capsys.readouterr().out


def test_lost_and_damaged_shards_are_made_again(folder, negatives):
    for name, options in {
        "digits": R3GAN,
        "translated": ("--generator", golden.BUNDLES / "cyclegan", "--source", negatives),
        "webp": R3GAN,
    }.items():
        root = folder(name)
        before = {split: rows_of(root, split) for split in ROWS[name]}
        shards = sorted((root / "data").iterdir())
        kept = {path: path.read_bytes() for path in shards[2:]}
        shards[0].unlink()
        shards[1].write_bytes(shards[1].read_bytes()[:-1])
        assert not verified(root)
        assert golden.synthgen("repair", root, *options, "--device", "cpu") == 0
        assert verified(root)
        assert all(path.read_bytes() == content for path, content in kept.items())
        shutil.move(root, root.with_name(f"{name}-mended"))  # what has been loaded is remembered
        for split, rows in before.items():
            assert same_rows(rows, rows_of(root.with_name(f"{name}-mended"), split))


def test_it_is_filtered_and_rejects_come_back(folder, tmp_path):
    root = folder("digits")
    rejected = sum(
        sum(sum(by_class.values()) for by_class in receipt["rejected"].values())
        for receipt in json.loads((root / "manifest.json").read_text())["receipts"]
    )
    assert rejected > 0 and any((root / "rejects").iterdir())
    old = rows_of(root)
    out = tmp_path / "strict"
    given = ("--filters", "none", "--set", "label_agreement.min=0.99", *R3GAN)
    assert golden.synthgen("filter", root, "--out", out, *given) == 0 and verified(out)
    agreeing = [row for row in old if row["label_agreement"] >= np.float32(0.99)]
    found = rows_of(out)
    mine = [row for row in found if row["shard"] in {r["shard"] for r in old}]
    origin = [(row["shard"], row["label"], row["candidate"]) for row in mine]
    assert {(r["shard"], r["label"], r["candidate"]) for r in agreeing} <= set(origin)
    everything = tmp_path / "everything"
    assert golden.synthgen("filter", root, "--out", everything, "--filters", "none", *R3GAN) == 0
    assert verified(everything) and len(rows_of(everything)) == 48 + rejected


def test_it_is_extended(folder):
    root = folder("digits")
    before = {path.name: path.read_bytes() for path in sorted((root / "data").iterdir())}
    grown = ("--n", 75, "--extend", *golden.DIGITS, *R3GAN)
    assert golden.synthgen("sample", "--out", root, *grown) == 0 and verified(root)
    after = {path.name: path.read_bytes() for path in (root / "data").iterdir()}
    assert len(rows_of(root)) == 75 and len(after) > len(before)
    assert set(before.values()) <= set(after.values())


def test_it_is_merged_with_one_of_today(folder, tmp_path):
    root, today, out = folder("digits"), tmp_path / "today", tmp_path / "merged"
    given = ("--n", 30, "--seed", 5, *golden.DIGITS, *R3GAN)
    assert golden.synthgen("sample", "--out", today, *given) == 0
    assert golden.synthgen("merge", root, today, "--out", out) == 0 and verified(out)
    seeds = [row["seed"] for row in rows_of(out)]
    assert seeds.count(0) == 48 and 25 <= seeds.count(5) <= 30  # repeats are left out


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_written_about_it_and_it_is_exported(name, folder, tmp_path):
    root = folder(name)
    assert golden.synthgen("report", root) == 0
    assert "<html" in (root / "report" / "report.html").read_text()
    out = tmp_path / "exported"
    assert golden.synthgen("export", root, "--format", "imagefolder", "--out", out) == 0
    files = [path for path in out.rglob("*.*") if path.suffix in (".png", ".webp")]
    assert len(files) >= sum(ROWS[name].values())
    assert verified(root)


def test_the_files_of_then_are_small():
    sizes = [path.stat().st_size for path in golden.GOLDEN.rglob("*") if path.is_file()]
    assert sum(sizes) < 3_000_000
