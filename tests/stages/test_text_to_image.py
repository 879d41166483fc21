"""Text to image on scenes with known captions, through every command."""

import json
import signal
from collections import Counter

import datasets
import pytest
from toy_world import SHAPES, save, toy_world
from uses import TINY, command, every_command, same_weights_from_the_middle

from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train

OPTIONS = {"width": 8, "widest": 16, "width_d": 8, "text": 16, "told": 8, "latent": 8}
SETTINGS = {**TINY, "use": "text-to-image", "options": OPTIONS}
TOY = toy_world(96, 16)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """A flat folder of 96 scenes with two captions in a ``.txt`` beside each; and a table with a
    class and a caption for each."""
    root, lines = tmp_path_factory.mktemp("scenes"), []
    for row, caption in enumerate(TOY.captions):
        save(TOY.images[row], root / "told" / f"{row:04d}.png")
        (root / "told" / f"{row:04d}.txt").write_text(
            f"{caption}\n{caption.replace('a ', 'one ')}\n"
        )
        save(TOY.images[row], root / "classes" / f"{row:04d}.png")
        label = SHAPES[TOY.labels[row]]
        lines.append({"file_name": f"{row:04d}.png", "label": label, "text": caption})
    (root / "classes" / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return root


@pytest.fixture(scope="module")
def trained(scenes, tmp_path_factory):
    """Where the finished runs are: ``told`` knows no classes, ``classes`` does."""
    out = tmp_path_factory.mktemp("runs")
    for name in ("told", "classes"):
        train(TrainSettings.parse({**SETTINGS, "data": str(scenes / name), "out": str(out / name)}))
    return out


@pytest.fixture
def made(trained, tmp_path):
    """A function that samples: settings in, the rows and the folder out; ``prompts`` may be text."""

    def run(name="told", out="made", prompts=None, **changes):
        values = {
            "generator": str(trained / name), "filters": "none", "device": "cpu",
            "precision": "fp32", "images_per_shard": 10, "out": str(tmp_path / out),
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


def test_captions_are_drawn_from_the_rows_own(made, trained):
    rows, _ = made()
    assert rows.features["caption"].dtype == "string"
    known = {*TOY.captions, *(text.replace("a ", "one ") for text in TOY.captions)}
    assert set(rows["caption"]) <= known and len(set(rows["caption"])) > 10
    assert all(0 <= value <= 1 for value in rows["caption_agreement"])
    assert load_generator(str(trained / "told"), "cpu", "fp32").law["caption"].shape[1] == 64
    rows, _ = made("classes", out="labelled")
    for row in rows:  # a class' captions are those of its rows
        assert SHAPES[SHAPES.index(rows.features["label"].int2str(row["label"]))] in row["caption"]


PROMPTS = "a large red disc on sea\n\na small bleu square\na large red disc on sea\na dragon\n"


def test_prompts_have_exact_counts_and_are_on_record(made, trained, tmp_path, capsys):
    rows, root = made(prompts=PROMPTS, per_prompt=6)
    wanted = {"a large red disc on sea": 12, "a small bleu square": 6, "a dragon": 6}
    assert Counter(rows["caption"]) == wanted and len(set(rows["pixel_hash"])) == 24
    said = capsys.readouterr().err
    assert "4 prompts, 1 lines without a word are skipped, 1 are there before" in said
    assert "2 of the prompts' 10 words are in no caption of the training rows (bleu, dragon" in said
    (tmp_path / "p.txt").unlink()  # the dataset needs no file
    generator = ("--generator", trained / "told")
    assert command("reproduce", root, "--row", 5, *generator) in (0, None)
    assert "the same pixels" in capsys.readouterr().out
    before = {path.name: path.read_bytes() for path in (root / "data").iterdir()}
    (root / "data" / "train-00001.parquet").unlink()
    assert command("repair", root, *generator) in (0, None)
    assert {path.name: path.read_bytes() for path in (root / "data").iterdir()} == before
    rows, _ = made(out="uneven", prompts=PROMPTS, n=10)
    assert sorted(Counter(rows["caption"]).values()) == [2, 2, 6]


def test_counts_stay_exact_whatever_filters_take(made, tmp_path):
    plain, _ = made(prompts="a\nb\nc", per_prompt=4)
    middle = sorted(plain["brightness"])[6]
    (tmp_path / "filters.yaml").write_text(f"light:\n  score: brightness\n  min: {middle}\n")
    rows, root = made(
        out="light", prompts="a\nb\nc", per_prompt=4, filters=str(tmp_path / "filters.yaml"),
        keep_rejects=True, acceptance_floor=0,
    )  # fmt: skip
    assert Counter(rows["caption"]) == {"a": 4, "b": 4, "c": 4}
    assert min(rows["brightness"]) >= middle
    assert len(datasets.load_dataset(str(root), "rejects", split="train"))


def test_a_thousand_prompts(made):
    rows, _ = made(prompts="\n".join(f"a red disc {k}" for k in range(1000)), per_prompt=1,
                   images_per_shard=400, scores="statistics")  # fmt: skip
    assert Counter(rows["caption"]) == {f"a red disc {k}": 1 for k in range(1000)}


def test_prompts_of_classes_say_theirs(made):
    rows, _ = made("classes", prompts="label,caption\ndisc,a red disc\nsquare,a square\ndisc,one\n",
                   per_prompt=4)  # fmt: skip
    assert rows.features["label"].names == ["disc", "square"]
    names = [rows.features["label"].int2str(label) for label in rows["label"]]
    assert Counter(zip(names, rows["caption"], strict=True)) == {
        ("disc", "a red disc"): 4, ("square", "a square"): 4, ("disc", "one"): 4,
    }  # fmt: skip
    rows, _ = made("classes", out="one", prompts="a red disc\n", per_prompt=3, classes=("disc",))
    assert rows.features["label"].names == ["disc"] and len(rows) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompts": ""}, "holds no prompt"),
        ({"prompts": "a " * 300}, "more than the 64 bytes that the generator reads"),
        ({"prompts": "a", "source": "TOLD"}, "--prompts are given in place of rows"),
        ({"prompts": "a", "balance": ("caption",)}, "both say what counts go by"),
        ({"name": "classes", "prompts": "a"}, "counts by class, and 'a' says none: .*'label'"),
        ({"name": "classes", "prompts": "label,text\ncube,a\n"}, "class 'cube' of 'a' is none of"),
        ({"per_prompt": 2}, "per_prompt needs prompts"),
        ({"prompts": "a", "per_prompt": 2, "n": 4}, "give either n"),
        ({"set": {"smiling": 1}}, "is given no such attribute"),
    ],
)
def test_mistakes_are_told(changes, words, made, scenes):
    if "source" in changes:
        changes = {**changes, "source": str(scenes / "told")}
    with pytest.raises(SynthgenError, match=words):
        made(**changes)


