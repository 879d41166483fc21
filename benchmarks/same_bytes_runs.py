"""The runs whose bytes ``same_bytes.py`` compares: command lines, and what they sample from.

Paths are those seen from ``old`` and ``new``, folders beside ``data`` (digits, and digits in
negative). Both sides sample from what the old one trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """Commands that work one after another; ``{}`` is the run's own folder."""

    commands: tuple[tuple[str, ...], ...]
    trained: tuple[str, ...] = ()
    """Generators of :data:`TRAININGS` that it needs."""


TRAINED = {"holdout": 0.1, "batch_size": 32, "ticks": 2, "score_samples": 128,
           "classifier_images": 4_000, "device": "cpu", "precision": "fp32",
           "data": "../data/plain"}  # fmt: skip
SMALL = {"width": 8, "widest": 16, "latent": 8, "style": 16}
TRANSLATOR = {"width": 8, "width_d": 8, "blocks": 2}
TRAININGS: dict[str, dict[str, Any]] = {
    "digits": {**TRAINED, "images": 4_800, "options": SMALL},
    "translator": {**TRAINED, "images": 640, "algorithm": "cyclegan", "options": TRANSLATOR,
                   "source": "../data/negative"},
    "pairs": {**TRAINED, "images": 640, "algorithm": "cogan", "options": {"width": 8},
              "source": "../data/negative"},
    "per-class": {**TRAINED, "images": 640, "options": SMALL, "per_class": True,
                  "classes": ["one", "two"]},
}  # fmt: skip
"""Settings of the generators that the runs sample from."""

FILTERS = {"label_agreement": {"min": 0.5}, "exact_duplicate": True}
"""``mild.yaml``: generators trained for seconds pass few of the default filters."""

SAMPLE = ("sample", "--device", "cpu", "--precision", "fp32", "--seed", "3")
FEW = ("--batch-size", "16", "--images-per-shard", "20")
LOOSE = ("--filters", "../mild.yaml", "--acceptance-floor", "0.001", "--keep-rejects")
DIGITS = (*SAMPLE, "--generator", "../old/train-digits/digits/bundle", *FEW, *LOOSE)
SET = (*SAMPLE, "--generator", "../old/train-per-class/per-class/bundle", "--filters", "none", *FEW)
PAIRS = (*SAMPLE, "--generator", "../old/train-pairs/pairs/bundle", "--filters", "none", *FEW)
TRANSLATED = (*SAMPLE, "--generator", "../old/train-translator/translator/bundle", "--source",
              "../data/negative", "--filters", "none", *FEW)  # fmt: skip
CIFAR = (*SAMPLE, "--generator", "cifar10-32", "--keep-rejects", "--images-per-shard", "50")
FASHION = (*SAMPLE, "--generator", "fashion-mnist-28", "--keep-rejects", "--scores",
           "discriminator", "--images-per-shard", "50")  # fmt: skip
WITH = ("--generator", "../old/train-digits/digits/bundle")
MILD = ("--filters", "none", "--set", "label_agreement.min=0.3")
TWO = ("--workers", "2")


RUNS = {
    "cifar10-32": Run(((*CIFAR, "--n", "100", "--out", "{}/d"),)),
    "fashion-mnist-28": Run(((*FASHION, "--n", "100", "--out", "{}/d"),)),
    "fashion-mnist-28-two-workers": Run(((*FASHION, "--n", "100", *TWO, "--out", "{}/d"),)),
    "digits": Run(((*DIGITS, "--n", "60", "--out", "{}/d"),), ("digits",)),
    "digits-two-workers": Run(((*DIGITS, "--n", "60", *TWO, "--out", "{}/d"),), ("digits",)),
    "splits-webp": Run(
        ((*DIGITS, "--n", "40", "--splits", "train=0.75,test=0.25", "--image-format", "webp",
          "--out", "{}/d"),), ("digits",),
    ),
    "jpeg-audit": Run(
        ((*FASHION, "--n", "100", "--image-format", "jpeg", "--filters", "audit",
          "--out", "{}/d"),),
    ),
    "extend-filter-merge-report": Run(
        (
            (*DIGITS, "--n", "40", "--out", "{}/one"),
            (*DIGITS, "--n", "70", "--extend", "--out", "{}/one"),
            (*DIGITS, "--n", "30", "--seed", "4", "--out", "{}/two"),
            ("filter", "{}/one", *MILD, *WITH, "--out", "{}/filtered"),
            ("merge", "{}/one", "{}/two", "--out", "{}/merged"),
            ("report", "{}/one"),
        ), ("digits",),
    ),
    "translated": Run(((*TRANSLATED, "--n", "60", "--out", "{}/d"),), ("translator",)),
    "translated-two-workers": Run(
        ((*TRANSLATED, "--n", "60", *TWO, "--out", "{}/d"),), ("translator",)
    ),
    "pairs": Run(((*PAIRS, "--n", "60", "--out", "{}/d"),), ("pairs",)),
    "per-class": Run(((*SET, "--n", "60", "--out", "{}/d"),), ("per-class",)),
    **{
        f"train-{name}": Run((("train", f"../{name}.yaml", "--out", f"{{}}/{name}"),))
        for name in TRAININGS
    },
}  # fmt: skip
