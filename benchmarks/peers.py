"""What people write today to make a dataset of generated images, beside synthgen, on the same work.

    python benchmarks/peers.py --n 2000 --times 3 --out peers.json

All make the same number of images with the same generator and end with a folder whose first row
``datasets.load_dataset`` has given: (a) one image at a time into class folders; (b) batches into a
list, then ``Dataset.from_dict(...).to_parquet``; (c) ``Dataset.from_generator``; and synthgen, with
no filters but validity. They take turns within each repetition; ratios are of medians.

Two cases: ``generator``, the bundled ``fashion-mnist-28``, whose images cost more to make than to
encode; and ``encoder``, 256 px RGB pictures that cost next to nothing to make.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import datasets
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator
from synthgen.spec.image import ImageSpec, to_uint8
from synthgen.spec.sample_settings import SampleSettings
from synthgen.stages.sample import resolve, run

BATCH = 256
CLASSES = ("bag", "coat")


class Painter:
    """The generator of the encoder's case: smooth random pictures, 256 px, for hardly any work."""

    image = ImageSpec(256, 256, 3)

    def candidates(
        self, labels: np.ndarray, shards: np.ndarray, candidates: np.ndarray, **_: Any
    ) -> dict[str, Tensor]:
        """``float [N, 3, 256, 256]`` in [-1, 1], a function of shard, class and candidate."""
        seeds = (shards * 1_000 + labels) * 1_000_003 + candidates
        grids = [np.random.default_rng(int(s)).uniform(-1, 1, (3, 8, 8)) for s in seeds]
        small = torch.from_numpy(np.stack(grids)).float()
        large = torch.nn.functional.interpolate(small, scale_factor=32, mode="bilinear")
        return {"image": large}


def batches(maker: Any, keys: np.ndarray, n: int, size: int) -> Iterator[tuple[np.ndarray, Any]]:
    """Images ``uint8 [n, H, W, C]`` and labels, ``size`` at a time."""
    for start in range(0, n, size):
        numbers = np.arange(start, min(n, start + size))
        labels = numbers % len(CLASSES)
        drawn = maker.candidates(
            keys[labels], np.zeros_like(numbers), numbers, seed=0, latent_std=1.0, truncation=None
        )
        yield to_uint8(drawn["image"]).cpu().numpy(), labels


def picture(pixels: np.ndarray) -> Image.Image:
    """A Pillow image of ``uint8 [H, W, C]``."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


FEATURES = datasets.Features(
    {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))}
)


def one_at_a_time(maker: Any, keys: np.ndarray, n: int, out: Path) -> None:
    """(a): one call and one file an image."""
    for name in CLASSES:
        (out / name).mkdir(parents=True)
    for number, (images, labels) in enumerate(batches(maker, keys, n, 1)):
        picture(images[0]).save(out / CLASSES[labels[0]] / f"{number}.png")
    opened = datasets.load_dataset("imagefolder", data_dir=str(out), split="train")
    assert len(opened) == n and opened[0]["image"]


def from_dict(maker: Any, keys: np.ndarray, n: int, out: Path) -> None:
    """(b): all images in memory, then one Parquet file."""
    images: list[Image.Image] = []
    labels: list[int] = []
    for pixels, truth in batches(maker, keys, n, BATCH):
        images += [picture(one) for one in pixels]
        labels += truth.tolist()
    out.mkdir(parents=True)
    made = datasets.Dataset.from_dict({"image": images, "label": labels}, features=FEATURES)
    made.to_parquet(str(out / "train.parquet"))
    opened = datasets.load_dataset(str(out), split="train")
    assert len(opened) == n and opened[0]["image"]


def from_generator(maker: Any, keys: np.ndarray, n: int, out: Path) -> None:
    """(c): rows one after another through the cache of ``datasets``."""

    def rows() -> Iterator[dict[str, Any]]:
        for pixels, truth in batches(maker, keys, n, BATCH):
            for one, label in zip(pixels, truth.tolist(), strict=True):
                yield {"image": picture(one), "label": label}

    out.mkdir(parents=True)
    made = datasets.Dataset.from_generator(
        rows, features=FEATURES, cache_dir=str(out / ".cache"), fingerprint=out.name
    )
    made.to_parquet(str(out / "train.parquet"))
    opened = datasets.load_dataset(str(out), split="train")
    assert len(opened) == n and opened[0]["image"]


def ours(maker: Any, keys: np.ndarray, n: int, out: Path) -> None:
    """The product itself: scores, provenance, checksums, card and all."""
    settings = SampleSettings.parse(
        {"classes": CLASSES, "n": n, "generator": "fashion-mnist-28", "filters": "none",
         "out": str(out)}
    )  # fmt: skip
    resolved = resolve(settings)
    if isinstance(maker, Painter):
        painted = resolved.generator
        with (
            mock.patch.object(
                Generator, "candidates", lambda self, *a, **k: maker.candidates(*a, **k)
            ),
            mock.patch.object(Generator, "image", maker.image),
            mock.patch.object(painted, "classifier", None),
        ):
            run(resolved, "new")
    else:
        run(resolved, "new")
    opened = datasets.load_dataset(str(out), split="train")
    assert len(opened) == n and opened[0]["image"]


WAYS: dict[str, Callable[[Any, np.ndarray, int, Path], None]] = {
    "(a) one at a time, PIL.save": one_at_a_time,
    "(b) Dataset.from_dict": from_dict,
    "(c) Dataset.from_generator": from_generator,
    "synthgen": ours,
}


def main() -> None:
    """Time all, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=2000, help="Images of each way and repetition.")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--case", choices=["generator", "encoder", "both"], default="both")
    parser.add_argument("--out", default="", help="JSON file for the figures.")
    arguments = parser.parse_args()
    datasets.disable_progress_bars()
    generator = load_generator("fashion-mnist-28")
    keys = np.array([generator.classes.index(name) for name in CLASSES])
    found: dict[str, dict[str, list[float]]] = {}
    for case in ("generator", "encoder"):
        if arguments.case not in (case, "both"):
            continue
        maker = generator if case == "generator" else Painter()
        rates: dict[str, list[float]] = {name: [] for name in WAYS}
        for turn in range(arguments.times):
            for name, way in WAYS.items():
                with tempfile.TemporaryDirectory() as folder:
                    datasets.config.HF_DATASETS_CACHE = Path(folder) / "cache"
                    start = time.perf_counter()
                    way(maker, keys, arguments.n, Path(folder) / f"run-{turn}-{len(rates[name])}")
                    rates[name].append(arguments.n / (time.perf_counter() - start))
        found[case] = rates
        best = statistics.median(rates["synthgen"])
        print(f"\n{case}, {arguments.n:,} images, {arguments.times} times\n")
        print("| way | images per second (least to most) | synthgen is faster by |\n|---|---|---|")
        for name, values in rates.items():
            middle = statistics.median(values)
            print(
                f"| {name} | {middle:,.0f} ({min(values):,.0f} to {max(values):,.0f}) | "
                f"{best / middle:.1f} |"
            )
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
