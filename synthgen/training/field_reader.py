"""Train the reader of a given field, on the real rows that the GAN trains on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from synthgen.data.splits import evenly
from synthgen.features.field_reader import FieldReader, mean_known, reader_class
from synthgen.networks.placement import place
from synthgen.spec.fields import Field
from synthgen.spec.image import ImageSpec
from synthgen.storage.whole import write_whole
from synthgen.training.augment import no_augmentation
from synthgen.training.batches import JointBatches
from synthgen.training.classifier import (
    BATCH,
    PASSES,
    ClassifierSettings,
    fit_network,
    logits_of,
    replace_tensors,
)

MOVE = 0.125
"""Share of the side by which images are shifted and scaled, with all that has a place in them."""


@dataclass(frozen=True)
class TrainedReader:
    """A reader, and how well it reads held-out real images; ``network`` is in evaluation mode."""

    network: FieldReader
    right: Mapping[str, float]
    """Figures by name; see :meth:`FieldReader.right`."""
    agreements: np.ndarray
    """``float32 [V]``: of the held-out rows, in order; see ``quality/readers/reading.py``."""


def train_reader(
    images: np.ndarray,
    rows: np.ndarray,
    field: Field,
    training: np.ndarray,
    held: np.ndarray,
    settings: ClassifierSettings,
    folder: Path,
) -> TrainedReader:
    """Train on some rows, calibrate and measure on others.

    Args:
        images: ``uint8 [N, H, W, C]``.
        rows: the field's stored rows ``[N, ...]``.
        field: what is read; there is a reader of its kind.
        training: ``int64``, places of ``images`` to learn from.
        held: ``int64``, places to calibrate on.
        settings: budget, batches, seed, device and arithmetic.
        folder: keeps the finished reader and, meanwhile, the state after each pass; a second call
            reads them.
    """
    kind = reader_class(field.kind)
    assert kind is not None
    _, height, width, channels = images.shape
    torch.manual_seed(settings.seed)
    network = kind.fresh(ImageSpec(height, width, channels), field)
    place(network, settings.device)
    result, weights = folder / "reader.json", folder / "reader.safetensors"
    if result.exists():
        network.load_state_dict(load_file(weights, device=str(settings.device)))
        record = json.loads(result.read_text(encoding="utf-8"))
        kept = np.asarray(record["agreements"], dtype=np.float32)
        return TrainedReader(network.eval(), record["right"], kept)
    folder.mkdir(parents=True, exist_ok=True)
    move = MOVE if kind.placed else 0.0
    batches = JointBatches(images, rows, field, training, settings.seed, settings.flip, move)
    batch = max(8, min(settings.batch_size, len(training) // 8))
    steps = max(1, min(settings.budget, PASSES * len(training)) // batch)
    fit_network(
        network, batches, batch, steps, len(training), settings, folder, network.loss,
        augment=no_augmentation if kind.placed else None,
    )  # fmt: skip
    network.eval()
    part = held[evenly(len(held), kind.most_held)]
    outputs = logits_of(network, images, part, settings.device).to(settings.device)
    asked = torch.from_numpy(rows[part]).to(settings.device)
    network.calibrate(outputs, asked)
    right = network.right(outputs, asked)
    agreements = _agreements(network, images, rows, held, settings.device)
    replace_tensors(network.state_dict(), weights)
    record = {"right": right, "agreements": agreements.tolist()}
    write_whole(result, json.dumps(record, indent=2))
    (folder / "pass.safetensors").unlink(missing_ok=True)
    return TrainedReader(network, right, agreements)


@torch.inference_mode()
def _agreements(
    network: FieldReader, images: np.ndarray, rows: np.ndarray, held: np.ndarray,
    device: torch.device,
) -> np.ndarray:  # fmt: skip
    """Of rows ``held``, ``float32 [V]``, piece by piece: outputs of places are large."""
    found: list[Tensor] = []
    for start in range(0, len(held), BATCH):
        part = held[start : start + BATCH]
        outputs = logits_of(network, images, part, device).to(device)
        asked = torch.from_numpy(rows[part]).to(device)
        found.append(mean_known(network.agreements(outputs, asked)).cpu())
    values: np.ndarray = torch.cat(found).numpy()
    return values
