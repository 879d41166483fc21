"""Faces and characters on scenes with known attributes, through every command."""

import json
import shutil
import signal
from collections import Counter

import datasets
import numpy as np
import pytest
from toy_world import SHAPES, save, toy_world
from uses import command

from synthgen.data.attributes import attributed
from synthgen.data.records import open_rows
from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train

TINY = {
    "images": 256, "batch_size": 16, "ticks": 2, "score_samples": 32, "classifier_images": 512,
    "device": "cpu", "precision": "fp32", "resolution": 16, "options": {"width": 8, "widest": 16},
}  # fmt: skip


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """A flat folder of 96 scenes with a table of attributes, some empty; and one with tags."""
    root, toy = tmp_path_factory.mktemp("scenes"), toy_world(96, 16)
    for folder in ("faces", "characters"):
        lines = []
        for row in range(len(toy)):
            save(toy.images[row], root / folder / f"{row:04d}.png")
            large, warm, height = toy.attributes[row].tolist()
            shape = SHAPES[toy.labels[row]]
            cells = {
                "large": int(large), "warm": None if row % 9 == 0 else bool(warm),
                "height": height, "shape": shape,
            } if folder == "faces" else {
                "tags": [shape, *(["large"] if large else []), *(["warm"] if warm else [])],
            }  # fmt: skip
            lines.append({"file_name": f"{row:04d}.png", **cells})
        (root / folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return root


@pytest.fixture(scope="module")
def trained(scenes, tmp_path_factory):
    """Where the finished runs are: ``faces`` and ``characters``."""
    out = tmp_path_factory.mktemp("runs")
    for use in ("faces", "characters"):
        values = {**TINY, "use": use, "data": str(scenes / use), "out": str(out / use)}
        train(TrainSettings.parse(values))
    return out


@pytest.fixture
def made(trained, tmp_path):
    """A function that samples: settings in, the rows and the folder out."""

    def run(use="faces", out="made", **changes):
        values = {
            "generator": str(trained / use), "n": 24, "filters": "none", "device": "cpu",
            "precision": "fp32", "images_per_shard": 10, "out": str(tmp_path / out),
        }  # fmt: skip
        root = sample(SampleSettings.parse({**values, **changes})).root
        return datasets.load_dataset(str(root), split="train"), root

    return run


def counts(rows, *names):
    return Counter(tuple(row[name] for name in names) for row in rows["attributes"])


def test_attributes_are_drawn_as_the_real_rows_have_them(made, trained, scenes):
    rows, _ = made()
    features = rows.features["attributes"]
    assert features["shape"].names == sorted(SHAPES) and list(features) == [
        "large", "warm", "height", "shape",
    ]  # fmt: skip
    generator = load_generator(str(trained / "faces"), "cpu", "fp32")
    known = {tuple(np.nan_to_num(row, nan=-1)) for row in generator.law["attributes"].numpy()}
    for row in rows["attributes"]:
        cells = [-1 if row[name] is None else row[name] for name in features]
        assert tuple(np.float32(cells)) in known
    assert all(0 <= value <= 1 for value in rows["attributes_agreement"])


def test_what_is_set_is_the_same_for_all_and_reproduced(made, trained, capsys):
    rows, root = made(set={"large": 1, "shape": "disc", "height": 0.2})
    assert counts(rows, "large", "shape") == {(1.0, 0): 24}
    assert {round(row["height"], 6) for row in rows["attributes"]} == {0.2}
    assert len({row["warm"] for row in rows["attributes"]}) > 1
    assert command("reproduce", root, "--row", 5, "--generator", trained / "faces") in (0, None)
    assert "the same pixels" in capsys.readouterr().out


def test_balanced_counts_are_exact_whatever_filters_take(made, trained, tmp_path, capsys):
    text = "attributes_agreement:\n  score: attributes_agreement\n  min: 0.45\n"
    (tmp_path / "filters.yaml").write_text(text)
    rows, root = made(
        balance=("large", "shape"), keep_rejects=True, filters=str(tmp_path / "filters.yaml")
    )
    assert set(counts(rows, "large", "shape").values()) == {4} and len(rows) == 24
    thrown = datasets.load_dataset(str(root), "rejects", split="train")
    assert len(thrown) and max(thrown["attributes_agreement"]) < 0.45
    assert "balanced: large=no, shape=disc" in capsys.readouterr().err
    plain, _ = made(out="plain", n=24)
    assert len(set(counts(plain, "large", "shape").values())) > 1  # the look-alike


def test_characters_have_tags(made):
    rows, _ = made("characters", set={"warm": "yes"})
    assert set(rows.features["attributes"]) == {*SHAPES, "large", "warm"}
    assert counts(rows, "warm") == {(1.0,): 24}


def test_attributes_are_given_by_rows(made, scenes):
    rows, _ = made(source=str(scenes / "faces"))
    heights = {json.loads(line)["height"] for line in
               (scenes / "faces" / "metadata.jsonl").read_text().splitlines()}  # fmt: skip
    given = [row["height"] for row in rows["attributes"]]
    assert len(set(given)) == 24
    assert all(min(abs(value - each) for each in heights) < 1e-6 for value in given)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"set": {"smiling": 1}}, "--set smiling: the generator is given no such attribute"),
        ({"set": {"height": 7}}, "--set height=7: outside of 0.14.* which is all that"),
        ({"set": {"shape": "cube"}}, "one of disc, square, triangle, not 'cube'"),
        ({"set": {"large": 3}}, "'large' is yes or no, not 3"),
        ({"balance": ("lrge",)}, "--balance lrge: .*did you mean 'large'"),
        ({"balance": ("large",), "set": {"large": 1}}, "is to be balanced as well"),
        ({"balance": ("large",), "source": "FACES"}, "leave out --given"),
        ({"source": "CHARACTERS"}, "no attribute 'height'"),
    ],
)
def test_mistakes_are_told(changes, words, made, scenes):
    if "source" in changes:
        changes = {**changes, "source": str(scenes / changes["source"].lower())}
    with pytest.raises(SynthgenError, match=words):
        made(**changes)


