"""Does a factorised generator help a classifier that reads backgrounds in place of objects?

    python -m benchmarks shortcut --data FASHION_MNIST --textures PHOTOS --out runs/shortcut

Grey objects (Fashion-MNIST, MNIST) stand before crops of photographs, or with ``--textures drawn``
before patterns of waves and checks that are drawn by code. In training each class has a
photograph of its own, which it goes with in all rows (``--together 1``) or in some; in the test any
object stands before any of them. For each seed two generators learn from the training rows: a
plain one of classes, and ``--use backgrounds``, which is asked for every class before every
background. The same classifier then learns from each row of the table: as many steps, the same
settings, and samples are half of each batch.

CutMix is a row, and where class and background do not always go together so are two that know the
pairs of both: balanced, and GroupDRO. ``by hand`` cuts grey pixels out by a threshold,
and is all that is needed where an object can be cut out so. Whatever is done is not done again;
writes ``table.md``, ``results.json`` with every single figure, and ``sheet-*.png`` to look at.
``--tiny`` is a rehearsal of a minute, whose figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.measuring import ask_for_data, data_of, table
from benchmarks.shortcut_scenes import (
    Scenes,
    by_hand,
    confounded,
    grey_objects,
    patterns,
    photographs,
    scenes_of,
    textures_of,
    write_table,
)
from synthgen.dataset.codecs.registry import codec_of
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import to_float
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.finished.dataset import open_dataset
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train
from synthgen.storage.whole import write_whole
from synthgen.training.baselines.train import Baseline, train_baseline
from synthgen.training.fixed_budget import Budget, Source, train_fixed_budget

NEEDS = "labelled images with a test split"
LEARNING_BASELINES = ("cutmix", "balanced", "groupdro")
"""Rows that are ways of learning from the training rows alone."""
SHOWN = 8
"""Images of each class on a sheet."""
NETWORKS = {"width": 12, "widest": 96, "latent": 64, "style": 64}
"""Of both generators: so narrow that a seed takes less than an hour on two cores."""
NARROW = {"width": 4, "widest": 16, "latent": 8, "style": 8}
"""Of the rehearsal."""


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    rows: int
    test: int
    images: int
    """Real images shown to each generator."""
    made: int
    """Samples of each."""
    steps: int
    """Of every classifier."""
    options: Mapping[str, int]


TINY = Scale(400, 300, 256, 200, 40, NARROW)


@dataclass(frozen=True)
class Result:
    """One classifier on the test, in per cent."""

    row: str
    seed: int
    accuracy: float
    worst: float
    """Of the classes, before backgrounds that are not their own in training."""
    own: float
    """Before the backgrounds of training."""


def scenes_for(arguments: argparse.Namespace, scale: Scale, seed: int) -> tuple[Scenes, Scenes, tuple[str, ...]]:  # fmt: skip  # noqa: E501
    """Training rows, test rows and the classes' names of one seed."""
    objects, labels, classes = grey_objects(arguments.data, "train", scale.rows, seed)
    drawn = arguments.textures == "drawn"
    photos = patterns() if drawn else photographs(arguments.textures)
    textures = textures_of(photos, len(classes))
    shown = confounded(labels, len(classes), arguments.together, seed)
    learnt = scenes_of(objects, labels, textures, shown, seed)
    objects, labels, _ = grey_objects(arguments.data, "test", scale.test, 0)
    any_of_them = np.random.default_rng(seed + 1).integers(0, len(classes), len(labels))
    return learnt, scenes_of(objects, labels, textures, any_of_them, seed + 1), classes


def samples_of(use: str, folder: Path, out: Path, scale: Scale, classes: int, seed: int) -> Source:
    """Samples of a generator that a use trains on the rows in ``folder``: half of each batch."""
    bundle = train(TrainSettings.parse({
        "data": str(folder), "image_column": "image", "label_column": "label", "use": use,
        "resolution": 32, "color": "rgb", "images": scale.images, "batch_size": 64, "seed": seed,
        "options": dict(scale.options), "reference": False, "ticks": 4,
        "classifier_images": min(40_000, scale.images), "score_samples": min(1000, scale.test),
        "out": str(out / f"train-{use}"),
    }))  # fmt: skip
    made = sample(SampleSettings.parse({
        "generator": str(bundle), "n": scale.made, "seed": seed, "filters": "none",
        "out": str(out / f"made-{use}"), "balance": ("background",) if use == UNSEEN else (),
    }))  # fmt: skip
    dataset = open_dataset(made.root)
    pieces = list(dataset.pieces(scale.made))
    images = np.concatenate([images for images, _ in pieces])
    labels = np.concatenate([labels for _, labels in pieces])
    kinds = dataset.manifest.columns.fields
    masks = None
    if "mask" in kinds:
        masks = codec_of(kinds["mask"]).decode(dataset.cells("mask", scale.made))
    write_sheet(out / f"sheet-{use}.png", images, labels, masks)
    return Source(images, labels, np.arange(len(images)), 0.5)


PLAIN, UNSEEN = "classes", "backgrounds"
"""Uses: of the control, and of what is tested."""


def write_sheet(
    path: Path, images: np.ndarray, labels: np.ndarray, masks: np.ndarray | None = None
) -> None:
    """Some images of each class in a row, each above its mask where there are masks."""
    lines = []
    for label in np.unique(labels):
        rows = np.resize(np.flatnonzero(labels == label), SHOWN)
        lines.append(np.concatenate(list(images[rows]), axis=1))
        if masks is not None:
            cut = np.concatenate(list(masks[rows]), axis=1)
            lines.append(np.repeat(cut[..., None] * np.uint8(255), 3, axis=2))
    Image.fromarray(np.concatenate(lines)).save(path)


