"""Solids and views as people have them, and what is said of those that cannot be read."""

import json

import datasets
import numpy as np
import pytest
from PIL import Image
from solids import ANGLES, binvox, write_solids, write_table, write_views
from toy_world import SHAPES, toy_world, write_photos

from synthgen.data.binvox import read_binvox
from synthgen.data.decode import BadImage
from synthgen.data.offered import offered_fields
from synthgen.data.records import load_records
from synthgen.data.solids import Told, grid_of
from synthgen.data.sources import open_source
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.solids import Views, Voxels

TOY = toy_world(12, 32)
SOLID, SEEN = Voxels(16), Views(4, 16, 16, 3, ANGLES)


def settings(folder, **changes):
    return DataSettings(data=str(folder), min_per_class=1, **changes)


def read(folder, fields, **changes):
    return load_records(settings(folder, **changes), fields, main="image" if changes else None)


def among(rows, known):
    """Which of the ``known`` rows each row is."""
    found = {each.tobytes(): row for row, each in enumerate(known)}
    return [found[np.ascontiguousarray(row).tobytes()] for row in rows]


HAND = b"#binvox 1\ndim 2 2 2\ntranslate 0 0 0\nscale 1\ndata\n" + bytes([0, 1, 1, 1, 0, 6])
"""One voxel filled, the second: x 0, z 0, y 1, which is above."""


def test_a_binvox_file_made_by_hand():
    expected = np.zeros((2, 2, 2), np.uint8)
    expected[0, 0, 0] = 1  # in front, above, on the left
    assert (read_binvox(HAND) == expected).all()
    second = HAND[:-6] + bytes([0, 4, 1, 1, 0, 3])  # x 1, z 0, y 0: on the right, below
    assert read_binvox(second)[0, 1, 1] == 1
    third = HAND[:-6] + bytes([0, 2, 1, 1, 0, 5])  # x 0, z 1, y 0: behind, below
    assert read_binvox(third)[1, 1, 0] == 1
    assert (read_binvox(binvox(TOY.voxels[0])) == TOY.voxels[0]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: b[:-2], "cut off or damaged"),
        (lambda b: b[:-1], "no length"),
        (lambda b: b.replace(b"dim 2 2 2", b"dim 2 2 3"), "one side"),
        (lambda b: b.replace(b"dim 2 2 2", b"dim two"), "does not say its size"),
        (lambda b: b.replace(b"dim 2 2 2", b"dim 999 999 999"), "1 to 256"),
        (lambda b: b.replace(b"data", b"dota"), "no binvox file"),
    ],
)
def test_a_damaged_binvox_file_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        read_binvox(change(HAND))


def test_cells_of_every_form_are_the_same_solid():
    solid = TOY.voxels[1]
    packed = np.packbits(solid).tobytes()
    for cell in (solid, solid.astype(bool), solid * 0.9, solid.tolist(), solid.reshape(-1), packed):
        assert (grid_of(cell, Told()) == solid).all()
    axes = solid[:, ::-1].transpose(2, 0, 1)
    assert (grid_of(axes, Told(binvox=True)) == solid).all()
    assert (grid_of(axes, Told()) != solid).any()


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (np.zeros((4, 4, 4)), "is an empty grid"),
        (np.ones((4, 4, 3)), "is 4 x 4 x 3"),
        (np.full((4, 4, 4), np.nan), "no numbers"),
        (b"12345", "no packed cube"),
        ([[1, 2], [3]], "no grid of voxels"),
        ("words", "no grid of voxels"),
    ],
)
def test_what_is_no_solid_is_refused(cell, said):
    with pytest.raises(ValueError, match=said):
        grid_of(cell, Told())


@pytest.mark.parametrize("form", ["npy", "binvox"])
@pytest.mark.parametrize("classes", [True, False])
def test_files_in_class_folders_and_loose(tmp_path, form, classes):
    folder = write_solids(TOY, tmp_path / "solids", form=form, classes=classes)
    source = open_source(settings(folder), "train")
    assert source.classes == (tuple(sorted(SHAPES)) if classes else ("all",))
    data = read(folder, {"voxels": SOLID})
    assert sorted(among(data.columns["voxels"], TOY.voxels)) == list(range(12))