def test_faces_need_no_attributes_and_characters_do(scenes, tmp_path):
    folder = tmp_path / "bare"
    shutil.copytree(scenes / "faces", folder)
    (folder / "metadata.jsonl").unlink()
    from synthgen.stages.train.offered import load_for
    from synthgen.uses.registry import find_use

    settings = TrainSettings.parse({"use": "faces", "data": str(folder)})
    _, task = load_for(settings, find_use("faces"))
    assert task.given == () and task.classes == ("all",)
    with pytest.raises(SynthgenError, match="needs tags or other attributes of each row"):
        load_for(settings, find_use("characters"))


def test_the_notice_is_in_both_cards(made, trained):
    _, root = made()
    assert "need a legal ground" in (trained / "faces" / "bundle" / "README.md").read_text()
    assert "need a legal ground" in (root / "README.md").read_text()
    assert "legal ground" not in (trained / "characters" / "bundle" / "README.md").read_text()


@pytest.mark.slow
def test_every_command_takes_such_a_dataset(made, trained, scenes, tmp_path, capsys):
    generator = ("--generator", trained / "faces")
    _, first = made(out="a", balance=("large",), keep_rejects=True)
    made(out="b", seed=5)
    before = {path.name: path.read_bytes() for path in (first / "data").iterdir()}
    for words in (
        ("verify", first),
        ("filter", first, "--out", tmp_path / "f", "--filters", "none", "--set",
         "attributes_agreement.min=0.2", *generator),
        ("merge", first, tmp_path / "b", "--out", tmp_path / "m"),
    ):  # fmt: skip
        assert command(*words) in (0, None)
    (first / "data" / "train-00001.parquet").unlink()
    assert command("repair", first, *generator) in (0, None)
    assert {path.name: path.read_bytes() for path in (first / "data").iterdir()} == before
    real = ("--real", scenes / "faces")
    for words in (
        ("export", tmp_path / "m", "--format", "imagefolder", "--out", tmp_path / "e"),
        ("evaluate", first, *real, *generator, "--device", "cpu"),
        ("utility", first, *real, "--test", "held-out", "--sizes", "all", "--seeds", 1, "--steps",
         4, "--quick", "--attribute", "shape", "--device", "cpu"),
        ("report", first),
        ("calibrate", trained / "faces" / "bundle", "--data", scenes / "faces", "--device", "cpu"),
        ("sample", *generator, "--n", 8, "--device", "cpu", "--out", tmp_path / "again",
         "--acceptance-floor", 0, "--scores", "all", "--filters", "none"),
    ):  # fmt: skip
        assert command(*words) in (0, None), words
    lines = (tmp_path / "e" / "train" / "metadata.jsonl").read_text().splitlines()
    assert {json.loads(line)["attributes"]["shape"] for line in lines} == set(SHAPES)
    again = open_rows(DataSettings.parse({"data": str(tmp_path / "e" / "train")}))
    field = next(c.offers for c in attributed(again).understood.columns if c.offers)
    assert field.choices == {"shape": tuple(sorted(SHAPES))} and "height" in field.ranges
    said = capsys.readouterr().out
    assert "worst group: " in said and "the worst group is shape = " in said
    found = json.loads((first / "report" / "metrics.json").read_text())["attributes"]
    assert [(e["attribute"], e["value"], e["images"]) for e in found[:2]] == [
        ("large", "no", 12), ("large", "yes", 12),
    ]  # fmt: skip
    assert all(entry["real_images"] for entry in found)
    assert "large = yes" in (first / "README.md").read_text()
    assert "large = yes" in (first / "report" / "report.html").read_text()
    for folder in (first, tmp_path / "f", tmp_path / "m"):
        assert command("verify", folder) in (0, None)
        assert len(datasets.load_dataset(str(folder), split="train"))


@pytest.mark.parametrize(
    ("attribute", "words"), [("height", "is a number, and classifiers"), ("hat", "no such attri")]
)
def test_what_no_classifier_can_learn_is_told(attribute, words, made, scenes, capsys):
    _, root = made()
    real = ("--real", scenes / "faces", "--attribute", attribute)
    assert command("utility", root, *real) == 2
    line = capsys.readouterr().err
    assert words in line and "Traceback" not in line


@pytest.mark.slow
def test_two_workers_and_a_killed_run_make_the_same_bytes(made, trained, tmp_path, commands):
    _, root = made(balance=("large", "shape"), images_per_shard=5)
    wanted = {path.name: path.read_bytes() for path in (root / "data").iterdir()}
    plain = [
        "sample", "--generator", trained / "faces", "--n", 24, "--filters", "none", "--device",
        "cpu", "--precision", "fp32", "--images-per-shard", 5, "--balance", "large,shape",
    ]  # fmt: skip
    commands.run(*plain, "--out", tmp_path / "two", "--workers", 2)
    assert {p.name: p.read_bytes() for p in (tmp_path / "two" / "data").iterdir()} == wanted
    killed = commands.start(*plain, "--out", tmp_path / "killed", faults={40: signal.SIGKILL})
    assert killed.wait() != 0
    commands.run(*plain, "--out", tmp_path / "killed")
    assert {p.name: p.read_bytes() for p in (tmp_path / "killed" / "data").iterdir()} == wanted
