import datasets
import numpy as np
import pytest
from PIL import Image

from synthgen.data.cache import load_images
from synthgen.data.splits import hold_out
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings


def load(folder, **settings):
    return load_images(DataSettings.parse({"data": str(folder), **settings}))


def save(folder, name, pixels, count=1, suffix="png"):
    (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.fromarray(pixels).save(folder / name / f"{number}.{suffix}")


GREY = np.arange(64, dtype=np.uint8).reshape(8, 8)
RGB = np.zeros((8, 8, 3), dtype=np.uint8)


def test_a_folder_of_class_folders_gives_its_pixels_labels_and_names(digit_folder, digits):
    data = load(digit_folder)
    assert data.images.shape == (300, 8, 8, 1) and data.images.dtype == np.uint8
    assert data.classes == ("nought", "one", "two")
    assert data.labels.tolist() == [0] * 100 + [1] * 100 + [2] * 100
    images, labels = digits
    assert np.array_equal(data.images[:100], images[labels == 0][:100])
    assert data.name == "digits"


def test_the_second_load_decodes_nothing(digit_folder, monkeypatch):
    first = load(digit_folder)
    monkeypatch.setattr("synthgen.data.build.decode", lambda *a: pytest.fail("decoded again"))
    assert load(digit_folder).fingerprint == first.fingerprint


def test_a_changed_image_is_decoded_and_fingerprinted_anew(tmp_path):
    save(tmp_path / "d", "a", GREY, 3)
    before = load(tmp_path / "d", min_per_class=1)
    Image.fromarray(GREY.T.copy()).save(tmp_path / "d/a/0.png")
    after = load(tmp_path / "d", min_per_class=1)
    assert after.fingerprint != before.fingerprint
    assert np.array_equal(after.images[0, :, :, 0], GREY.T)


def test_the_same_images_elsewhere_have_the_same_fingerprint(tmp_path):
    save(tmp_path / "x", "a", GREY, 3)
    save(tmp_path / "y", "a", GREY, 3)
    one, two = (load(tmp_path / name, min_per_class=1) for name in "xy")
    assert one.fingerprint == two.fingerprint


def test_parquet_saved_and_hub_style_folders_agree(tmp_path, digits):
    images, labels = digits
    features = datasets.Features(
        {"img": datasets.Image(), "digit": datasets.ClassLabel(names=[str(k) for k in range(10)])}
    )
    table = datasets.Dataset.from_dict(
        {"img": [Image.fromarray(i[:, :, 0]) for i in images[:200]], "digit": labels[:200]},
        features=features,
    )
    (tmp_path / "parquet").mkdir()
    table.to_parquet(tmp_path / "parquet/train-00000-of-00001.parquet")
    table.save_to_disk(tmp_path / "disk")
    for folder in ("parquet", "disk"):
        data = load(tmp_path / folder)
        assert np.array_equal(data.images, images[:200])
        assert np.array_equal(data.labels, labels[:200])
        assert data.classes == tuple("0123456789")


def test_text_labels_become_classes_in_alphabetical_order(tmp_path):
    table = datasets.Dataset.from_dict(
        {"image": [Image.fromarray(GREY)] * 4, "label": ["pear", "fig", "pear", "fig"]},
        features=datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")}),
    )
    (tmp_path / "d").mkdir()
    table.to_parquet(tmp_path / "d/train.parquet")
    data = load(tmp_path / "d", min_per_class=1)
    assert data.classes == ("fig", "pear") and data.labels.tolist() == [1, 0, 1, 0]


def test_a_folder_divided_into_splits_is_read_split_by_split(tmp_path):
    save(tmp_path / "d/train", "a", GREY, 3)
    save(tmp_path / "d/test", "a", GREY, 2)
    assert len(load(tmp_path / "d", min_per_class=1).images) == 3
    assert len(load(tmp_path / "d", min_per_class=1, split="test").images) == 2
    assert load(tmp_path / "d", min_per_class=1).classes == ("a",)
    with pytest.raises(SynthgenError, match=r"no split 'dev' \(there are test, train\)"):
        load(tmp_path / "d", split="dev")


def test_parquet_without_the_features_metadata_is_read_too(tmp_path):
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    Image.fromarray(GREY).save(buffer, "PNG")
    images = [{"bytes": buffer.getvalue(), "path": None}] * 4
    (tmp_path / "d").mkdir()
    pq.write_table(pa.table({"image": images, "label": [3, 5, 3, 5]}), tmp_path / "d/train.parquet")
    data = load(tmp_path / "d", min_per_class=2)
    assert data.classes == ("3", "5") and np.array_equal(data.images[0, :, :, 0], GREY)


def test_a_full_disk_is_one_clear_line(tmp_path, monkeypatch):
    import errno

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    save(tmp_path / "d", "a", GREY, 3)
    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(SynthgenError, match="cannot write the image cache: No space left"):
        load(tmp_path / "d", min_per_class=1, cache_dir=str(tmp_path / "cache"))
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_a_subset_of_classes_keeps_the_order_asked_for(digit_folder):
    data = load(digit_folder, classes=("two", "nought"))
    assert data.classes == ("two", "nought")
    assert data.labels.tolist() == [1] * 100 + [0] * 100


def test_crop_keeps_the_middle_and_pad_keeps_all(tmp_path):
    wide = np.zeros((8, 16), dtype=np.uint8)
    wide[:, :4] = 255
    save(tmp_path / "d", "a", wide)
    cropped = load(tmp_path / "d", min_per_class=1, fit="crop").images[0]
    padded = load(tmp_path / "d", min_per_class=1, fit="pad").images[0]
    assert cropped.max() == 0
    assert padded.max() == 255 and padded[0].max() == 0


def test_transparency_is_laid_on_white(tmp_path):
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    (tmp_path / "d/a").mkdir(parents=True)
    clear.save(tmp_path / "d/a/0.png")
    assert load(tmp_path / "d", min_per_class=1).images.min() == 255


def test_every_kind_of_bad_input_is_one_clear_line(tmp_path, digit_folder):
    def fails(folder, words, **settings):
        with pytest.raises(SynthgenError, match=words) as caught:
            load(folder, **settings)
        assert "\n" not in str(caught.value)

    fails(tmp_path / "nowhere", "no such folder")
    fails(digit_folder, "class 'tow' is not in 'digits'.*did you mean 'two'", classes=("tow",))
    fails(digit_folder, "has 100 images, fewer than 101", min_per_class=101)
    (tmp_path / "flat").mkdir()
    Image.fromarray(GREY).save(tmp_path / "flat/0.png")
    fails(tmp_path / "flat", "1 files but no class folders")
    save(tmp_path / "empty", "a", GREY)
    (tmp_path / "empty/b").mkdir()
    fails(tmp_path / "empty", "empty/b: class folder without images")
    save(tmp_path / "mixed", "a", GREY, 2)
    save(tmp_path / "mixed", "b", RGB, 2)
    fails(tmp_path / "mixed", "mixes grey .*a/0.png.* and colour .*b/0.png", min_per_class=1)
    assert load(tmp_path / "mixed", min_per_class=1, color="rgb").image.channels == 3
    save(tmp_path / "bomb", "a", GREY, 2)
    fails(tmp_path / "bomb", "a/0.png: decompression bomb", min_per_class=1, max_pixels=10)


def test_an_unreadable_image_is_named_and_stops_or_is_counted(tmp_path):
    save(tmp_path / "d", "a", GREY, 3)
    (tmp_path / "d/a/1.png").write_bytes((tmp_path / "d/a/0.png").read_bytes()[:48])
    (tmp_path / "d/a/note.txt").write_text("not an image, and not meant as one")
    with pytest.raises(SynthgenError, match=r"a/1.png: .*--on-bad-image skip"):
        load(tmp_path / "d", min_per_class=1)
    data = load(tmp_path / "d", min_per_class=1, on_bad_image="skip")
    assert len(data.images) == len(data.labels) == 2
    assert len(data.skipped) == 1 and "a/1.png" in data.skipped[0]
    with pytest.raises(SynthgenError, match="class 'a' has 2 images, fewer than 3"):
        load(tmp_path / "d", min_per_class=3, on_bad_image="skip")


def test_a_label_column_of_the_wrong_type_is_named(tmp_path):
    table = datasets.Dataset.from_dict(
        {"image": [Image.fromarray(GREY)] * 2, "label": [0.5, 1.5]},
        features=datasets.Features({"image": datasets.Image(), "label": datasets.Value("float32")}),
    )
    (tmp_path / "d").mkdir()
    table.to_parquet(tmp_path / "d/train.parquet")
    with pytest.raises(SynthgenError, match="label column 'label' holds float32"):
        load(tmp_path / "d")
    with pytest.raises(SynthgenError, match=r"no split 'tset'.*train"):
        load(tmp_path / "d", split="tset")
    with pytest.raises(SynthgenError, match=r"no column 'labels' .*did you mean 'label'"):
        load(tmp_path / "d", label_column="labels")


def test_hold_out_takes_its_share_of_every_class():
    labels = np.repeat(np.arange(4), [100, 10, 2, 1])
    trained, held = hold_out(labels, 0.1, seed=3)
    assert np.bincount(labels[held]).tolist() == [10, 1, 1, 1]
    assert np.bincount(labels[trained]).tolist() == [90, 9, 1, 1]
    shared = set(trained.tolist()) & set(held.tolist())
    assert shared == {112}  # the class of a single image is on both sides
    again = hold_out(labels, 0.1, seed=3)
    assert np.array_equal(trained, again[0]) and np.array_equal(held, again[1])
    assert not np.array_equal(held, hold_out(labels, 0.1, seed=4)[1])


def test_a_limit_takes_the_same_few_of_each_class_nested_by_size(digit_folder, tmp_path):
    def load(limit, seed=0):
        values = {"data": str(digit_folder), "cache_dir": str(tmp_path), "limit_seed": seed}
        return load_images(DataSettings.parse({**values, "limit_per_class": limit}))

    few, more = load(10), load(20)
    assert np.bincount(few.labels).tolist() == [10, 10, 10]
    seen = {image.tobytes() for image in more.images}
    assert all(image.tobytes() in seen for image in few.images)
    assert len({few.fingerprint, more.fingerprint, load(10, seed=1).fingerprint}) == 3
    assert load(10).fingerprint == few.fingerprint
