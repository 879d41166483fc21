"""The column of soft labels: its teachers' probabilities, through all that is done with a dataset."""

import json
import shutil
import tarfile

import datasets
import golden
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from finished import rows_of, shards

from synthgen.dataset.verify import verify
from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.filter_settings import FilterSettings
from synthgen.spec.image import to_float
from synthgen.spec.settings.inspect import InspectSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.utility import UtilitySettings
from synthgen.spec.soft_labels import SoftLabels, Teacher
from synthgen.stages.finished.dataset import open_dataset
from synthgen.stages.finished.export import export
from synthgen.stages.finished.merge import merge
from synthgen.stages.inspect.stage import inspect
from synthgen.stages.judging.teachers import Teachers
from synthgen.stages.sample.filter import filter_dataset
from synthgen.stages.sample.repair import repair
from synthgen.stages.sample.reproduce import reproduce
from synthgen.stages.sample.stage import sample
from synthgen.stages.utility.soft_labels import soft_labels
from synthgen.stages.utility.trials import synthetic_images

BUNDLE = str(golden.BUNDLES / "r3gan")
SAMPLED = {
    "generator": BUNDLE, "n": 40, "images_per_shard": 20, "batch_size": 16, "device": "cpu",
    "precision": "fp32", "filters": "none", "classes": ("two", "nought", "one"),
}  # fmt: skip


def made(out, **changes):
    return sample(
        SampleSettings.parse({**SAMPLED, "out": str(out), "soft_labels": True, **changes})
    )


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    return made(tmp_path_factory.mktemp("taught") / "digits").root


def test_it_is_the_bundles_calibrated_probabilities_in_the_order_of_the_classes(taught):
    data = datasets.load_dataset(str(taught), split="train")
    feature = data.features["soft_label"]
    assert feature.length == 3 and feature.feature.dtype == "float32"
    assert data.features["label"].names == ["two", "nought", "one"]
    generator = load_generator(BUNDLE, "cpu", "fp32")
    order = [generator.classes.index(name) for name in data.features["label"].names]
    pixels = np.stack([np.asarray(row["image"]) for row in data])[..., None]
    with torch.inference_mode():
        logits = generator.classifier(to_float(torch.from_numpy(pixels)))[:, order]
    soft = np.asarray(data["soft_label"], dtype=np.float32)
    assert np.abs(soft - logits.softmax(dim=1).numpy()).max() < 1e-5
    assert np.abs(soft.sum(axis=1) - 1).max() < 1e-5
    # The score of the label is one of the probabilities, and not by chance of their order.
    own = soft[np.arange(len(soft)), data["label"]]
    assert np.abs(own - np.asarray(data["label_agreement"])).max() < 1e-3
    assert soft.std(axis=0).min() > 0.05


def test_record_card_and_footer_say_whose_they_are(taught):
    assert verify(taught).problems == []
    record = json.loads((taught / "manifest.json").read_text())["settings"]
    soft = SoftLabels.from_json(record["soft_label"])
    files = json.loads((golden.BUNDLES / "r3gan" / "config.json").read_text())["files"]
    assert soft == SoftLabels(3, (Teacher("r3gan", files["classifier.safetensors"]),))
    assert "`soft_label`: 3 probabilities" in (taught / "README.md").read_text()
    with pytest.raises(ValueError, match="damaged"):
        SoftLabels.from_json({"classes": "3", "teachers": []})


def test_without_them_a_dataset_has_the_bytes_that_it_had(taught, tmp_path):
    plain = made(tmp_path / "plain", soft_labels=False).root
    settings = json.loads((plain / "manifest.json").read_text())["settings"]
    assert not {"soft_label", "soft_labels", "teachers"} & set(settings)
    for name in shards(plain):
        mine, theirs = (pq.read_table(root / "data" / name) for root in (plain, taught))
        assert theirs.drop_columns(["soft_label"]).equals(mine)


def test_a_lost_shard_is_made_again_and_a_row_reproduced(taught, tmp_path):
    root = tmp_path / "digits"
    shutil.copytree(taught, root)
    lost = sorted((root / "data").iterdir())[1]
    lost.unlink()
    repair(root, generator=BUNDLE, device="cpu")
    assert shards(root) == shards(taught)
    found = reproduce(root, 7, generator=BUNDLE, device="cpu")
    assert found.same and "the same pixels, the same soft label" in found.text


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ([0.5, 0.25, 0.25], None),
        ([0.5, 0.5], "has 2 probabilities, not 3"),
        ([0.5, 0.3, 0.1], "add up to 0.9"),
        ([1.2, -0.1, -0.1], "under 0"),
        ([float("nan"), 0.5, 0.5], "no finite number"),
        (None, "has no probabilities"),
    ],
)
def test_a_cell_that_is_no_law_of_three_classes_is_a_fault(cell, fault):
    said = SoftLabels(3, ()).fault(cell)
    assert said is None if fault is None else fault in said


def test_verify_names_the_row_whose_probabilities_were_changed(taught, tmp_path):
    root = tmp_path / "digits"
    shutil.copytree(taught, root)
    path = sorted((root / "data").iterdir())[0]
    table = pq.read_table(path)
    cells = table.column("soft_label").to_pylist()
    cells[4] = [0.9, 0.9, 0.0]
    place = table.schema.get_field_index("soft_label")
    field = table.schema.field(place)
    pq.write_table(table.set_column(place, field, pa.array(cells, field.type)), path)
    said = [str(problem) for problem in verify(root).problems]
    assert any("soft_label of row 4 has probabilities that add up to 1.8" in line for line in said)