def test_a_generator_without_captions_refuses_prompts(tmp_path):
    from golden import BUNDLES

    (tmp_path / "p.txt").write_text("a red disc")
    asked = {"generator": str(BUNDLES / "r3gan"), "prompts": str(tmp_path / "p.txt"), "n": 4}
    with pytest.raises(SynthgenError, match="--prompts: generator 'r3gan' is given no captions"):
        sample(SampleSettings.parse({**asked, "out": str(tmp_path / "out")}))


def test_a_dataset_without_classes_has_no_utility_and_says_so(made, scenes, capsys):
    _, root = made(n=4)
    assert command("utility", root, "--real", scenes / "told") == 2
    assert "have no label" in capsys.readouterr().err


@pytest.mark.slow
def test_every_command_takes_such_a_dataset(made, trained, scenes, tmp_path, capsys):
    _, first = made("classes", out="a", keep_rejects=True)
    _, second = made("classes", out="b", seed=5)
    real = ("--real", scenes / "classes")
    every_command(first, second, trained / "classes", real, tmp_path, capsys)
    metrics = json.loads((first / "report" / "metrics.json").read_text())
    found = metrics["retrievals"][0]
    assert found["field"] == "caption" and found["images"] == 24 and found["real_images"]
    assert f"found among {found['among']}" in (first / "README.md").read_text()
    page = (first / "report" / "report.html").read_text()
    assert "Captions, as the bundle's reader sees them" in page
    told = ("utility", first, *real, "--test", "held-out", "--sizes", "all", "--seeds", 1,
            "--steps", 4, "--device", "cpu")  # fmt: skip
    assert command(*told) in (0, None)


def test_captions_are_given_by_rows(made, scenes):
    rows, _ = made(source=str(scenes / "told"), n=20)
    assert set(rows["caption"]) <= set(TOY.captions)


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_to_the_same_bytes(made, trained, tmp_path, commands):
    _, root = made(prompts=PROMPTS, per_prompt=6, images_per_shard=5)
    plain = [
        "sample", "--generator", trained / "told", "--prompts", tmp_path / "p.txt",
        "--per-prompt", 6, "--filters", "none", "--device", "cpu", "--precision", "fp32",
        "--images-per-shard", 5, "--out", tmp_path / "killed",
    ]  # fmt: skip
    killed = commands.start(*plain, faults={40: signal.SIGKILL})
    assert killed.wait() != 0
    commands.run(*plain)
    wanted = {path.name: path.read_bytes() for path in (root / "data").iterdir()}
    assert {p.name: p.read_bytes() for p in (tmp_path / "killed" / "data").iterdir()} == wanted


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(trained, scenes, tmp_path):
    values = {**SETTINGS, "data": str(scenes / "told")}
    same_weights_from_the_middle(trained / "told", values, tmp_path / "again")
