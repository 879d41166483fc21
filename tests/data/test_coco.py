"""COCO's outlines and run lengths; masks and joints go the way that their image goes."""

import json

import numpy as np
import pytest
from partners import MASK, POINTS, TOY, settings
from PIL import Image as Pillow
from toy_world import (
    write_coco,
)

from synthgen.data.coco import shape_of
from synthgen.data.offered import offered_fields
from synthgen.data.records import load_records
from synthgen.spec.fields import Image
from synthgen.spec.maps import Keypoints, Mask


def test_a_polygon_holds_the_pixels_whose_centres_lie_in_it():
    found = shape_of([[4, 2, 10, 2, 10, 7, 4, 7]], 12, 14)
    truth = np.zeros((12, 14), bool)
    truth[2:7, 4:10] = True
    assert (found == truth).all()
    disc = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    points = np.stack([20 + 9.3 * np.cos(disc), 16 + 9.3 * np.sin(disc)], axis=1)
    down, across = np.mgrid[:32, :40] + 0.5
    inside = (across - 20) ** 2 + (down - 16) ** 2 < 9.3**2
    assert (shape_of([points.reshape(-1).tolist()], 32, 40) != inside).sum() <= 4


def packed(counts):
    """COCO's text of run lengths, as its format says."""
    text = ""
    for place, count in enumerate(counts):
        value, more = count - (counts[place - 2] if place > 2 else 0), True
        while more:
            bits = value & 31
            value >>= 5
            more = value != -1 if bits & 16 else value != 0
            text += chr(bits + 32 * more + 48)
    return text


def test_run_lengths_in_text():
    assert packed([16]) == "`0"
    assert not shape_of({"counts": "`0", "size": [4, 4]}, 4, 4).any()
    rng = np.random.default_rng(0)
    for _ in range(30):
        mask = rng.random((17, 40)) < rng.random() ** 3
        flat = mask.T.reshape(-1)
        edges = np.flatnonzero(np.diff(flat.astype(int))) + 1
        counts = np.diff([0, *([0] if flat[0] else []), *edges.tolist(), flat.size]).tolist()
        for text in (counts, packed(counts)):
            assert (shape_of({"counts": text, "size": [17, 40]}, 17, 40) == mask).all()


# What lies beside an image goes the way the image goes.


def _marked(rng):
    """A picture of any shape with a bright box on it, and the box as a mask and as a place."""
    high, wide = rng.integers(40, 90, 2).tolist()
    least = min(high, wide)
    top, left = (high - least) // 2, (wide - least) // 2  # the part that a crop leaves
    y, x = (
        int(rng.integers(top + 2, top + least - 14)),
        int(rng.integers(left + 2, left + least - 14)),
    )
    mask = np.zeros((high, wide), np.uint8)
    mask[y : y + 12, x : x + 12] = 1
    return mask, [x + 5.5, y + 5.5]


@pytest.mark.parametrize("fit", ["crop", "pad"])
@pytest.mark.parametrize("turned", [False, True])
def test_mask_and_joints_lie_where_the_image_shows_them(fit, turned, tmp_path):
    rng = np.random.default_rng(1)
    images, marks = [], []
    for number in range(20):
        mask, (x, y) = _marked(rng)
        file = tmp_path / "images" / f"{number:02d}.png"
        file.parent.mkdir(exist_ok=True)
        picture, exif = Pillow.fromarray(mask * 255).convert("RGB"), Pillow.Exif()
        if turned:  # the file lies on its side, and says so
            picture = picture.transpose(Pillow.Transpose.ROTATE_90)
            exif[0x0112] = 6
        picture.save(file, exif=exif)
        high, wide = mask.shape
        images.append({"id": number, "file_name": file.name, "height": high, "width": wide})
        at = [int(x - 5.5), int(y - 5.5)]
        box = [at[0], at[1], at[0] + 12, at[1], at[0] + 12, at[1] + 12, at[0], at[1] + 12]
        marks.append({"id": number, "image_id": number, "category_id": 1, "area": 144,
                      "segmentation": [box], "keypoints": [x, y, 2]})  # fmt: skip
    kinds = [{"id": 1, "name": "box", "keypoints": ["middle"]}]
    record = {"images": images, "annotations": marks, "categories": kinds}
    (tmp_path / "boxes.json").write_text(json.dumps(record))
    fields = {"image": Image(24, 24, 1), "mask": Mask(("background", "box"), 24, 24),
              "keypoints": Keypoints(("middle",), 24, 24)}  # fmt: skip
    how = settings(tmp_path, fit=fit, resolution=24, color="grey")
    records = load_records(how, fields)
    for image, mask, joints in zip(*(records.columns[name] for name in fields), strict=True):
        for weights in (image[..., 0].astype(float), mask.astype(float)):
            down, across = np.mgrid[:24, :24]
            middle = [(at * weights).sum() / weights.sum() for at in (across, down)]
            assert np.abs(np.array(middle) - joints[0, :2]).max() < 0.8
        assert joints[0, 2] == 1


def test_columns_are_offered_as_the_fields_that_they_are(tmp_path):
    write_coco(TOY, tmp_path)
    found = {}
    load_records(
        settings(tmp_path), lambda source, data: found.update(
            offered_fields(source.understood.columns, data.image)) or found,
        main="image",
    )  # fmt: skip
    assert found == {"mask": MASK, "keypoints": POINTS}
