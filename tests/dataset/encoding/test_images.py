import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from synthgen.dataset.encoding.encoders import ProcessEncoder, encoder_for
from synthgen.dataset.encoding.images import decode, encode
from synthgen.spec.image import ImageSpec

SHAPES = st.tuples(
    st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])
)
PIXELS = SHAPES.flatmap(lambda shape: arrays(np.uint8, shape))


@pytest.mark.parametrize("image_format", ["png", "webp"])
@given(images=PIXELS)
@settings(max_examples=60, deadline=None)
def test_a_lossless_file_gives_its_pixels_back(image_format, images):
    spec = ImageSpec(*images.shape[1:])
    files = encode(images, image_format)
    assert np.array_equal(np.stack([decode(file, spec) for file in files]), images)


@pytest.mark.parametrize("side", [64, 255, 700])
def test_large_images_come_back_too_one_or_many_at_a_time(side):
    rng = np.random.default_rng(side)
    images = rng.integers(0, 256, (3, side, side + 1, 3), dtype=np.uint8)
    images[1:] //= 16
    files = encode(images, "png")
    for pixels, file in zip(images, files, strict=True):
        opened = Image.open(io.BytesIO(file))
        opened.verify()  # every checksum of every chunk
        assert np.array_equal(decode(file, ImageSpec(side, side + 1, 3)), pixels)
        assert encode(pixels[None], "png") == [file]


def photographs(side):
    """``uint8 [N, side, side, 3]``."""
    from sklearn.datasets import load_sample_images

    whole = np.stack(load_sample_images().images)
    places = [(y, x) for y in range(0, 428 - side, 32) for x in range(0, 641 - side, 64)]
    return np.concatenate([whole[:, y : y + side, x : x + side] for y, x in places])


@pytest.mark.parametrize("kind", ["small", "large"])
def test_bytes_depend_on_the_pixels_alone(digits, kind):
    """Not on the thread, on what it did before, or on what lay in its memory."""
    images = digits[0][:400] if kind == "small" else photographs(160)[:24]
    whole = encode(images, "png")

    def again(seed):
        rng = np.random.default_rng(seed)
        for _ in range(20):
            junk = [rng.integers(0, 99, size, dtype=np.uint16) for size in (9_000, 150_000)]
            del junk
            order = rng.permutation(len(images))
            if encode(images[order], "png") != [whole[row] for row in order]:
                return False
        return True

    for seed in range(4):
        with ThreadPoolExecutor(2) as pool:
            assert all(pool.map(again, (seed, seed + 100)))


def sizes(images):
    ours = sum(map(len, encode(images, "png")))
    theirs = 0
    for pixels in images:
        buffer = io.BytesIO()
        Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
        theirs += len(buffer.getvalue())
    return ours / theirs


def test_files_are_hardly_larger_than_pillows_default():
    from sklearn.datasets import load_sample_images

    whole = np.stack(load_sample_images().images)
    crops = np.concatenate([whole[:, y : y + 128, 200:328] for y in (0, 128, 256)])
    assert sizes(crops) < 1.12
    assert sizes(crops[:, ::4, ::4]) < 1.12
    assert sizes(crops[..., :1]) < 1.12


def test_large_flat_images_stay_small():
    photographed = photographs(256)[:4]
    flat = np.repeat(photographed[:, :1, :1], 256, axis=1).repeat(256, axis=2)
    half = photographed.copy()
    half[:, :128] = flat[:, :128]
    assert sum(map(len, encode(flat, "png"))) < 4 * 2_000
    assert sizes(half) < 1.12


def test_an_unknown_format_is_named():
    with pytest.raises(ValueError, match="image format 'gif': use png, webp or jpeg"):
        encode(np.zeros((1, 4, 4, 3), np.uint8), "gif")


def test_large_jpegs_are_encoded_in_processes_to_the_same_bytes():
    images = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), dtype=np.uint8)
    encoder = encoder_for("jpeg", 128 * 128, 4)
    try:
        assert isinstance(encoder, ProcessEncoder)
        assert encoder.encode(images) == encode(images, "jpeg")
    finally:
        encoder.close()
    for form, side, count in (("jpeg", 64, 4), ("jpeg", 256, 2), ("png", 256, 4)):
        assert not isinstance(encoder_for(form, side * side, count), ProcessEncoder)
