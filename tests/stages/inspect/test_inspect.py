"""The look before the run."""

import json

import datasets
import numpy as np
import pytest
from PIL import Image
from toy_joints import hide, write_columns
from toy_world import SHAPES, toy_world, write_coco, write_masks, write_pairs

import synthgen
from synthgen.cli.inspect import command
from synthgen.data.cache import load_images
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.inspect import InspectSettings
from synthgen.stages.inspect.stage import inspect


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def pets(tmp_path):
    """Two classes of structured noise: 30 cats, 10 dogs, all different."""
    rng = np.random.default_rng(0)
    for name, count, shift in (("cat", 30, 40), ("dog", 10, 150)):
        for number in range(count):
            coarse = rng.integers(0, 90, (4, 4, 3)).astype(np.uint8) + shift
            save(tmp_path / "pets" / name / f"{number:02d}.png", coarse.repeat(4, 0).repeat(4, 1))
    return tmp_path / "pets"


def look(folder, **options):
    return inspect(InspectSettings.parse({"data": str(folder), **options}))


def kinds(found):
    return {each.kind: each.count for each in found.warnings}


def test_what_was_understood_is_said_and_the_json_has_it_all(pets):
    (pets / "cat" / "Thumbs.db").write_bytes(b"x")
    found = look(pets)
    assert dict(found.classes) == {"cat": 30, "dog": 10}
    assert found.resolution == 16 and found.sizes.largest == (16, 16)
    assert found.modes == (("RGB", 40),)
    text = "\n".join(found.lines())
    assert "read as: 2 class folders" in text and "Thumbs.db" in text
    record = json.loads(json.dumps(found.to_json()))
    assert record["format"] == "synthgen-inspection" and record["version"] == 1
    assert record["classes"] == {"cat": 30, "dog": 10}
    assert record["understood"]["structure"] == "classes"
    assert record["understood"]["left_out"][0]["count"] == 1
    assert {w["kind"] for w in record["warnings"]} == {"imbalance", "few images"}


def test_exact_and_near_duplicates_are_counted_and_named(pets):
    first = np.asarray(Image.open(pets / "cat" / "00.png"))
    save(pets / "cat" / "copy.png", first)
    save(pets / "dog" / "copy.png", first)
    near = first.astype(int)
    near[3, 3] += 6
    save(pets / "cat" / "near.png", near.astype(np.uint8))
    found = kinds(look(pets))
    assert found["exact duplicates"] == 2 and found["same image, other class"] == 1
    assert found["near duplicates"] == 1
    clean = kinds(look(pets, classes=("dog",)))
    assert "exact duplicates" not in clean and "near duplicates" not in clean


def test_classes_that_look_alike_by_name_or_by_their_images(tmp_path, digits):
    images, labels = digits
    sevens = images[labels == 7]
    for number, pixels in enumerate(sevens[:80]):
        name = "seven" if number % 2 else "Seven"
        save(tmp_path / "d" / name / f"{number}.png", pixels[:, :, 0])
    for number, pixels in enumerate(images[labels == 0][:40]):
        save(tmp_path / "d" / "nought" / f"{number}.png", pixels[:, :, 0])
    found = {each.kind: each.text for each in look(tmp_path / "d").warnings}
    assert "'Seven', 'seven'" in found["alike names"]
    assert "'Seven' and 'seven'" in found["alike classes"]
    assert "nought" not in found["alike classes"]


def test_mirror_images_are_plausible_of_what_has_no_left_and_right(tmp_path, digits):
    images, labels = digits
    for number, pixels in enumerate(images[labels == 7][:100]):
        save(tmp_path / "sevens" / "7" / f"{number}.png", pixels[:, :, 0])
        either = pixels if number % 2 else pixels[:, ::-1]
        save(tmp_path / "both" / "7" / f"{number}.png", either[:, :, 0])
    sevens, both = look(tmp_path / "sevens"), look(tmp_path / "both")
    assert sevens.mirrored > 1.2 > 1.15 > both.mirrored
    assert "mirror images: not plausible" in "\n".join(sevens.lines())
    assert "mirror images: plausible" in "\n".join(both.lines())


def test_images_that_would_be_enlarged_are_counted(pets):
    save(pets / "dog" / "small.png", np.zeros((8, 12, 3), np.uint8))
    assert kinds(look(pets))["enlarged"] == 1
    assert "enlarged" not in kinds(look(pets, resolution=8))


def test_what_is_written_is_a_dataset_that_trains_the_same(pets, tmp_path):
    out = tmp_path / "seen"
    found = look(pets, out=str(out))
    assert found.written == str(out)
    read = datasets.load_dataset(str(out), split="train")
    mine = load_images(DataSettings.parse({"data": str(pets)}))
    assert read.features["label"].names == ["cat", "dog"]
    assert np.array_equal(np.stack([np.asarray(each) for each in read["image"]]), mine.images)
    again = load_images(DataSettings.parse({"data": str(out)}))
    assert np.array_equal(again.images, mine.images) and again.classes == mine.classes
    assert sorted(path.name for path in (out / "report").iterdir()) == ["cat.png", "dog.png"]
    with pytest.raises(SynthgenError, match="is not empty"):
        look(pets, out=str(out))
    with pytest.raises(SynthgenError, match="lies in the data"):
        look(pets, out=str(pets / "x"))


