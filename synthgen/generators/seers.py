"""The networks of a bundle that look at images: the label classifier, readers of given fields."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from synthgen.features.classifier import LabelClassifier
from synthgen.features.field_reader import FieldReader, reader_class
from synthgen.generators.format import CLASSIFIER, READERS, BundleConfig
from synthgen.generators.reading import load_weights
from synthgen.networks.baking import bake
from synthgen.networks.placement import place
from synthgen.spec.errors import SynthgenError
from synthgen.spec.task import Task


def load_classifier(
    folder: Path, config: BundleConfig, device: torch.device
) -> LabelClassifier | None:
    """The label classifier on a device; ``None`` if the bundle has none.

    Raises:
        SynthgenError: it is damaged, or of another version.
    """
    if config.classifier is None:
        return None
    try:
        classifier = LabelClassifier.from_config(config.classifier)
    except (KeyError, TypeError, ValueError):
        raise SynthgenError(
            f"{folder}: config.json describes no label classifier of this version"
        ) from None
    if not load_weights(folder, config, CLASSIFIER, classifier):
        raise SynthgenError(f"{folder}: the bundle names no {CLASSIFIER}")
    return bake(place(classifier, device).eval())


def load_readers(
    folder: Path, config: BundleConfig, task: Task, device: torch.device
) -> dict[str, FieldReader]:
    """The readers of given fields on a device, by field.

    Raises:
        SynthgenError: one is damaged, of another version, or of no field of the task.
    """
    found: dict[str, FieldReader] = {}
    for name, own in config.readers.items():
        field = task.fields.get(name)
        try:
            kind = None if field is None else reader_class(field.kind)
            if kind is None:
                raise ValueError(name)
            found[name] = kind.from_config(own, field)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise SynthgenError(
                f"{folder}: config.json describes no reader of '{name}' of this version"
            ) from None
    if not found:
        return {}
    if not load_weights(folder, config, READERS, nn.ModuleDict(found)):
        raise SynthgenError(f"{folder}: the bundle names no {READERS}")
    return {name: bake(place(reader, device).eval()) for name, reader in found.items()}
