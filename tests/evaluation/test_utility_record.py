"""The record of utility: gains, verdicts, sentences, JSON."""

import json
from dataclasses import replace

import pytest

from synthgen.evaluation.utility import Utility
from synthgen.evaluation.utility_rows import SAW_ALL, SAW_NOTHING, UtilityRow


def row(trained_on, real_per_class, accuracies, all_real=False):
    alone = trained_on == "real"
    return UtilityRow(
        trained_on, real_per_class, all_real, 10 * real_per_class, 0 if alone else 500,
        0.0 if alone else 0.5, SAW_NOTHING if alone else SAW_ALL, accuracies, (0.5, 0.7),
    )  # fmt: skip


@pytest.fixture
def utility():
    rows = (
        row("real", 10, (0.60, 0.70)),
        row("real", 100, (0.80, 0.82)),
        row("real", 200, (0.90, 0.90), all_real=True),
        row("synthetic", 0, (0.75, 0.77)),
        row("real + synthetic", 10, (0.70, 0.80)),
        row("real + synthetic", 100, (0.82, 0.80)),
        row("real + synthetic", 200, (0.88, 0.88), all_real=True),
    )
    return Utility(
        "made", "gan", SAW_ALL, ("a", "b"), "photos", "f1", "photos", "f2", 1000, 0, (0, 1),
        {"steps": 5}, rows,
    )  # fmt: skip


def test_a_gain_is_judged_by_the_differences_of_the_same_seed(utility):
    few, some, every = utility.gains()
    # Both seeds gain ten points: the spread between seeds is no doubt about that.
    assert few.mean == pytest.approx(0.1) and few.deviation == pytest.approx(0.0, abs=1e-9)
    assert few.verdict == "better"
    assert some.mean == pytest.approx(0.0) and some.verdict == "open"
    assert every.verdict == "worse" and every.all_real


def test_the_sentences_name_the_gap_and_what_harms(utility):
    text = " ".join(utility.sentences())
    assert "76.0%" in text and "a gap of 14.0 points" in text
    assert "10 real images per class the synthetic images help: +10.0" in text
    assert "200 real images per class the synthetic images harm" in text


def test_a_test_image_among_the_training_images_is_said(utility):
    leaky = Utility.from_json({**utility.to_json(), "shared_images": 3})
    assert "3 of 1,000 test images are among the real training images" in leaky.sentences()[-1]


def test_the_record_comes_back_from_json_and_another_format_does_not(utility):
    assert Utility.from_json(json.loads(json.dumps(utility.to_json()))) == utility
    with pytest.raises(ValueError):
        Utility.from_json({**utility.to_json(), "version": 0})


def test_every_row_of_the_table_says_what_the_generator_saw(utility):
    lines = utility.table().splitlines()[2:]
    assert len(lines) == len(utility.rows)
    for line, entry in zip(lines, utility.rows, strict=True):
        assert (SAW_ALL in line) == (entry.trained_on != "real")


def test_one_seed_is_no_seeds(utility):
    assert "; 2 seeds, quick protocol" in utility.text()
    assert "; 1 seed, quick protocol" in replace(utility, seeds=(0,)).text()


def test_rows_and_seeds_are_a_table(utility):
    table = utility.to_frame()
    assert len(table) == 14
    alone = table[(table["trained_on"] == "real") & (table["real_per_class"] == 10)]
    assert alone[["seed", "accuracy"]].values.tolist() == [[0, 0.6], [1, 0.7]]
    means = table.groupby(["trained_on", "real_per_class"])["accuracy"].mean()
    assert means["synthetic", 0] == pytest.approx(utility.row("synthetic", 0).accuracy)
