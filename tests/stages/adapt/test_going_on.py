"""What is said of test images, and a run that goes on after its filters took all samples."""

import json
import shutil

import pytest
from adapting import CLASSES, labelled_target

from synthgen.spec.errors import SynthgenError, TooFewPass
from synthgen.spec.settings.adapt import AdaptSettings
from synthgen.stages.adapt import stage
from synthgen.stages.adapt.look import look_at
from synthgen.stages.adapt.stage import adapt


def test_where_filters_take_all_the_same_folder_goes_on_with_others(
    finished, tmp_path, monkeypatch
):
    settings, report = finished
    out = tmp_path / "out"
    shutil.copytree(report.root, out)
    path = out / "settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "rounds": 1}))
    (out / "receipts" / "finish.json").unlink()
    tried = []

    def without_samples(settings, do):
        tried.append(settings.filters)
        raise TooFewPass("keeps none")

    monkeypatch.setattr(stage, "grow", without_samples)
    for filters in ("default", "none"):
        changed = {"out": str(out), "rounds": 1, "filters": filters}
        with pytest.raises(
            SynthgenError, match="none; go on with --filters none, or give more --round-images"
        ):
            adapt(settings.model_copy(update=changed))
    assert tried == ["default", "none"]
    assert json.loads(path.read_text())["filters"] == "none"


def test_test_images_that_are_left_out_or_seen_before_are_counted(
    values, target, negatives, tmp_path
):
    test = labelled_target(target, tmp_path / "test", strangers=6)
    for name in CLASSES:
        for path in sorted((negatives / name).iterdir())[:5]:
            (test / name / path.name).write_bytes(path.read_bytes())
    own = {"out": str(tmp_path / "no"), "test": str(test), "test_split": "train"}
    lines = look_at(AdaptSettings.parse({**values, **own})).lines()
    assert lines[-2:] == [
        "test: test, 39 of 45 images; 6 of classes that no label names are left out: the accuracy "
        "says nothing of them",
        "warning: 24 test images are in the target: the accuracy on them says too much",
    ]
