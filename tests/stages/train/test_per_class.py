"""One GAN per class, behind the interface of one for all."""

import json

import pytest
import torch

from synthgen.dataset.verify import verify
from synthgen.generators.generator_set import GeneratorSet
from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.sample.repair import repair
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train


@pytest.fixture(scope="module")
def run(digit_folder, small_training, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "set"
    values = {**small_training, "data": str(digit_folder), "out": str(out), "images": 1280,
              "ticks": 1, "per_class": True}  # fmt: skip
    train(TrainSettings.parse(values))
    return out


def test_each_class_is_made_by_its_own_generator(run):
    generator = load_generator(str(run), device="cpu", precision="fp32")
    assert isinstance(generator, GeneratorSet) and generator.classes == ("nought", "one", "two")
    torch.manual_seed(0)
    flat = torch.randn(12, generator.latent_size)
    labels = torch.arange(12) % 3
    images = generator.generate(flat, labels)["image"]
    for label in range(3):
        bundle = run / "classes" / f"{label:04d}" / "bundle"
        assert json.loads((bundle / "config.json").read_text())["training"]["data_images"] == 90
        alone = load_generator(str(bundle), device="cpu", precision="fp32")
        rows = labels == label
        assert torch.equal(images[rows], alone.generate(flat, labels)["image"][rows])
    hashes = {load_generator(str(run / "classes" / f"{k:04d}")).weights_sha256 for k in range(3)}
    assert len(hashes) == 3


def test_a_part_of_a_set_makes_its_own_class_and_no_other(run, tmp_path):
    part = str(run / "classes" / "0001" / "bundle")
    values = {"generator": part, "n": 5, "filters": "none", "out": str(tmp_path / "out")}
    with pytest.raises(SynthgenError, match=r"class 'two': .* was trained on images of one alone"):
        sample(SampleSettings.parse({**values, "classes": ("one", "two")}))
    assert not (tmp_path / "out").exists()
    assert sample(SampleSettings.parse(values)).plan.per_class == {"one": 5}


def test_a_set_samples_a_dataset_and_is_not_trained_twice(
    run, digit_folder, small_training, tmp_path
):
    values = {"generator": str(run), "n": 30, "filters": "none", "out": str(tmp_path / "out")}
    report = sample(SampleSettings.parse({**values, "images_per_shard": 10}))
    assert verify(report.root).problems == []
    shard = sorted((report.root / "data").iterdir())[1]
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    assert repair(report.root, generator=str(run)).made == 1
    assert shard.read_bytes() == whole and verify(report.root).problems == []
    before = (run / "bundle" / "set.json").stat().st_mtime_ns
    again = {**small_training, "data": str(digit_folder), "out": str(run), "images": 1280,
             "ticks": 1, "per_class": True}  # fmt: skip
    assert train(TrainSettings.parse(again)) == run / "bundle"
    assert (run / "bundle" / "set.json").stat().st_mtime_ns == before


def test_each_class_is_judged_by_its_own_discriminator(run, tmp_path):
    generator = load_generator(str(run), device="cpu", precision="fp32")
    parts = [load_generator(str(run / "classes" / f"{k:04d}"), "cpu", "fp32") for k in range(3)]
    images = torch.randint(0, 256, (30, 8, 8, 1), dtype=torch.uint8)
    labels = torch.arange(30) % 3
    found = generator.discriminator(images, labels)
    quantiles = generator.calibration["quantiles"]["discriminator"]
    for label, part in enumerate(parts):
        rows = labels == label
        assert torch.equal(found[rows], part.discriminator(images[rows], labels[rows]))
        assert quantiles[label] == part.calibration["quantiles"]["discriminator"][label]
    assert len({tuple(row) for row in quantiles[:3]}) == 3
    assert quantiles[3] == [min(values) for values in zip(*quantiles[:3], strict=True)]
    assert generator.calibration["counts"]["discriminator"] == [10, 10, 10, 30]
    values = {"generator": str(run), "n": 30, "scores": "discriminator", "filters": "none"}
    report = sample(SampleSettings.parse({**values, "out": str(tmp_path / "out")}))
    assert verify(report.root).problems == []
    # Without the discriminator of one class there is none.
    import shutil

    from synthgen.generators.generator_set import save_set

    folders = [tmp_path / f"{k}" for k in range(3)]
    for label, folder in enumerate(folders):
        shutil.copytree(run / "classes" / f"{label:04d}" / "bundle", folder)
    config = json.loads((folders[1] / "config.json").read_text())
    del config["files"]["discriminator.safetensors"]
    (folders[1] / "config.json").write_text(json.dumps(config))
    save_set(tmp_path / "set", folders)
    lacking = load_generator(str(tmp_path / "set"), device="cpu")
    assert lacking.discriminator is None and lacking.discriminator_sha256 is None
    with pytest.raises(SynthgenError, match="has no discriminator to score images with"):
        sample(SampleSettings.parse({**values, "generator": str(tmp_path / "set")}))


def test_a_damaged_set_is_refused(run, tmp_path):
    import shutil

    shutil.copytree(run / "bundle", tmp_path / "bad")
    (tmp_path / "bad" / "0001" / "config.json").write_text("{}")
    with pytest.raises(SynthgenError, match="missing or changed; copy the set again"):
        load_generator(str(tmp_path / "bad"))
    (tmp_path / "bad" / "set.json").write_text("{")
    with pytest.raises(SynthgenError, match="damaged; copy the set again"):
        load_generator(str(tmp_path / "bad"))


def test_a_class_that_is_not_there_is_told(digit_folder, small_training, tmp_path):
    values = {**small_training, "data": str(digit_folder), "out": str(tmp_path / "no")}
    with pytest.raises(SynthgenError, match="did you mean 'nought'"):
        train(TrainSettings.parse({**values, "only_class": "nougt"}))
