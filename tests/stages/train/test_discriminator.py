"""Realism by the discriminator's logit: what it depends on, and where it is measured."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from synthgen.algorithms.registry import build, find
from synthgen.data.cache import load_images
from synthgen.data.splits import hold_out
from synthgen.dataset.verify import verify
from synthgen.generators.bundle import calibrate_bundle
from synthgen.generators.discriminator import Discriminator
from synthgen.generators.zoo import load_generator
from synthgen.quality.calibration import LEVELS, Calibration
from synthgen.quality.filters import load_filters
from synthgen.spec.calibrate_settings import CalibrateSettings
from synthgen.spec.errors import SynthgenError
from synthgen.spec.filter_settings import FilterSettings
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.data import DataSettings
from synthgen.stages.judging.calibrate import calibrate_on
from synthgen.stages.sample.filter import filter_dataset

CPU = torch.device("cpu")


def column(folder, name="discriminator"):
    """The score by class, shard and candidate."""
    found = {}
    for path in sorted((folder / "data").iterdir()):
        rows = pq.read_table(path).to_pylist()
        found |= {(r["label"], r["shard"], r["candidate"]): np.float32(r[name]) for r in rows}
    return found


@pytest.fixture
def bundle(run_folder, tmp_path):
    shutil.copytree(run_folder / "bundle", tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture
def rule(tmp_path):
    path = tmp_path / "rule.yaml"
    path.write_text("discriminator: {quantile: 0.1}\n")
    return str(path)


@pytest.mark.parametrize(
    "name", ["dcgan", "progan", "r3gan", "sagan", "stylegan2", "cogan", "cyclegan"]
)
def test_a_logit_depends_on_its_image_and_label_alone(name, small_networks):
    """Also where D normalises or compares over the batch, and where it judges patches."""
    image = ImageSpec(16, 16, 3)
    task = find(name).takes.task(("a", "b", "c"), image)
    torch.manual_seed(0)
    algorithm = build(name, task, small_networks[name])
    network = algorithm.networks[algorithm.judges[0]].train()
    images = torch.randint(0, 256, (150, 16, 16, 3), dtype=torch.uint8)
    images[75:] = images[75:] // 8 + 100  # another kind of company
    labels = torch.arange(150) % 3
    with torch.no_grad():  # in training, company matters to those that look at it
        floats = images.permute(0, 3, 1, 2) / 127.5 - 1
        both = network(floats, labels)[:75]
        apart = network(floats[:75], labels[:75])
    alone = float((both - apart).abs().max() / both.std()) < 1e-2
    assert alone == (name in ("r3gan", "sagan", "cogan", "cyclegan"))
    judge = Discriminator.as_saved(network, image, CPU)
    network(floats, labels)  # the network in training stays as it is
    assert network.training
    whole = judge(images, labels)
    assert whole.shape == (150,) and whole.dtype == torch.float32 and whole.std() > 0
    pieces = [judge(images[i : i + 7], labels[i : i + 7]) for i in range(0, 150, 7)]
    assert torch.equal(torch.cat(pieces), whole)
    order = torch.randperm(150)
    assert torch.equal(judge(images[order], labels[order]), whole[order])
    assert not torch.equal(judge(images, (labels + 1) % 3), whole)
    assert len(judge(images[:0], labels[:0])) == 0


def test_training_calibrates_it_on_images_it_has_not_learnt_from(run_folder, digit_folder):
    generator = load_generator(str(run_folder), "cpu")
    calibration = Calibration.from_json(generator.calibration)
    data = load_images(DataSettings.parse({"data": str(digit_folder)}))
    training, held = hold_out(data.labels, 0.1, 0)

    def quantile(rows, level):
        pixels = torch.from_numpy(np.asarray(data.images[rows]))
        own = torch.from_numpy(data.labels[rows])
        return float(np.quantile(generator.discriminator(pixels, own).numpy(), level))

    assert calibration.counts["discriminator"] == (10, 10, 10, 30)
    for level in (0.0, 0.1, 0.5, 1.0):
        assert calibration.quantile("discriminator", level) == pytest.approx(
            quantile(held, level), rel=1e-3, abs=1e-4
        )
    assert calibration.quantile("discriminator", 1.0) != pytest.approx(quantile(training, 1.0))


def test_it_is_measured_where_a_filter_or_a_setting_asks(sampled, tmp_path):
    plain = sampled(n=30)
    assert "discriminator" not in json.loads((plain.root / "manifest.json").read_text())["scores"]
    scored = sampled(mode="overwrite", n=60, images_per_shard=30, scores="discriminator")
    measured = column(scored.root)
    assert len(measured) == 60 and verify(scored.root).problems == []
    by_class = [[v for (label, *_), v in measured.items() if label == k] for k in range(3)]
    low = min(float(np.median(values)) for values in by_class)
    (tmp_path / "low.yaml").write_text(f"discriminator: {{min: {low}}}\n")
    asks = {"filters": str(tmp_path / "low.yaml"), "batch_size": 16}
    judged = sampled(mode="overwrite", n=60, images_per_shard=30, **asks)
    manifest = json.loads((judged.root / "manifest.json").read_text())
    assert manifest["settings"]["discriminator_sha256"]
    assert "`discriminator`: logit of" in (judged.root / "README.md").read_text()
    kept = column(judged.root)
    assert all(value >= low for value in kept.values())
    assert sum(sum(r.rejected["discriminator"].values()) for r in judged.receipts) > 0
    same = set(kept) & set(measured)  # other companions in other batches
    assert len(same) > 10 and all(kept[key] == measured[key] for key in same)


def test_stored_images_are_scored_as_they_were_when_sampled(sampled, run_folder, tmp_path):
    scored = sampled(n=60, images_per_shard=30, scores="discriminator")
    values = column(scored.root)
    low = float(np.median(list(values.values())))
    plain = sampled(n=60, images_per_shard=30, out=str(tmp_path / "plain"))
    for source in (plain, scored):
        report = filter_dataset(FilterSettings.parse({
            "dataset": str(source.root), "out": str(tmp_path / f"{source.root.name}-again"),
            "filters": "none", "set": {"discriminator.min": low}, "generator": str(run_folder),
        }))  # fmt: skip
        kept = column(report.root, "candidate")
        assert set(kept) == {key for key, value in values.items() if value >= np.float32(low)}
        assert sum(report.rejected["discriminator"].values()) == 60 - report.kept > 0


def test_an_older_bundle_is_calibrated(bundle, digit_folder, rule):
    generator = load_generator(str(bundle), "cpu")
    old = json.loads(json.dumps(generator.calibration))
    before = old["quantiles"].pop("discriminator")
    calibrate_bundle(bundle, old, generator.reference)

    def resolve():
        known = Calibration.from_json(load_generator(str(bundle), "cpu").calibration)
        return load_filters(rule, known, generator.classes, 8)

    with pytest.raises(SynthgenError, match=r"no calibrated discriminator; .*synthgen calibrate"):
        resolve()
    calibrate_on(
        CalibrateSettings.parse({"bundle": str(bundle), "data": str(digit_folder), "device": "cpu"})
    )
    assert load_generator(str(bundle), "cpu").calibration["quantiles"]["discriminator"] == before
    (bound,) = (bound for bound in resolve().bounds if bound.name == "discriminator")
    # Ten held-out images are enough for a tenth of them, in each class.
    assert bound.low == tuple(np.interp(0.1, LEVELS, row) for row in before[:3])


def test_a_bundle_without_a_discriminator_says_so(bundle, sampled, tmp_path, rule):
    config = json.loads((bundle / "config.json").read_text())
    del config["files"]["discriminator.safetensors"]
    (bundle / "config.json").write_text(json.dumps(config))
    (bundle / "discriminator.safetensors").unlink()
    for asked in ({"scores": "discriminator"}, {"filters": rule}):
        with pytest.raises(SynthgenError, match=r"has no discriminator .* saved without"):
            sampled(n=30, generator=str(bundle), **asked)
    plain = sampled(n=30, generator=str(bundle))
    settings = FilterSettings.parse({
        "dataset": str(plain.root), "out": str(tmp_path / "again"), "filters": "none",
        "set": {"discriminator.min": 0}, "generator": str(bundle),
    })  # fmt: skip
    with pytest.raises(SynthgenError, match="has no discriminator"):
        filter_dataset(settings)
    with pytest.raises(SynthgenError, match="asks for the score 'discriminator'"):
        sampled(n=30, filters=rule, scores="statistics")
