"""A dry run reads all images where they are few, and else a sample of them, and says which."""

import numpy as np
import pytest
from PIL import Image

from synthgen.data import build, trial
from synthgen.data.cache import is_decoded, load_images
from synthgen.data.sources import open_source
from synthgen.data.trial import try_images
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings


@pytest.fixture
def photos(tmp_path):
    """Forty images of two classes; the last of class b is cut short."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number:02}.png")
    last = tmp_path / "photos" / "b" / "19.png"
    last.write_bytes(last.read_bytes()[:60])
    return tmp_path / "photos"


def read(photos, tmp_path, **changes):
    settings = DataSettings.parse(
        {"data": str(photos), "resolution": 8, "color": "rgb", "cache_dir": str(tmp_path / "cache"),
         "on_bad_image": "skip", "min_per_class": 2, **changes}
    )  # fmt: skip
    return settings, open_source(settings, settings.split)


def test_few_images_are_all_read_and_kept(photos, tmp_path):
    settings, source = read(photos, tmp_path)
    lines = try_images(settings, source, 64)
    assert any(line.startswith("skipped: ") and "19.png" in line for line in lines)
    assert is_decoded(settings, source) and not any("tried" in line for line in lines)


@pytest.mark.parametrize("limits", [{"MOST_IMAGES": 39}, {"MOST_PIXELS": 40 * 64 - 1}])
def test_of_many_a_sample_is_read_and_nothing_kept(photos, tmp_path, monkeypatch, limits):
    for name, value in {**limits, "SAMPLE": 10, "LEAST": 10}.items():
        monkeypatch.setattr(trial, name, value)
    settings, source = read(photos, tmp_path)
    lines = try_images(settings, source, 64)
    assert any(line.startswith("tried: 10 of 40 images, chosen at random") for line in lines)
    assert "skips bad ones" in lines[-1]
    assert lines == try_images(settings, source, 64)
    assert not is_decoded(settings, source) and not (tmp_path / "cache" / "images").exists()
    whole = load_images(settings, source=source)
    assert len(whole.labels) == 39 and is_decoded(settings, source)
    assert not any("tried" in line for line in try_images(settings, source, 64))


def test_a_bad_image_among_those_tried_ends_it(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "MOST_IMAGES", 39)
    settings, source = read(photos, tmp_path, on_bad_image="stop")
    with pytest.raises(SynthgenError, match=r"19\.png"):
        try_images(settings, source, 64)


def test_decoding_that_ends_early_is_closed_at_once(photos, tmp_path, monkeypatch):
    """A collector that closes it later may do so while a thread starts, and both wait for ever."""
    ended = []
    decode_all = build._decode_all

    def watched(*arguments):
        try:
            yield from decode_all(*arguments)
        finally:
            ended.append(True)

    monkeypatch.setattr(build, "_decode_all", watched)
    settings, source = read(photos, tmp_path, on_bad_image="stop")
    with pytest.raises(SynthgenError) as kept:
        load_images(settings, source=source)
    assert ended and kept.value.__traceback__ is not None  # its frames hold the generator still


def test_deep_images_are_tried_by_the_rule_that_is_said(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / "deep" / name).mkdir(parents=True)
        for number in range(6):
            pixels = np.full((8, 8), 400 * (number + 1), dtype=np.uint16)
            Image.fromarray(pixels).save(tmp_path / "deep" / name / f"{number}.png")
    monkeypatch.setattr(trial, "MOST_IMAGES", 1)
    settings, source = read(tmp_path / "deep", tmp_path, color="grey")
    told = try_images(settings, source, 64)
    assert any(line in told for line in load_images(settings, source=source).lines()
               if "scal" in line or "range" in line)  # fmt: skip
