"""Text to image on scenes with known captions, through every command."""

import json
import signal
from collections import Counter
from types import SimpleNamespace

import datasets
import pytest
from golden import BUNDLES
from toy_world import SHAPES, save, toy_world
from uses import TINY, command, every_command, same_weights_from_the_middle

from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.spec.task import Task
from synthgen.spec.texts import Text
from synthgen.stages.sample.prompts import prompted, unknown_words
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train

OPTIONS = {"width": 4, "widest": 8, "width_d": 4, "text": 16, "told": 8, "latent": 8}
SETTINGS = {
    **TINY, "use": "text-to-image", "options": OPTIONS, "images": 128, "score_samples": 16,
    "classifier_images": 128,
}  # fmt: skip
TOY = toy_world(60, 16)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """A table of 60 scenes with a class and two captions each."""
    root, lines = tmp_path_factory.mktemp("scenes"), []
    for row, caption in enumerate(TOY.captions):
        save(TOY.images[row], root / f"{row:04d}.png")
        texts = [caption, caption.replace("a ", "one ")]
        label = SHAPES[TOY.labels[row]]
        lines.append({"file_name": f"{row:04d}.png", "label": label, "text": texts})
    (root / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return root


@pytest.fixture(scope="module")
def trained(scenes, tmp_path_factory):
    """A finished run."""
    out = tmp_path_factory.mktemp("runs") / "told"
    train(TrainSettings.parse({**SETTINGS, "data": str(scenes), "out": str(out)}))
    return out


@pytest.fixture
def made(trained, tmp_path):
    """A function that samples: settings in, the rows and the folder out; ``prompts`` are text."""

    def run(out="made", prompts=None, **changes):
        values = {
            "generator": str(trained), "filters": "none", "device": "cpu", "precision": "fp32",
            "images_per_shard": 10, "out": str(tmp_path / out),
        }  # fmt: skip
        if prompts is not None:
            path = tmp_path / ("p.csv" if prompts.startswith("label,") else "p.txt")
            path.write_text(prompts)
            values["prompts"] = str(path)
        if not {"n", "per_class", "per_prompt"} & set(changes):
            values["n"] = 24
        root = sample(SampleSettings.parse({**values, **changes})).root
        return datasets.load_dataset(str(root), split="train"), root

    return run


def names_and_captions(rows):
    names = [rows.features["label"].int2str(label) for label in rows["label"]]
    return list(zip(names, rows["caption"], strict=True))


def test_captions_are_drawn_from_the_rows_own(made, trained):
    rows, _ = made()
    assert rows.features["caption"].dtype == "string"
    known = {*TOY.captions, *(text.replace("a ", "one ") for text in TOY.captions)}
    assert set(rows["caption"]) <= known and len(set(rows["caption"])) > 10
    assert any(text.startswith("one ") for text in rows["caption"])
    for name, caption in names_and_captions(rows):  # a class' captions are those of its rows
        assert name in caption
    assert all(0 <= value <= 1 for value in rows["caption_agreement"])
    assert load_generator(str(trained), "cpu", "fp32").law["caption"].shape[1] == 64


PROMPTS = "a large red disc on sea\n\na small bleu disc\na large red disc on sea\na dragon\n"


@pytest.mark.slow
def test_prompts_have_exact_counts_and_are_on_record(made, trained, tmp_path, capsys, commands):
    rows, root = made(prompts=PROMPTS, per_prompt=6, classes=("disc",))
    wanted = {"a large red disc on sea": 12, "a small bleu disc": 6, "a dragon": 6}
    assert Counter(rows["caption"]) == wanted and len(set(rows["pixel_hash"])) == 24
    assert rows.features["label"].names == ["disc"]
    said = capsys.readouterr().err
    assert "4 prompts, 1 line without a word is skipped, 1 is there before" in said
    assert "2 of the prompts' 9 words are in no caption of the training rows (bleu, dragon" in said
    (tmp_path / "p.txt").unlink()  # the dataset needs no file
    generator = ("--generator", trained)
    assert command("reproduce", root, "--row", 5, *generator) in (0, None)
    assert "the same pixels" in capsys.readouterr().out
    before = {path.name: path.read_bytes() for path in (root / "data").iterdir()}
    (root / "data" / "train-00001.parquet").unlink()
    assert command("repair", root, *generator) in (0, None)
    assert {path.name: path.read_bytes() for path in (root / "data").iterdir()} == before
    (tmp_path / "p.txt").write_text(PROMPTS)
    plain = [
        "sample", *generator, "--prompts", tmp_path / "p.txt", "--classes", "disc", "--per-prompt",
        6, "--filters", "none", "--device", "cpu", "--precision", "fp32", "--images-per-shard", 10,
        "--out", tmp_path / "killed",
    ]  # fmt: skip
    killed = commands.start(*plain, faults={40: signal.SIGKILL})
    assert killed.wait() != 0
    commands.run(*plain)
    assert {p.name: p.read_bytes() for p in (tmp_path / "killed" / "data").iterdir()} == before


def test_counts_of_classes_prompts_stay_exact_whatever_filters_take(made, tmp_path):
    prompts = "label,caption\ndisc,a red disc\nsquare,a square\ndisc,one\n"
    plain, _ = made(prompts=prompts, per_prompt=4)
    wanted = {("disc", "a red disc"): 4, ("square", "a square"): 4, ("disc", "one"): 4}
    assert Counter(names_and_captions(plain)) == wanted
    middle = sorted(plain["brightness"])[6]
    (tmp_path / "filters.yaml").write_text(f"light:\n  score: brightness\n  min: {middle}\n")
    rows, root = made(
        out="light", prompts=prompts, per_prompt=4, filters=str(tmp_path / "filters.yaml"),
        keep_rejects=True, acceptance_floor=0,
    )  # fmt: skip
    assert Counter(names_and_captions(rows)) == wanted and min(rows["brightness"]) >= middle
    assert len(datasets.load_dataset(str(root), "rejects", split="train"))


def test_a_thousand_prompts(made):
    rows, _ = made(prompts="\n".join(f"a red disc {k}" for k in range(1000)), per_prompt=1,
                   classes=("disc",), images_per_shard=400, scores="statistics")  # fmt: skip
    assert Counter(rows["caption"]) == {f"a red disc {k}": 1 for k in range(1000)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompts": ""}, "holds no prompt"),
        ({"prompts": "a " * 300}, "more than the 64 bytes that the generator reads"),
        ({"prompts": "a", "source": "SCENES", "classes": ("disc",), "n": 4}, "in place of"),
        ({"prompts": "a", "balance": ("x",), "classes": ("disc",)}, "both say what counts go by"),
        ({"prompts": "a"}, "counts by class, and 'a' says none: .*'label'"),
        ({"prompts": "label,text\ncube,a\n"}, "class 'cube' of 'a' is none of"),
        ({"per_prompt": 2}, "per_prompt needs prompts"),
        ({"prompts": "a", "per_prompt": 2, "n": 4}, "give either n"),
        ({"prompts": "a", "generator": str(BUNDLES / "r3gan")}, "is given no captions, but label"),
    ],
)
def test_mistakes_are_told(changes, words, made, scenes):
    if "source" in changes:
        changes = {**changes, "source": str(scenes)}
    with pytest.raises(SynthgenError, match=words):
        made(**changes)


