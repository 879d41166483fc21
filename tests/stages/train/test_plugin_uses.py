"""A use and a kind of field of another package, as installed: no file of this one changes."""

import json
import sys

import datasets
import numpy as np
import pytest
from packages import install
from PIL import Image

from synthgen.dataset.verify import verify
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train

CODE = '''
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from synthgen.algorithms.contract import Adam, Algorithm, Normal, Phase, Term
from synthgen.algorithms.pair import CROSS_ENTROPY, NON_SATURATING, pair_tensors
from synthgen.algorithms.registry import algorithm
from synthgen.dataset.codecs.values import NumbersCodec
from synthgen.networks.condition import embed
from synthgen.spec.fields import Image
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import CONDITION, Task
from synthgen.spec.vectors import Attributes
from synthgen.uses.registry import Reads, Use, Words


class Nothing(Settings):
    pass


class Draw(nn.Module):
    def __init__(self, task):
        super().__init__()
        image = task.image
        self.shape = (image.channels, image.height, image.width)
        self.given = embed(task, 8)
        self.layers = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 64 * image.channels))

    def forward(self, z, condition):
        both = torch.cat([z, self.given(condition)], dim=1)
        return torch.tanh(self.layers(both).float()).reshape(-1, *self.shape)


class Judge(nn.Module):
    def __init__(self, task):
        super().__init__()
        self.given = embed(task, 8)
        self.layers = nn.Sequential(nn.Linear(64 * task.image.channels + 8, 32), nn.ReLU(),
                                    nn.Linear(32, 1))

    def forward(self, images, condition):
        both = torch.cat([images.flatten(1), self.given(condition)], dim=1)
        return self.layers(both).squeeze(1).float()


@algorithm("tiny-pair", Nothing, "Tiny", 2026, "none")
def tiny(task, options):
    """For tests."""
    adam = Adam(1e-3)
    return Algorithm(
        networks={"G": Draw(task), "D": Judge(task)},
        latents={"z": Normal((4,))},
        tensors=pair_tensors(),
        phases=(
            Phase("D", trains=("D",), terms={"cross_entropy": CROSS_ENTROPY}, optimizer=adam),
            Phase("G", trains=("G",), terms={"cross_entropy": NON_SATURATING}, optimizer=adam),
        ),
        samples={"image": "fake"},
    )


TAGS = Attributes(("bright", "weight"), {"weight": (0.0, 10.0)})


def tagged(offered, options):
    image = offered.image
    fields = {"image": Image(image.height, image.width, image.channels), "tags": TAGS}
    return Task(fields, ("tags",), ("image",), (("image", "tags"),))


TAGS_SAID = Words("Images of tags.", "tags -> image", "synthgen train --use tagged --data DATA")
TAGGED = Use("tagged", TAGS_SAID, "tiny-pair", Nothing, tagged,
             Reads(needs=lambda options: {"tags": TAGS}))


@dataclass(frozen=True)
class Spectrum:
    """Sixteen numbers from 0 to 1."""

    bands: int = 16
    kind = "spectrum"
    enters = "vector"

    @property
    def entering(self):
        return self.bands

    def stored(self):
        return "float32", (self.bands,)

    def read(self, value):
        row = np.asarray(value, dtype=np.float32)
        if row.shape != (self.bands,):
            raise ValueError(f"{row.shape} numbers, not {self.bands}")
        return row

    def tensor(self, rows):
        return rows * 2 - 1

    def rows(self, made):
        return (made + 1) / 2, made.isfinite().all(dim=1)

    def mirrored(self, rows):
        return rows

    def framed(self, rows, windows):
        return rows

    def to_json(self):
        return {"bands": self.bands}

    @classmethod
    def from_json(cls, record):
        return cls(int(record["bands"]))


class LightReader:
    """The mean of the spectrum against the image's brightness."""

    def __init__(self, task, name):
        self.name = name

    def agreement(self, made, given):
        bright = made["image"].float().mean(dim=(1, 2, 3)) / 255
        return 1 - (bright - given[self.name].mean(dim=1)).abs()


def lit(offered, options):
    image = offered.image
    fields = {"image": Image(image.height, image.width, image.channels), "light": Spectrum()}
    return Task(fields, ("light",), ("image",), (("image", "light"),))


LIT_SAID = Words("Images in a light.", "spectrum -> image", "synthgen train --use lit --data DATA")
LIT = Use("lit", LIT_SAID, "tiny-pair", Nothing, lit,
          Reads(needs=lambda options: {"light": Spectrum()}))
'''

