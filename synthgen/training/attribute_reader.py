"""Train the reader of a run's attributes, on the real rows that the GAN trains on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from synthgen.features.attribute_reader import AttributeReader
from synthgen.networks.placement import place
from synthgen.spec.image import ImageSpec
from synthgen.spec.vectors import Attributes
from synthgen.storage.whole import write_whole
from synthgen.training.batches import RealBatches
from synthgen.training.classifier import (
    PASSES,
    ClassifierSettings,
    fit_network,
    logits_of,
    replace_tensors,
)


@dataclass(frozen=True)
class TrainedReader:
    """A reader, and how well it reads held-out real images; ``network`` is in evaluation mode."""

    network: AttributeReader
    right: Mapping[str, float]
    """Of each attribute the share that it reads rightly; of a number the mean error."""
    agreements: np.ndarray
    """``float32 [V]``: of the held-out rows, in order; see ``quality/readers/attributes.py``."""

    def text(self) -> str:
        """In one line."""
        ranges = self.network.field.ranges
        told = [
            f"{name} {value:.3g} off" if name in ranges else f"{name} {value:.0%} right"
            for name, value in self.right.items()
        ]
        more = f", and {len(told) - 8} more" if len(told) > 8 else ""
        return f"reader of attributes on held-out real images: {', '.join(told[:8])}{more}"


def train_attribute_reader(
    images: np.ndarray,
    rows: np.ndarray,
    field: Attributes,
    training: np.ndarray,
    held: np.ndarray,
    settings: ClassifierSettings,
    folder: Path,
) -> TrainedReader:
    """Train on some rows, calibrate and measure on others.

    Args:
        images: ``uint8 [N, H, W, C]``.
        rows: the field's stored rows, ``float32 [N, K]``.
        field: which attributes there are.
        training: ``int64``, places of ``images`` to learn from.
        held: ``int64``, places to calibrate on.
        settings: budget, batches, seed, device and arithmetic.
        folder: keeps the finished reader and, meanwhile, the state after each pass; a second call
            reads them.
    """
    _, height, width, channels = images.shape
    torch.manual_seed(settings.seed)
    network = AttributeReader(ImageSpec(height, width, channels), field)
    place(network, settings.device)
    result = folder / "reader.json"
    weights = folder / "reader.safetensors"
    if result.exists():
        network.load_state_dict(load_file(weights, device=str(settings.device)))
        record = json.loads(result.read_text(encoding="utf-8"))
        kept = np.asarray(record["agreements"], dtype=np.float32)
        return TrainedReader(network.eval(), record["right"], kept)
    folder.mkdir(parents=True, exist_ok=True)
    known = torch.from_numpy(rows).to(settings.device)
    batches = RealBatches(
        images, np.arange(len(images)), training, settings.seed, settings.flip
    )  # fmt: skip
    batch = max(8, min(settings.batch_size, len(training) // 8))
    steps = max(1, min(settings.budget, PASSES * len(training)) // batch)

    def loss(outputs: Tensor, places: Tensor) -> Tensor:
        return network.loss(outputs, known[places])

    fit_network(network, batches, batch, steps, len(training), settings, folder, loss)
    network.eval()
    outputs = logits_of(network, images, held, settings.device).to(settings.device)
    asked = known[torch.from_numpy(held).to(settings.device)]
    network.calibrate(outputs, asked)
    agreements = network.agreements(outputs, asked).nanmean(dim=1).nan_to_num(1.0)
    trained = TrainedReader(
        network,
        shares_right(field, network.read(outputs).cpu().numpy(), rows[held]),
        agreements.cpu().numpy(),
    )
    replace_tensors(network.state_dict(), weights)
    record = {"right": dict(trained.right), "agreements": trained.agreements.tolist()}
    write_whole(result, json.dumps(record, indent=2))
    (folder / "pass.safetensors").unlink(missing_ok=True)
    return trained


def shares_right(field: Attributes, read: np.ndarray, rows: np.ndarray) -> dict[str, float]:
    """Of each attribute the share of known rows that are read rightly, of a number the mean error;
    of what no row knows, nothing. Both are stored rows ``float32 [N, K]``."""
    found = {}
    for at, name in enumerate(field.names):
        known = ~np.isnan(rows[:, at])
        if not known.any():
            continue
        gaps = np.abs(read[known, at] - rows[known, at])
        wrong = gaps if name in field.ranges else gaps > 0.5
        value = float(wrong.mean())
        found[name] = round(value if name in field.ranges else 1 - value, 4)
    return found
