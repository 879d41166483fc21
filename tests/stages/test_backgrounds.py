"""Objects before other backgrounds, on scenes whose every fact is known, through the commands."""

import json
from collections import Counter

import datasets
import numpy as np
import pytest
from toy_world import GROUNDS, SHAPES, save, save_mask, toy_world
from uses import PLAIN, TINY, command, every_command, same_weights_from_the_middle, stored

from synthgen.data.class_choice import chosen_as
from synthgen.data.records import open_rows
from synthgen.generators.zoo import load_generator
from synthgen.quality.calibration import LEVELS, Calibration
from synthgen.quality.filters import load_filters
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.sample.resolve import resolve
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train

SMALL = {
    **TINY, "images": 128, "score_samples": 16, "use": "backgrounds",
    "options": {"width": 4, "width_d": 4, "widest": 8, "latent": 4, "style": 8},
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """``plain``: class folders of 72 scenes; ``told``: the same with the ground of each in a column
    and the mask of its solid."""
    root, toy = tmp_path_factory.mktemp("scenes"), toy_world(72, 16)
    lines = []
    for row in range(len(toy)):
        shape, name = SHAPES[toy.labels[row]], f"{row:04d}.png"
        save(toy.images[row], root / "plain" / shape / name)
        save(toy.images[row], root / "told" / name)
        save_mask((toy.masks[row] > 0).astype(np.uint8), root / "told" / "masks" / name)
        ground = toy.captions[row].split()[-1]
        assert ground in GROUNDS
        lines.append({"file_name": name, "label": shape, "ground": ground, "number": row,
                      "mask_file_name": f"masks/{name}"})  # fmt: skip
    (root / "told" / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (root / "told" / "classes.json").write_text(json.dumps(["ground", "thing"]))
    return root


def settings(data, name, out):
    told = {"use_options": {"background": "ground"}} if name == "told" else {}
    return {**SMALL, **told, "data": str(data / name), "out": str(out)}


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """The finished runs ``plain`` and ``told``."""
    out = tmp_path_factory.mktemp("runs")
    for name in ("plain", "told"):
        train(TrainSettings.parse(settings(data, name, out / name)))
    return out


@pytest.fixture
def made(trained, tmp_path):
    """A function that samples: settings in, the rows and the folder out."""

    def run(name="plain", out="made", **changes):
        values = {**PLAIN, "generator": str(trained / name), "out": str(tmp_path / out), **changes}
        root = sample(SampleSettings.parse({"n": 36, "batch_size": 32, **values})).root
        return datasets.load_dataset(str(root), split="train"), root

    return run


def pairs(rows):
    return Counter(zip(rows["label"], (a["background"] for a in rows["attributes"]), strict=True))


def information(counts):
    """Mutual information of label and background in bits."""
    total = sum(counts.values())
    label, ground = Counter(), Counter()
    for (a, b), n in counts.items():
        label[a] += n
        ground[b] += n
    return sum(
        n / total * np.log2(n * total / label[a] / ground[b]) for (a, b), n in counts.items()
    )


def test_backgrounds_are_drawn_independently_of_labels_that_they_go_with_in_the_data(made, trained):
    rows, _ = made(n=252)
    assert rows.features["attributes"]["background"].names == sorted(SHAPES)
    assert information(pairs(rows)) < 0.06
    # The look-alike: as the data have them.
    real = Counter({(k, k): 200 for k in range(3)})
    assert information(real) > 1.5
    generator = load_generator(str(trained / "plain"), "cpu", "fp32")
    assert generator.task.independent == ("attributes",)


def test_balanced_counts_are_exact_and_a_background_can_be_set(made, trained, capsys):
    rows, root = made(balance=("background",))
    assert set(pairs(rows).values()) == {4} and len(pairs(rows)) == 9
    assert "few real rows" not in capsys.readouterr().err
    rows, root = made(out="set", set={"background": "disc"}, n=12)
    assert {b for _, b in pairs(rows)} == {sorted(SHAPES).index("disc")}
    assert command("reproduce", root, "--row", 3, "--generator", trained / "plain") in (0, None)
    assert "the same pixels" in capsys.readouterr().out
    with pytest.raises(SynthgenError, match="one of disc, square, triangle, not 'sea'"):
        made(out="wrong", set={"background": "sea"})


def test_masks_are_a_column_and_stay_when_the_background_changes(made, trained):
    generator = load_generator(str(trained / "plain"), "cpu", "fp32")
    rows = {}
    for ground in ("disc", "square"):
        data, _ = made(out=ground, set={"background": ground}, n=12)
        rows[ground] = [np.asarray(mask) for mask in data["mask"]]
    assert all((a == b).all() for a, b in zip(*rows.values(), strict=True))
    assert rows["disc"][0].shape == (16, 16) and max(m.max() for m in rows["disc"]) <= 1
    assert generator.task.made == ("image", "mask")


def test_a_column_of_backgrounds_and_masks_of_the_data_are_learnt_from(made, trained, data, capsys):
    rows, root = made("told", n=30, balance=("background",))
    assert rows.features["attributes"]["background"].names == sorted(GROUNDS)
    generator = load_generator(str(trained / "told"), "cpu", "fp32")
    assert generator.task.fields["mask"].names == ("ground", "thing")
    assert generator.task.streams[0] == ("image", "label", "attributes", "mask")
    assert command("verify", root) in (0, None)
    for named in ({}, {"image_column": "image"}):  # rows that were made, given
        again, _ = made("told", out=f"given-{len(named)}", n=9, source=str(root), **named)
        assert len(again) == 9


def test_default_filters_judge_nothing_by_who_has_learnt_from_real_images(trained):
    record = load_generator(str(trained / "plain"), "cpu", "fp32").calibration
    calibration = Calibration.from_json(record)
    for spec in ("default", "audit"):
        seen = load_filters(spec, calibration, calibration.classes, 16).reasons
        unseen = load_filters(spec, calibration, calibration.classes, 16, unseen=True).reasons
        lost = set(seen) - set(unseen)
        assert lost == {"label_agreement", "agreement", "realism"} & set(seen)
        assert "label_agreement" in lost and "statistics" in unseen
    asked = {**PLAIN, "generator": str(trained / "plain"), "n": 9, "filters": "default"}
    resolved = resolve(SampleSettings.parse({**asked, "out": str(trained / "unmade")}))
    assert resolved.job.filters.reasons == load_filters(
        "default", calibration, calibration.classes, 16, unseen=True
    ).reasons  # fmt: skip
    assert "label_agreement" in resolved.tools.score_names  # measured all the same


def test_a_learner_of_real_rows_refuses_exactly_what_they_lack():
    """Why: a classifier that reads the background alone keeps no row with another one."""
    quantiles = np.tile(np.linspace(0.9, 1.0, len(LEVELS)), (4, 1))
    names = ("label_agreement", "brightness", "contrast", "entropy", "sharpness")
    calibration = Calibration(SHAPES, {name: quantiles for name in names})
    import torch

    labels, grounds = torch.arange(3).repeat_interleave(3), torch.arange(3).repeat(3)
    scores = {name: torch.full((9,), 0.95) for name in (*names, "finite")}
    scores["finite"][:] = 1
    scores["label_agreement"] = (labels == grounds).float()
    plain = load_filters("default", calibration, SHAPES, 16)
    unseen = load_filters("default", calibration, SHAPES, 16, unseen=True)
    assert torch.equal(plain.judge(dict(scores), labels) == 0, labels == grounds)
    assert (unseen.judge(dict(scores), labels) == 0).all()


def test_a_run_goes_on_from_its_middle_to_the_same_weights(data, trained, tmp_path):
    values = settings(data, "plain", tmp_path / "again")
    values.pop("out")
    same_weights_from_the_middle(trained / "plain", values, tmp_path / "again")


def test_the_own_class_is_the_background_in_the_order_of_the_classes_that_are_read(data):
    source = open_rows(DataSettings.parse({"data": str(data / "plain")}))
    view = chosen_as(source, "background", None, ("square", "disc"))
    offers = next(c.offers for c in view.understood.columns if c.name == "attributes")
    assert offers.choices == {"background": ("square", "disc")}
    values = np.array(view.values("attributes", range(len(view.labels))))[:, 0]
    for value, label in zip(values, view.labels, strict=True):
        name = view.classes[label]
        assert np.isnan(value) if name == "triangle" else ("square", "disc")[int(value)] == name


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"use_options": {"background": "grond"}}, "no column 'grond'.*did you mean 'ground'"),
        ({"use_options": {"background": "number"}}, "column 'number' has numbers"),
        ({"mask_names": ("sky", "land", "thing")}, "an object's mask has two values"),
        ({"algorithm": "r3gan"}, "algorithm 'r3gan' makes no mask"),
    ],
)
def test_mistakes_are_told(changes, words, data, tmp_path):
    values = {**settings(data, "told", tmp_path / "run"), **changes}
    values |= {"options": {}} if "algorithm" in changes else {}
    with pytest.raises(SynthgenError, match=words):
        train(TrainSettings.parse(values))
    assert not (tmp_path / "run" / "bundle").exists()


@pytest.mark.slow
def test_every_command_takes_such_a_dataset(made, trained, data, tmp_path, capsys):
    _, first = made(out="a", images_per_shard=12, keep_rejects=True)
    _, second = made(out="b", seed=5)
    real = ("--real", data / "plain")
    every_command(first, second, trained / "plain", real, tmp_path, capsys, filters="none")
    _, rows = stored(first, load_generator(str(trained / "plain"), "cpu", "fp32"))
    assert set(rows) == {"image", "attributes"}