def test_prompts_of_a_generator_without_classes():
    """Counts by prompt, and what is known of its words; no generator is trained for it."""
    fields = {"image": Image(8, 8, 3), "caption": Text(32, 64)}
    task = Task(fields, ("caption",), ("image",), (("image", "caption"),))
    stored = Text(32, 64).read("a red disc")[None]
    import torch

    generator = SimpleNamespace(
        task=task, name="told", law={"caption": torch.from_numpy(stored)}
    )  # fmt: skip

    def asked(**amount):
        rows = (("a red disc", ""), ("red", "disc"), ("blue", ""))
        settings = SampleSettings.parse({"prompts": rows, **amount})
        found = prompted(settings, generator, ("all",))
        return found, found.counts(settings)

    found, counts = asked(per_prompt=5)
    assert found.by_class == {"all": ("a red disc", "red", "blue")} and counts == [15]
    assert asked(n=7)[1] == [7] and asked(per_class=9)[1] is None
    assert "1 of the prompts' 4 words" in unknown_words(found, generator)
    generator.law = None
    assert unknown_words(found, generator) is None


def test_captions_are_given_by_rows(made, scenes):
    rows, _ = made(source=str(scenes), n=20)
    assert set(rows["caption"]) <= set(TOY.captions)


@pytest.mark.slow
def test_every_command_takes_such_a_dataset(made, trained, scenes, tmp_path, capsys):
    _, first = made(out="a", keep_rejects=True)
    _, second = made(out="b", seed=5)
    real = ("--real", scenes)
    every_command(first, second, trained, real, tmp_path, capsys, "none")
    metrics = json.loads((first / "report" / "metrics.json").read_text())
    found = metrics["retrievals"][0]
    assert found["field"] == "caption" and found["images"] == 24 and found["real_images"]
    assert f"found among {found['among']}" in (first / "README.md").read_text()
    assert "Captions, as the bundle" in (first / "report" / "report.html").read_text()
    told = ("utility", first, *real, "--test", "held-out", "--sizes", "all", "--seeds", 1,
            "--steps", 4, "--quick", "--device", "cpu")  # fmt: skip
    assert command(*told) in (0, None)


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(trained, scenes, tmp_path):
    values = {**SETTINGS, "data": str(scenes)}
    same_weights_from_the_middle(trained, values, tmp_path / "again")
