"""The strong protocol of a table, its baselines and its groups."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from written import write_dataset

from synthgen.cli.main import cli
from synthgen.evaluation.utility import Utility
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.utility import UtilitySettings
from synthgen.stages.utility import duration, stage
from synthgen.stages.utility.stage import utility
from synthgen.stages.utility.trials import Kind, key_of
from synthgen.training.fixed_budget import Budget
from synthgen.training.strong_budget import StrongBudget

CLASSES = ("nought", "one")
TINY = {
    "steps": 30, "batch_size": 16, "width": 4, "seeds": 2, "flip": False, "device": "cpu",
    "precision": "fp32", "sizes": ("all",),
}  # fmt: skip


def write_shaded(folder, images, labels, shaded):
    """Digits, negative where they are ``shaded``, with a column that says so."""
    folder.mkdir()
    with (folder / "metadata.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file_name", "label", "shade"])
        for number, (pixels, label, dark) in enumerate(zip(images, labels, shaded, strict=True)):
            name = f"{number:03d}.png"
            Image.fromarray((255 - pixels if dark else pixels)[:, :, 0]).save(folder / name)
            rows.writerow([name, CLASSES[label], "dark" if dark else "light"])
    return folder


@pytest.fixture(scope="module")
def folders(digits, tmp_path_factory):
    """Real images of which only one in fifteen of each class has the other shade, test images
    of all four groups, a pool, and a dataset."""
    root = tmp_path_factory.mktemp("shades")
    images, labels = digits[0][digits[1] < 2], digits[1][digits[1] < 2]
    numbers = np.arange(len(labels))
    learnt, held, pool, made = (slice(at, at + 60) for at in (0, 60, 120, 180))
    skewed = np.where(numbers % 15 == 0, labels == 0, labels == 1)
    return {
        "real": write_shaded(root / "real", images[learnt], labels[learnt], skewed[learnt]),
        "test": write_shaded(root / "test", images[held], labels[held], numbers[held] % 2 == 0),
        "pool": write_shaded(root / "pool", images[pool], labels[pool], numbers[pool] % 2 == 0),
        "dataset": write_dataset(root / "made", images[made], labels[made], CLASSES, {}, {}),
        "cache": root / "cache",
    }


def settings_of(folders, **changes):
    values = {
        **TINY, "dataset": str(folders["dataset"]), "real": str(folders["real"]),
        "test": str(folders["test"]), "test_split": "train", "cache_dir": str(folders["cache"]),
    }  # fmt: skip
    return UtilitySettings.parse({**values, **changes})


@pytest.fixture(scope="module")
def found(folders):
    return utility(settings_of(
        folders, group="shade", baseline=("balanced", "groupdro", "self-training"),
        unlabelled=str(folders["pool"]),
    ))  # fmt: skip


def test_the_table_has_baselines_and_the_worst_of_all_groups(found, folders):
    assert [row.name for row in found.rows] == [
        "real", "real, balanced", "real, groupdro", "real, self-training", "synthetic",
        "real + synthetic",
    ]  # fmt: skip
    assert found.protocol_name == "strong" and found.protocol["steps"] == 30
    assert found.groups == ("nought, dark", "nought, light", "one, dark", "one, light")
    for row in found.rows:
        assert np.shape(row.group_accuracies) == (2, 4)
        assert row.accuracies == pytest.approx(np.mean(row.group_accuracies, axis=1), abs=0.05)
    table = found.table().splitlines()
    assert "worst class" in table[0] and "worst group" in table[0]
    assert all(line.count("|") == table[0].count("|") for line in table)
    record = json.loads((folders["dataset"] / "report" / "utility.json").read_text())
    assert Utility.from_json(record) == found


def test_the_last_line_names_the_toughest_baseline(found):
    real = [row for row in found.rows if row.trained_on == "real"]
    toughest = max(real, key=lambda row: sum(row.worst_groups))
    line = found.text().splitlines()[-1]
    name = toughest.baseline or "real images alone"
    assert line.startswith(f"toughest baseline with all real images per class: {name}, right on")
    assert "GAN data" in line


def test_a_shade_that_goes_with_the_class_is_a_shortcut_and_balancing_takes_it_away(found):
    plain, balanced = (np.mean(row.worst_groups) for row in found.rows[:2])
    assert balanced > plain


def test_what_was_trained_is_found_again_and_the_quick_protocol_is_another(
    found, folders, monkeypatch
):
    from synthgen.stages.utility import trials

    monkeypatch.setattr(trials, "train_fixed_budget", None)
    monkeypatch.setattr(trials, "train_baseline", None)
    same = settings_of(
        folders, group="shade", baseline=("balanced", "self-training"),
        unlabelled=str(folders["pool"]),
    )  # fmt: skip
    again = utility(same)
    assert again.rows[1] == found.rows[1] and again.rows[2] == found.rows[3]
    for changes in ({"quick": True}, {"unlabelled": str(folders["test"])}):
        with pytest.raises(TypeError):
            utility(same.model_copy(update=changes))


def test_test_images_among_the_unlabelled_ones_are_told(found, folders, monkeypatch):
    assert found.shared_unlabelled == 0
    told = []
    monkeypatch.setattr(stage, "say", told.append)
    line = (
        "16 of 60 test images are among the unlabelled images, pixel by pixel: the baselines that "
        "learn from these are flattered; name others with --unlabelled"
    )
    leaky = utility(settings_of(
        folders, baseline=("fda",), unlabelled=str(folders["test"]), seeds=1, steps=1, quick=True,
    ))  # fmt: skip
    assert leaky.shared_unlabelled == 16 and leaky.shared_images == 0  # as many as are shown
    assert line in told and line in leaky.sentences()
    assert Utility.from_json(leaky.to_json()) == leaky


def test_a_long_table_says_so_first_and_how_to_have_a_look(folders, monkeypatch, tmp_path, caplog):
    told = []
    monkeypatch.setattr(duration, "LONG", 0)
    monkeypatch.setattr(duration, "say", told.append)
    asked = settings_of(folders, seeds=1, steps=1, cache_dir=str(tmp_path))
    utility(asked)
    assert "3 classifiers" in told[0] and told[0].endswith("--quick")
    typed = told[0].partition("synthgen utility ")[2].split()
    assert typed[0] == asked.dataset and typed[typed.index("--real") + 1] == asked.real
    utility(asked)  # all is known
    utility(asked.model_copy(update={"quick": True, "seeds": 1}))
    assert len(told) == 1


def test_the_quick_protocols_results_are_found_where_they_were():
    key = key_of(Kind("real + synthetic", 5, 0.5), 3, Budget(flip=False), ("a", "b"), ["c", 9], 0.3)
    assert key == {
        "budget": {
            "steps": 1000, "batch_size": 64, "width": 16, "peak_lr": 0.15, "weight_decay": 5e-4,
            "smoothing": 0.05, "warm_up": 0.2, "flip": False, "crop": 0.07,
        },
        "seed": 3, "test": "b", "real": ["a", 5], "synthetic": ["c", 9, 0.5], "finish_on_real": 0.3,
    }  # fmt: skip
    strong = key_of(Kind("real", 5, 0.0, "cutmix"), 3, StrongBudget(), ("a", "b"), [], 0.0)
    assert strong["budget"]["protocol"] == "strong" and strong["baseline"] == "cutmix"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"baseline": ("cutmics",)}, "no baseline 'cutmics' .*did you mean 'cutmix'"),
        ({"baseline": ("fda",)}, "baseline fda learns from unlabelled images.*--unlabelled"),
        ({"baseline": ("groupdro",)}, "baseline groupdro weighs groups; .*--group"),
        ({"baseline": ("cutmix", "cutmix")}, "name none twice"),
        (
            {"unlabelled": "pool", "baseline": ("cutmix",)},
            "for baselines: name self-training, fixmatch or fda with --baseline",
        ),
        ({"group": "shadow"}, "--group shadow: real has no such column .*did you mean 'shade'"),
        ({"group": "file_name"}, "no such column|has 60 values|has 120 values"),
    ],
)
def test_mistakes_are_one_line(folders, changes, line):
    with pytest.raises(SynthgenError, match=line):
        utility(settings_of(folders, **changes))


def test_the_command_line_takes_baselines(folders, capsys):
    arguments = [
        "utility", folders["dataset"], "--real", folders["real"], "--baseline",
        "groupdro,cutmix", "--device", "cpu",
    ]  # fmt: skip
    with pytest.raises(SynthgenError, match="baseline groupdro weighs groups"):
        cli.main([str(word) for word in arguments], standalone_mode=False)