def test_a_share_is_set_aside_of_every_class_and_no_copy_crosses_over(pets, tmp_path):
    for number in range(20):
        save(pets / "cat" / f"copy{number}.png", np.asarray(Image.open(pets / "cat" / "00.png")))
    look(pets, out=str(tmp_path / "a"), set_aside=0.3, seed=4)
    look(pets, out=str(tmp_path / "b"), set_aside=0.3, seed=4)
    look(pets, out=str(tmp_path / "c"), set_aside=0.3, seed=5)

    def pixels(name, split):
        data = load_images(DataSettings.parse({
            "data": str(tmp_path / name), "split": split, "min_per_class": 1}))  # fmt: skip
        return data, {image.tobytes() for image in data.images}

    train, shown = pixels("a", "train")
    test, kept = pixels("a", "test")
    assert not shown & kept and len(train.labels) + len(test.labels) == 60
    assert np.bincount(test.labels)[1] == 3
    assert kept == pixels("b", "test")[1] != pixels("c", "test")[1]
    with pytest.raises(SynthgenError, match="set_aside: name the folder"):
        look(pets, set_aside=0.3)


def test_other_columns_go_along(pets, tmp_path):
    lines = [f"{path.relative_to(pets)},{path.parent.name},{path.stem},0.5"
             for path in sorted(pets.rglob("*.png"))]  # fmt: skip
    (pets / "metadata.csv").write_text("\n".join(["file_name,label,age,weight", *lines]))
    look(pets, out=str(tmp_path / "seen"))
    read = datasets.load_dataset(str(tmp_path / "seen"), split="train")
    assert read["age"][:3] == [0, 1, 2] and set(read["weight"]) == {0.5}
    frame = synthgen.inspect(str(pets))
    assert frame["age"].tolist()[:2] == ["00", "01"] and len(frame) == 40
    assert frame["label"].value_counts().to_dict() == {"cat": 30, "dog": 10}
    assert (frame["duplicate_of"] == -1).all() and not frame["near_copy"].any()
    assert frame.attrs["inspection"]["classes"] == {"cat": 30, "dog": 10}


def test_the_command_prints_text_or_json(pets):
    from click.testing import CliRunner

    text = CliRunner().invoke(command, [str(pets), "--batch-size", "8"], catch_exceptions=False)
    assert "data: pets, 40 images of 2 classes" in text.output
    found = CliRunner().invoke(command, [str(pets), "--json"], catch_exceptions=False)
    assert json.loads(found.stdout)["name"] == "pets"


def test_partners_are_looked_at_and_what_they_hold_is_said(tmp_path):
    toy = toy_world(12)
    write_masks(toy, tmp_path / "masks")
    found = look(tmp_path / "masks", structure="pairs")
    text = "\n".join(found.lines())
    assert "12 pairs of files of equal stems: images from images/, 'mask' from masks/" in text
    assert f"mask (mask: background, {', '.join(SHAPES)})" in text
    share = (toy.masks == 0).mean()
    assert f"column 'mask': masks of 4 classes, of all pixels background {share:.1%}" in text
    assert json.loads(json.dumps(found.to_json()))["columns"][0].startswith("column 'mask'")
    write_coco(toy, tmp_path / "coco")
    coco = "\n".join(look(tmp_path / "coco", structure="coco").lines())
    assert "column 'keypoints': 5 joints, seen: top 100%" in coco
    write_pairs(toy, tmp_path / "pairs")
    pairs = "\n".join(look(tmp_path / "pairs", use="super-resolution").lines())
    assert "'source' from A/" in pairs and "column 'source': 12 images" in pairs
    with pytest.raises(SynthgenError, match="partners are not written"):
        look(tmp_path / "pairs", structure="pairs", out=str(tmp_path / "out"))
    with pytest.raises(SynthgenError, match=r"segmentation.*--structure pairs"):
        look(tmp_path / "masks")
    write_columns(toy, hide(toy), tmp_path / "columns")
    told = "\n".join(look(tmp_path / "columns", use="pose-to-person").lines())
    assert "note: 5 joints of columns top_x, top_y and so on" in told
    assert "column 'keypoints': 5 joints, seen: top " in told
    with pytest.raises(SynthgenError, match=r"COCO.*--structure coco"):
        look(tmp_path / "coco")


def test_a_mask_that_does_not_fit_ends_in_one_line(tmp_path):
    write_masks(toy_world(12), tmp_path)
    save(tmp_path / "masks" / "0002.png", np.zeros((32, 20), np.uint8))
    with pytest.raises(SynthgenError, match=r"0002.png: column 'mask': is 20x32") as caught:
        look(tmp_path, structure="pairs")
    assert "\n" not in str(caught.value)


def test_class_names_take_one_line_each(tmp_path):
    for number, name in enumerate(("a\nb", "\u202eevil", "dog ")):
        for k in range(3):
            pixels = np.random.default_rng([number, k]).integers(0, 255, (8, 8, 3), dtype=np.uint8)
            save(tmp_path / name / f"{k}.png", pixels)
    found = inspect(InspectSettings.parse({"data": str(tmp_path), "device": "cpu"}))
    lines = found.lines()
    assert not any("\n" in line or "\u202e" in line for line in lines)
    rows = [line for line in lines if line.startswith("  ")]
    assert [row.split("  ")[1].strip() for row in rows] == [r"a\nb", "'dog '", r"\u202eevil"]
