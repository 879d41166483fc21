"""Real data for every test: scikit-learn's digits, 1,797 images of 8x8 grey values."""

import atexit
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

# A store that datasets has read before is not read again: each session starts with an empty cache.
os.environ["HF_DATASETS_CACHE"] = tempfile.mkdtemp(prefix="synthgen-tests-")

# Networks of a few channels run faster on one thread than on many.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import golden
import numpy as np
import pytest
from digests import digest_of
from PIL import Image

atexit.register(shutil.rmtree, os.environ["HF_DATASETS_CACHE"], ignore_errors=True)


LONGEST = (
    "pipelines/test_cluster.py",
    "stages/train/test_watch.py",
    "stages/train/test_train.py",
    "stages/train/test_healthy.py",
    "stages/test_crash.py",
    "machine/test_signals.py",
    "stages/train/test_watch_ends.py",
    "pipelines/test_flows.py",
    "machine/test_stopping.py",
    "stages/test_image_uses.py",
    "stages/test_stores.py",
    "stages/test_text_to_image.py",
    "stages/utility/test_utility.py",
    "stages/test_solids.py",
    "stages/test_uses.py",
    "stages/test_edit_uses.py",
    "stages/test_pose.py",
    "cli/test_cli.py",
    "stages/train/test_plugins.py",
    "stages/train/test_budget.py",
)
"""Files of more than thirty CPU seconds, the longest first."""


def pytest_collection_modifyitems(items):
    """Long files come first, so that no process ends the run alone with one of them."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    turn = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turn.get(item.path, len(turn) + (item.path not in slow)))


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    """No test reads or fills the user's cache of decoded images."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SYNTHGEN_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _curves_once():
    """Curves are drawn once, and where a log has events. Other runs get a copy of that picture:
    drawing takes half a second, hundreds of times, and no test looks at what is in it."""
    from synthgen.stages.train import run

    real, drawn = run.draw_curves, []

    def draw(log, path, title):
        if drawn and not any("event" in row for row in log):
            path.write_bytes(drawn[0])
            return
        real(log, path, title)
        drawn.extend([path.read_bytes()] if path.exists() and not drawn else [])

    patch = pytest.MonkeyPatch()
    patch.setattr(run, "draw_curves", draw)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _judges_once(tmp_path_factory):
    """What judges a run (its classifier, its readers) is trained once on the same rows by the same
    settings; other runs find it finished, as a run that goes on does. What is made is the same to
    the byte, and no test of how it is trained goes through here."""
    from synthgen.stages.train import yardstick

    kept, patch = tmp_path_factory.mktemp("judges"), pytest.MonkeyPatch()

    def once(real):
        def trained(*arguments):
            *what, folder = arguments
            if any(getattr(each, "seconds", None) is not None for each in what):
                return real(*arguments)  # the clock decides how far it comes
            there = kept / f"{real.__name__}-{digest_of(what)}"
            if there.exists() and not folder.exists():
                shutil.copytree(there, folder)
            made = real(*arguments)
            if not there.exists():
                shutil.copytree(folder, there)
            return made

        return trained

    for name in ("train_label_classifier", "train_reader"):
        patch.setattr(yardstick, name, once(getattr(yardstick, name)))
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
def test_folder(digits, tmp_path_factory):
    """Other rows of the digits than those that train, in class folders of another order."""
    folder = tmp_path_factory.mktemp("held") / "test"
    images, labels = digits
    for name, label in (("two", 2), ("nought", 0), ("one", 1)):
        (folder / name).mkdir(parents=True)
        for number, pixels in enumerate(images[labels == label][100:140]):
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
        **golden.OPTIONS,
        "cyclegan": {"width": 8, "width_d": 8, "blocks": 2},
        "dtn": {"width": 8, "width_d": 8, "lr": 0.005},
        "gan": {"width": 64, "width_d": 32},
        "wgan": {"width": 8, "d_burst": 6},
    }


@pytest.fixture(scope="session")
def small_training() -> dict:
    """Settings of a training run of seconds."""
    return {
        "images": 9_600,
        "holdout": 0.1,
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
    from synthgen.spec.settings.train import TrainSettings
    from synthgen.stages.train.stage import train

    out = tmp_path_factory.mktemp("runs") / "digits"
    values = {**small_training, "data": str(digit_folder), "out": str(out)}
    train(TrainSettings.parse(values))
    return out


@pytest.fixture
def sampled(run_folder, tmp_path):
    """A function that samples with the digits' generator: settings in, the report out."""
    from synthgen.spec.settings.sample import SampleSettings
    from synthgen.stages.sample.stage import sample

    def run(mode="new", **changes):
        values = {
            "generator": str(run_folder), "out": str(tmp_path / "out"), "filters": "none",
            "device": "cpu", "precision": "fp32", "batch_size": 64,
        }  # fmt: skip
        return sample(SampleSettings.parse({**values, **changes}), mode)

    return run


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
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
    # Temporary files go by the addresses of stores, which are those of every other server, too.
    temporary = str(tmp_path_factory.mktemp("temporary"))
    patch.setenv("TMPDIR", temporary)
    patch.setattr(tempfile, "tempdir", temporary)
    import fsspec

    store = fsspec.filesystem("s3")
    store.mkdir("datasets")
    yield store
    patch.undo()
    server.stop()


@pytest.fixture
def fabricated(tmp_path, run_folder):
    """A function that writes images and labels as a finished dataset of the digits' generator.

    Images ``uint8 [N, 8, 8, 1]``, labels in nought, one, two: a stand-in for a generator that made
    just these.
    """
    from synthgen.dataset.encoding.images import encode
    from synthgen.dataset.layout import Layout
    from synthgen.dataset.manifest import Manifest, Provenance
    from synthgen.dataset.rows import Rows
    from synthgen.dataset.run_settings import RunSettings
    from synthgen.dataset.writer import Made, write_shard
    from synthgen.generators.zoo import load_generator
    from synthgen.spec.plan import Plan, ShardPlan
    from synthgen.spec.provenance import Origin, TrainingRecord
    from synthgen.stages.finished.complete import complete

    def write(images: np.ndarray, labels: np.ndarray, name: str = "fabricated") -> Path:
        generator = load_generator(str(run_folder), "cpu", "fp32")
        classes = ("nought", "one", "two")
        counts = tuple(np.bincount(labels, minlength=3).tolist())
        shard = ShardPlan(0, "train", 0, counts)
        plan = Plan(classes, 0, (shard,))
        numbers = np.arange(len(labels))
        digests = [hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images]
        hashes = np.array([int.from_bytes(digest, "little", signed=True) for digest in digests])
        rows = Rows(encode(images, "png"), labels, numbers, labels, hashes, {})
        layout = Layout(tmp_path / name)
        layout.receipts.mkdir(parents=True)
        receipt = write_shard(layout, plan, shard, Made(rows, None, {}, {}, "test", ""))
        origin = Origin(
            str(run_folder), "r3gan", generator.image, generator.weights_sha256,
            TrainingRecord.from_json(generator.config.training), (),
        )  # fmt: skip
        settings = RunSettings({"n": len(labels), "image_format": "png"})
        keys = {name: label for label, name in enumerate(classes)}
        made = Provenance(plan, settings, origin, keys, plan.hash)
        complete(layout, Manifest(made, "test", "", (), (receipt,)))
        return layout.root

    return write


@pytest.fixture(scope="session")
def commands(tmp_path_factory):
    """Runs ``synthgen`` commands as processes of their own (``support/commands.py``)."""
    from commands import Commands

    running = Commands(tmp_path_factory.mktemp("commands"))
    yield running
    running.close()
