"""Utility: resumable, honest about what the generator saw, tested on real images."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from synthgen.evaluation.utility import SAW_ALL, SAW_THESE, SAW_UNKNOWN, Utility
from synthgen.spec.errors import SynthgenError
from synthgen.spec.utility_settings import UtilitySettings
from synthgen.stages.utility import utility

QUICK = {
    "steps": 40, "batch_size": 16, "width": 8, "seeds": 2, "flip": False, "device": "cpu",
    "precision": "fp32",
}  # fmt: skip


@pytest.fixture(scope="module")
def test_folder(digits, tmp_path_factory):
    """Other rows of the digits than those that train, in class folders of another order."""
    folder = tmp_path_factory.mktemp("held") / "test"
    images, labels = digits
    for name, label in (("two", 2), ("nought", 0), ("one", 1)):
        (folder / name).mkdir(parents=True)
        for number, pixels in enumerate(images[labels == label][100:140]):
            Image.fromarray(pixels[:, :, 0]).save(folder / name / f"{number:03d}.png")
    return folder


@pytest.fixture(scope="module")
def dataset(run_folder, tmp_path_factory):
    from synthgen.spec.sample_settings import SampleSettings
    from synthgen.stages.sample import sample

    out = tmp_path_factory.mktemp("made") / "digits"
    sample(SampleSettings.parse({
        "generator": str(run_folder), "out": str(out), "filters": "none", "per_class": 60,
        "device": "cpu", "precision": "fp32", "batch_size": 64,
    }))  # fmt: skip
    return out


@pytest.fixture
def measure(dataset, digit_folder, test_folder, tmp_path):
    def run(**changes):
        values = {
            **QUICK, "dataset": str(dataset), "real": str(digit_folder), "test": str(test_folder),
            "cache_dir": str(tmp_path / "cache"), "sizes": ("5", "all"),
        }  # fmt: skip
        return utility(UtilitySettings.parse({**values, **changes}))

    return run


def test_the_table_has_each_kind_and_size_with_every_seed(measure, dataset):
    found = measure()
    kinds = [(row.trained_on, row.real_images, row.all_real) for row in found.rows]
    assert kinds == [
        ("real", 15, False), ("real", 300, True), ("synthetic", 0, False),
        ("real + synthetic", 15, False), ("real + synthetic", 300, True),
    ]  # fmt: skip
    assert all(len(row.accuracies) == 2 for row in found.rows)
    # Classes are matched by name: all real digits teach to tell them apart.
    assert found.row("real", 100).accuracy > 0.9
    record = json.loads((dataset / "report" / "utility.json").read_text())
    assert Utility.from_json(record) == found


def test_a_generator_of_more_images_and_one_of_just_these_never_share_a_table(
    measure, digits, tmp_path
):
    assert {r.generator_saw for r in measure().rows if r.synthetic_images} == {SAW_ALL}
    assert measure(sizes=("all",)).generator_saw == SAW_THESE
    other = tmp_path / "other"
    for label, name in enumerate(("nought", "one", "two")):
        (other / name).mkdir(parents=True)
        for number in range(12):
            Image.fromarray(digits[0][digits[1] == label][number][:, :, 0]).save(
                other / name / f"{number}.png"
            )
    assert measure(real=str(other), sizes=("all",), seeds=1).generator_saw == SAW_UNKNOWN


def test_a_stopped_run_trains_nothing_again_and_ends_the_same(measure, monkeypatch):
    import synthgen.stages.utility_trials as stage

    trained, real_train = [], stage.train_fixed_budget

    def until(most):
        def train(*args, **kwargs):
            if len(trained) == most:
                raise KeyboardInterrupt
            trained.append(1)
            return real_train(*args, **kwargs)

        return train

    monkeypatch.setattr(stage, "train_fixed_budget", until(7))
    with pytest.raises(KeyboardInterrupt):
        measure()
    monkeypatch.setattr(stage, "train_fixed_budget", until(100))
    resumed = measure()
    assert len(trained) == 10
    fresh = measure(cache_dir=None)
    assert [row.accuracies for row in fresh.rows] == [row.accuracies for row in resumed.rows]


def test_the_test_images_may_not_be_the_training_images(measure, digit_folder):
    with pytest.raises(SynthgenError, match="are the real training images"):
        measure(test=str(digit_folder))


def test_training_images_among_the_test_images_are_counted(measure, test_folder, digits, tmp_path):
    leaky = tmp_path / "leaky"
    shutil.copytree(test_folder, leaky)
    images, labels = digits
    seen = {image.tobytes() for k in range(3) for image in images[labels == k][:100]}
    held = [image for k in range(3) for image in images[labels == k][100:140]]
    already = sum(np.asarray(image).tobytes() in seen for image in held)
    Image.fromarray(images[labels == 0][0][:, :, 0]).save(leaky / "nought" / "leak.png")
    assert measure(test=str(leaky), seeds=1).shared_images == already + 1


def test_a_class_that_is_missing_from_the_test_images_is_named(measure, test_folder, tmp_path):
    partial = tmp_path / "partial"
    shutil.copytree(test_folder, partial)
    shutil.rmtree(partial / "two")
    with pytest.raises(SynthgenError, match="two"):
        measure(test=str(partial))


def test_soft_labels_are_the_bundles_own_classifiers(dataset, run_folder, measure):
    from synthgen.stages.evaluate_images import open_dataset
    from synthgen.stages.utility_trials import soft_labels, synthetic_images

    opened = open_dataset(str(dataset))
    made = synthetic_images(opened, 90)
    settings = UtilitySettings.parse({
        "dataset": str(dataset), "real": "x", "generator": str(run_folder), "device": "cpu",
    })  # fmt: skip
    soft = soft_labels(settings, opened, made)
    assert soft.probabilities.shape == (90, 3)
    assert np.allclose(soft.probabilities.sum(axis=1), 1, atol=1e-5)
    found = measure(soft_labels=True, generator=str(run_folder), sizes=("5",), seeds=1)
    plain = measure(sizes=("5",), seeds=1)
    assert found.protocol["soft_labels"] and not plain.protocol["soft_labels"]
    assert found.row("real", 5).accuracies == plain.row("real", 5).accuracies
    assert found.row("synthetic", 0).accuracies != plain.row("synthetic", 0).accuracies


def test_soft_labels_of_another_bundle_are_refused(measure):
    with pytest.raises(SynthgenError, match="is not the one that made"):
        measure(soft_labels=True, generator="fashion-mnist-28")
