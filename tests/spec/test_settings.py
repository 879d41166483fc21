import shlex

import pytest
import torch

from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Label
from synthgen.spec.image import quantise, to_float, to_uint8
from synthgen.spec.settings.base import read_yaml
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings


def test_every_grey_level_survives_the_way_into_the_models_and_back():
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1)
    assert torch.equal(to_uint8(to_float(levels)), levels)
    assert to_float(levels).min() == -1 and to_float(levels).max() == 1
    wild = torch.tensor([[[[-9.0, 9.0, float("nan"), float("inf")]]]])
    assert to_uint8(wild).flatten().tolist() == [0, 255, 0, 255]


@pytest.mark.parametrize("shape", [(5, 1, 7, 6), (5, 3, 7, 6), (5, 3, 300, 300)])
def test_an_image_that_is_not_finite_is_told_apart_and_harms_no_other(shape):
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    expected = to_uint8(images)
    expected[1, 2, 3, 0], expected[4, 6, 5, -1] = 0, 255
    images[1, 0, 2, 3], images[4, -1, 6, 5] = float("nan"), float("inf")
    pixels, finite = quantise(images)
    assert finite.tolist() == [True, False, True, True, False]
    assert torch.equal(pixels, expected)
    plain = images[0].permute(1, 2, 0).add(1).mul(127.5).round().byte()
    assert torch.equal(pixels[0], plain)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"n": 5, "sed": 1}, "unknown key 'sed'; did you mean 'seed'"),
        ({"n": 0}, "'n' is 0: .*greater than or equal to 1"),
        ({}, "give either n"),
        ({"n": 1, "per_class": 1}, "give either n"),
        ({"n": 1, "classes": ()}, "name at least one class"),
        ({"n": 1, "splits": {"train": 0.5}}, "add up to 0.5, not 1"),
        ({"n": 1, "splits": {"../x": 1.0}}, "split name"),
        ({"n": 1, "image_format": "gif"}, "'image_format' is 'gif'"),
        ({"n": 1, "latent_std": "wide"}, "'latent_std' is 'wide'"),
    ],
)
def test_wrong_settings_are_one_clear_line(values, words):
    with pytest.raises(SynthgenError, match=words) as caught:
        SampleSettings.parse(values, "x.yaml")
    assert str(caught.value).startswith("x.yaml: ") and "\n" not in str(caught.value)


def test_a_needed_key_is_asked_for():
    with pytest.raises(SynthgenError, match="'data' is needed"):
        TrainSettings.parse({})


def test_every_setting_has_a_help_text():
    for model in (SampleSettings, TrainSettings):
        assert all(field.description for field in model.model_fields.values())


def test_class_names_are_looked_up_with_a_suggestion():
    known = Label(("cat", "dog"))
    assert known.indices(["dog", "cat"], "x") == (1, 0)
    with pytest.raises(
        SynthgenError, match=r"class 'catt' is not in x \(cat, dog\); did you mean 'cat'"
    ):
        known.indices(["catt"], "x")
    with pytest.raises(SynthgenError, match="asked for twice"):
        known.indices(["cat", "cat"], "x")


def test_yaml_files(tmp_path):
    (tmp_path / "good.yaml").write_text("a: 1\n")
    assert read_yaml(tmp_path / "good.yaml") == {"a": 1}
    for name, content in {
        "list": "- a",
        "bad": "a: [",
        "tag": "a: !!python/object:os.system {}",
    }.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(SynthgenError, match=name):
            read_yaml(tmp_path / name)
    with pytest.raises(SynthgenError, match="cannot read the settings file"):
        read_yaml(tmp_path / "none.yaml")


def test_a_grid_in_a_file_reads_its_words_and_its_numbers(tmp_path):
    from synthgen.spec.settings.tune import TuneSettings

    path = tmp_path / "grid.yaml"
    path.write_text(
        "generator: g\nreal: r\ntruncation: [none, '1.5']\nagreement: [default, '0.9']\nshares: [0.5]\n"
    )
    settings = TuneSettings.parse(read_yaml(path))
    assert settings.truncation == ("none", "1.5") and settings.shares == (0.5,)
    for wrong in ({"agreement": ("often",)}, {"shares": (1.0,)}, {"finish": (1.0,)}):
        with pytest.raises(SynthgenError):
            TuneSettings.parse({"generator": "g", "real": "r", **wrong})


def test_what_was_given_is_typed_again_as_the_same_settings():
    from synthgen.cli.options import _parse

    given = {
        "data": "my photos", "classes": ("salt, pepper", 'a "b"', "c"), "flip": True,
        "options": {"width": 24, "lr": 0.001}, "field": {"source": "edge"}, "reference": False,
        "pixel_range": (0.0, 4095.0), "seed": 7, "minutes": 5,
    }  # fmt: skip
    settings = TrainSettings.parse(given)
    words = shlex.split(settings.typed(without=("minutes",)))
    assert "--minutes" not in words and "--no-reference" in words
    read, at = {}, 0
    while at < len(words):
        name = words[at].removeprefix("--no-").removeprefix("--").replace("-", "_")
        if TrainSettings.model_fields[name].annotation is bool:
            read[name], at = not words[at].startswith("--no-"), at + 1
        else:
            read[name], at = _parse(TrainSettings.model_fields[name], name, words[at + 1]), at + 2
    assert TrainSettings.parse({**read, "minutes": 5}) == settings


def test_an_option_that_is_said_twice_loses_nothing():
    from synthgen.cli.options import _parse

    fields = TrainSettings.model_fields
    assert _parse(fields["classes"], "classes", ("a,b", "c")) == ("a", "b", "c")
    assert _parse(fields["options"], "options", ("a=1", "b=2")) == {"a": 1, "b": 2}
    with pytest.raises(SynthgenError, match="--options: 'a' is said twice"):
        _parse(fields["options"], "options", ("a=1", "a=2"))
    with pytest.raises(SynthgenError, match="--field: 'a' is said twice"):
        _parse(fields["field"], "field", ("a=x", "a=y"))
    assert _parse(fields["field"], "field", ("a=x,y",)) == {"a": "x,y"}
