"""Classifiers that are no guards: one that labels the target for a start, and the auditor."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import cross_entropy

from synthgen.data.splits import Labelled, hold_out
from synthgen.features.classifier import LabelClassifier
from synthgen.machine.progress import Progress
from synthgen.networks.placement import place
from synthgen.spec.image import ImageSpec
from synthgen.storage.whole import write_json_whole
from synthgen.training.batches import RealBatches
from synthgen.training.classifier import logits_of, replace_tensors
from synthgen.training.fixed_budget import Budget, fit_fixed_budget
from synthgen.training.loop import step_seed
from synthgen.training.strong import strong

HELD_OUT = 0.1
"""Share of the source that the auditor is measured on."""
FEWEST = 8
"""Images of the target that each class is given as pseudo-labels, at least."""


@dataclass(frozen=True)
class Reader:
    """A classifier in evaluation mode, and the share of held-out source images it is right on."""

    network: LabelClassifier
    right: float

    def probabilities(self, images: np.ndarray, device: torch.device) -> np.ndarray:
        """``float32 [N, K]`` of images ``uint8 [N, H, W, C]``."""
        rows = np.arange(len(images))
        found: np.ndarray = logits_of(self.network, images, rows, device).softmax(dim=1).numpy()
        return found


class _Shown:
    """The training images in their order, as :func:`fit_fixed_budget` asks for them."""

    def __init__(self, real: Labelled, rows: np.ndarray, seed: int, flip: bool) -> None:
        self._batches = RealBatches(real.images, real.labels, rows, seed, flip)

    def at(self, start: int, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        return self._batches.at(start, count, device)


def train_reader(
    real: Labelled, classes: int, budget: Budget, seed: int, device: torch.device, folder: Path,
    augment: Callable[[Tensor], Tensor] = strong,
) -> Reader:  # fmt: skip
    """Train on nine tenths of the source's images under strong augmentation, or open what
    ``folder`` holds of it. A function of its arguments."""
    _, height, width, channels = real.images.shape
    torch.manual_seed(step_seed(seed, 0, 1))
    network = LabelClassifier(ImageSpec(height, width, channels), classes, budget.width)
    place(network, device)
    record = folder / "reader.json"
    if record.exists():
        network.load_state_dict(load_file(folder / "reader.safetensors", device=str(device)))
        right = json.loads(record.read_text(encoding="utf-8"))["right"]
        return Reader(network.eval(), float(right))
    learnt, held = hold_out(real.labels, HELD_OUT, seed)

    def loss_of(pixels: Tensor, truth: Tensor) -> Tensor:
        return cross_entropy(network(augment(pixels)), truth, label_smoothing=budget.smoothing)

    network.train()
    with Progress(budget.steps * budget.batch_size, f"classifier {folder.name}") as progress:
        fit_fixed_budget(
            network, [(_Shown(real, learnt, seed, budget.flip), 1.0)], loss_of, budget, seed=seed,
            device=device, precision=torch.float32, first_alone=0.0, progress=progress.add,
        )  # fmt: skip
    network.eval()
    named = logits_of(network, real.images, held, device).argmax(dim=1).numpy()
    right = float((named == real.labels[held]).mean())
    folder.mkdir(parents=True, exist_ok=True)
    replace_tensors(network.state_dict(), folder / "reader.safetensors")
    write_json_whole(record, {"right": right})
    return Reader(network, right)


def pseudo_labels(probabilities: np.ndarray) -> np.ndarray:
    """``int64 [N]``: the likeliest class of each row of ``float32 [N, K]``, but that no class has
    fewer rows than :data:`FEWEST` (or its even share of few rows): those that are most of it."""
    count, classes = probabilities.shape
    named: np.ndarray = probabilities.argmax(axis=1).astype(np.int64)
    least = min(FEWEST, count // classes)
    sizes = np.bincount(named, minlength=classes)
    for label in np.argsort(sizes, kind="stable"):
        for row in np.argsort(-probabilities[:, label], kind="stable"):
            if sizes[label] >= least:
                break
            if named[row] != label and sizes[named[row]] > least:
                sizes[named[row]] -= 1
                named[row] = label
                sizes[label] += 1
    return named
