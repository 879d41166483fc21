"""Whatever says how training reads real images says it to every other command that reads some."""

import inspect
import io
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from synthgen.cli.evaluate import command as evaluate_command
from synthgen.cli.tune import command as tune_command
from synthgen.cli.utility import command as utility_command
from synthgen.data.cache import load_images
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.spec.settings.reading import ReadingSettings
from synthgen.spec.settings.tune import TuneSettings
from synthgen.spec.settings.utility import UtilitySettings
from synthgen.stages.evaluate import real_images as evaluated
from synthgen.stages.utility import real_images as utilised
from synthgen.stages.utility import tune

GIVEN = {"image_column": "photo", "label_column": "kind", "pixel_range": (0.0, 1000.0),
         "domain_column": "place", "domain": "zoo"}  # fmt: skip


def deep(value):
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8), value, dtype=np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def real(tmp_path):
    """A table with two image columns, two of labels and two domains; deep pixels of 0 to 1000."""
    rows = range(12)
    columns = {
        "photo": [deep(500) for _ in rows], "mask": [deep(1) for _ in rows],
        "label": ["wrong"] * 12, "kind": ["cat" if k % 2 else "dog" for k in rows],
        "place": ["zoo" if k < 8 else "home" for k in rows],
    }  # fmt: skip
    for split in ("train", "test"):
        columns["photo"][0] = deep(len(split))  # the splits are not the same
        pq.write_table(pa.table(columns), tmp_path / f"{split}.parquet")
    return tmp_path


@pytest.fixture
def dataset(monkeypatch):
    """As much of a finished dataset as reading real images for it needs."""
    for module in (evaluated, utilised, tune):
        monkeypatch.setattr(module, "training_rows", lambda *_: None)
    trained = SimpleNamespace(data_fingerprint="other")
    alone = SimpleNamespace(beside=())
    generator = SimpleNamespace(trained=trained, task=lambda classes: alone)
    return SimpleNamespace(
        plan=SimpleNamespace(classes=("dog", "cat")), image=ImageSpec(8, 8, 1),
        manifest=SimpleNamespace(generator=generator, parts=(), columns=SimpleNamespace(fields={}),
                                 made=SimpleNamespace(generator=generator)),
    )  # fmt: skip


def settings_of(model, **values):
    return model.parse({"real": values.pop("real"), **GIVEN, **values})


def of_evaluate(real, dataset, cache):
    settings = settings_of(EvaluateSettings, real=str(real), dataset="d", cache_dir=str(cache))
    return evaluated.open_real(
        settings.real, "train", dataset, ("dog", "cat"), settings.reading()
    ).data


def of_utility(real, dataset, cache):
    settings = settings_of(UtilitySettings, real=str(real), dataset="d", cache_dir=str(cache))
    return utilised.utility_images(settings, dataset).real


def of_evaluates_utility(real, dataset, cache):
    settings = settings_of(
        EvaluateSettings, real=str(real), dataset="d", cache_dir=str(cache), utility=True
    )
    return utilised.utility_images(settings.for_utility(), dataset).real


def of_tune(real, dataset, cache, monkeypatch):
    task = SimpleNamespace(stratum="label")
    generator = SimpleNamespace(
        name="g", task=task, given=(), image=dataset.image, classes=("dog", "cat")
    )
    seen = []

    def loaded(settings):
        seen.append(load_images(settings))
        raise SynthgenError("enough")

    monkeypatch.setattr(tune, "load_generator", lambda *_: generator)
    monkeypatch.setattr(tune, "load_images", loaded)
    settings = settings_of(TuneSettings, real=str(real), generator="g", cache_dir=str(cache))
    with pytest.raises(SynthgenError, match="enough"):
        tune.tune(settings)
    return seen[0]


@pytest.mark.parametrize("read", [of_evaluate, of_utility, of_evaluates_utility, of_tune])
def test_real_images_are_read_as_training_reads_them(read, real, dataset, tmp_path, monkeypatch):
    more = (monkeypatch,) if "monkeypatch" in inspect.signature(read).parameters else ()
    data = read(real, dataset, tmp_path / "cache", *more)
    wanted = {**GIVEN, "data": str(real), "classes": ("dog", "cat"), "resolution": 8,
              "color": "grey", "min_per_class": 1, "cache_dir": str(tmp_path / "other")}  # fmt: skip
    trained = load_images(DataSettings.parse(wanted))
    assert data.fingerprint == trained.fingerprint and len(data.labels) == 8
    assert data.images[1].max() == 128  # 500 of 1000, and not 500 of the 1023 of ten bits


@pytest.mark.parametrize("command", [evaluate_command, utility_command, tune_command])
def test_every_command_that_reads_real_images_has_the_options(command):
    offered = {parameter.name for parameter in command.params}
    assert set(ReadingSettings.model_fields) <= offered