@pytest.mark.parametrize("form", ["packed", "array", "lists"])
def test_columns_of_a_table(tmp_path, form):
    folder = write_table(TOY, tmp_path / form, form)
    name = "shape" if form == "array" else "voxels"
    data = load_records(settings(folder), {"voxels": SOLID, "views": SEEN}, {"voxels": name})
    assert among(data.columns["voxels"], TOY.voxels) == list(range(12))
    assert [data.classes[label] for label in data.labels] == [SHAPES[k] for k in TOY.labels]
    assert (data.columns["views"][:, 0] != data.columns["views"][:, 1]).any()


@pytest.mark.parametrize("solids", [True, False])
def test_views_in_a_folder_for_each_object_come_in_the_order_of_their_angles(tmp_path, solids):
    folder = write_views(TOY, tmp_path / "views", solids=solids)
    field = Views(4, 32, 32, 3, ANGLES)
    wanted = {"views": field} | ({"voxels": SOLID} if solids else {})
    data = read(folder, wanted)
    rows = among(data.columns["views"], TOY.views)
    assert sorted(rows) == list(range(12))
    if solids:
        assert among(data.columns["voxels"], TOY.voxels) == rows
    turned = Views(4, 32, 32, 3, (90.0, 180.0, 270.0, 0.0))
    assert (read(folder, {"views": turned}).columns["views"][:, 3]
            == data.columns["views"][:, 0]).all()  # fmt: skip


def test_what_is_beside_the_data_says_order_and_angles(tmp_path):
    folder = write_solids(TOY, tmp_path / "solids", classes=False)
    for row in range(12):
        np.save(folder / f"{row:04d}.npy", TOY.voxels[row][:, ::-1].transpose(2, 0, 1))
    (folder / "solids.json").write_text(json.dumps({"order": "binvox"}))
    assert among(read(folder, {"voxels": SOLID}).columns["voxels"], TOY.voxels) == list(range(12))
    (folder / "solids.json").write_text(json.dumps({"order": "upside down"}))
    with pytest.raises(SynthgenError, match=r"solids.json: cannot be read"):
        read(folder, {"voxels": SOLID})
    seen = write_views(TOY, tmp_path / "seen", angles=False)
    (seen / "solids.json").write_text(json.dumps({"angles": [0, 270, 180, 90]}))
    data = read(seen, {"views": Views(4, 32, 32, 3, ANGLES)})
    assert sorted(among(data.columns["views"], TOY.views)) == list(range(12))


def refused(folder, fields, match):
    with pytest.raises(SynthgenError, match=match) as caught:
        read(folder, fields)
    assert "\n" not in str(caught.value)


def test_mistakes_are_told_in_one_line(tmp_path):
    folder = write_solids(TOY, tmp_path / "a", classes=False)
    np.save(folder / "0007.npy", np.ones((4, 4, 4), np.uint8))
    refused(folder, {"voxels": SOLID}, r"0007.npy.*a grid of 4 x 4 x 4, not 16")
    np.save(folder / "0007.npy", np.zeros((16, 16, 16), np.uint8))
    refused(folder, {"voxels": SOLID}, r"0007.npy.*is an empty grid")
    seen = write_views(TOY, tmp_path / "b", angles=False)
    refused(seen, {"views": SEEN}, r"views without angles: add a column 'angles'")
    seen = write_views(TOY, tmp_path / "c")
    refused(seen, {"views": Views(4, 8, 8, 3, (0.0, 45.0, 90.0, 135.0))}, "are wanted")
    refused(seen, {"views": Views(3, 8, 8, 3, (0.0, 90.0, 180.0))}, "4 views, not 3")
    lines = (seen / "views.csv").read_text().splitlines()
    (seen / "views.csv").write_text("\n".join(lines[:-1]))
    refused(seen, {"views": SEEN}, "without an angle in views.csv")
    (seen / "views.csv").write_text("file,degrees\na,b\n")
    refused(seen, {"views": SEEN}, "its columns are file_name")


