import json
import os
import shutil

import datasets
import pytest
from PIL import Image

from synthgen.algorithms.registry import class_conditional, find
from synthgen.dataset.verify import verify
from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.sample.stage import sample
from synthgen.stages.train import stage
from synthgen.stages.train.dry_run import describe, in_minutes
from synthgen.stages.train.folder import begin, begun, held
from synthgen.stages.train.stage import train
from synthgen.storage.put_folder import staging_beside
from synthgen.training.loop import Training


def settings(digit_folder, small_training, out, **changes):
    return TrainSettings.parse(
        {**small_training, "data": str(digit_folder), "out": str(out), **changes}
    )


def rows(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [
        {key: value for key, value in json.loads(line).items() if key != "images_per_second"}
        for line in lines
    ]


def test_a_run_leaves_bundle_metrics_curves_and_samples(run_folder):
    assert (run_folder / "training.png").stat().st_size > 1000
    assert len(list((run_folder / "samples").glob("*.png"))) == 4
    logged = rows(run_folder)
    assert [row["images"] for row in logged] == [0, 2400, 4800, 7200, 9600]
    assert {"loss/D/relativistic", "accuracy/D/real", "score", "agreement"} <= set(logged[1])
    generator = load_generator(str(run_folder))
    assert generator.classes == ("nought", "one", "two")
    assert generator.classifier is not None and generator.calibration is not None
    best = min(logged, key=lambda row: row["score"])
    assert generator.config.training["images_shown"] == best["images"]


def test_a_killed_run_resumes_to_the_same_losses(
    run_folder, digit_folder, small_training, tmp_path, monkeypatch
):
    wanted = settings(digit_folder, small_training, tmp_path / "run", checkpoint_every=1000)
    real_step, count = Training.step, 0

    def dying_step(self):
        nonlocal count
        count += 1
        if count == 170:
            raise KeyboardInterrupt
        real_step(self)

    monkeypatch.setattr(Training, "step", dying_step)
    with pytest.raises(KeyboardInterrupt):
        train(wanted)
    monkeypatch.setattr(Training, "step", real_step)
    train(wanted)
    assert rows(tmp_path / "run") == rows(run_folder)
    ours, theirs = (load_generator(str(f)).weights_sha256 for f in (tmp_path / "run", run_folder))
    assert ours == theirs


def test_a_finished_run_is_not_repeated(run_folder, digit_folder, small_training, monkeypatch):
    monkeypatch.setattr(stage, "prepare", lambda *a: pytest.fail("trained again"))
    assert train(settings(digit_folder, small_training, run_folder)) == run_folder / "bundle"


def test_a_folder_of_another_run_is_refused(run_folder, digit_folder, small_training, tmp_path):
    with pytest.raises(SynthgenError, match="holds a run with seed=0, not 1"):
        train(settings(digit_folder, small_training, run_folder, seed=1))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    with pytest.raises(SynthgenError, match="is not empty and holds no run"):
        train(settings(digit_folder, small_training, tmp_path / "mine"))


def test_images_that_are_all_the_same_are_refused(digits, small_training, tmp_path):
    """Their variety is nought, and no share of it is a number."""
    for name in ("nought", "one"):
        (tmp_path / "same" / name).mkdir(parents=True)
        for number in range(10):
            path = tmp_path / "same" / name / f"{number}.png"
            Image.fromarray(digits[0][0, :, :, 0]).save(path)
    with pytest.raises(
        SynthgenError, match="same: the training images of a class are all the same"
    ):
        train(settings(tmp_path / "same", small_training, tmp_path / "run"))
    assert not (tmp_path / "run").exists()
    for number in (8, 9):  # one of them may be held out
        Image.fromarray(digits[0][number, :, :, 0]).save(path.with_name(f"{number}.png"))
    train(settings(tmp_path / "same", small_training, tmp_path / "run", images=640, ticks=1))
    assert "NaN" not in (tmp_path / "run" / "metrics.jsonl").read_text()


def test_one_process_at_a_time_trains_in_a_folder(digit_folder, small_training, tmp_path):
    out = tmp_path / "run"
    wanted = settings(digit_folder, small_training, out)
    with held(out), pytest.raises(SynthgenError, match="run: in use by process"):
        train(wanted)
    assert [path.name for path in out.iterdir()] == [".lock"] and not begun(out, wanted)


def test_a_run_that_another_process_has_finished_meanwhile_is_left_alone(
    run_folder, digit_folder, small_training, tmp_path, monkeypatch
):
    out, real = tmp_path / "run", stage.prepare

    def slow(*arguments):
        shutil.copytree(run_folder, out)
        return real(*arguments)

    monkeypatch.setattr(stage, "prepare", slow)
    monkeypatch.setattr(stage, "Run", lambda *a: pytest.fail("trained again"))
    assert train(settings(digit_folder, small_training, out)) == out / "bundle"


@pytest.mark.parametrize("name", [".lock", "metrics.jsonl", "checkpoints", "best", "classifier/x"])
def test_a_run_neither_writes_nor_removes_through_a_link(
    name, run_folder, digit_folder, small_training, tmp_path
):
    out, outside = tmp_path / "run", tmp_path / "outside"
    shutil.copytree(run_folder, out)
    shutil.rmtree(out / "bundle")
    path = out / name
    if path.exists():
        path.rename(outside)
    else:
        outside.write_text("of somebody")
    path.symlink_to(outside)
    files = [outside] if outside.is_file() else [p for p in outside.rglob("*") if p.is_file()]
    before = {file: file.read_bytes() for file in files}
    with pytest.raises(SynthgenError, match="is a link that leads out of"):
        train(settings(digit_folder, small_training, out))
    assert {file: file.read_bytes() for file in files} == before
    path.unlink()
    path.symlink_to(out / "settings.json")  # one that stays inside harms nobody
    (tmp_path / "link").symlink_to(out)
    assert begun(tmp_path / "link", settings(digit_folder, small_training, out))


@pytest.mark.parametrize("name", list(class_conditional()))
def test_every_algorithm_goes_from_images_to_a_dataset(
    name, run_folder, digit_folder, negative_folder, small_training, small_networks, tmp_path
):
    """By changing one word (and naming the other domain's images, where there are two)."""
    changes = {"algorithm": name, "options": small_networks[name], "images": 1600, "ticks": 2}
    two = find(name).takes.streams == 2
    if two:
        changes["source"] = str(negative_folder)
    wanted = settings(digit_folder, small_training, tmp_path / "run", **changes)
    if not two:  # the classifier of these images is that of any algorithm, and was trained before
        begin(tmp_path / "run", wanted)
        shutil.copytree(run_folder / "classifier", tmp_path / "run" / "classifier")
    bundle = train(wanted)
    values = {"generator": str(bundle), "n": 31, "filters": "none", "out": str(tmp_path / "out")}
    if load_generator(str(bundle)).translates:
        values["source"] = str(negative_folder)
    report = sample(SampleSettings.parse(values))
    assert verify(report.root).problems == []
    data = datasets.load_dataset(str(report.root), split="train")
    assert len(data) == 31 and data.features["label"].names == ["nought", "one", "two"]
    assert {"source", "domain"} <= set(data.column_names) or not two
    if two:
        assert set(data["domain"]) == {"digits"} and data[0]["source"].size == (8, 8)
    assert "No alarm" in (tmp_path / "run" / "report.md").read_text()


def test_a_dry_run_says_what_would_be_and_writes_nothing(digit_folder, small_training, tmp_path):
    text = describe(settings(digit_folder, small_training, tmp_path / "run"))
    for word in ("algorithm: default", "network G:", "parameters", "GFLOP", "minutes"):
        assert word in text
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(40, "40 seconds (0.7 minutes)"), (1992, "33.2 minutes"), (9000, "2.5 hours (150.0 minutes)")],
)
def test_a_dry_run_says_a_time_once(seconds, said):
    assert in_minutes(seconds) == said


def test_a_run_of_a_version_without_a_setting_goes_on_with_its_default(tmp_path):
    settings = TrainSettings.parse({"data": "photos"})
    begin(tmp_path / "run", settings)
    path = tmp_path / "run" / "settings.json"
    older = {k: v for k, v in json.loads(path.read_text()).items() if k != "limit_seed"}
    path.write_text(json.dumps(older))
    assert begun(tmp_path / "run", settings)
    with pytest.raises(SynthgenError, match="limit_seed=0, not 1"):
        begun(tmp_path / "run", TrainSettings.parse({"data": "photos", "limit_seed": 1}))


def test_what_a_dead_process_left_is_swept(tmp_path):
    from synthgen.stages.train.folder import sweep

    best, alive = tmp_path / "best", tmp_path / "checkpoints" / f".staging-{os.getpid()}"
    beside = staging_beside(best).name.removesuffix(str(os.getpid()))
    dead = [tmp_path / ".best-99999999", tmp_path / f"{beside}99999999"]
    for folder in (*dead, alive, best):
        folder.mkdir(parents=True)
    sweep(tmp_path)
    assert not any(folder.exists() for folder in dead) and alive.exists() and best.exists()
