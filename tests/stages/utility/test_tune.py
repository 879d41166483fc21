"""Tuning: chosen on real images that the generator has not learnt from, written for ``sample``."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthgen.data.cache import load_images
from synthgen.evaluation.tuning import Trial, Tuning
from synthgen.generators.zoo import load_generator
from synthgen.quality.calibration import Calibration
from synthgen.quality.filters import load_filters
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.base import read_yaml
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.tune import TuneSettings
from synthgen.stages.finished.origin import trained
from synthgen.stages.judging.training_rows import training_rows
from synthgen.stages.sample.stage import sample
from synthgen.stages.utility.tune import tune

QUICK = {
    "steps": 30, "batch_size": 16, "width": 8, "seeds": 2, "flip": False, "device": "cpu",
    "precision": "fp32", "per_class": 20, "latent_std": (1.0, 1.5), "agreement": ("0.2",),
    "shares": (0.5, 0.75), "finish": (0.2,),
}  # fmt: skip


@pytest.fixture(scope="module")
def tuned(run_folder, digit_folder, tmp_path_factory):
    """A finished choice, and the settings that made it."""
    folder = tmp_path_factory.mktemp("tune")
    settings = TuneSettings.parse({
        **QUICK, "generator": str(run_folder), "real": str(digit_folder),
        "out": str(folder / "tuned"), "cache_dir": str(folder / "cache"),
    })  # fmt: skip
    return tune(settings), settings


def test_it_tries_the_whole_grid_and_the_best_becomes_a_sampling_config(tuned, tmp_path):
    report, _ = tuned
    trials = report.tuning.trials
    assert [(t.latent_std, t.share) for t in trials] == [
        (1.0, 0.5), (1.0, 0.75), (1.5, 0.5), (1.5, 0.75)
    ]  # fmt: skip
    assert report.tuning.best.accuracy == max(t.accuracy for t in trials)
    values = read_yaml(report.config)
    assert values["latent_std"] == report.tuning.best.latent_std
    mix = f"--synthetic-share {report.tuning.best.share:g} --finish-on-real 0.2"
    assert mix in report.config.read_text()
    made = sample(SampleSettings.parse({**values, "out": str(tmp_path / "out"), "device": "cpu"}))
    assert made.plan.rows == 60


def test_another_agreement_leaves_the_other_default_filters_as_they_are(tuned, run_folder):
    report, settings = tuned
    generator = load_generator(str(run_folder), "cpu")
    calibration = Calibration.from_json(generator.calibration)
    chosen = read_yaml(report.config)["filters"]
    for path in (chosen, str(Path(settings.out) / "trials" / "1-off-0.2.yaml")):
        default, own = (
            load_filters(spec, calibration, generator.classes) for spec in ("default", path)
        )
        assert "realism" in own.reasons and own.reasons == default.reasons
        differing = {a.name for a, b in zip(default.bounds, own.bounds, strict=True) if a != b}
        assert differing == {"label_agreement"}


def test_validation_images_are_those_the_generator_did_not_learn_from(
    tuned, run_folder, digit_folder
):
    report, _ = tuned
    assert report.tuning.unseen
    assert (report.tuning.training_images, report.tuning.validation_images) == (270, 30)
    record = trained(load_generator(str(run_folder)))
    same = load_images(DataSettings.parse({"data": str(digit_folder)}))
    learnt, held = training_rows(record, same)
    assert len(set(learnt) & set(held)) == 0
    fewer = load_images(DataSettings.parse({"data": str(digit_folder), "limit_per_class": 50}))
    assert training_rows(record, fewer) is None


def test_a_stopped_choice_trains_nothing_again(tuned, monkeypatch):
    import synthgen.stages.utility.tune as stage

    report, settings = tuned
    monkeypatch.setattr(stage, "train_fixed_budget", None)
    assert tune(settings).tuning == report.tuning


def test_validation_labels_decide(run_folder, digit_folder, tuned, tmp_path):
    """With other held-out images the accuracies are others: they are what is measured."""
    report, settings = tuned
    other = tmp_path / "other"
    rng = np.random.default_rng(0)
    for name in ("nought", "one", "two"):
        (other / name).mkdir(parents=True)
        for number in range(20):
            noise = rng.integers(0, 255, (8, 8), dtype=np.uint8)
            Image.fromarray(noise).save(other / name / f"{number}.png")
    changes = {"real": str(other), "out": str(tmp_path / "tuned"), "latent_std": (1.0,)}
    found = tune(settings.model_copy(update=changes)).tuning
    assert not found.unseen
    assert found.best.accuracy < 0.9 * report.tuning.best.accuracy


def test_a_grid_that_does_not_help_is_said():
    trials = (
        Trial(1.0, None, None, 0.5, 0.0, (0.5, 0.6)),
        Trial(1.3, None, 0.9, 0.5, 0.3, (0.6, 0.4)),
    )
    tuning = Tuning("g", "photos", "f", 90, 10, False, (0.55, 0.55), trials)
    text = " ".join(tuning.sentences())
    assert tuning.best == trials[0]
    assert "no mix of these samples beat the real images alone beyond the deviation: " in text
    assert "0.0 ± 7.1 points; use them for more than this classifier's accuracy, or not" in text
    assert "or not at all" in text and "may have been trained" in text
    record = json.loads(json.dumps(tuning.to_json()))
    assert record["best"]["share"] == 0.5 and record["share"] == 0 and not record["helps"]
    assert text in " ".join(record["sentences"])
    assert "| real images alone | | | 0 | | 55.0 **not beaten** |" in tuning.table()


def test_a_grid_that_helps_is_said_and_one_seed_tells_nothing():
    trials = (
        Trial(1.0, None, None, 0.25, 0.0, (0.6, 0.62)),
        Trial(1.0, None, None, 0.5, 0.0, (0.64, 0.66)),
    )
    tuning = Tuning("g", "photos", "f", 90, 10, True, (0.6, 0.61), trials)
    assert tuning.helps and tuning.share == 0.5 and "not beaten" not in tuning.table()
    assert "it beats the real images alone beyond the deviation: +4.5 ± 0.7 points" in (
        tuning.sentences()
    )
    once = replace(trials[0], accuracies=(0.7,))
    tuning = Tuning("g", "photos", "f", 90, 10, True, (0.6,), (once,))
    assert not tuning.helps and tuning.share == 0
    assert "one seed has no deviation" in " ".join(tuning.sentences())


def test_real_images_that_cannot_be_beaten_are_the_answer(run_folder, tuned, tmp_path, digits):
    """Validation images that are the training images: real ones alone are right on all."""
    real = tmp_path / "plain"
    for name, level in (("nought", 0), ("one", 120), ("two", 250)):
        (real / name).mkdir(parents=True)
        for number in range(20):
            shade = np.full((8, 8), level, dtype=np.uint8)
            shade[number % 8, number // 8] = 60
            Image.fromarray(shade).save(real / name / f"{number}.png")
    changes = {"real": str(real), "out": str(tmp_path / "out"), "latent_std": (1.0,), "steps": 60}
    report = tune(tuned[1].model_copy(update=changes))
    assert np.mean(report.tuning.real_only) == 1.0
    for text in (report.text(), report.config.read_text()):
        assert "no mix of these samples beat the real images alone" in text
    assert "To train with them all the same: " in report.config.read_text()
    record = json.loads((tmp_path / "out" / "tune.json").read_text())
    assert record["share"] == 0 and not record["helps"]
    values = read_yaml(report.config)  # the best way of sampling is written nevertheless
    assert values["latent_std"] == report.tuning.best.latent_std == 1.0


def test_a_value_that_is_no_number_is_named():
    with pytest.raises(SynthgenError, match="'wide' is no number"):
        TuneSettings.parse({"generator": "g", "real": "r", "truncation": ("wide",)})
