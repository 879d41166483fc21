"""Faults planted among held-out real images, and how many of them the filters find.

    python -m benchmarks planted_faults --data FOLDER --generator fashion-mnist-28

Real images that the generator's bundle never saw (the test split) stand for a dataset without
faults. Into it go, each 1 % of it: exact copies, near copies (half moved by one or two pixels, half
through JPEG files of quality 50 to 90), images of the training split, wrong labels, and noise (a
third each of random pixels, a real image's pixels in another order, and a real image under strong
noise). The filters are those of ``--filters audit``; a fault counts as found by the filter made for
its kind, and every image left alone that a filter rejects is its false alarm.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.measuring import ask_for_data, data_of
from synthgen.data.cache import load_images
from synthgen.data.splits import Labelled
from synthgen.features.fingerprint import reach_of
from synthgen.generators.zoo import load_generator
from synthgen.quality.calibration import Calibration
from synthgen.quality.copies import moved, recompressed
from synthgen.quality.filters import FINITE, FilterSet, load_filters
from synthgen.quality.repeats import find_repeats
from synthgen.quality.scores import Scorer
from synthgen.sampling.candidates import pixel_hashes
from synthgen.spec.settings.data import DataSettings
from synthgen.stages.judging.scorer import coded, make_scorer, repeat_codes

NEEDS = "labelled images with a train and a test split"

KINDS = {
    "exact copies": ("exact_duplicate",),
    "moved copies": ("near_duplicate",),
    "JPEG copies": ("near_duplicate",),
    "training images": ("memorised",),
    "wrong labels": ("label_agreement",),
    "noise": ("statistics", "realism"),
}
"""Kind of fault to the filters made for it."""

BATCH = 256


@dataclass(frozen=True)
class Planted:
    """A dataset with faults: ``kinds`` has each row's kind, empty for what was left alone."""

    images: np.ndarray
    labels: np.ndarray
    kinds: np.ndarray


