"""Masks and joints in other forms, read back by the libraries that these are for."""

import io
import json

import datasets
import numpy as np
import pytest
from partners import IMAGE, MASK, POINTS
from PIL import Image
from toy_world import SHAPES, toy_world
from uses import command
from written import stopped_at_file, write_dataset

from synthgen.data.records import load_records
from synthgen.data.sources import open_source
from synthgen.spec.errors import SynthgenError
from synthgen.spec.maps import Keypoints, Mask
from synthgen.spec.settings.data import DataSettings
from synthgen.stages.finished.coco import regions, run_lengths
from synthgen.stages.finished.export import export

TOY = toy_world(18, 32)
SPLITS = ("train", "test")


def busy(masks):
    """The toy's masks with dots of other classes, so that regions are many and touch at corners."""
    rng = np.random.default_rng(3)
    dots = rng.random(masks.shape) < 0.1
    return np.where(dots, rng.integers(0, 4, masks.shape), masks).astype(np.uint8)


MASKS = busy(TOY.masks)
JOINTS = TOY.keypoints.copy()
JOINTS[::3, 1, 2] = 0  # some are hidden
JOINTS[4, :, 2] = 0  # and of one image all
FIELDS = {"mask": MASK, "keypoints": POINTS}
ROWS = {"mask": MASKS, "keypoints": JOINTS}


def write(folder, names=("mask", "keypoints"), **changes):
    fields = {name: changes.get(name, FIELDS[name]) for name in names}
    return write_dataset(folder, TOY.images, TOY.labels, SHAPES, fields, ROWS, SPLITS)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A dataset with a mask and joints, in two splits."""
    return write(tmp_path_factory.mktemp("made") / "both")


@pytest.fixture(scope="module")
def told(made, tmp_path_factory):
    """The same as COCO's annotations."""
    out = tmp_path_factory.mktemp("told") / "coco"
    assert export(made, out, "coco") == 18
    return out


def opened(path):
    return pytest.importorskip("pycocotools.coco").COCO(str(path))


def decoded(coco, image):
    """The mask of an image, and its joints as they are stored."""
    mask, joints = np.zeros((image["height"], image["width"]), np.uint8), np.zeros((5, 3))
    for thing in coco.loadAnns(coco.getAnnIds(image["id"])):
        if "segmentation" in thing:
            inside = coco.annToMask(thing).astype(bool)
            assert not mask[inside].any() and thing["area"] == inside.sum()
            mask[inside] = thing["category_id"]
        else:
            joints = np.array(thing["keypoints"]).reshape(5, 3)
    return mask, joints


def test_pycocotools_reads_the_very_masks_and_joints(told):
    for at, split in enumerate(SPLITS):
        coco = opened(told / "annotations" / f"{split}.json")
        kinds = coco.loadCats(coco.getCatIds())
        assert [kind["name"] for kind in kinds] == [*SHAPES, "keypoints"]
        assert tuple(kinds[-1]["keypoints"]) == POINTS.names
        assert [[a - 1, b - 1] for a, b in kinds[-1]["skeleton"]] == list(
            map(list, POINTS.skeleton)
        )
        images = coco.loadImgs(sorted(coco.getImgIds()))
        assert len(images) == 9 and min(coco.getAnnIds()) == 1
        for image, row in zip(images, range(at, 18, 2), strict=True):
            pixels = np.asarray(Image.open(told / split / image["file_name"]))
            assert (pixels == TOY.images[row]).all()
            assert image["columns"]["label"] == SHAPES[TOY.labels[row]]
            mask, joints = decoded(coco, image)
            assert (mask == MASKS[row]).all()
            seen = JOINTS[row, :, 2] > 0
            assert (joints[:, 2] == 2 * seen).all() and (joints[~seen] == 0).all()
            assert (joints[seen, :2].astype(np.float32) == JOINTS[row, seen, :2]).all()
            # The look-alike: another row's mask and joints are told apart.
            other = (row + 2) % 18
            assert (mask != MASKS[other]).any() and (joints[:, :2] != JOINTS[other, :, :2]).any()


