"""What people write today to make a dataset of generated images, beside synthgen, on the same work.

    python -m benchmarks peers --n 2000 --times 3 --out peers.json

All make the same number of images with the same generator and end with a folder whose first row
``datasets.load_dataset`` has given: (a) one image at a time into class folders; (b) batches into a
list, then ``Dataset.from_dict(...).to_parquet``; (c) ``Dataset.from_generator``; and synthgen, with
no filters but validity. They take turns within each repetition; ratios are of medians.

Every way starts by loading the generator's bundle and ends with the dataset loaded. Before each,
memory for as many bytes as it writes has been touched (``measuring.even_ground``).

Two cases: ``generator``, the bundled ``fashion-mnist-28``, whose images cost more to make than to
encode; and ``encoder``, 256 px cut-outs of photographs, that cost a copy to make. The peers look at
nothing but pixels, so synthgen leaves out its classifier's score too (``--scores statistics``); the
row "with all scores" is what it does by itself.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from PIL import Image

from benchmarks.measuring import even_ground, machine, spread, table, take_turns, write_json
from benchmarks.pictures import Photographs, in_place_of
from synthgen.dataset.encoding.images import estimated_bytes
from synthgen.generators.zoo import load_generator
from synthgen.spec.image import ImageSpec, to_uint8
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.resolve import resolve
from synthgen.stages.sample.stage import run

NAME = "fashion-mnist-28"
BATCH = 256
CLASSES = ("bag", "coat")


def batches(maker: Any, keys: np.ndarray, n: int, size: int) -> Iterator[tuple[np.ndarray, Any]]:
    """Images ``uint8 [n, H, W, C]`` and labels, ``size`` at a time."""
    for start in range(0, n, size):
        numbers = np.arange(start, min(n, start + size))
        labels = numbers % len(CLASSES)
        drawn = maker.candidates(keys[labels], np.zeros_like(numbers), numbers, seed=0)
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


def ours(painter: Photographs | None, n: int, out: Path, scores: str) -> None:
    """The product itself: scores, provenance, checksums, card and all."""
    settings = SampleSettings.parse(
        {"classes": CLASSES, "n": n, "generator": NAME, "filters": "none", "scores": scores,
         "out": str(out)}
    )  # fmt: skip
    resolved = resolve(settings)
    with in_place_of(resolved.tools.generator, painter) if painter else nullcontext():
        if painter:  # whose images are larger: another plan
            resolved = resolve(settings, resolved.tools.generator)
        run(resolved, "new")
    opened = datasets.load_dataset(str(out), split="train")
    assert len(opened) == n and opened[0]["image"]


def peer(
    way: Callable[[Any, np.ndarray, int, Path], None],
    painter: Photographs | None,
    n: int,
    out: Path,
) -> None:
    """A peer loads the same bundle first."""
    generator = load_generator(NAME)
    keys = np.array([generator.classes.index(name) for name in CLASSES])
    way(painter or generator, keys, n, out)


PEERS: dict[str, Callable[[Any, np.ndarray, int, Path], None]] = {
    "(a) one at a time, PIL.save": one_at_a_time,
    "(b) Dataset.from_dict": from_dict,
    "(c) Dataset.from_generator": from_generator,
}
OURS = "synthgen"


def rate(work: Callable[[int, Path], None], n: int, size: int) -> float:
    """Images per second of one way, in an empty folder, once ``size`` bytes have been written and
    deleted there: what the way before has left is no part of this one's time."""
    with tempfile.TemporaryDirectory() as folder:
        datasets.config.HF_DATASETS_CACHE = Path(folder) / "cache"
        even_ground(Path(folder), size)
        start = time.perf_counter()
        work(n, Path(folder) / f"run-{time.time_ns()}")
        return n / (time.perf_counter() - start)


def main() -> None:
    """Time all, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=2000, help="Images of each way and repetition.")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--case", choices=["generator", "encoder", "both"], default="both")
    parser.add_argument("--out", default="", help="JSON file for the figures.")
    arguments = parser.parse_args()
    datasets.disable_progress_bars()
    found: dict[str, dict[str, list[float]]] = {}
    for case in ("generator", "encoder"):
        if arguments.case not in (case, "both"):
            continue
        painter = Photographs(256) if case == "encoder" else None
        ways = {name: partial(peer, way, painter) for name, way in PEERS.items()}
        ways[OURS] = partial(ours, painter, scores="statistics")
        if painter is None:
            ways["synthgen, with all scores"] = partial(ours, painter, scores="all")
        image = painter.image if painter else ImageSpec(28, 28, 1)
        # The files, the cache that loading makes of them, and that of way (c).
        size = 3 * int(estimated_bytes(image, "png")) * arguments.n
        rates = take_turns(
            {name: partial(rate, way, arguments.n, size) for name, way in ways.items()},
            arguments.times,
        )
        found[case] = rates
        best = statistics.median(rates[OURS])
        print(f"\n{case}, {arguments.n:,} images, {arguments.times} times, {machine()}\n")
        rows = [
            [name, spread(values), f"{best / statistics.median(values):.1f}"]
            for name, values in rates.items()
        ]
        print(table(["way", "images per second", "synthgen is faster by"], rows))
    write_json(arguments.out, {"n": arguments.n, "images_per_second": found})


if __name__ == "__main__":
    main()