def plant(clean: Labelled, training: Labelled, share: float, classes: int, seed: int) -> Planted:
    """Add ``share`` of copies, training images and noise to ``clean``, and mislabel as many."""
    rng = np.random.default_rng(seed)
    count = max(2, round(share * len(clean.labels)))
    chosen = rng.permutation(len(clean.labels))
    copied, move, jpeg, wrong, spoiled = np.split(
        chosen[: count * 4 + count // 2 * 2],
        [count, count + count // 2, count + count // 2 * 2, count * 2 + count // 2 * 2],
    )
    labels = clean.labels.copy()
    labels[wrong] = (labels[wrong] + rng.integers(1, classes, len(wrong))) % classes
    kinds = np.full(len(labels), "", dtype=object)
    kinds[wrong] = "wrong labels"
    spoiled = spoiled[:count]
    learnt = rng.choice(len(training.labels), count, replace=False)
    reach = reach_of(*clean.images.shape[1:3])
    added = {
        "exact copies": (clean.images[copied], clean.labels[copied]),
        "moved copies": (moved(clean.images[move], rng, reach), clean.labels[move]),
        "JPEG copies": (recompressed(clean.images[jpeg], rng), clean.labels[jpeg]),
        "training images": (training.images[learnt], training.labels[learnt]),
        "noise": (noisy(clean.images[spoiled], rng), clean.labels[spoiled]),
    }
    images = np.concatenate([clean.images, *(part for part, _ in added.values())])
    labels = np.concatenate([labels, *(own for _, own in added.values())])
    kinds = np.concatenate(
        [kinds, *(np.full(len(own), k, object) for k, (_, own) in added.items())]
    )
    return Planted(images, labels, kinds)


def noisy(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A third each of random pixels, a real image's pixels in another order, strong noise."""
    made = images.copy()
    for row, image in enumerate(images):
        if row % 3 == 0:
            made[row] = rng.integers(0, 256, image.shape)
        elif row % 3 == 1:
            flat = image.reshape(-1, image.shape[2])
            made[row] = flat[rng.permutation(len(flat))].reshape(image.shape)
        else:
            made[row] = np.clip(image + rng.normal(0, 64, image.shape), 0, 255)
    return made


def reasons_of(
    planted: Planted, filters: FilterSet, scorer: Scorer, device: torch.device
) -> dict[str, np.ndarray]:
    """For every reason, which images its filter rejects by itself: ``bool [N]``."""
    scores: dict[str, list[torch.Tensor]] = {name: [] for name in scorer.names}
    codes = repeat_codes(filters.repeats, scorer)
    coding: dict[str, list[torch.Tensor]] = {name: [] for name in codes}
    for start in range(0, len(planted.labels), BATCH):
        pixels = torch.from_numpy(planted.images[start : start + BATCH]).to(device)
        labels = torch.from_numpy(planted.labels[start : start + BATCH]).to(device)
        for name, value in scorer(pixels, labels).items():
            scores[name].append(value.cpu())
        for name, value in coded(codes, pixels).items():
            coding[name].append(value)
    measured = {name: torch.cat(parts) for name, parts in scores.items()}
    measured[FINITE] = torch.ones(len(planted.labels))
    labels = torch.from_numpy(planted.labels)
    found = {reason: np.zeros(len(labels), dtype=bool) for reason in filters.reasons}
    for bound in filters.bounds:
        found[bound.name] |= ~bound.keep(measured, labels).numpy()
    hashes = pixel_hashes(planted.images)
    _, first = np.unique(hashes, return_index=True)
    found["exact_duplicate"] = ~np.isin(np.arange(len(hashes)), first)
    for rule in filters.repeats:
        # An exact copy is another filter's to find, and is gone when near ones are looked for.
        rows = find_repeats(
            rule, torch.cat(coding[rule.name]), planted.labels, ~found["exact_duplicate"]
        )
        found[rule.name][rows] = True
    return found


def shares(planted: Planted, found: dict[str, np.ndarray]) -> tuple[dict[str, float], ...]:
    """Found of each kind by its own filters, found by any, and false alarms of each filter."""
    anyhow = np.any(list(found.values()), axis=0)
    own, every = {}, {}
    for kind, names in KINDS.items():
        rows = planted.kinds == kind
        own[kind] = float(np.any([found[name][rows] for name in names], axis=0).mean())
        every[kind] = float(anyhow[rows].mean())
    alone = planted.kinds == ""
    alarms = {name: float(rows[alone].mean()) for name, rows in found.items()}
    return own, every, {**alarms, "all together": float(anyhow[alone].mean())}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the shares of every seed, and their means."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    ask_for_data(parser, NEEDS)
    parser.add_argument("--generator", required=True, help="bundle with a reference")
    parser.add_argument("--n", type=int, default=5_000, help="test images")
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--filters", default="audit")
    chosen = parser.parse_args(arguments)
    data_of(chosen, NEEDS)
    generator = load_generator(chosen.generator, "auto", "fp32")
    settings = {
        "data": chosen.data,
        "classes": generator.classes,
        **generator.image.as_settings(),
    }
    test = load_images(DataSettings.parse({**settings, "split": "test"}))
    train = load_images(DataSettings.parse(settings))
    scorer = make_scorer(generator)
    assert generator.reference is not None and generator.calibration is not None
    rows = generator.reference["rows"].long().numpy()
    training = Labelled(train.images[np.sort(rows)], train.labels[np.sort(rows)])
    filters = load_filters(
        chosen.filters, Calibration.from_json(generator.calibration), generator.classes,
        generator.image.height,
    )  # fmt: skip
    print(f"filters: {filters}")
    results = []
    for seed in range(chosen.seeds):
        rows = np.sort(np.random.default_rng(seed).permutation(len(test.labels))[: chosen.n])
        clean = Labelled(np.asarray(test.images[rows]), test.labels[rows])
        planted = plant(clean, training, chosen.share, len(generator.classes), seed)
        found = reasons_of(planted, filters, scorer, generator.device)
        results.append(shares(planted, found))
    print(f"{chosen.n:,} test images of {test.name}, {chosen.seeds} seeds: mean (each)")
    for title, place in (("found by its own filter", 0), ("found by any", 1), ("false alarms", 2)):
        print(f"\n{title}")
        for name in results[0][place]:
            each = [result[place][name] for result in results]
            listed = ", ".join(f"{value:.1%}" for value in each)
            print(f"  {name}: {np.mean(each):.2%} ({listed})")


if __name__ == "__main__":
    main()