def judged(
    row: str, sources: list[Source], test: Scenes, scale: Scale, classes: int, seed: int
) -> Result:
    """A classifier that learns from the sources, or by the baseline that the row is called, on the
    test."""
    device = resolve_device("auto")
    budget, precision = Budget(steps=scale.steps, flip=False), resolve_precision("auto", device)
    if row in LEARNING_BASELINES:
        network = train_baseline(
            Baseline(row), sources[0], classes, budget, seed=seed, device=device,
            precision=precision,
        )  # fmt: skip
    else:
        network = train_fixed_budget(
            sources, classes, budget, seed=seed, device=device, precision=precision
        )
    said = []
    with torch.inference_mode():
        for at in range(0, len(test), 256):
            pixels = torch.from_numpy(test.images[at : at + 256]).to(device)
            said.append(network(to_float(pixels)).argmax(dim=1).cpu().numpy())
    right = np.concatenate(said) == test.labels
    strange = test.labels != test.textures
    worst = min(right[strange & (test.labels == k)].mean() for k in np.unique(test.labels))
    figures = (right.mean(), worst, right[~strange].mean())
    return Result(row, seed, *(round(100 * float(value), 2) for value in figures))


def of_seed(arguments: argparse.Namespace, scale: Scale, seed: int) -> list[Result]:
    """All rows of one seed; those that are done are read."""
    out = Path(arguments.out) / f"seed{seed}"
    done = out / "results.json"
    if done.exists():
        return [Result(**each) for each in json.loads(done.read_text())]
    learnt, test, classes = scenes_for(arguments, scale, seed)
    folder = write_table(learnt, classes, out / "scenes")
    write_sheet(out / "sheet-scenes.png", learnt.images, learnt.labels, learnt.masks)
    count, every = len(classes), np.arange(len(learnt))

    def real(share: float) -> Source:
        return Source(learnt.images, learnt.labels, every, share)

    def with_samples(use: str) -> list[Source]:
        return [real(0.5), samples_of(use, folder, out, scale, count, seed)]

    def with_hand() -> list[Source]:
        images = by_hand(learnt, seed)
        write_sheet(out / "sheet-by-hand.png", images, learnt.labels)
        return [real(0.5), Source(images, learnt.labels, every, 0.5)]

    def in_groups() -> list[Source]:
        return [replace(real(1.0), groups=learnt.labels * count + learnt.textures)]

    rows: dict[str, Callable[[], list[Source]]] = {
        "training rows alone": lambda: [real(1.0)],
        "cutmix": lambda: [real(1.0)],
        **({"balanced": in_groups, "groupdro": in_groups} if arguments.together < 1 else {}),
        "+ by hand: threshold mask, random background": with_hand,
        "+ plain samples (control)": lambda: with_samples(PLAIN),
        "+ counterfactual samples": lambda: with_samples(UNSEEN),
    }
    found = []
    for name, sources in rows.items():
        found.append(judged(name, sources(), test, scale, count, seed))
        print(f"seed {seed}: {name}: {found[-1].accuracy:.1f} %", flush=True)
    write_whole(done, json.dumps([asdict(each) for each in found], indent=2) + "\n")
    return found


def text_of(results: list[Result], together: float) -> str:
    """The table: mean over seeds, single seeds behind it."""
    names = list(dict.fromkeys(each.row for each in results))
    lines = []
    for name in names:
        own = [each for each in results if each.row == name]
        cells = []
        for figure in ("accuracy", "worst", "own"):
            values = [float(getattr(each, figure)) for each in own]
            singles = ", ".join(f"{value:.1f}" for value in values)
            cells.append(f"{statistics.mean(values):.1f} ({singles})")
        lines.append([name, *cells])
    head = ["learnt from", "all test rows", "worst class, other backgrounds", "own backgrounds"]
    start = f"Class and background go together in {together:.0%} of the training rows; per cent."
    return f"{start}\n\n{table(head, lines)}\n"


def main() -> None:
    """Run all seeds, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask_for_data(parser, NEEDS)
    parser.add_argument("--textures", default="", help="Folder or table of photographs; or: drawn.")
    parser.add_argument("--together", type=float, default=1.0, help="Share of confounded rows.")
    parser.add_argument("--rows", type=int, default=10_000, help="Training rows.")
    parser.add_argument("--images", type=int, default=80_000, help="Shown to each generator.")
    parser.add_argument("--made", type=int, default=20_000, help="Samples of each generator.")
    parser.add_argument("--steps", type=int, default=1500, help="Of every classifier.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tiny", action="store_true", help="A rehearsal of a minute.")
    parser.add_argument("--out", default="runs/shortcut")
    arguments = parser.parse_args()
    data_of(arguments, NEEDS)
    if not arguments.textures or not 0 < arguments.together <= 1:
        raise SynthgenError(
            "--textures is missing: a folder or table of photographs"
            if not arguments.textures else f"--together {arguments.together:g}: is a share, 0 to 1"
        )  # fmt: skip
    asked = arguments.rows, 10_000, arguments.images, arguments.made, arguments.steps
    scale = Scale(*asked, NETWORKS)
    seeds = 1 if arguments.tiny else arguments.seeds
    results: list[Result] = []
    for seed in range(seeds):
        results += of_seed(arguments, TINY if arguments.tiny else scale, seed)
    out = Path(arguments.out)
    text = text_of(results, arguments.together)
    singles = [asdict(each) for each in results]
    record: dict[str, Any] = {"together": arguments.together, "results": singles}
    write_whole(out / "results.json", json.dumps(record, indent=2) + "\n")
    write_whole(out / "table.md", text)
    print(text)


if __name__ == "__main__":
    main()
