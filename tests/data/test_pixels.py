"""Pixels deeper than eight bits, strips, and files that are no image of a format that is read."""

import io

import numpy as np
import pytest
from PIL import Image

from synthgen.data.cache import load_images
from synthgen.data.decode import BadImage, Decoding, decode
from synthgen.data.scaling import NoRule, Ranges, Span, scaling_for
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings


def load(folder, **settings):
    values = {"data": str(folder), "min_per_class": 1, **settings}
    return load_images(DataSettings.parse(values))


def save(folder, name, pixels, suffix="tif", mode=None, **more):
    (folder / "a").mkdir(parents=True, exist_ok=True)
    pixels = np.asarray(pixels)
    if mode is None:
        image = Image.fromarray(pixels)
    else:
        image = Image.frombytes(mode, pixels.shape[::-1], pixels.tobytes())
    image.save(folder / "a" / f"{name}.{suffix}", **more)


def ramp(top, dtype, low=0):
    return np.linspace(low, top, 64).reshape(8, 8).astype(dtype)


GREY = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4


@pytest.mark.parametrize(
    ("top", "bits"), [(255, 8), (500, 9), (1000, 10), (4095, 12), (16000, 14), (65535, 16)]
)
def test_whole_numbers_take_as_many_bits_as_the_largest_of_all_needs(top, bits, tmp_path):
    bright, dark = ramp(top, np.uint16), ramp(top // 3, np.uint16)
    save(tmp_path, "0", bright)
    save(tmp_path, "1", dark, "png")
    data = load(tmp_path)
    wanted = [np.rint(part * (255 / (2**bits - 1))) for part in (bright.astype(float), dark)]
    assert np.array_equal(data.images[:, :, :, 0], np.array(wanted, dtype=np.uint8))
    assert any(f"taken for {bits}-bit" in line for line in data.lines())


@pytest.mark.parametrize(("top", "factor"), [(1.0, 255), (0.25, 255), (255.0, 1), (80.0, 1)])
def test_floating_point_values_keep_their_brightness(top, factor, tmp_path):
    pixels = ramp(top, np.float32)
    save(tmp_path, "0", pixels)
    save(tmp_path, "1", GREY, "png")
    data = load(tmp_path)
    assert np.array_equal(data.images[0, :, :, 0], np.rint(pixels.astype(float) * factor))
    assert np.array_equal(data.images[1, :, :, 0], GREY)


@pytest.mark.parametrize(
    "pixels",
    [ramp(1.0, np.float32, -1.0), ramp(3000.0, np.float32), ramp(900, np.int32, -1000),
     ramp(10**6, np.int32)],
)  # fmt: skip
def test_values_of_no_known_range_are_asked_for_never_clipped(pixels, tmp_path):
    save(tmp_path, "0", pixels)
    with pytest.raises(SynthgenError, match=r"values from .* --pixel-range"):
        load(tmp_path)
    low, high = float(pixels.min()), float(pixels.max())
    data = load(tmp_path, pixel_range=(low, high))
    assert data.images.min() == 0 and data.images.max() == 255
    with pytest.raises(SynthgenError, match=r"0.tif: has values .* outside of --pixel-range"):
        load(tmp_path, pixel_range=(low, high / 2))


def test_values_that_are_no_numbers_are_refused(tmp_path):
    save(tmp_path, "0", np.where(ramp(1, np.float32) > 0.5, np.nan, 0.2).astype(np.float32))
    with pytest.raises(SynthgenError, match="infinite or not a number"):
        load(tmp_path)


def test_big_endian_files_are_those_of_the_other_order(tmp_path):
    pixels = ramp(60000, np.uint16)
    save(tmp_path, "0", pixels)
    save(tmp_path, "1", pixels.astype(">u2"), mode="I;16B")
    data = load(tmp_path)
    assert data.images.shape[-1] == 1 and np.array_equal(data.images[0], data.images[1])


def deep_png(path, samples, colour_type):
    """A PNG of 16 bits a channel: ``samples uint16 [H, W, C]``."""
    import struct
    import zlib

    height, width = samples.shape[:2]
    rows = samples.astype(">u2").tobytes()
    step = len(rows) // height
    lines = b"".join(b"\0" + rows[k * step : (k + 1) * step] for k in range(height))

    def chunk(kind, content):
        whole = kind + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )  # fmt: skip


