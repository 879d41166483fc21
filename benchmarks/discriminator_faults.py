"""What a bundle's discriminator tells from real images, beside the other scores of a filter set.

    python -m benchmarks discriminator_faults --data FOLDER --generator fashion-mnist-28

Real images that the bundle never saw (the test split) are spoilt in one way at a time. A kind is
found where the rule ``discriminator`` rejects it at limits that ``--quantile`` of held-out real
images of the class fail; the last column is what all rules of ``--filters`` find together. The
first rows are real images as they are: the false alarms.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from PIL import Image, ImageFilter

from benchmarks.measuring import ask_for_data, data_of
from benchmarks.planted_faults import noisy
from synthgen.data.cache import load_images
from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator
from synthgen.quality.calibration import Calibration
from synthgen.quality.filters import FINITE, FilterSet, load_filters
from synthgen.quality.rule import Bound, Context
from synthgen.quality.rules import DiscriminatorFilter
from synthgen.quality.scores import Scorer
from synthgen.spec.columns import DISCRIMINATOR
from synthgen.spec.settings.data import DataSettings
from synthgen.stages.judging.scorer import make_scorer

NEEDS = "labelled images with a test split"

BATCH = 256


def blurred(images: np.ndarray, radius: float) -> np.ndarray:
    """``uint8 [N, H, W, C]`` under a Gaussian of this deviation in pixels."""
    made = np.empty_like(images)
    for row, image in enumerate(images):
        flat = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
        made[row] = np.asarray(flat.filter(ImageFilter.GaussianBlur(radius))).reshape(image.shape)
    return made


def kinds(
    images: np.ndarray, labels: np.ndarray, generator: Generator
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, images ``uint8 [N, H, W, C]`` and labels ``int64 [N]`` of each kind."""
    rng = np.random.default_rng(0)
    yield "real images as they are", images, labels
    spoilt = noisy(images, rng)
    for row, name in enumerate(("random pixels", "pixels in another order")):
        yield name, spoilt[row::3], labels[row::3]
    for strength in (8, 16, 32):
        added = images + rng.normal(0, strength, images.shape)
        yield f"noise of {strength} grey levels", np.clip(added, 0, 255).astype(np.uint8), labels
    for radius in (0.5, 1.0):
        yield f"blurred by {radius:g} px", blurred(images, radius), labels
    others = rng.permutation(len(images))
    mixed = (images.astype(np.uint16) + images[others]) // 2
    yield "two images mixed", mixed.astype(np.uint8), labels
    means = [images[labels == label].mean(axis=0) for label in range(int(labels.max()) + 1)]
    averages = np.stack([means[label] for label in labels]).round().astype(np.uint8)
    yield "the mean image of the class", averages, labels
    yield "wrong labels", images, (labels + rng.integers(1, len(means), len(labels))) % len(means)
    for spread in (0.3, 1.0):
        made = generator.sample(labels.tolist(), seed=1, latent_std=spread)
        yield f"its own samples, latent std {spread:g}", made, labels


def rejected(
    scorer: Scorer, own: Bound, filters: FilterSet, images: np.ndarray, labels: np.ndarray
) -> tuple[float, float]:
    """Shares that the bound and the filter set reject."""
    lost, judged = [], []
    for start in range(0, len(images), BATCH):
        pixels = torch.from_numpy(np.ascontiguousarray(images[start : start + BATCH]))
        keys = torch.from_numpy(np.ascontiguousarray(labels[start : start + BATCH]))
        scores = scorer(pixels, keys)
        scores[FINITE] = torch.ones(len(keys))
        lost.append(~own.keep(scores, keys))
        judged.append(filters.judge(scores, keys) > 0)
    return tuple(float(torch.cat(each).float().mean()) for each in (lost, judged))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    ask_for_data(parser, NEEDS)
    parser.add_argument("--generator", required=True, help="bundle with a discriminator")
    parser.add_argument("--n", type=int, default=5_000, help="test images")
    parser.add_argument("--quantile", type=float, default=0.01)
    parser.add_argument("--filters", default="default", help="what it is compared with")
    chosen = parser.parse_args(arguments)
    data_of(chosen, NEEDS)
    generator = load_generator(chosen.generator, "cpu", "fp32")
    test = load_images(DataSettings.parse({
        "data": chosen.data, "split": "test", "classes": generator.classes,
        **generator.image.as_settings(),
    }))  # fmt: skip
    assert generator.calibration is not None
    calibration = Calibration.from_json(generator.calibration)
    side = generator.image.height
    filters = load_filters(chosen.filters, calibration, generator.classes, side)
    rule = DiscriminatorFilter(quantile=chosen.quantile)
    context = Context("benchmark", calibration, generator.classes, side)
    (own,) = rule.resolve(DISCRIMINATOR, context)
    assert isinstance(own, Bound)
    scorer = make_scorer(generator, {DISCRIMINATOR})
    rows = np.sort(np.random.default_rng(0).permutation(len(test.labels))[: chosen.n])
    images, labels = np.asarray(test.images[rows]), test.labels[rows]
    print(f"{len(rows):,} test images of {test.name}")
    print(f"| | `discriminator` | bounds of `{chosen.filters}` |\n|---|---|---|")
    for name, shown, own_labels in kinds(images, labels, generator):
        alone, others = rejected(scorer, own, filters, shown, own_labels)
        print(f"| {name} | {alone:.1%} | {others:.1%} |", flush=True)


if __name__ == "__main__":
    main()
