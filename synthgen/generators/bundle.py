"""A generator on disk: safetensors and JSON in one folder, checked on every load.

``config.json`` (``format.py``) names every other file with its SHA-256, so a bundle that loads is
whole and is what was saved; ``reading.py`` reads them. Weights are stored in half precision: images
differ from the full weights' by less than a grey level. Nothing is ever unpickled.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from synthgen.algorithms.contract import Algorithm
from synthgen.features.classifier import LabelClassifier
from synthgen.features.field_reader import FieldReader
from synthgen.generators.format import (
    CALIBRATION,
    CARD,
    CLASSIFIER,
    CONFIG,
    FILES,
    GENERATOR,
    JUDGES,
    LAW,
    METRICS,
    READERS,
    REFERENCE,
    VERSION,
    BundleConfig,
    read_config,
    sha256,
)
from synthgen.generators.model_card import model_card
from synthgen.spec.task import Task
from synthgen.storage.put_folder import put_folder, staging_beside


@dataclass(frozen=True)
class Criteria:
    """What samples are filtered by: all of it comes from real images, and any may be missing."""

    classifier: LabelClassifier | None = None
    calibration: Mapping[str, Any] | None = None
    """Quantiles of scores of held-out real images, as JSON."""
    reference: Mapping[str, Tensor] | None = None
    """Fingerprints and features of training images."""
    readers: Mapping[str, FieldReader] = field(default_factory=dict)
    """What reads given fields off images, by field."""

    def save(self, folder: Path) -> None:
        """Write what there is into a bundle's folder."""
        if self.classifier is not None:
            save_file(_halved(self.classifier), folder / CLASSIFIER)
        if self.readers:
            save_file(_halved(nn.ModuleDict(dict(self.readers))), folder / READERS)
        if self.calibration is not None:
            (folder / CALIBRATION).write_text(json.dumps(self.calibration), encoding="utf-8")
        if self.reference is not None:
            save_file(_contiguous(self.reference), folder / REFERENCE)


def save_bundle(
    folder: Path,
    *,
    algorithm: str,
    options: Mapping[str, Any],
    task: Task,
    built: Algorithm,
    criteria: Criteria,
    metrics: Mapping[str, Any],
    training: Mapping[str, Any],
    keep_judges: bool = True,
    law: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a bundle beside ``folder`` and rename it there; an older one is replaced.

    ``built.networks`` holds the weights to keep (the averaged generator's). ``training`` is free
    provenance: data, images shown, hardware; ``metrics`` its scores; ``law`` the rows that
    conditions are drawn from.
    """
    staging = staging_beside(folder)
    staging.mkdir(parents=True)
    save_file(_named_tensors(built.networks, built.generators), staging / GENERATOR)
    if keep_judges and built.judges:
        save_file(_named_tensors(built.networks, built.judges), staging / JUDGES)
    if law is not None:
        save_file(_contiguous(law), staging / LAW)
    criteria.save(staging)
    (staging / METRICS).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    card = model_card(algorithm, task, training, metrics)
    (staging / CARD).write_text(card, encoding="utf-8")
    config = BundleConfig(
        format="synthgen-generator",
        version=VERSION,
        algorithm=algorithm,
        options=dict(options),
        task=task.to_json(),
        latents={name: latent.shape for name, latent in built.latents.items()},
        classifier=None if criteria.classifier is None else criteria.classifier.config(),
        readers={name: reader.config() for name, reader in criteria.readers.items()},
        training=dict(training),
        files={path.name: sha256(path.read_bytes()) for path in sorted(staging.iterdir())},
    )
    text = json.dumps(config.model_dump(mode="json"), indent=2) + "\n"
    (staging / CONFIG).write_text(text, encoding="utf-8")
    _publish(staging, folder)


def _publish(staging: Path, folder: Path) -> None:
    for path in staging.iterdir():
        path.chmod(0o644)  # safetensors makes its files private
    put_folder(staging, folder)


def calibrate_bundle(
    folder: Path, calibration: Mapping[str, Any], reference: Mapping[str, Tensor] | None
) -> None:
    """Give a bundle another calibration, and another reference or none; nothing else changes.

    Raises:
        SynthgenError: the folder is no bundle.
    """
    config = read_config(folder)
    staging = staging_beside(folder)
    try:
        shutil.copytree(folder, staging)
        (staging / CALIBRATION).write_text(json.dumps(calibration), encoding="utf-8")
        (staging / REFERENCE).unlink(missing_ok=True)
        if reference is not None:
            save_file(_contiguous(reference), staging / REFERENCE)
        held = [name for name in sorted(FILES) if (staging / name).is_file()]
        kept = {name: sha256((staging / name).read_bytes()) for name in held}
        record = config.model_copy(update={"files": kept}).model_dump(mode="json")
        text = json.dumps(record, indent=2) + "\n"
        (staging / CONFIG).write_text(text, encoding="utf-8")
        _publish(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _named_tensors(networks: Mapping[str, nn.Module], names: tuple[str, ...]) -> dict[str, Tensor]:
    return _halved(nn.ModuleDict({name: networks[name] for name in names}))


def _halved(module: nn.Module) -> dict[str, Tensor]:
    """Floats in half precision; everything else as it is. Cloned: networks may share layers."""
    halved = {}
    for key, value in module.state_dict().items():
        kept = value.detach().cpu()
        kept = kept.to(torch.float16) if kept.is_floating_point() else kept.clone()
        halved[key] = kept.contiguous()
    return halved


def _contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
