"""Datasets of pairs: what CycleGAN and CoGAN make."""

import shutil

import datasets
import numpy as np
import pytest
from PIL import Image

from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.sample.repair import repair
from synthgen.stages.sample.reproduce import reproduce
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train


@pytest.fixture(scope="module")
def translator(digit_folder, negative_folder, small_training, small_networks, tmp_path_factory):
    """A CycleGAN from negatives to digits, hardly trained."""
    out = tmp_path_factory.mktemp("runs") / "translator"
    changes = {
        "algorithm": "cyclegan", "options": small_networks["cyclegan"], "images": 640, "ticks": 1,
        "data": str(digit_folder), "source": str(negative_folder), "out": str(out),
    }  # fmt: skip
    return train(TrainSettings.parse({**small_training, **changes}))


def translate(translator, folder, out, mode="new", **changes):
    values = {
        "generator": str(translator), "source": str(folder), "out": str(out), "filters": "none",
        "device": "cpu", "precision": "fp32", "batch_size": 16, "images_per_shard": 40,
    }  # fmt: skip
    return sample(SampleSettings.parse({**values, **changes}), mode)


def test_every_source_image_is_translated_once_and_keeps_its_label(
    translator, negative_folder, tmp_path
):
    report = translate(translator, negative_folder, tmp_path / "out", n=150)
    assert len(report.plan.shards) > 1
    data = datasets.load_dataset(str(report.root), split="train")
    known = {}
    for label, name in enumerate(data.features["label"].names):
        for path in (negative_folder / name).iterdir():
            known.setdefault(np.asarray(Image.open(path)).tobytes(), set()).add(label)
    sources = [np.asarray(row["source"]) for row in data]
    assert all(row["label"] in known[s.tobytes()] for row, s in zip(data, sources, strict=True))
    # All 150 of them: each distinct image as often as the folder holds it.
    distinct = {s.tobytes() for s in sources}
    assert distinct == set(known)
    assert all(row["image"].size == (8, 8) for row in data)
    assert verify(report.root).problems == []
    assert reproduce(report.root, 77, generator=str(translator)).same


def test_a_translated_dataset_does_not_depend_on_workers(translator, negative_folder, tmp_path):
    one = translate(translator, negative_folder, tmp_path / "one", n=90)
    two = translate(translator, negative_folder, tmp_path / "two", n=90, workers=2)
    assert [r.sha256 for r in one.receipts] == [r.sha256 for r in two.receipts]


def test_a_translated_dataset_is_repaired(translator, negative_folder, tmp_path):
    root = translate(translator, negative_folder, tmp_path / "out", n=90).root
    shards = sorted((root / "data").iterdir())
    whole = [path.read_bytes() for path in shards]
    shards[1].unlink()
    assert repair(root, generator=str(translator), device="cpu").made == 1
    # The source may lie elsewhere, but it must be the same images.
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(negative_folder, elsewhere)
    shards[0].write_bytes(whole[0][:-1])
    given = {"generator": str(translator), "source": str(elsewhere), "device": "cpu"}
    assert repair(root, **given).made == 1
    assert [path.read_bytes() for path in shards] == whole and verify(root).problems == []
    next((elsewhere / "one").iterdir()).unlink()
    with pytest.raises(SynthgenError, match="source_fingerprint"):
        repair(root, **given)


def test_mistakes_with_sources_are_told(translator, run_folder, negative_folder, tmp_path):
    def fails(text, mode="new", folder=negative_folder, **changes):
        with pytest.raises(SynthgenError, match=text):
            translate(translator, folder, tmp_path / "no", mode, **changes)
        assert not (tmp_path / "no").exists()

    fails("151 images are wanted|51 images are wanted, but the source has 50", n=151)
    fails("give the images to translate with --source", source=None, n=3)
    fails("makes images from noise", generator=str(run_folder), n=3)
    fails("cannot be extended", mode="extend", n=3)
    fails("no such folder", folder=tmp_path / "nowhere", n=3)


def test_mistakes_with_domains_are_told(digit_folder, negative_folder, small_training, tmp_path):
    def fails(text, **changes):
        values = {**small_training, "data": str(digit_folder), "out": str(tmp_path / "no")}
        with pytest.raises(SynthgenError, match=text):
            train(TrainSettings.parse({**values, "options": {}, **changes}))
        assert not (tmp_path / "no").exists()

    fails("learns from two domains", algorithm="cogan")
    fails("has one domain", source=str(negative_folder))
    fails("give both a domain and a domain_column", domain="day")
    fails("has no column 'weather'", domain="sun", domain_column="weather")


def test_one_table_may_hold_both_domains(
    digit_folder, negative_folder, small_training, small_networks, tmp_path
):
    rows = {"image": [], "label": [], "look": []}
    for look, folder in (("plain", digit_folder), ("negative", negative_folder)):
        for path in sorted(folder.rglob("*.png")):
            rows["image"].append({"bytes": path.read_bytes(), "path": None})
            rows["label"].append(path.parent.name)
            rows["look"].append(look)
    table = datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image())
    (tmp_path / "table").mkdir()
    table.to_parquet(tmp_path / "table" / "both.parquet")
    changes = {
        "data": str(tmp_path / "table"), "domain_column": "look", "domain": "plain",
        "source_domain": "negative", "algorithm": "cogan", "options": small_networks["cogan"],
        "images": 640, "ticks": 1, "out": str(tmp_path / "run"),
    }  # fmt: skip
    bundle = train(TrainSettings.parse({**small_training, **changes}))
    values = {"generator": str(bundle), "n": 9, "filters": "none", "out": str(tmp_path / "out")}
    report = sample(SampleSettings.parse(values))
    data = datasets.load_dataset(str(report.root), split="train")
    assert set(data["domain"]) == {"plain"} and "source" in data.column_names
    with pytest.raises(SynthgenError, match=r"no row of domain 'plane'.*did you mean 'plain'"):
        train(
            TrainSettings.parse(
                {**small_training, **changes, "domain": "plane", "out": str(tmp_path / "no")}
            )
        )