def test_boxes_hold_what_they_are_of(told):
    coco = opened(told / "annotations" / "train.json")
    tools = pytest.importorskip("pycocotools.mask")
    for thing in coco.loadAnns(coco.getAnnIds()):
        if "segmentation" in thing:
            assert thing["bbox"] == tools.toBbox(coco.annToRLE(thing)).tolist()
        else:
            x, y, wide, high = thing["bbox"]
            seen = np.array(thing["keypoints"]).reshape(-1, 3)
            seen = seen[seen[:, 2] > 0]
            assert thing["num_keypoints"] == len(seen)
            assert (seen[:, 0] >= x).all() and (seen[:, 0] <= x + wide).all()
            assert (seen[:, 1] >= y).all() and (seen[:, 1] <= y + high).all()


def test_the_evaluation_of_pycocotools_finds_the_truth_right_and_another_wrong(told):
    coco = opened(told / "annotations" / "train.json")
    evaluation = pytest.importorskip("pycocotools.cocoeval").COCOeval

    def precision(kind, shift):
        kept = [
            a
            for a in coco.loadAnns(coco.getAnnIds())
            if ("keypoints" in a) == (kind == "keypoints")
        ]
        found = [{**a, "score": 1.0, "image_id": (a["image_id"] - 1 + shift) % 9 + 1} for a in kept]
        run = evaluation(coco, coco.loadRes(found), kind)
        run.params.catIds = sorted({a["category_id"] for a in kept})
        if kind == "keypoints":
            run.params.kpt_oks_sigmas = np.full(5, 0.05)
        run.evaluate(), run.accumulate(), run.summarize()
        return run.stats[0]

    assert precision("bbox", 0) > 0.99 > 0.5 > precision("bbox", 1)
    assert precision("keypoints", 0) > 0.99 > 0.5 > precision("keypoints", 1)


def test_our_own_reader_reads_it_again(told, tmp_path):
    wanted = DataSettings.parse(
        {"data": str(told), "structure": "coco", "split": "test", "min_per_class": 1}
    )
    names = ("background", *SHAPES, "keypoints")  # of COCO's things each may have a mask
    fields = {"image": IMAGE, "mask": Mask(names, 32, 32), "keypoints": POINTS}
    columns = load_records(wanted, fields).columns
    assert (columns["image"] == TOY.images[1::2]).all() and (columns["mask"] == MASKS[1::2]).all()
    seen = JOINTS[1::2, :, 2:] > 0
    np.testing.assert_allclose(columns["keypoints"], np.where(seen, JOINTS[1::2], 0), atol=1e-4)


def test_a_first_class_that_is_no_background_is_a_category(tmp_path):
    names = Mask(("sky", *SHAPES), 32, 32)
    root = write(tmp_path / "made", ("mask",), mask=names)
    export(root, tmp_path / "coco", "coco")
    coco = opened(tmp_path / "coco" / "annotations" / "train.json")
    assert {kind["id"]: kind["name"] for kind in coco.loadCats(coco.getCatIds())} == dict(
        enumerate(names.names, 1)
    )
    for image, row in zip(coco.loadImgs(sorted(coco.getImgIds())), range(0, 18, 2), strict=True):
        assert (decoded(coco, image)[0] == MASKS[row] + 1).all()


def test_joints_alone(tmp_path):
    export(write(tmp_path / "made", ("keypoints",)), tmp_path / "coco", "coco")
    coco = opened(tmp_path / "coco" / "annotations" / "train.json")
    assert [kind["id"] for kind in coco.loadCats(coco.getCatIds())] == [1]
    assert len(coco.getImgIds()) == 9 and len(coco.getAnnIds()) == 8  # of one no joint is seen


def test_regions_are_what_a_flood_reaches():
    """Pixels of a value that touch, at corners too."""
    rng = np.random.default_rng(0)
    for number in range(200):
        shape = rng.integers(1, 12, 2)
        mask = rng.integers(0, 1 + number % 4, shape).astype(np.uint8)
        found = list(regions(mask))
        assert sum(inside.sum() for _, inside in found) == mask.size
        for value, inside in found:
            assert (mask[inside] == value).all()
            grown = _flooded(mask, tuple(np.argwhere(inside)[0]))
            assert (grown == inside).all()
            again = np.repeat(np.arange(len(run_lengths(inside))) % 2, run_lengths(inside))
            assert (inside == again.reshape(inside.T.shape).T).all()