def test_they_stay_with_their_rows_through_filter_and_merge(taught, tmp_path):
    given = {"dataset": str(taught), "out": str(tmp_path / "strict"), "generator": BUNDLE}
    middle = float(np.median([row["label_agreement"] for row in rows_of(taught)]))
    rules = {"filters": "none", "set": {"label_agreement.min": middle}}
    strict = filter_dataset(FilterSettings.parse({**given, **rules})).root
    known = {(r["shard"], r["label"], r["candidate"]): r["soft_label"] for r in rows_of(taught)}
    kept = rows_of(strict)
    assert 0 < len(kept) < len(known)
    for row in kept:
        assert row["soft_label"] == known[row["shard"], row["label"], row["candidate"]]
    other = made(tmp_path / "other", seed=5).root
    both = merge([taught, other], tmp_path / "both").root
    assert verify(both).problems == []
    assert [r["soft_label"] for r in rows_of(both)] == [
        r["soft_label"] for root in (taught, other) for r in rows_of(root)
    ]
    assert reproduce(both, 45, generator=BUNDLE, device="cpu").text.endswith("same soft label")


def test_what_does_not_go_together_is_one_line(taught, tmp_path):
    plain = made(tmp_path / "plain", soft_labels=False, seed=3).root
    with pytest.raises(
        SynthgenError, match=r"its column soft_label is missing, that of .* is there"
    ):
        merge([taught, plain], tmp_path / "both")
    turned = made(tmp_path / "turned", seed=4, classes=("nought", "one", "two")).root
    with pytest.raises(SynthgenError, match="its classes is"):
        merge([taught, turned], tmp_path / "both")
    with pytest.raises(SynthgenError, match="no label classifier for soft labels"):
        made(tmp_path / "no", generator=str(bare_bundle(tmp_path)))
    with pytest.raises(SynthgenError, match="one alone"):
        made(tmp_path / "no", classes=("one",))
    with pytest.raises(SynthgenError, match="teacher 'fashion-mnist-28' looks at images of"):
        made(tmp_path / "no", teachers=("fashion-mnist-28",))
    with pytest.raises(SynthgenError, match="set soft_labels as well"):
        made(tmp_path / "no", soft_labels=False, teachers=(BUNDLE,))
    with pytest.raises(SynthgenError, match=r"teachers: '.*' is named twice; name each once"):
        made(tmp_path / "no", teachers=(BUNDLE, "fashion-mnist-28", BUNDLE))
    assert not (tmp_path / "no").exists()


def bare_bundle(folder):
    """The bundle without its label classifier, and what is measured by it."""
    bare = folder / "bare"
    shutil.copytree(BUNDLE, bare)
    config = json.loads((bare / "config.json").read_text())
    config["classifier"] = None
    for name in ("classifier", "reference"):
        (bare / f"{name}.safetensors").unlink()
        del config["files"][f"{name}.safetensors"]
    (bare / "config.json").write_text(json.dumps(config))
    return bare


def test_several_teachers_give_the_mean_of_their_answers(taught, tmp_path):
    per_class = str(golden.BUNDLES / "per-class")
    classes = ("one", "two")
    own, other, both = (
        np.asarray([row["soft_label"] for row in rows_of(made(
            tmp_path / name, classes=classes, teachers=teachers
        ).root)])
        for name, teachers in (
            ("own", ()), ("other", (per_class,)), ("both", (BUNDLE, per_class)),
        )
    )  # fmt: skip
    assert np.abs(own - other).max() > 0.01
    assert np.abs((own + other) / 2 - both).max() < 1e-5


def test_a_dataset_with_them_is_read_as_training_data(taught):
    lines = inspect(InspectSettings.parse({"data": str(taught)})).lines()
    assert "40 images of 3 classes" in lines[0]


def test_utility_learns_the_column_where_there_is_one_unless_told_otherwise(taught):
    opened, most = open_dataset(str(taught)), 25
    made_of = synthetic_images(opened, most)

    def soft(**changes):
        given = {"dataset": str(taught), "real": "x", "generator": BUNDLE, "device": "cpu"}
        return soft_labels(UtilitySettings.parse({**given, **changes}), opened, made_of, most)

    column = soft()
    stored = {tuple(np.float32(row["soft_label"])) for row in rows_of(taught)}
    assert {tuple(row) for row in column.probabilities} <= stored
    generator = load_generator(BUNDLE, "cpu", "fp32")
    again = Teachers((generator,), opened.plan.classes).say(made_of.images)
    assert np.abs(column.probabilities - again).max() < 1e-5
    assert soft(soft_labels=False) is None and soft(teachers=2) is None
    assert np.array_equal(soft(soft_labels=True).probabilities, column.probabilities)


def test_exports_have_them(taught, tmp_path):
    export(taught, tmp_path / "folders", "imagefolder")
    lines = (tmp_path / "folders/train/metadata.jsonl").read_text().splitlines()
    found = [json.loads(line)["soft_label"] for line in lines]
    assert found == [row["soft_label"] for row in rows_of(taught)]
    export(taught, tmp_path / "tars", "webdataset")
    with tarfile.open(sorted((tmp_path / "tars").glob("*.tar"))[0]) as tar:
        first = json.loads(tar.extractfile("00000000.json").read())
    assert first["soft_label"] == found[0]