@pytest.mark.parametrize(("colour_type", "channels"), [(2, 3), (6, 4), (4, 2)])
def test_twelve_bits_of_colour_and_of_transparency_are_not_dark(colour_type, channels, tmp_path):
    rng = np.random.default_rng(0)
    samples = rng.integers(0, 4096, (8, 8, channels)).astype(np.uint16)
    samples[0, 0, 0] = 4095
    if channels != 3:
        samples[..., -1] = 65535
        samples[4:, :, -1] = 0
    deep_png(tmp_path / "a" / "0.png", samples, colour_type)
    data = load(tmp_path, color="rgb" if channels > 2 else "grey")
    colours = samples[..., :3] if channels > 2 else samples[..., :1]
    wanted = np.rint(colours * (255 / 4095)).astype(np.uint8)
    if channels != 3:
        wanted[4:] = 255
    assert np.array_equal(data.images[0], wanted)


def test_a_transparent_value_of_sixteen_bits_is_laid_on_white(tmp_path):
    pixels = ramp(60000, np.uint16)
    save(tmp_path, "0", pixels, "png", transparency=int(pixels[0, 0]))
    assert load(tmp_path).images[0, 0, 0, 0] == 255


def test_a_tiff_whose_nought_is_white_is_turned(tmp_path):
    pixels = ramp(65535, np.uint16)
    save(tmp_path, "0", pixels, tiffinfo={262: 0})
    image = load(tmp_path).images[0, :, :, 0]
    assert image[0, 0] == 255 and image[-1, -1] == 0


@pytest.mark.parametrize("size", [(3200, 8), (8, 3200), (900, 1)])
def test_a_padded_strip_keeps_a_row(size, tmp_path):
    (tmp_path / "a").mkdir()
    Image.new("L", size, 200).save(tmp_path / "a" / "0.png")
    data = load(tmp_path, fit="pad", resolution=8)
    assert data.images.max() == 200 and (data.images == 0).any()


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
NOT_READ = {
    "0.heic": (HEIC, "format HEIC is not read; convert .*PNG"),
    "0.jpg": (HEIC, "format HEIC is not read"),
    "0.jxl": (b"\xff\x0a" + bytes(50), "JPEG XL is not read"),
    "0.tga": (bytes(2) + b"\2" + bytes(60), "Targa"),
    "0.dcm": (bytes(128) + b"DICM" + bytes(60), "DICOM"),
    "0.nef": (b"II*\0" + bytes(60), "raw camera files"),
    "0.svg": (b"<?xml version='1.0'?><svg xmlns='x'></svg>", "SVG"),
    "0.psd": (b"8BPS" + bytes(60), "Photoshop"),
    "0.png": (b"<!DOCTYPE html><html>", "HTML page is not read; it was saved"),
    "1.png": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "2.png": (b"", "is empty: 0 bytes"),
}


@pytest.mark.parametrize("name", NOT_READ)
def test_formats_that_are_not_read_are_named(name, tmp_path):
    content, words = NOT_READ[name]
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / name).write_bytes(content)
    with pytest.raises(SynthgenError, match=words):
        load(tmp_path)


def test_of_several_frames_the_first_is_used(tmp_path):
    frames = [Image.new("RGB", (8, 8), (value, 0, 0)) for value in (250, 120, 10)]
    (tmp_path / "a").mkdir()
    for suffix in ("tif", "gif", "png", "webp"):
        path = tmp_path / "a" / f"0.{suffix}"
        more = {"lossless": True} if suffix == "webp" else {}
        frames[0].save(path, save_all=True, append_images=frames[1:], **more)
    assert (load(tmp_path).images[..., 0] > 240).all()


def test_a_deep_image_without_a_rule_is_refused_by_the_decoder_alone():
    buffer = io.BytesIO()
    Image.fromarray(ramp(4095, np.uint16)).save(buffer, "PNG")
    with pytest.raises(BadImage, match="deeper than eight bits"):
        decode(buffer.getvalue(), Decoding(8, 1, "crop", 10**6))


def test_rules_are_stated_and_ranges_of_parts_add_up():
    one, two = Ranges(whole=Span(3, 900, 1)), Ranges(whole=Span(0, 4000, 2))
    scaling = scaling_for(one | two, None)
    assert scaling.whole.high == 4095 and "3 whole-number images" in scaling.said[0]
    assert scaling_for(Ranges(), None).said == ()
    with pytest.raises(NoRule, match="--pixel-range"):
        scaling_for(Ranges(floating=Span(-1, 1, 1)), None)


def test_a_glance_at_deep_images_is_no_failure(tmp_path):
    from synthgen.data.glance import glance

    save(tmp_path, "0", ramp(4095, np.uint16))
    save(tmp_path, "1", ramp(1.0, np.float32, -1.0))
    settings = DataSettings.parse({"data": str(tmp_path), "min_per_class": 1})
    seen = glance(settings)
    assert seen.channels == 1 and seen.images(4, settings).shape == (2, 4, 4, 1)
    for path in (tmp_path / "a").iterdir():
        path.write_bytes(HEIC)
    with pytest.raises(SynthgenError, match=r"HEIC is not read.*none of 2 images"):
        glance(settings)