def _flooded(mask, start):
    """What is reached from a pixel by steps to equal neighbours."""
    inside, todo = np.zeros(mask.shape, bool), [start]
    while todo:
        y, x = todo.pop()
        if (
            0 <= y < mask.shape[0]
            and 0 <= x < mask.shape[1]
            and not inside[y, x]
            and mask[y, x] == mask[start]
        ):
            inside[y, x] = True
            todo += [(y + a, x + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    return inside


def test_datasets_without_places_are_told(tmp_path, capsys):
    root = write(tmp_path / "plain", ())
    assert command("export", root, "--format", "coco", "--out", tmp_path / "no") == 2
    line = capsys.readouterr().err
    assert "neither a mask nor keypoints" in line and len(line.splitlines()) == 1
    assert not (tmp_path / "no").exists()
    other = write(tmp_path / "small", ("keypoints",), keypoints=Keypoints(POINTS.names, 64, 64))
    with pytest.raises(SynthgenError, match="'keypoints' has 64x64 pixels, its images 32x32"):
        export(other, tmp_path / "no", "coco")
    both = {"mask": MASK, "further": MASK}
    rows = {"mask": MASKS, "further": MASKS}
    two = write_dataset(tmp_path / "two", TOY.images, TOY.labels, SHAPES, both, rows)
    with pytest.raises(SynthgenError, match="mask, further: COCO's annotations hold one mask"):
        export(two, tmp_path / "no", "coco")


def test_an_export_that_was_stopped_goes_on(made, told, tmp_path, monkeypatch):
    with stopped_at_file(monkeypatch, 5):
        export(made, tmp_path / "coco", "coco")
    export(made, tmp_path / "coco", "coco")
    files = {p.relative_to(told): p.read_bytes() for p in told.rglob("*") if p.is_file()}
    assert files == {
        p.relative_to(tmp_path / "coco"): p.read_bytes()
        for p in (tmp_path / "coco").rglob("*") if p.is_file()
    }  # fmt: skip


def test_image_folders_name_the_files_of_masks(made, tmp_path):
    export(made, tmp_path / "files", "imagefolder")
    train = tmp_path / "files" / "train"
    lines = [json.loads(line) for line in (train / "metadata.jsonl").read_text().splitlines()]
    for line, row in zip(lines, range(0, 18, 2), strict=True):
        assert (np.asarray(Image.open(train / line["mask_file_name"])) == MASKS[row]).all()
        assert (np.float32(line["keypoints"]).reshape(5, 3) == JOINTS[row]).all()
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "files"), split="train")
    assert (np.asarray(loaded[3]["mask"]) == MASKS[6]).all()
    assert json.loads((tmp_path / "files" / "fields.json").read_text())["mask"]["names"] == list(
        MASK.names
    )
    # And our own reader knows it for what it is: masks by name, joints with their places.
    wanted = DataSettings.parse({"data": str(tmp_path / "files"), "min_per_class": 1})
    source = open_source(wanted, "train")
    assert set(source.classes) == set(SHAPES) and len(source.labels) == 9
    columns = load_records(wanted, {"image": IMAGE, **FIELDS}, None).columns
    order = [
        next(r for r in range(18) if (TOY.images[r] == image).all()) for image in columns["image"]
    ]
    assert (columns["mask"] == MASKS[order]).all()
    np.testing.assert_allclose(columns["keypoints"], JOINTS[order], atol=1e-4)


def test_webdataset_has_several_members_a_sample(made, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    export(made, tmp_path / "tars", "webdataset")
    shard = next((tmp_path / "tars").glob("train-*.tar"))
    with shard.open("rb") as file:
        files = webdataset.tariterators.tar_file_iterator(file)
        read = list(
            webdataset.tariterators.group_by_keys({**each, "__url__": "x"} for each in files)
        )
    assert len(read) == 9
    for item, row in zip(read, range(0, 18, 2), strict=True):
        assert (np.asarray(Image.open(io.BytesIO(item["mask.png"]))) == MASKS[row]).all()
        assert (np.asarray(Image.open(io.BytesIO(item["png"]))) == TOY.images[row]).all()
        said = json.loads(item["json"])
        assert (np.float32(said["keypoints"]).reshape(5, 3) == JOINTS[row]).all()
