"""A column of masks in place of the label: what a segmenter learns of real and synthetic rows."""

import json

import numpy as np
import pytest
from toy_world import MASK_NAMES, SHAPES, toy_world, write_masks
from uses import command
from written import write_dataset

from synthgen.evaluation.text import as_markdown
from synthgen.evaluation.utility import Utility
from synthgen.spec.errors import SynthgenError
from synthgen.spec.maps import Mask
from synthgen.spec.settings.utility import UtilitySettings
from synthgen.stages.utility.stage import utility

FIELD = Mask(MASK_NAMES, 16, 16)
REAL, MADE, TEST = (toy_world(count, 16, seed) for count, seed in ((60, 1), (90, 2), (45, 3)))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("toy")


@pytest.fixture(scope="module")
def folders(root):
    """Real rows, in folders of classes, to learn from and to test on."""
    return {
        "real": write_masks(REAL, root / "real", classes=True),
        "test": write_masks(TEST, root / "test", classes=True),
    }


def made(folder, masks=MADE.masks, classes=SHAPES):
    labels = MADE.labels if len(classes) > 1 else np.zeros_like(MADE.labels)
    return write_dataset(folder, MADE.images, labels, classes, {"mask": FIELD}, {"mask": masks})


def measured(dataset, folders, root, **changes):
    values = {
        "dataset": str(dataset), "real": str(folders["real"]), "test": str(folders["test"]),
        "test_split": "train", "learn": "mask", "steps": 70, "batch_size": 8, "seeds": 1,
        "sizes": ("all",), "flip": True, "device": "cpu", "precision": "fp32",
        "cache_dir": str(root / "cache"),
    }  # fmt: skip
    return utility(UtilitySettings.parse({**values, **changes}))


@pytest.fixture(scope="module")
def found(folders, root):
    return measured(made(root / "made"), folders, root), root / "made"


def test_masks_are_learnt_with_a_score_for_each_class(found):
    record, dataset = found
    assert [row.trained_on for row in record.rows] == ["real", "synthetic", "real + synthetic"]
    assert record.classes == MASK_NAMES and record.measure == "mean IoU"
    assert record.protocol["learn"] == "mask"
    for row in record.rows:
        assert len(row.accuracies) == 1 and len(row.class_accuracies) == 4
        assert np.mean(row.class_accuracies) == pytest.approx(row.accuracy)
        assert row.class_accuracies[0] > 0.8, "the background is easy"
    assert record.rows[1].synthetic_images == 90 and record.rows[1].real_images == 0
    text = record.text()
    assert "reader of mask reaches" in text and "| mean IoU | against real only |" in text
    assert record.gains() and Utility.from_json(record.to_json()) == record
    assert json.loads((dataset / "report" / "utility.json").read_text())["rows"]


def test_masks_of_other_rows_teach_nothing(found, folders, root):
    """The look-alike: the same images and the same masks, none beside its own."""
    record, _ = found
    rolled = made(root / "rolled", np.roll(MADE.masks, 31, axis=0))
    other = measured(rolled, folders, root)
    synthetic = record.row("synthetic", 0)
    assert other.row("synthetic", 0).accuracy < synthetic.accuracies[0] - 0.1
    # The rows of real images alone were found, not trained again.
    assert other.rows[0].accuracies[0] == record.rows[0].accuracies[0]


def test_without_a_label_the_mask_is_learnt_by_itself(folders, root, tmp_path, capsys):
    flat = made(tmp_path / "flat", classes=("all",))
    record = measured(flat, folders, root, learn=None, seeds=2, steps=2)
    assert record.protocol["learn"] == "mask" and record.rows[0].real_images == 60
    first, second = record.rows[0].accuracies
    assert first != second and len(record.gains()) == 1  # of pairs of one seed
    assert "mask is learnt in place of the label" in capsys.readouterr().err
    labelled = made(tmp_path / "labelled")
    plain = measured(labelled, folders, root, learn=None, steps=2)
    assert plain.classes == SHAPES and plain.measure == "accuracy"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learn": "masks"}, "no such column that networks learn to read (mask)"),
        ({"learn": "mask", "attribute": "large"}, "both say what is learnt"),
        ({"learn": "mask", "teachers": 2}, "are of the label, and mask is learnt here"),
    ],
)
def test_mistakes_are_told(changes, words, found, folders, root):
    with pytest.raises(SynthgenError) as caught:
        measured(found[1], folders, root, **changes)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_real_rows_without_masks_are_told_in_one_line(found, folders, tmp_path, capsys):
    from toy_world import write_photos

    photos = write_photos(REAL, tmp_path / "photos", classes=True)
    wrong = ("--real", photos, "--test", folders["test"], "--test-split", "train", "--sizes", "all")
    assert command("utility", found[1], *wrong, "--learn", "mask") == 2
    line = capsys.readouterr().err
    assert "no column 'mask'" in line and "Traceback" not in line


def test_the_card_names_what_was_learnt(found):
    from dataclasses import replace

    from evaluations import evaluation

    card = as_markdown(replace(evaluation(), utility=found[0]))
    assert "One reader of mask, trained 1 times" in card
