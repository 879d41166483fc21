"""Conditioned generators from Python: the images and columns are those of the command line."""

import datasets
import numpy as np
import pytest
from edited import FIELD, rows_of
from golden import BUNDLES
from PIL import Image as Pillow
from toy_world import toy_world
from untrained import untrained

import synthgen
from synthgen.generators import zoo
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.texts import Text
from synthgen.stages.sample.stage import sample

TOY = toy_world(12, 16)
SMALL = {"width": 4, "width_d": 4}
BUILT = {
    "edit-attributes": ({**SMALL, "blocks": 1, "d_steps": 1}, {"attributes": FIELD}),
    "super-resolution": ({**SMALL, "width": 8, "width_d": 8, "blocks": 1}, {}),
    "text-to-image": (
        {**SMALL, "widest": 8, "text": 16, "told": 8, "latent": 8}, {"caption": Text(64, 64)},
    ),
    "image-to-image": (SMALL, {"source": Image(16, 16, 3)}),
}  # fmt: skip


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A function that opens a generator of a use, whose networks have learnt nothing."""
    root = tmp_path_factory.mktemp("bundles")

    def of(name):
        options, columns = BUILT[name]
        further = {"scale": 2} if name == "super-resolution" else {}
        if not (root / name).exists():
            untrained(root / name, name, options, columns, **further)
        return synthgen.load_generator(str(root / name), "cpu", "fp32")

    return of


@pytest.fixture(scope="module")
def translator():
    return synthgen.load_generator(str(BUNDLES / "cyclegan"), "cpu", "fp32")


@pytest.fixture(scope="module")
def digits_generator():
    return synthgen.load_generator(str(BUNDLES / "r3gan"), "cpu", "fp32")


def test_given_rows_of_a_folder_become_what_the_command_line_makes(translator, digits, tmp_path):
    images, labels = digits
    for label, name in enumerate(translator.classes):
        (tmp_path / "given" / name).mkdir(parents=True)
        for number, pixels in enumerate(images[labels == label][:6]):
            Pillow.fromarray(255 - pixels[:, :, 0]).save(
                tmp_path / "given" / name / f"{number}.png"
            )
    settings = {
        "generator": str(BUNDLES / "cyclegan"), "source": str(tmp_path / "given"), "n": 18,
        "filters": "none", "device": "cpu", "precision": "fp32", "batch_size": 8,
        "out": str(tmp_path / "out"),
    }  # fmt: skip
    rows = datasets.load_dataset(str(sample(SampleSettings.parse(settings)).root), split="train")
    found = translator.sample_rows(given=tmp_path / "given", batch_size=8)
    assert found.images.shape == (18, 8, 8, 1) and found.images.dtype == np.uint8
    assert list(found.columns["label"]) == [n for n in translator.classes for _ in range(6)]
    wanted = {np.asarray(row["source"]).tobytes(): np.asarray(row["image"]) for row in rows}
    for image, source in zip(found.images, found.columns["source"], strict=True):
        assert np.array_equal(wanted[source.tobytes()], image[:, :, 0])
    again = translator.sample(given=str(tmp_path / "given"), batch_size=18)
    assert np.abs(again.astype(int) - found.images).max() <= 1


def test_images_in_memory_keep_their_order(translator, digits):
    images, labels = digits
    rows = np.flatnonzero(labels < 3)[:9]
    named = [translator.classes[label] for label in labels[rows]]
    given = {"source": 255 - images[rows], "label": named}
    found = translator.sample_rows(given=given)
    assert np.array_equal(found.columns["source"], 255 - images[rows])
    assert found.columns["label"] == named
    assert np.array_equal(translator.sample(named, given=255 - images[rows]), found.images)
    with pytest.raises(SynthgenError, match="say the class of each row in a column 'label'"):
        translator.sample(given=images[:2])


def test_images_to_enlarge_may_be_large_or_small(opened):
    generator = opened("super-resolution")
    small = generator.sample_rows(given=TOY.images)
    (name,) = generator.given
    shrunk = small.columns[name]
    assert shrunk.shape == (12, 8, 8, 3) and small.images.shape == (12, 16, 16, 3)
    assert np.array_equal(generator.sample(given=shrunk), small.images)
    assert np.array_equal(generator.sample(given=[*map(Pillow.fromarray, shrunk)]), small.images)


def test_attributes_are_asked_for_and_a_row_keeps_its_own(opened):
    generator = opened("edit-attributes")
    own = rows_of(TOY)
    given = {"image": TOY.images, "attributes": own}
    found = generator.sample_rows(given=given, set={"color": "green"})
    assert np.array_equal(found.columns["source"], TOY.images)
    np.testing.assert_array_equal(found.columns["source_attributes"], own)
    green = own.copy()
    green[:, 0] = FIELD.choices["color"].index("green")
    np.testing.assert_array_equal(found.columns["attributes"], green)
    unknown = generator.sample_rows(given=TOY.images, set={"large": True})
    assert np.isnan(unknown.columns["source_attributes"]).all()
    assert set(unknown.columns["attributes"][:, 2]) == {1.0}


def test_each_prompt_becomes_an_image(opened):
    generator = opened("text-to-image")
    texts = ["a red disc", "a  blue square", "a red disc"]
    found = generator.sample_rows(prompts=texts, batch_size=4)
    assert found.columns["caption"] == ["a red disc", "a blue square", "a red disc"]
    assert found.images.shape == (3, 16, 16, 3)
    assert np.array_equal(generator.sample(prompts=texts, batch_size=4), found.images)
    assert len(generator.sample(prompts=texts[:2], per_prompt=4, batch_size=8)) == 8


@pytest.mark.parametrize(
    ("name", "asked", "words"),
    [
        ("image-to-image", {}, "give rows that have source with --given"),
        ("image-to-image", {"given": {"sorce": TOY.images}}, "no column 'sorce' .*'source'"),
        ("image-to-image", {"given": {"source": TOY.images[:0]}}, "at least one"),
        ("image-to-image", {"given": {"source": ["x"]}}, "row 0, column 'source'"),
        ("image-to-image", {"prompts": ["a"]}, "is given no captions"),
        ("edit-attributes", {"given": TOY.images, "set": {"colr": 1}}, "did you mean 'color'"),
        ("edit-attributes", {"given": TOY.images, "sett": {}}, "unknown key 'sett'"),
        ("edit-attributes", {"given": TOY.images, "filters": "none"}, "'filters' is of datasets"),
    ],
)
def test_mistakes_are_told(name, asked, words, opened):
    with pytest.raises(SynthgenError, match=words):
        opened(name).sample(**asked)


@pytest.mark.parametrize(
    ("labels", "asked", "words"),
    [
        (["one"], {"n": 3}, "say labels or n, not both"),
        (["one"], {"per_class": 3}, "say labels or per_class, not both"),
        ([1.5], {}, "class 1.5: is no name and no whole number"),
        ([9], {}, "class 9 is not in"),
        (None, {"seed": -1}, "seed is -1, not a whole number from 0"),
        (None, {"seed": 0.5}, "seed is 0.5, not"),
        (None, {"latent_std": 0.0}, "latent_std is 0.0, not a number above 0"),
        (None, {"truncation": -0.1}, "truncation is -0.1, not a number from 0"),
        (None, {"truncation": float("nan")}, "truncation is nan"),
        (None, {"batch_size": 0}, "batch_size is 0, not a whole number from 1"),
    ],
)
def test_python_is_refused_what_the_command_line_refuses(labels, asked, words, digits_generator):
    for ask in (digits_generator.sample, digits_generator.sample_rows):
        with pytest.raises(SynthgenError, match=words):
            ask(labels, **asked)


def test_whole_numbers_of_numpy_are_classes(digits_generator):
    found = digits_generator.sample(np.array([1, 0]), seed=np.int64(3))
    assert np.array_equal(found, digits_generator.sample([1, 0], seed=3))


def test_a_generator_that_was_opened_elsewhere_says_where_to_open_it():
    plain = zoo.load_generator(str(BUNDLES / "cyclegan"), "cpu", "fp32")
    with pytest.raises(SynthgenError, match=r"synthgen\.load_generator"):
        plain.sample(["one"])


def test_batch_size_changes_no_image_of_a_prompt_and_is_on_record(opened, tmp_path):
    generator = opened("text-to-image")
    (tmp_path / "prompts.txt").write_text("a red disc\na blue square\na green thing\n")

    def made(size, mode="new", out=None):
        settings = {
            "generator": str(generator.folder), "prompts": str(tmp_path / "prompts.txt"),
            "per_prompt": 4, "filters": "none", "device": "cpu", "precision": "fp32",
            "batch_size": size, "out": str(out or tmp_path / str(size)),
        }  # fmt: skip
        root = sample(SampleSettings.parse(settings), mode).root
        rows = datasets.load_dataset(str(root), split="train")
        return {(row["caption"], row["candidate"]): np.asarray(row["image"]) for row in rows}

    few, many = made(4), made(16)
    assert few.keys() == many.keys() and len(few) == 12
    assert all(np.abs(few[key].astype(int) - many[key]).max() <= 1 for key in few)
    with pytest.raises(SynthgenError, match="batch_size"):
        made(16, "resume", tmp_path / "4")
