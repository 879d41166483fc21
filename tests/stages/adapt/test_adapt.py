"""From labelled digits to a place of negatives without labels: what comes out, and what stops."""

import json
from pathlib import Path

import datasets
import numpy as np
import pytest
from adapting import labelled_target
from click.testing import CliRunner
from PIL import Image

from synthgen.cli.main import cli
from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.adapt import AdaptSettings
from synthgen.stages.adapt import stage
from synthgen.stages.adapt.rows import Labels, write_rows
from synthgen.stages.adapt.stage import adapt


def pixels(folder):
    return [path.read_bytes() for path in sorted((Path(folder) / "data").iterdir())]


def test_every_row_keeps_its_label_its_columns_and_its_source(finished, digits):
    _, report = finished
    images, labels = digits
    assert verify(report.dataset).problems == []
    data = datasets.load_dataset(str(report.dataset), split="train")
    assert report.kept == len(data) > 120 and report.audit.rows == 150
    assert len(set(data["number"])) == len(data)
    for row in data:
        number = row["number"]
        assert row["label"] == labels[number] and row["hand"] == f"hand {number % 7}"
        # The source stands beside it in the target's frame: inverted.
        np.testing.assert_array_equal(np.asarray(row["source"]), 255 - images[number][..., 0])
        assert row["named_by"] >= 1
    assert np.mean([np.asarray(image).mean() for image in data["image"]]) > 128


def test_the_card_and_the_report_say_what_was_done(finished):
    _, report = finished
    card = (report.dataset / "README.md").read_text()
    assert "experiment 2" in card and "are inverted" in card and "`hand`" in card
    page = (report.root / "report.md").read_text()
    assert "same other class (flipped)" in page and "canonical preprocessing" in page
    assert set(report.tested) == {
        "source only", "canonical preprocessing", "self-training", "translated",
        "translated + self-training",
    }  # fmt: skip
    assert report.tested["translated"] > report.tested["source only"]
    assert str(report.dataset) in report.text()


def test_finished_it_does_nothing_again_and_refuses_other_settings(finished):
    settings, report = finished
    done = []
    again = adapt(settings, lambda name, work: done.append(name))
    assert done == [] and again == report
    with pytest.raises(SynthgenError, match=r"holds a run with seed=0, not 5") as fault:
        adapt(settings.model_copy(update={"seed": 5}))
    assert "\n" not in str(fault.value)


def test_stopped_after_every_step_it_ends_with_the_same_bytes(finished, values, tmp_path):
    _, report = finished
    settings = AdaptSettings.parse({**values, "out": str(tmp_path / "out")})
    seen = []

    def one(name, work):
        if seen and seen[-1] is not None:
            seen.append(None)
            raise KeyboardInterrupt
        work()
        seen.append(name)

    for _ in range(20):
        try:
            again = adapt(settings, one)
            break
        except KeyboardInterrupt:
            continue
    names = [name for name in seen if name]
    assert names == ["source", "readers", "translator", "translate", "audit", "keep", "finish"]
    assert pixels(again.dataset) == pixels(report.dataset)
    known = (
        json.loads((folder / "audit.json").read_text()) for folder in (again.root, report.root)
    )
    assert next(known) == next(known)


@pytest.mark.slow
def test_rounds_end_in_a_dataset_made_of_the_targets_own_look(values, tmp_path, monkeypatch):
    from synthgen.stages.train import decide

    monkeypatch.setattr(decide, "CLASSIFIER_IMAGES", (800, 800))
    asked = {
        "rounds": 1,
        "members": 1,
        "per_class": 6,
        "round_images": 320,
        "round_algorithm": "cgan",
        "filters": "none",
    }
    done = []

    def do(name, work):
        done.append(name)
        work()

    report = adapt(AdaptSettings.parse({**values, **asked, "out": str(tmp_path / "out")}), do)
    assert [name for name in done if name.startswith("refine round-1")]
    assert done.index("keep") < done.index("finish") == len(done) - 1
    data = datasets.load_dataset(str(report.dataset), split="train")
    assert verify(report.dataset).problems == [] and "source" not in data.column_names
    assert np.bincount(data["label"], minlength=3).tolist() == [6, 6, 6]
    assert np.mean([np.asarray(image).mean() for image in data["image"]]) > 128
    assert "experiment 2" in (report.dataset / "README.md").read_text()


