"""``synthgen grow`` on digits: rounds, receipts, killed and gone on with."""

import dataclasses
import json
import shutil
from pathlib import Path

import datasets
import numpy as np
import pytest
from click.testing import CliRunner
from growing import NAMES, bytes_of, settings

from synthgen.cli.main import cli
from synthgen.dataset.verify import verify
from synthgen.machine import progress
from synthgen.spec.errors import SynthgenError
from synthgen.stages.grow.inputs import read_inputs
from synthgen.stages.grow.stage import grow
from synthgen.stages.sample.repair import repair


def test_what_is_grown_is_an_ordinary_dataset_that_says_how_it_came_about(grown):
    checked = verify(grown.dataset)
    assert checked.problems == [] and checked.rows == 18
    loaded = datasets.load_dataset(str(grown.dataset), split="train")
    assert loaded.features["label"].names == list(NAMES) and loaded[0]["image"].size == (8, 8)
    card = (grown.dataset / "README.md").read_text()
    assert "24 labelled images of few" in card and "experiment 4 in docs/utility.md" in card


def test_a_damaged_shard_is_made_again_with_its_card(grown, tmp_path):
    copy = tmp_path / "dataset"
    shutil.copytree(grown.dataset, copy)
    shard = next((copy / "data").iterdir())
    whole, card = shard.read_bytes(), (copy / "README.md").read_text()
    shard.write_bytes(whole[:-1])
    repair(copy, generator=str(grown.root / "round-2" / "run"), device="cpu")
    assert shard.read_bytes() == whole and (copy / "README.md").read_text() == card


def test_each_labelling_says_how_many_of_each_class_and_how_sure(grown):
    assert [record.number for record in grown.rounds] == [1, 2, 3]
    for record in grown.rounds:
        assert set(record.kept) == set(record.sure) == set(NAMES)
        assert sum(record.kept.values()) + record.unsure + record.surplus + record.known == 188
        assert record.known == 12 and record.held_images == 24
        assert all(record.sure[n] >= record.confidence for n, k in record.kept.items() if k)
    first = grown.rounds[0]
    assert first.held_out > 0.6 and first.test > 0.6 and first.unsure >= 5
    page = (grown.root / "report.md").read_text()
    assert f"{first.test:.1%}" in page and "- warning: 3 test images are in the pool" in page


def test_the_pool_is_a_dataset_with_the_given_labels_among_the_told(grown):
    pool = datasets.load_dataset(str(grown.pool), split="train")
    given = [row for row in pool if row["given"]]
    assert len(given) == 12 and all(row["confidence"] is None for row in given)
    assert len(pool) == 12 + sum(grown.rounds[-1].kept.values())
    # Files are read in the order of their names: 56 of each class, then the strangers.
    for row in given:
        assert row["label"] == row["row"] // 56


def test_what_generators_learn_from_holds_the_labelled_images_too(grown):
    table = datasets.load_dataset(str(grown.root / "round-1" / "labelled-pool"), split="train")
    assert sum(table["given"]) == 24
    assert len(table) == 24 + sum(grown.rounds[0].kept.values())


def test_killed_after_and_within_steps_it_goes_on_to_the_same_bytes(
    grown, images, tmp_path, monkeypatch
):
    from synthgen.stages.grow import ensemble
    from synthgen.training.loop import Training

    out = tmp_path / "out"
    stopped = []

    class Killed(BaseException):
        pass

    def until(name, before):
        def do(step, work):
            if step == name and before:
                raise Killed
            work()
            if step == name:
                raise Killed

        return do

    def kill(do, **changes):
        with pytest.raises(Killed):
            grow(settings(images, out, **changes), do)
        stopped.append(True)

    def one_step(name, work):
        if name == "round-1 labels":
            real, calls = ensemble.train_fixed_budget, []

            def second(*args, **kwargs):
                if calls:
                    raise Killed
                calls.append(1)
                return real(*args, **kwargs)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(ensemble, "train_fixed_budget", second)
                work()
        work()

    kill(one_step)
    kill(until("round-1 labels", before=False))
    real_step, steps = Training.step, []

    def tired(self):
        steps.append(1)
        if len(steps) == 7:
            raise Killed
        return real_step(self)

    monkeypatch.setattr(Training, "step", tired)
    kill(lambda name, work: work())
    monkeypatch.setattr(Training, "step", real_step)
    assert (out / "round-1" / "run" / "checkpoints").exists()
    kill(until("round-2 sample", before=True))
    kill(until("final labels", before=False))
    report = grow(settings(images, out))
    assert len(stopped) == 5 and bytes_of(out) == bytes_of(grown.root)
    assert report.rounds == grown.rounds


def test_a_finished_folder_says_so_and_one_of_other_settings_is_refused(grown, images, monkeypatch):
    said = []
    monkeypatch.setattr("synthgen.stages.grow.stage.say", said.append)
    before = bytes_of(grown.root)
    again = grow(settings(images, grown.root, device="auto", threads=2))
    assert said == [f"{grown.root}: is finished"] and again == grown
    assert bytes_of(grown.root) == before
    with pytest.raises(SynthgenError, match=r"holds a run with confidence=0\.6, not 0\.7"):
        grow(settings(images, grown.root, confidence=0.7))


