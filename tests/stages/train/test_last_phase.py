"""Which state a run keeps whose phases follow each other."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.stage import train
from synthgen.stages.train.tick_score import ProgressScore

TINY = {
    "images": 128, "batch_size": 8, "ticks": 4, "score_samples": 16, "classifier_images": 64,
    "device": "cpu", "precision": "fp32", "resolution": 16, "use": "super-resolution",
    "use_options": {"scale": 2},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for number in range(30):
        pixels = rng.integers(0, 255, (4, 4, 3)).repeat(4, 0).repeat(4, 1).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / f"{number:02d}.png")
    return tmp_path / "data"


@pytest.fixture
def best(folder, tmp_path, monkeypatch):
    """A function that trains with scores that get worse at every tick, and tells at how many
    images its best state is."""
    plain = ProgressScore.of

    def run(pixels):
        worse = itertools.count(1)
        monkeypatch.setattr(
            ProgressScore,
            "of",
            lambda self, training: replace(plain(self, training), frechet=1 + 0.01 * next(worse)),
        )
        options = {"width": 8, "blocks": 1, "width_d": 8, "pixels": pixels, "perceptual": 0.0}
        out = tmp_path / f"run-{pixels}"
        values = {**TINY, "options": options, "data": str(folder), "out": str(out)}
        train(TrainSettings.parse(values))
        text = (out / "report.md").read_text()
        return int(re.search(r"at ([\d,]+) images shown", text).group(1).replace(",", ""))

    return run


def test_the_best_state_is_of_the_last_phase_though_an_earlier_one_scored_better(best):
    assert best(0.5) == 96


def test_of_one_phase_the_best_state_is_the_one_that_scored_best(best):
    assert best(1.0) == 32
