"""Real data for every test: scikit-learn's digits, 1,797 images of 8x8 grey values."""

import os
from pathlib import Path

# Networks of a few channels run faster on one thread than on many.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    """No test reads or fills the user's cache of decoded images."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SYNTHGEN_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images ``uint8 [N, 8, 8, 1]`` and labels ``int64 [N]``."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    pixels = np.clip(loaded.images * 16, 0, 255).astype(np.uint8)[..., None]
    return pixels, loaded.target.astype(np.int64)


@pytest.fixture(scope="session")
def digit_folder(digits, tmp_path_factory) -> Path:
    """A folder of 300 PNG files in three class folders: nought, one, two."""
    folder = tmp_path_factory.mktemp("data") / "digits"
    images, labels = digits
    for label, name in enumerate(("nought", "one", "two")):
        (folder / name).mkdir(parents=True)
        for number, pixels in enumerate(images[labels == label][:100]):
            Image.fromarray(pixels[:, :, 0]).save(folder / name / f"{number:03d}.png")
    return folder


@pytest.fixture(scope="session")
def negative_folder(digit_folder, tmp_path_factory) -> Path:
    """The same classes in another domain: white on black turned into black on white, other rows."""
    folder = tmp_path_factory.mktemp("data") / "negatives"
    for path in sorted(digit_folder.rglob("*.png"))[::2]:
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        pixels = 255 - np.asarray(Image.open(path))
        Image.fromarray(pixels).save(folder / path.parent.name / path.name)
    return folder


@pytest.fixture(scope="session")
def small_networks() -> dict:
    """Each algorithm's options for networks that train in seconds."""
    return {
        "biggan": {"width": 8, "width_d": 8, "chunk": 2, "embedding": 4},
        "cgan": {"width": 8},
        "cogan": {"width": 8},
        "cyclegan": {"width": 8, "width_d": 8, "blocks": 2},
        "dcgan": {"width": 8},
        "gan": {"width": 64, "width_d": 32},
        "progan": {"width": 8, "widest": 16, "latent": 8},
        "r3gan": {"width": 8, "widest": 16, "latent": 8, "style": 16},
        "sagan": {"width": 8, "width_d": 8, "latent": 4},
        "stylegan2": {"width": 8, "widest": 16, "latent": 8, "style": 16},
        "wgan": {"width": 8},
        "wgan-gp": {"width": 8},
    }


@pytest.fixture(scope="session")
def small_training() -> dict:
    """Settings of a training run of seconds."""
    return {
        "images": 9_600,
        "batch_size": 32,
        "ticks": 4,
        "score_samples": 128,
        "classifier_images": 6_000,
        "options": {"width": 8, "widest": 16, "latent": 8, "style": 16},
        "device": "cpu",
        "precision": "fp32",
    }


@pytest.fixture(scope="session")
def run_folder(digit_folder, small_training, tmp_path_factory) -> Path:
    """A finished training run on the digits; its generator knows nought, one and two."""
    from synthgen.spec.train_settings import TrainSettings
    from synthgen.stages.train import train

    out = tmp_path_factory.mktemp("runs") / "digits"
    values = {**small_training, "data": str(digit_folder), "out": str(out)}
    train(TrainSettings.parse(values))
    return out


@pytest.fixture
def sampled(run_folder, tmp_path):
    """A function that samples with the digits' generator: settings in, the report out."""
    from synthgen.spec.sample_settings import SampleSettings
    from synthgen.stages.sample import sample

    def run(mode="new", **changes):
        values = {
            "generator": str(run_folder), "out": str(tmp_path / "out"), "filters": "none",
            "device": "cpu", "precision": "fp32", "batch_size": 64,
        }  # fmt: skip
        return sample(SampleSettings.parse({**values, **changes}), mode)

    return run


@pytest.fixture(scope="session")
def s3():
    """An S3-compatible server on this machine with a bucket ``datasets``; the file system of it."""
    moto = pytest.importorskip("moto.server", reason="needs moto: pip install 'synthgen[test]'")
    pytest.importorskip("s3fs")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ACCESS_KEY_ID", "a-key")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    import fsspec

    store = fsspec.filesystem("s3")
    store.mkdir("datasets")
    yield store
    patch.undo()
    server.stop()