def test_where_filters_take_all_the_folder_goes_on_with_others(
    grown, images, tmp_path, monkeypatch
):
    from synthgen.stages.grow import steps

    monkeypatch.setattr(steps, "train", lambda asked: None)  # all are; runs know their own place
    out = tmp_path / "out"
    shutil.copytree(grown.root, out)
    for name in ("final", "dataset", "pool", "round-2/samples"):
        shutil.rmtree(out / name)
    (out / "finished.json").unlink()
    strict = tmp_path / "strict.yaml"
    strict.write_text("light:\n  score: brightness\n  min: 1000\n")
    asked = settings(images, out, filters=str(strict))
    before = bytes_of(out)
    for _ in range(2):
        with pytest.raises(
            SynthgenError,
            match=r"keeps 0 of .*\); go on with --filters none, or give more --images with",
        ):
            grow(asked)
        assert before.items() <= bytes_of(out).items()  # what was finished stays
        assert json.loads((out / "settings.json").read_text())["filters"] == str(strict)
    report = grow(settings(images, out))
    assert report == dataclasses.replace(grown, root=out, pool=out / "pool")
    assert bytes_of(out) == bytes_of(grown.root)
    assert json.loads((out / "settings.json").read_text())["filters"] == "none"
    with pytest.raises(SynthgenError, match="holds a run with filters='none'"):
        grow(asked)


def test_images_that_are_in_two_sets_are_counted(images, tmp_path):
    inputs = read_inputs(settings(images, tmp_path))
    assert inputs.test_in_pool == 3 and inputs.test_in_labelled == 0
    assert inputs.known.sum() == 12
    lines = "\n".join(inputs.lines())
    assert "12 are labelled ones and keep that label" in lines
    assert "warning: 3 test images are in the pool" in lines
    assert "test: test, 78 images\n" in lines


def test_test_images_of_classes_that_no_label_names_are_counted(images, tmp_path):
    inputs = read_inputs(settings(images, tmp_path, classes=("nought", "one")))
    line = (
        "test: test, 52 of 78 images; 26 of classes that no label names are left out: the accuracy "
        "says nothing of them"
    )
    assert len(inputs.test.labels) == 52 and line in inputs.lines()
    assert line in inputs.test_lines()


def test_classes_left_out_are_said_to_be_taken_for_others(images, tmp_path):
    some = read_inputs(settings(images, tmp_path, classes=("nought", "one"))).lines()
    warning = "warning: the pool may hold the classes left out (two): they will be taken for others"
    assert warning in some
    assert "left out (" not in "\n".join(read_inputs(settings(images, tmp_path)).lines())


def test_labelled_images_may_be_a_dataset_and_the_pool_may_have_labels(images, grown, tmp_path):
    asked = settings(images, tmp_path, labelled=str(grown.dataset), limit_per_class=4,
                     unlabelled=str(images / "test"), test=str(images / "few"))  # fmt: skip
    inputs = read_inputs(asked)
    assert inputs.classes == NAMES and np.bincount(inputs.labelled.labels).tolist() == [4, 4, 4]
    assert len(inputs.pool.labels) == 78 and not inputs.pool.labels.any()
    assert not inputs.known.any() and inputs.test_in_pool == 0


def test_the_generator_may_learn_from_the_pool_alone(images, grown, tmp_path, monkeypatch):
    from synthgen.stages.grow import steps

    out = tmp_path / "out"
    shutil.copytree(grown.root / "round-1", out / "round-1")
    shutil.rmtree(out / "round-1" / "labelled-pool")
    said = []
    monkeypatch.setattr(steps, "say", said.append)
    monkeypatch.setattr(steps, "train", lambda asked: None)
    asked = settings(images, out, only_pool=True)
    steps.Growth(asked, read_inputs(asked), out).train(1)
    table = datasets.load_dataset(str(out / "round-1" / "labelled-pool"), split="train")
    assert sum(table["given"]) == 0 and len(table) == sum(grown.rounds[0].kept.values())
    assert said == []


def test_the_command_tells_its_plan_and_makes_nothing(images, tmp_path):
    progress.be_quiet(False)
    asked = settings(images, tmp_path / "out")
    words = ["--labelled", asked.labelled, "--unlabelled", asked.unlabelled, "--out", asked.out,
             "--images", "320", "--members", "2", "--steps", "30", "--device", "cpu",
             "--options", "width=8,widest=8,latent=8,style=8", "--dry-run"]  # fmt: skip
    done = CliRunner().invoke(cli, ["grow", *words])
    assert done.exit_code == 0, done.output
    assert "plan: 2 rounds; in each 2 classifiers of 30 steps" in done.output
    assert "pool: pool, 188 images, labels not read" in done.output
    assert "estimate, from a few steps" in done.output
    assert not Path(asked.out).exists()


def test_a_line_gives_no_figure_of_what_is_not_there(grown):
    record = grown.rounds[0]
    kept = dict.fromkeys(record.kept, 0) | {"two": 3}
    bare = dataclasses.replace(record, kept=kept, sure=record.sure, held_out=None, temperature=None)
    assert bare.by_class()[0] == "  nought: 0 kept"
    assert bare.by_class()[2].startswith("  two: 3 kept, mean confidence 0.")
    assert "not calibrated: no label was held out" in bare.line(2)
    assert "not calibrated" not in record.line(2)


def test_receipts_are_plain_json(grown):
    record = json.loads((grown.root / "round-1" / "labels.json").read_text())
    assert record["kept"] == dict(grown.rounds[0].kept) and record["number"] == 1
    assert np.isfinite(record["temperature"])