def test_images_beside_arrays_are_images_as_before(tmp_path):
    folder = write_photos(TOY, tmp_path / "photos", classes=True)
    np.save(folder / "disc" / "features.npy", TOY.voxels[0])
    source = open_source(settings(folder), "train")
    assert len(source.labels) == 12 and not source.understood.columns
    bad = open_source(settings(write_solids(TOY, tmp_path / "s")), "train")
    assert not any(isinstance(file, BadImage) for file, _ in bad.encoded(range(12)))


def test_arrays_that_are_no_cubes_are_still_explained(tmp_path):
    np.save(tmp_path / "x_train.npy", np.zeros((10, 28, 28), np.uint8))
    with pytest.raises(SynthgenError, match="NumPy arrays"):
        open_source(settings(tmp_path), "train")


def told(folder, old, new):
    path = folder / "views.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return folder


def test_views_that_cannot_be_used_never_give_way_to_silhouettes(tmp_path):
    nan = told(write_views(TOY, tmp_path / "nan"), ",90", ",nan")
    refused(nan, {"views": SEEN}, r"views.csv line \d+: the angle of views/.*png is 'nan'")
    twice = told(write_views(TOY, tmp_path / "twice"), ",90", ",360")
    refused(twice, {"views": SEEN}, r"views.csv line \d+: .*png has the angle of .*png, 0 degrees")
    alone = write_solids(TOY, tmp_path / "alone", classes=False)
    (alone / "views.csv").write_text("file_name,angle\n0000/a.png,0\n")
    refused(alone, {"voxels": SOLID}, "there is no folder views/ beside it")
    table = write_table(TOY, tmp_path / "table", "packed")
    rows = datasets.load_dataset(str(table), split="train").remove_columns("angles")
    rows.add_column("angles", [[0.0, 0.0, 90.0, 180.0]] * len(TOY)).to_parquet(
        str(table / "train.parquet")
    )
    known = open_source(settings(table), "train").understood.columns
    with pytest.raises(SynthgenError, match=r"row 0: has angles .*twice; no views of the first"):
        offered_fields(known, ImageSpec(16, 16, 1))


def test_views_of_another_size_are_refused_and_empty_ones_counted(tmp_path):
    folder = write_views(TOY, tmp_path / "views", classes=False)
    for name in ("a", "c"):
        Image.new("RGB", (32, 32)).save(folder / "views" / "0003" / f"{name}.png")
    data = read(folder, {"voxels": SOLID, "views": SEEN})
    assert len(data.warned) == 1 and "0003.npy" in data.warned[0]
    assert data.warned[0].startswith("2 of 48 views in column 'views' show nothing")
    assert any("warning: 2 of 48" in line for line in data.lines())
    for view in (folder / "views" / "0003").iterdir():  # alike among themselves
        Image.open(view).resize((40, 32)).save(view)
    refused(folder, {"views": SEEN}, r"0003.npy.*degrees is 40x32, and others are 32x32")
    (folder / "views" / "0003" / "a.png").unlink()
    refused(folder, {"views": SEEN}, r"lacks the view views/0003/a.png, which views.csv names")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (np.ones((16, 16, 8), bool), "is 16 x 16 x 8: a cube of voxels is wanted"),
        (np.ones((1, 16, 16, 16), bool), "is 1 x 16 x 16 x 16: a cube of voxels is wanted"),
        (np.array([{1: 2}], dtype=object), "Python objects, which are never loaded.*a cube"),
        (b"xx", "is no .npy file.*a cube"),
    ],
)
def test_a_first_file_that_is_no_cube_is_told_with_its_shape(tmp_path, content, said):
    folder = write_solids(TOY, tmp_path / "solids", classes=False)
    if isinstance(content, bytes):
        (folder / "0000.npy").write_bytes(content)
    else:
        np.save(folder / "0000.npy", content, allow_pickle=True)
    refused(folder, {"voxels": SOLID}, rf"0000.npy.*{said}")


def test_a_folder_of_view_folders_alone_is_told_what_is_wanted(tmp_path):
    folder = write_views(TOY, tmp_path / "views", classes=False) / "views"
    refused(folder, {"views": SEEN}, r"views/NAME/ .* and views.csv .* beside views/")
