"""Utility: resumable, honest about what the generator saw, tested on real images."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from synthgen.evaluation.utility import Utility
from synthgen.evaluation.utility_rows import SAW_ALL, SAW_THESE, SAW_UNKNOWN
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.utility import UtilitySettings
from synthgen.stages.sample.stage import sample
from synthgen.stages.utility.stage import _kinds


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
    import synthgen.stages.utility.trials as stage

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


def test_what_classes_have_too_few_images_for_is_told_once(monkeypatch):
    told = []
    monkeypatch.setattr("synthgen.stages.utility.stage.say", told.append)
    labels = np.repeat([0, 1, 2], [40, 7, 20])
    real = SimpleNamespace(name="few", labels=labels, classes=("nought", "one", "two"))

    def kinds(*sizes):
        asked = {"dataset": "x", "real": "x", "sizes": sizes}
        return [kind.size for kind in _kinds(UtilitySettings.parse(asked), real)]

    assert kinds("5", "10", "40", "1000", "all") == [5, 10, None, 0, 5, 10, None]
    assert told == [
        "few: has at most 40 images of a class; no row of 40 or 1,000",
        "few: class 'one' has 7 images, of which rows of more take all",
    ]
    told.clear()
    assert kinds("5") == [5, 0, 5] and not told
    with pytest.raises(SynthgenError, match="at most 40 images of a class; name a smaller size"):
        kinds("1000")
    assert not told


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
    from synthgen.stages.finished.dataset import open_dataset
    from synthgen.stages.utility.soft_labels import soft_labels
    from synthgen.stages.utility.trials import synthetic_images

    opened = open_dataset(str(dataset))
    made = synthetic_images(opened, 90)
    settings = UtilitySettings.parse({
        "dataset": str(dataset), "real": "x", "generator": str(run_folder), "device": "cpu",
        "soft_labels": True,
    })  # fmt: skip
    soft = soft_labels(settings, opened, made, 90)
    assert soft.probabilities.shape == (90, 3)
    assert np.allclose(soft.probabilities.sum(axis=1), 1, atol=1e-5)
    found = measure(soft_labels=True, generator=str(run_folder), sizes=("5",), seeds=1)
    plain = measure(sizes=("5",), seeds=1)
    assert found.protocol["soft_labels"] and not plain.protocol["soft_labels"]
    assert found.row("real", 5).accuracies == plain.row("real", 5).accuracies
    assert found.row("synthetic", 0).accuracies != plain.row("synthetic", 0).accuracies


def test_teachers_say_what_wrongly_labelled_images_show(measure, monkeypatch):
    from synthgen.data.splits import Labelled
    from synthgen.stages.utility import stage
    from synthgen.stages.utility import trials as utility_trials

    honest = stage.synthetic_images

    def mislabelled(dataset, most):
        made = honest(dataset, most)
        return Labelled(made.images, (made.labels + 1) % 3)

    monkeypatch.setattr(stage, "synthetic_images", mislabelled)
    seeds = []
    plain_training = utility_trials.train_fixed_budget

    def noted(sources, *rest, seed, **more):
        if seed >= utility_trials.TEACHERS:
            seeds.append(seed)
            assert [len(source.rows) for source in sources] == [300]  # real images, all, alone
        return plain_training(sources, *rest, seed=seed, **more)

    monkeypatch.setattr(utility_trials, "train_fixed_budget", noted)
    wrong = measure(sizes=("all",), synthetic_share=0.75)
    assert not seeds
    taught = measure(sizes=("all",), synthetic_share=0.75, teachers=2)
    assert len(seeds) == len(set(seeds)) == 2  # once for both seeds of the row
    misled, told = (found.row("real + synthetic", 100).accuracy for found in (wrong, taught))
    assert told > misled + 0.2
    assert taught.row("real", 100) == wrong.row("real", 100)
    assert taught.row("synthetic", 0).accuracies == wrong.row("synthetic", 0).accuracies
    assert taught.protocol["teachers"] == 2
    with pytest.raises(SynthgenError, match="choose one"):
        measure(teachers=2, soft_labels=True)


def test_each_choice_of_few_images_has_teachers_of_its_own(measure, monkeypatch):
    from synthgen.stages.utility import trials as utility_trials

    learnt = {}
    plain_training = utility_trials.train_fixed_budget

    def noted(sources, *rest, seed, **more):
        if seed >= utility_trials.TEACHERS:
            learnt[seed] = sources[0].rows.tolist()
        elif len(sources) == 2:  # a row of both: its teachers saw just its real images
            assert sources[0].rows.tolist() in learnt.values()
            assert sources[1].soft is not None
        return plain_training(sources, *rest, seed=seed, **more)

    monkeypatch.setattr(utility_trials, "train_fixed_budget", noted)
    measure(sizes=("5",), teachers=1)
    assert len(learnt) == 2 and len(set(map(tuple, learnt.values()))) == 2


def test_an_evaluation_measures_it_too_by_the_same_code(
    measure, quick, dataset, digit_folder, test_folder, run_folder, tmp_path, monkeypatch
):
    import synthgen.stages.utility.trials as stage
    from synthgen.cli.main import cli
    from synthgen.dataset.commit import read_json
    from synthgen.evaluation.record import Evaluation

    alone = measure()
    (dataset / "report" / "utility.json").unlink()
    quick = {**quick, "test": test_folder, "cache_dir": tmp_path / "cache", "sizes": "5+all"}
    common = [
        "evaluate", dataset, "--real", digit_folder, "--generator", run_folder, "--device", "cpu",
        "--extractor", "classifier",
    ]  # fmt: skip

    def run(*more):
        cli.main([str(word) for word in (*common, *more)], standalone_mode=False)

    run()
    metrics, card = dataset / "report" / "metrics.json", dataset / "README.md"
    assert "utility" not in read_json(metrics) and "real + synthetic" not in card.read_text()
    monkeypatch.setattr(stage, "train_fixed_budget", None)  # all is known: not one is trained again
    run("--utility", "--utility-settings", ",".join(f"{k}={v}" for k, v in quick.items()))
    record = read_json(metrics)
    assert record["utility"] == json.loads((dataset / "report" / "utility.json").read_text())
    found = Evaluation.from_json(record, "metrics.json").utility
    assert found == alone and found.row("real + synthetic", 100) is not None
    for line in found.table().splitlines():
        assert line in card.read_text()
    assert "Does a model get better?" in (dataset / "report" / "report.html").read_text()


def test_an_evaluation_takes_the_images_it_has_for_utility(dataset, tmp_path):
    def asked(**changes):
        return EvaluateSettings.parse(
            {"dataset": "d", "real": "held", "utility": True, **changes}
        ).for_utility()

    found = asked(real_split="old")
    assert (found.real, found.real_split, found.test, found.test_split) == (
        "held", "old", None, "test",
    )  # fmt: skip
    found = asked(train="seen", real_split="new", utility_settings={"seeds": 2})
    assert (found.real, found.real_split, found.test, found.test_split, found.seeds) == (
        "seen", "train", "held", "new", 2,
    )  # fmt: skip
    assert asked(utility=False) is None
    with pytest.raises(SynthgenError, match=r"utility_settings: unknown key 'sedes'.*seeds"):
        asked(utility_settings={"sedes": 2})
    with pytest.raises(SynthgenError, match="nothing to set without utility"):
        asked(utility=False, utility_settings={"seeds": 2})


def test_what_is_missing_for_utility_is_told_before_the_comparison(
    dataset, digit_folder, run_folder, monkeypatch
):
    import synthgen.stages.evaluate.stage as stage

    monkeypatch.setattr(stage, "load_extractor", None)
    settings = EvaluateSettings.parse({
        "dataset": str(dataset), "real": str(digit_folder), "generator": str(run_folder),
        "utility": True, "utility_settings": {"test": str(digit_folder)},
    })  # fmt: skip
    with pytest.raises(SynthgenError, match="are the real training images"):
        stage.evaluate(settings)


def test_soft_labels_of_another_bundle_are_refused(measure):
    with pytest.raises(SynthgenError, match="is not the one that made"):
        measure(soft_labels=True, generator="fashion-mnist-28")


@pytest.mark.parametrize("test", [None, "held-out"])
def test_without_a_test_split_the_rows_that_training_held_out_are_the_test(measure, test):
    found = measure(test=test, sizes=("all",), seeds=1)
    assert found.test_images == 30 and found.shared_images == 0
    assert found.test == "digits (held-out)"
    assert [row.real_images for row in found.rows] == [270, 0, 270]
    assert found.generator_saw == SAW_THESE


def test_rows_held_out_are_those_of_the_generators_own_images(measure, test_folder):
    with pytest.raises(SynthgenError, match="no rows of it were held out"):
        measure(real=str(test_folder), test="held-out")


def test_a_dataset_of_some_of_the_generators_classes_is_named(measure, run_folder, tmp_path):
    sample(SampleSettings.parse({
        "generator": str(run_folder), "out": str(tmp_path / "two"), "filters": "none", "n": 8,
        "device": "cpu", "precision": "fp32", "classes": ("nought", "one"),
    }))  # fmt: skip
    few = {"dataset": str(tmp_path / "two"), "seeds": 1, "steps": 1, "sizes": ("all",)}
    only = "digits: only nought, one of the 3 classes that the generator was trained on"
    with pytest.raises(SynthgenError, match=f"{only} .*is not known"):
        measure(**few, test="held-out")
    with pytest.raises(SynthgenError, match=f"{only} .*nobody's membership can be told"):
        measure(**few, membership=True)


@pytest.mark.parametrize("given,used", [(None, False), (True, True)])
def test_images_are_mirrored_as_the_generator_was_trained_unless_told(measure, given, used):
    assert measure(flip=given, sizes=("5",), seeds=1, steps=1).protocol["flip"] is used
