"""Columns of given rows that travel along with what is made of them."""

import json
import shutil
import signal

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tiny_uses import TINY, USES, waves

from synthgen.dataset.codecs.registry import codec_of
from synthgen.dataset.verify import verify
from synthgen.generators.zoo import load_generator
from synthgen.quality.calibration import Calibration
from synthgen.quality.filters import load_filters
from synthgen.spec.errors import SynthgenError
from synthgen.spec.filter_settings import FilterSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.finished.export import export
from synthgen.stages.finished.merge import merge
from synthgen.stages.sample.filter import filter_dataset
from synthgen.stages.sample.repair import repair
from synthgen.stages.sample.reproduce import reproduce
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train

COUNT = 24
CLASSES = ("even", "odd")
KINDS = ("sea", "sky", "land")


def cells(number):
    """The further cells of a row, as a table has them."""
    return {
        "code": f"{number:03d}",
        "number": number * 1000,
        "share": None if number == 3 else number / 4,
        "good": number % 3 == 0,
        "kind": number % 3,
        "candidate": -number,
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The same images in class folders, in a table, and beside a metadata file."""
    root, images = tmp_path_factory.mktemp("data"), waves(COUNT)
    rows, lines = [], []
    (root / "listed").mkdir()
    for number, pixels in enumerate(images):
        label, name = number % 2, f"{number:03d}.png"
        folder = root / "folders" / CLASSES[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name)
        shutil.copy(folder / name, root / "listed" / name)
        further = cells(number)
        rows.append({"image": {"bytes": (folder / name).read_bytes(), "path": None},
                     "label": label, **further, "box": [1.0, 2.0]})  # fmt: skip
        lines.append({"file_name": name, "label": CLASSES[label], **further})
    features = datasets.Features(
        image=datasets.Image(), label=datasets.ClassLabel(names=list(CLASSES)),
        code=datasets.Value("string"), number=datasets.Value("int32"),
        share=datasets.Value("float32"), good=datasets.Value("bool"),
        kind=datasets.ClassLabel(names=list(KINDS)), candidate=datasets.Value("int64"),
        box=datasets.Sequence(datasets.Value("float32")),
    )  # fmt: skip
    (root / "table").mkdir()
    datasets.Dataset.from_list(rows, features).to_parquet(root / "table" / "train.parquet")
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (root / "listed" / "metadata.jsonl").write_text(text)
    return root


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A generator with classes for inpainting, one without for super-resolution."""
    out = tmp_path_factory.mktemp("runs")
    (out / "flat").mkdir()
    for path in (data / "listed").glob("*.png"):
        shutil.copy(path, out / "flat")
    for use, folder in (("super-resolution", out / "flat"), ("inpainting", data / "folders")):
        values = {**TINY, **USES[use], "use": use, "data": str(folder), "out": str(out / use)}
        train(TrainSettings.parse(values))
    return out


@pytest.fixture
def made(trained, data, tmp_path):
    """A function that samples from rows: settings in, the folder out."""

    def run(use, source, out="made", **changes):
        values = {
            "generator": str(trained / use), "source": str(data / source), "n": 16, "filters":
            "none", "device": "cpu", "precision": "fp32", "out": str(tmp_path / out),
            "images_per_shard": 8,
        }  # fmt: skip
        return sample(SampleSettings.parse({**values, **changes})).root

    return run


def rows_of(root, use, trained):
    """A dataset, and which wave each of its rows was made from, told by what was given."""
    rows = datasets.load_dataset(str(root), split="train")
    task = load_generator(str(trained / use), "cpu", "fp32").task
    column = {"inpainting": "masked", "super-resolution": "small"}[use]
    plain = rows.with_format("arrow")[:].column(column).to_pylist()
    given = codec_of(task.fields[column]).decode(plain).astype(int)
    images = waves(COUNT).astype(int)
    if use == "super-resolution":
        images = images.reshape(COUNT, 8, 2, 8, 2, 3).mean(axis=(2, 4))
    gaps = np.abs(given[:, None] - images[None])
    return rows, np.median(gaps.reshape(len(given), COUNT, -1), axis=2).argmin(axis=1).tolist()


def test_columns_of_a_table_travel_with_their_types_to_the_rows_made_of_them(made, trained):
    root = made("inpainting", "table")
    rows, waves_of = rows_of(root, "inpainting", trained)
    assert rows.features["code"] == datasets.Value("string")
    assert rows.features["number"] == datasets.Value("int32")
    assert rows.features["share"] == datasets.Value("float32")
    assert rows.features["good"] == datasets.Value("bool")
    assert rows.features["kind"] == datasets.ClassLabel(names=list(KINDS))
    assert len(set(waves_of)) == 16 and "box" not in rows.features
    told = [{"given_candidate": row.pop("candidate"), **row} for row in map(cells, waves_of)]
    names = list(told[0])
    assert rows.select_columns(names).to_list() == [{n: row[n] for n in names} for row in told]
    assert rows["label"] == [number % 2 for number in waves_of]
    assert rows["candidate"] != rows["given_candidate"]
    assert verify(root).problems == []
    card = (root / "README.md").read_text()
    assert "- `kind`: class label, column `kind` of the row that was given." in card


def test_a_class_travels_where_the_generator_knows_none(made, trained):
    listed, from_list = rows_of(made("super-resolution", "listed"), "super-resolution", trained)
    assert listed.features["given_label"] == datasets.ClassLabel(names=list(CLASSES))
    assert listed["given_label"] == [number % 2 for number in from_list]
    assert listed["code"] == [f"{number:03d}" for number in from_list]
    folders = made("super-resolution", "folders", "b")
    rows, of = rows_of(folders, "super-resolution", trained)
    assert rows.features["label"].names == ["all"]
    assert rows.features["given_label"] == datasets.ClassLabel(names=list(CLASSES))
    assert rows["given_label"] == [number % 2 for number in of]
    assert verify(folders).problems == []


def test_a_taken_name_is_refused_and_all_can_stay_behind(made, data, trained, tmp_path):
    twice = tmp_path / "twice"
    shutil.copytree(data / "listed", twice)
    lines = [json.loads(line) for line in (twice / "metadata.jsonl").read_text().splitlines()]
    text = "".join(json.dumps({**line, "given_candidate": 1}) + "\n" for line in lines)
    (twice / "metadata.jsonl").write_text(text)
    with pytest.raises(SynthgenError, match=r"'given_candidate' is taken too; .* --no-carry"):
        made("super-resolution", twice)
    root = made("super-resolution", twice, carry=False)
    rows = datasets.load_dataset(str(root), split="train")
    assert not {"code", "given_label", "given_candidate"} & set(rows.features)
    shard = next((root / "data").iterdir())
    whole = shard.read_bytes()
    shard.unlink()
    repair(root, generator=str(trained / "super-resolution"), device="cpu")
    assert shard.read_bytes() == whole and verify(root).problems == []


def test_other_commands_keep_what_travelled(made, data, trained, tmp_path):
    root, other = (made("inpainting", "table", out, seed=seed) for seed, out in enumerate("ab"))
    merged = merge([root, other], tmp_path / "m").root
    bundle = str(trained / "inpainting")
    values = {"dataset": str(root), "out": str(tmp_path / "f"), "generator": bundle,
              "filters": "none"}  # fmt: skip
    filtered = filter_dataset(FilterSettings.parse(values)).root
    for folder in (root, merged, filtered):
        rows, of = rows_of(folder, "inpainting", trained)
        assert rows["number"] == [number * 1000 for number in of]
        assert verify(folder).problems == []
    assert reproduce(root, 3, generator=bundle, device="cpu").same
    shard = sorted((root / "data").iterdir())[1]
    whole = shard.read_bytes()
    shard.unlink()
    repair(root, generator=bundle, device="cpu")
    assert shard.read_bytes() == whole
    plain = made("inpainting", "table", "c", seed=7, carry=False)
    with pytest.raises(SynthgenError, match="only datasets of the same given columns"):
        merge([root, plain], tmp_path / "no")
    export(merged, tmp_path / "e", "imagefolder")
    lines = (tmp_path / "e" / "train" / "metadata.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    loaded = datasets.load_dataset(str(merged), split="train")
    for name in ("code", "number", "share", "good"):
        assert [line[name] for line in told] == loaded[name]
    assert [line["kind"] for line in told] == [KINDS[kind] for kind in loaded["kind"]]


def test_rows_whose_cells_changed_are_not_what_a_dataset_was_made_of(made, data, trained, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(data / "listed", copy)
    root = made("super-resolution", copy)
    path = copy / "metadata.jsonl"
    path.write_text(path.read_text().replace('"code": "007"', '"code": "x"'))
    with pytest.raises(SynthgenError, match=r"is not what .* was made of, or has changed"):
        reproduce(root, 0, generator=str(trained / "super-resolution"), device="cpu")
    (next((root / "data").iterdir())).unlink()
    with pytest.raises(SynthgenError, match="carried_fingerprint"):
        repair(root, generator=str(trained / "super-resolution"), device="cpu")


def test_a_class_that_there_is_not_is_a_fault(made):
    root = made("inpainting", "table")
    shard = sorted((root / "data").iterdir())[0]
    table = pq.read_table(shard)
    place = table.schema.get_field_index("kind")
    wrong = [3, *table.column("kind").to_pylist()[1:]]
    changed = table.set_column(place, table.schema.field(place), pa.array(wrong, pa.int64()))
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), shard)
    assert any("kind of row 0 is 3, none of its 3" in str(p) for p in verify(root).problems)


def test_an_image_near_its_own_given_row_is_not_memorised(made, trained, tmp_path):
    known = load_generator(str(trained / "inpainting"), "cpu", "fp32")
    calibration = Calibration.from_json(known.calibration)
    assert "memorised" in load_filters("default", calibration, CLASSES, 16).reasons
    for spec in ("default", "audit"):
        reasons = load_filters(spec, calibration, CLASSES, 16, agrees=known.task.agrees).reasons
        assert "realism" in reasons and "memorised" not in reasons
    rules = tmp_path / "rules.yaml"
    rules.write_text("realism:\nmemorised:\n")
    with pytest.raises(SynthgenError, match=r"memorised: images .* must agree .* leave it out"):
        made("inpainting", "folders", filters=str(rules))


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(made, trained, data, tmp_path, commands):
    root = made("inpainting", "table", images_per_shard=4)
    plain = [
        "sample", "--generator", trained / "inpainting", "--given", data / "table", "--n", 16,
        "--filters", "none", "--device", "cpu", "--precision", "fp32", "--images-per-shard", 4,
        "--out", tmp_path / "killed",
    ]  # fmt: skip
    killed = commands.start(*plain, faults={30: signal.SIGKILL})
    assert killed.wait() != 0
    assert not (tmp_path / "killed" / "manifest.json").exists()
    commands.run(*plain)
    for path in (root / "data").iterdir():
        assert (tmp_path / "killed" / "data" / path.name).read_bytes() == path.read_bytes()