@pytest.fixture
def permuting(monkeypatch):
    """A translator that turns every class into the next one."""
    real = stage.translate_all

    def turned(settings, classes, labels, places):
        from synthgen.data.records import load_records
        from synthgen.spec.fields import Image as Shown
        from synthgen.spec.settings.data import DataSettings

        rows = load_records(
            DataSettings.parse({"data": str(places.source)}), {"image": Shown(1, 1, 1)}
        )
        wrong = places.source.with_name("turned")
        write_rows(wrong, rows.images, Labels((rows.labels + 1) % len(classes), classes))
        places.source.rename(places.root / "right")
        wrong.rename(places.source)
        real(settings, classes, (labels + 1) % len(classes), places)

    monkeypatch.setattr(stage, "translate_all", turned)


def test_where_labels_flip_it_stops_with_one_line_and_leaves_the_work(permuting, values, tmp_path):
    settings = AdaptSettings.parse({**values, "out": str(tmp_path / "out"), "guards": False})
    for _ in range(2):  # and again, when it is asked to go on
        with pytest.raises(
            SynthgenError, match=r"labels flipped: \d\d%.*leave out --no-guards"
        ) as fault:
            adapt(settings)
        assert "\n" not in str(fault.value)
    record = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert record["flipped"] > 0.7
    assert (tmp_path / "out" / "audit.png").stat().st_size > 0
    assert not (tmp_path / "out" / "dataset").exists() and (tmp_path / "out" / "made").is_dir()
    options = json.loads((tmp_path / "out" / "translator" / "settings.json").read_text())["options"]
    assert options["task"] == 0
    with pytest.raises(SynthgenError, match=r"no image passes|labels flipped"):
        adapt(settings.model_copy(update={"flip_limit": 0.72}))


def test_mistakes_are_one_line_and_leave_no_folder(
    values, source, target, digit_folder, negatives, tmp_path
):
    def fails(text, **changes):
        with pytest.raises(SynthgenError, match=text) as fault:
            adapt(AdaptSettings.parse({**values, "out": str(tmp_path / "no"), **changes}))
        assert "\n" not in str(fault.value) and not (tmp_path / "no").exists()

    fails("has no labels to carry over", source=str(target), target=str(digit_folder))
    fails("has the one class 'one'", classes=("one",))
    few = tmp_path / "few"
    few.mkdir()
    Image.new("L", (8, 8)).save(few / "one.png")
    fails("1 image of the target are too few|1 image of the target", target=str(few))
    other = tmp_path / "other"
    (other / "cat").mkdir(parents=True)
    Image.new("L", (8, 8)).save(other / "cat" / "one.png")
    fails("nought", test=str(other), test_split="train")
    fails("all images of the source are the target's", target=str(source))
    own = {"test": str(source), "test_split": "train"}
    fails(r"all of the test images are the source's \(digits\); name others", **own)
    own["test"] = str(labelled_target(target, tmp_path / "own", strangers=0))
    fails(r"all of the test images are the target's \(camera\); name others", **own)
    fails("'dcgan' does not translate", algorithm="dcgan")
    fails("unknown key 'widht'", options={"widht": 3})
    fails("--no-guards and --options disagree", guards=False, options={"task": 1.0})
    fails("no such folder", target=str(tmp_path / "nowhere"))
    fails("images and minutes both", minutes=3)


def test_the_command_shows_what_it_understood(values, source, target, tmp_path):
    out = tmp_path / "out"
    done = CliRunner().invoke(
        cli,
        ["adapt", "--source", str(source), "--target", str(target), "--out", str(out), "--dry-run"],
    )
    assert done.exit_code == 0, done.output
    assert "150 images of 3 classes" in done.output and "are inverted" in done.output
    assert "labels guarded" in done.output and not out.exists()