POINTS = {
    "synthgen.uses": "tagged = tiny:TAGGED\nlit = tiny:LIT",
    "synthgen.algorithms": "tiny-pair = tiny",
    "synthgen.fields": "spectrum = tiny:Spectrum",
    "synthgen.codecs": "spectrum = tiny:NumbersCodec",
    "synthgen.readers": "spectrum = tiny:LightReader",
}
TINY = {
    "images": 256, "batch_size": 16, "ticks": 2, "score_samples": 32, "classifier_images": 256,
    "device": "cpu", "precision": "fp32",
}  # fmt: skip


@pytest.fixture
def installed(tmp_path, monkeypatch):
    import synthgen.algorithms.registry as registry

    monkeypatch.setattr(registry, "_REGISTERED", dict(registry.registered()))
    registry._load_all.cache_clear()
    monkeypatch.delitem(sys.modules, "tiny", raising=False)
    monkeypatch.syspath_prepend(install(tmp_path / "site", CODE, POINTS))
    yield
    sys.modules.pop("tiny", None)


@pytest.fixture
def data(digits, tmp_path):
    """Sixty digits and a metadata file with tags and a spectrum."""
    folder = tmp_path / "photos"
    folder.mkdir()
    lines = []
    for number, pixels in enumerate(digits[0][:60]):
        Image.fromarray(pixels[:, :, 0]).save(folder / f"{number:03d}.png")
        share = float(pixels.mean() / 255)
        tags = {"bright": int(share > 0.3), "weight": 10 * share}
        lines.append({"file_name": f"{number:03d}.png", "tags": tags, "light": [share] * 16})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


def run(use, data, tmp_path, **changes):
    bundle = train(TrainSettings.parse(
        {**TINY, "use": use, "data": str(data), "out": str(tmp_path / "run")}
    ))  # fmt: skip
    values = {
        "generator": str(bundle), "n": 20, "filters": "none", "device": "cpu",
        "out": str(tmp_path / "made"), "precision": "fp32", **changes,
    }  # fmt: skip
    report = sample(SampleSettings.parse(values))
    assert verify(report.root).problems == []
    return report, datasets.load_dataset(str(report.root), split="train")


def test_a_use_with_attributes_and_its_own_algorithm(installed, data, tmp_path):
    from synthgen.spec.settings.evaluate import EvaluateSettings
    from synthgen.stages.evaluate.stage import evaluate

    report, rows = run("tagged", data, tmp_path, set={"bright": 1})
    assert {row["bright"] for row in rows["tags"]} == {1.0}
    # What is not set is drawn from the real rows that have what is.
    weights = {np.float32(row["weight"]) for row in rows["tags"]}
    lines = map(json.loads, (data / "metadata.jsonl").read_text().splitlines())
    real = {np.float32(each["tags"]["weight"]) for each in lines if each["tags"]["bright"]}
    assert weights <= real and len(weights) > 5
    asked = {"dataset": str(report.root), "real": str(data), "device": "cpu"}
    found = evaluate(EvaluateSettings.parse(asked))
    assert found is not None


def test_a_kind_of_field_with_its_codec_and_its_reader(installed, data, tmp_path):
    _, rows = run("lit", data, tmp_path, source=str(data))
    light = np.array(rows["light"])
    assert light.shape == (20, 16) and "light_agreement" in rows.features
    bright = np.array([np.asarray(image).mean() / 255 for image in rows["image"]])
    assert np.allclose(rows["light_agreement"], 1 - np.abs(bright - light.mean(axis=1)), atol=1e-4)
