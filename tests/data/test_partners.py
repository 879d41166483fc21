"""Images with masks, joints and other images: each form is read to the same truth."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from partners import IMAGE, MASK, TOY, check, read, refused, settings
from PIL import Image as Pillow
from toy_world import (
    MASK_NAMES,
    SHAPES,
    write_coco,
    write_masks,
    write_metadata,
    write_pairs,
    write_side_by_side,
)

from synthgen.data.records import load_records, open_rows
from synthgen.data.sources import open_source


def png(pixels):
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write_table(folder):
    rows = range(len(TOY))
    folder.mkdir()
    table = {
        "image": [{"bytes": png(TOY.images[row]), "path": None} for row in rows],
        "source": [{"bytes": png(TOY.twins[row]), "path": None} for row in rows],
        "mask": [{"bytes": png(TOY.masks[row]), "path": None} for row in rows],
        "keypoints": TOY.keypoints.reshape(len(TOY), -1).tolist(),
        "label": [SHAPES[label] for label in TOY.labels],
    }
    pq.write_table(pa.table(table), folder / "rows.parquet")
    return folder


@pytest.mark.parametrize(
    ("write", "names", "options", "said"),
    [
        (write_masks, ["mask"], {}, "'mask' from masks/"),
        (write_masks, ["mask"], {"structure": "pairs"}, "mask (mask: background, square"),
        (write_pairs, ["source"], {}, "images from B/, 'source' from A/"),
        (write_side_by_side, ["source"], {"structure": "side-by-side"}, "the right half"),
        (write_coco, ["mask", "keypoints"], {}, "keypoints (joints: top, left"),
        (write_coco, ["mask", "keypoints"], {"structure": "coco"}, "12 annotations of 3"),
        (lambda _, folder: write_table(folder), ["source", "mask", "keypoints"],
         {"image_column": "image"}, "image column 'image'"),
        (write_metadata, ["source", "mask", "keypoints"], {"structure": "labels"}, "metadata"),
    ],
)  # fmt: skip
def test_each_form_is_read_to_the_same_truth(write, names, options, said, tmp_path):
    records = read(write(TOY, tmp_path / "data"), *names, **options)
    check(records)
    assert set(records.columns) == {"image", *names}
    assert said in "\n".join(records.lines())


def test_which_of_a_pair_is_made_is_an_option(tmp_path):
    write_pairs(TOY, tmp_path / "pairs")
    write_side_by_side(TOY, tmp_path / "halves")
    turned = read(tmp_path / "pairs", "source", image_column="A")
    halves = read(tmp_path / "halves", "source", structure="side-by-side", image_column="left")
    for records in (turned, halves):
        assert (records.columns["image"] == TOY.twins).all()
        assert (records.columns["source"] == TOY.images).all()
    named = read(tmp_path / "pairs", "source", columns={"image": "A"})
    assert (named.columns["image"] == TOY.twins).all()
    refused("left or right, not 'top'", tmp_path / "halves", structure="side-by-side",
            image_column="top")  # fmt: skip


def test_a_field_alone_is_read_from_its_own_column_or_from_plain_files(tmp_path):
    write_pairs(TOY, tmp_path)
    for folder in (tmp_path, tmp_path / "A"):
        records = load_records(settings(folder), {"source": IMAGE}, labelled=False)
        assert (records.columns["source"] == TOY.twins).all()
    write_masks(TOY, tmp_path / "scenes")
    alone = load_records(
        settings(tmp_path / "scenes" / "masks", mask_names=MASK_NAMES), {"mask": MASK}
    )
    assert (alone.columns["mask"] == TOY.masks).all()


def test_two_images_in_one_file_are_never_guessed(tmp_path):
    write_side_by_side(TOY, tmp_path)
    source = open_rows(settings(tmp_path))
    assert source.understood.structure == "flat" and not source.understood.columns


def test_folders_of_pairs_are_classes_where_no_use_reads_them(tmp_path):
    write_pairs(TOY, tmp_path)
    assert open_source(settings(tmp_path), "train").classes == ("A", "B")
    assert open_rows(settings(tmp_path, structure="classes")).classes == ("A", "B")


def test_classes_of_pairs_are_their_sub_folders(tmp_path):
    write_pairs(TOY, tmp_path, classes=True)
    records = read(tmp_path, "source")
    assert records.classes == ("disc", "square", "triangle")
    order = np.argsort([SHAPES[label] for label in TOY.labels], kind="stable")
    check(records, order=order)
    assert [records.classes[k] for k in records.labels] == [SHAPES[k] for k in TOY.labels[order]]
    merged = read(tmp_path, "source", labelled=False)
    assert merged.classes == ("all",) and not merged.labels.any()
    check(merged, order=order)


@pytest.mark.parametrize("form", ["inside", "outside"])
def test_a_split_of_pairs_is_read_alone(form, tmp_path):
    for split, part in (("train", slice(0, 8)), ("test", slice(8, 12))):
        for name, pixels in (("A", TOY.twins), ("B", TOY.images)):
            parts = (split, name) if form == "outside" else (name, split)
            folder = tmp_path.joinpath(*parts)
            folder.mkdir(parents=True)
            for row in range(12)[part]:
                Pillow.fromarray(pixels[row]).save(folder / f"{row:04d}.png")
    check(read(tmp_path, "source"), order=slice(0, 8))
    check(read(tmp_path, "source", split="test"), order=slice(8, 12))


def test_names_are_given_or_lie_beside_and_values_may_be_any(tmp_path):
    write_masks(TOY, tmp_path)
    (tmp_path / "classes.json").unlink()
    assert "have no names" in "\n".join(read(tmp_path).lines())
    check(read(tmp_path, "mask", mask_names=MASK_NAMES))
    for path in sorted((tmp_path / "masks").iterdir()):
        Pillow.fromarray(np.array(Pillow.open(path)) * 80).save(path)
    values = {str(80 * value): name for value, name in enumerate(MASK_NAMES)}
    (tmp_path / "classes.json").write_text(json.dumps(values))
    check(read(tmp_path, "mask"))


def test_masks_in_colours_need_a_palette(tmp_path):
    write_masks(TOY, tmp_path)
    colors = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], dtype=np.uint8)
    for row, mask in enumerate(TOY.masks):
        Pillow.fromarray(colors[mask]).save(tmp_path / "masks" / f"{row:04d}.png")
    refused("is in colours.*palette", tmp_path, "mask")
    record = {"classes": list(MASK_NAMES), "palette": colors.tolist()}
    (tmp_path / "classes.json").write_text(json.dumps(record))
    check(read(tmp_path, "mask"))


def test_the_values_of_a_mask_are_those_that_were_written(tmp_path):
    write_masks(TOY, tmp_path)
    first = tmp_path / "masks" / "0000.png"
    for picture in (
        Pillow.fromarray(TOY.masks[0].astype(np.uint16)),
        Pillow.fromarray(TOY.masks[0][..., None].repeat(3, axis=2)),
    ):
        picture.save(first)
        check(read(tmp_path, "mask"))
    small = Pillow.fromarray(TOY.masks[0], mode="P")
    small.putpalette([0, 0, 0, 9, 9, 9])
    small.save(first, bits=2)
    check(read(tmp_path, "mask"))
    Pillow.fromarray(TOY.masks[0]).save(first.with_suffix(".jpg"))
    first.unlink()
    refused("is a JPEG, which changes", tmp_path, "mask")
