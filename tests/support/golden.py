"""What the golden tests and ``tests/golden/make.py`` share: data, recipes, and how to measure.

Only the command line, ``load_generator`` and the registry of algorithms are used, so that the files
of one commit can be read by the code of another.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

GOLDEN = Path(__file__).parents[1] / "golden"
BUNDLES, DATASETS = GOLDEN / "bundles", GOLDEN / "datasets"
WEIGHTS, LOSSES = GOLDEN / "weights.json", GOLDEN / "losses.json"
CANDIDATES = GOLDEN / "candidates"

OPTIONS = {
    "biggan": {"width": 8, "width_d": 8, "chunk": 2, "embedding": 4},
    "cgan": {"width": 8},
    "cgn": {"width": 4, "width_d": 4, "widest": 8, "latent": 4, "style": 8},
    "cogan": {"width": 8},
    "cyclegan": {"width": 4, "width_d": 4, "blocks": 1},
    "dcgan": {"width": 8},
    "dtn": {"width": 4, "width_d": 4},
    "gan": {"width": 16, "width_d": 8},
    "pix2pix": {"width": 4, "width_d": 4},
    "pose": {"width": 4, "width_d": 4, "latent": 4},
    "prgan": {"width": 4, "width_d": 4, "latent": 4, "embedding": 4},
    "progan": {"width": 8, "widest": 16, "latent": 8},
    "r3gan": {"width": 8, "widest": 16, "latent": 8, "style": 16},
    "sagan": {"width": 8, "width_d": 8, "latent": 4},
    "spade": {"width": 4, "width_d": 4, "hidden": 4, "latent": 4, "perceptual": 0},
    "stargan": {"width": 4, "width_d": 4, "blocks": 1},
    "stackgan": {
        "width": 4,
        "widest": 8,
        "width_d": 4,
        "latent": 4,
        "text": 8,
        "told": 4,
    },
    "stylegan2": {"width": 8, "widest": 16, "latent": 8, "style": 16},
    "voxel": {"width": 4, "width_d": 4, "latent": 4},
    "wgan": {"width": 8},
    "wgan-gp": {"width": 8},
}
"""Small networks of every algorithm."""

TASKS = {"grey-8": (8, 1), "rgb-32": (32, 3)}
"""Side in pixels and channels."""

CLASSES = ("nought", "one", "two")
SEED = 20
CAPTION_BUCKETS = 2048
"""Numbers that a caption is to networks."""
FEW = 6
"""Candidates of each class that are looked at."""

SAMPLED = ("--device", "cpu", "--precision", "fp32", "--batch-size", "16")
MILD = ("--filters", GOLDEN / "filters.yaml", "--keep-rejects", "--acceptance-floor", "0.001")
DIGITS = ("--images-per-shard", "16", *MILD, *SAMPLED)
"""Options of the dataset ``digits``, for who extends it or makes another like it."""


def synthgen(*arguments: object) -> int:
    """Run the command line in this process; its exit code."""
    from synthgen.cli.main import main

    before, sys.argv = sys.argv, ["synthgen", *map(str, arguments)]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = before
    return 0


def digit_folders(folder: Path) -> tuple[Path, Path]:
    """Class folders of 60 digits of each class, white on black; and of 30, black on white."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    pixels = np.clip(loaded.images * 16, 0, 255).astype(np.uint8)
    for label, name in enumerate(CLASSES):
        for number, image in enumerate(pixels[loaded.target == label][:60]):
            negatives = [(folder / "negative", 255 - image)] if number % 2 == 0 else []
            for where, shown in [(folder / "plain", image), *negatives]:
                (where / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(shown).save(where / name / f"{number:03d}.png")
    return folder / "plain", folder / "negative"


def build_seeded(name: str, task: str) -> Any:
    """The algorithm of this name for one of :data:`TASKS`, freshly initialised by the seed."""
    from synthgen.algorithms.registry import build, find
    from synthgen.spec.image import ImageSpec

    side, channels = TASKS[task]
    image = ImageSpec(side, side, channels)
    torch.manual_seed(SEED)
    return build(name, find(name).takes.task(CLASSES, image), OPTIONS[name])


def summaries(algorithm: Any) -> dict[str, list[Any]]:
    """Of every tensor of every network: dtype, shape, sum, and sum of the absolute values."""
    found = {}
    for network, module in sorted(algorithm.networks.items()):
        for key, value in module.state_dict().items():
            wide = value.double()
            kind = str(value.dtype).removeprefix("torch.")
            sums = [float(f"{float(x):.9g}") for x in (wide.sum(), wide.abs().sum())]
            found[f"{network}.{key}"] = [kind, list(value.shape), *sums]
    return found


def losses(algorithm: Any, side: int, channels: int) -> dict[str, float]:
    """Every term of every phase at seeded weights, images and latents, after 60% of a run, and the
    sum of the absolute gradients of its phase; nothing is trained in between.
    """
    from synthgen.algorithms.contract import Tensors

    scalars = {name: schedule.at(0.6) for name, schedule in algorithm.schedules.items()}
    for name, value in scalars.items():
        network, dot, buffer = name.partition(".")
        if dot:
            algorithm.networks[network].get_buffer(buffer).fill_(value)
    found = {}
    for phase in algorithm.phases:
        torch.manual_seed(SEED)
        label = torch.arange(6) % len(CLASSES)
        given = {"condition": label, "condition/source": label.flip(0)}
        for name in ("image", "source"):
            given[name] = torch.rand(len(label), channels, side, side) * 2 - 1
        if "mask" in algorithm.inputs:  # drawn last, and only here: older numbers stay as they are
            drawn = torch.randint(len(CLASSES), (len(label), side, side))
            given["mask"] = torch.nn.functional.one_hot(drawn).permute(0, 3, 1, 2).float()
        if "views" in algorithm.inputs:  # of solids of half the side
            given["voxels"] = torch.rand(len(label), 1, *[side // 2] * 3).round() * 2 - 1
            given["views"] = torch.rand(len(label), 4, side // 2, side // 2) * 2 - 1
        if "keypoints" in algorithm.inputs:
            given["keypoints"] = torch.rand(len(label), 5, side, side)
        if "asked" in algorithm.tensors:  # what is asked for is a vector of choices
            chosen = torch.nn.functional.one_hot(label, len(CLASSES))
            given["condition"] = chosen.float() * 2 - 1
        if "scene" in algorithm.tensors:  # the object's class, and the background's as choices
            chosen = torch.nn.functional.one_hot(label.flip(0), len(CLASSES)).float() * 2 - 1
            given["condition"] = torch.cat([label.float()[:, None], chosen], dim=1)
        for name, latent in algorithm.latents.items():
            given[name] = torch.randn(len(label), *latent.shape)
        if "text" in algorithm.networks:
            given["condition"] = torch.nn.functional.one_hot(label, CAPTION_BUCKETS).float()
        for network in algorithm.networks.values():
            network.requires_grad_(False)
        trained = [x for name in phase.trains for x in algorithm.networks[name].parameters()]
        for parameter in trained:
            parameter.requires_grad_(True)
        tensors = Tensors(algorithm.networks, algorithm.tensors, given, scalars, lambda x: x)
        total = torch.zeros(())
        for name, term in phase.terms.items():
            value = term.formula(tensors)
            total = total + term.weight * value
            found[f"{phase.name}/{name}"] = float(f"{value.item():.7g}")
        gradients = torch.autograd.grad(total, trained, allow_unused=True)
        size = sum(float(x.double().abs().sum()) for x in gradients if x is not None)
        found[f"{phase.name} gradients"] = float(f"{size:.7g}")
    return found


def first_candidates(generator: Any, seed: int = 0) -> Iterator[tuple[str, np.ndarray]]:
    """Each column of images of the first candidates, class after class: ``uint8 [N, H, W, C]``.

    A generator that translates is shown ramps of grey instead of latents.
    """
    labels = np.repeat(np.arange(len(generator.classes)), FEW)
    numbers = np.tile(np.arange(FEW), len(generator.classes))
    given = None
    if generator.translates:
        spec = generator.image
        ramp = torch.linspace(-1, 1, len(labels) * spec.height * spec.width)
        source = ramp.reshape(len(labels), 1, spec.height, spec.width)
        given = {"source": source.expand(-1, spec.channels, -1, -1).contiguous()}
    drawn = generator.candidates(labels, np.zeros_like(labels), numbers, seed=seed, given=given)
    for column, images in sorted(drawn.items()):
        levels = ((images.permute(0, 2, 3, 1) + 1) * 127.5).round().clamp(0, 255)
        yield column, levels.to(torch.uint8).cpu().numpy()


def save_sheet(path: Path, images: np.ndarray) -> None:
    """Write images below each other, :data:`FEW` in a row, as one PNG file."""
    count, height, width, channels = images.shape
    rows = images.reshape(count // FEW, FEW, height, width, channels).transpose(0, 2, 1, 3, 4)
    sheet = rows.reshape(count // FEW * height, FEW * width, channels)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet).save(path, optimize=True)


def read_sheet(path: Path, height: int) -> np.ndarray:
    """The inverse of :func:`save_sheet`: ``uint8 [N, H, W, C]``."""
    sheet = np.asarray(Image.open(path))
    sheet = sheet[:, :, None] if sheet.ndim == 2 else sheet
    rows = sheet.reshape(len(sheet) // height, height, FEW, -1, sheet.shape[2])
    return rows.transpose(0, 2, 1, 3, 4).reshape(-1, height, rows.shape[3], sheet.shape[2])
