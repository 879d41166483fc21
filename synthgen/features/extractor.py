"""One interface for everything that turns images into features, and the way to get one by name.

Scores name the extractor they were measured with: features of different extractors, or of one at
different input sizes, have nothing to do with each other.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from synthgen.features.classifier import LabelClassifier
from synthgen.features.dinov2 import DinoV2
from synthgen.features.efficientnet import EfficientNetLite0
from synthgen.features.inception import FidInception
from synthgen.features.weights import find_weights, tensor_names, weights_key
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.plugins import Plugin, plugins

GROUP = "synthgen.extractors"
"""Entry point group: a name to a function of a device that gives an :class:`Extractor`."""


class Extractor(Protocol):
    """Images ``float [N, C, H, W]`` in [-1, 1], C 1 or 3, to features ``float32 [N, size]``.

    It resizes and normalises by itself, and an image's features do not depend on its batch beyond
    rounding.
    """

    @property
    def name(self) -> str:
        """What scores call it, input size included: ``efficientnet-lite0@96``."""

    @property
    def size(self) -> int:
        """Length of a feature vector."""

    @property
    def key(self) -> str:
        """Hash of the weights and of all that decides the features: what a cache goes by."""

    def __call__(self, images: Tensor) -> Tensor: ...


class ClassifierFeatures:
    """The last features of a bundle's own label classifier."""

    def __init__(
        self, classifier: LabelClassifier, owner: str, precision: torch.dtype = torch.float32
    ) -> None:
        """``owner`` is the bundle's name; ``precision`` bfloat16 computes under autocast."""
        self._classifier = classifier
        self._precision = precision
        self.name = f"label classifier of '{owner}'"
        self.size = classifier.head.in_features
        self.key = weights_key(classifier.state_dict(), str(precision))

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        lower = self._precision != torch.float32
        with torch.autocast(images.device.type, self._precision, enabled=lower):
            return self._classifier.features(images)


class PluginFeatures:
    """An extractor of another package, whose features are looked at before they are compared."""

    def __init__(self, plugin: Plugin, device: torch.device) -> None:
        """Make it.

        Raises:
            SynthgenError: it cannot be made, or lacks a name, a size or a key.
        """
        self._plugin = plugin
        make = plugin.load()
        with plugin.minding("cannot be made"):
            self._extract = make(device)
            self.name, self.size = str(self._extract.name), int(self._extract.size)
            # A cache's folder is named for it: whatever the plug-in calls itself, it is a hash.
            told = repr((plugin.name, plugin.package, str(self._extract.key)))
        self.key = hashlib.sha256(told.encode()).hexdigest()

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        with self._plugin.minding("fails"):
            found = self._extract(images)
        wanted = (len(images), self.size)
        if not isinstance(found, Tensor) or found.shape != wanted:
            given = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise self._plugin.fault(f"gives features {given}, not {wanted}")
        features = found.float()
        if not bool(torch.isfinite(features).all()):
            raise self._plugin.fault("gives features that are not finite numbers")
        return features


def load_extractor(
    name: str,
    device: torch.device,
    *,
    classifier: LabelClassifier | None = None,
    owner: str = "this bundle",
    precision: torch.dtype = torch.float32,
) -> Extractor:
    """An extractor by name, path or hub id.

    - ``classifier``: ``classifier``, the label classifier of the bundle ``owner``.
    - ``efficientnet-lite0``: ImageNet features, whose weights ship in a package; ``@SIDE`` sets
      another input size than 224 px.
    - a safetensors file, a folder with one, or a hub id: FID's Inception-v3 or a DINOv2 (``@SIDE``
      for another size than 224 px), told apart by the names of their tensors.
    - a name of the entry point group ``synthgen.extractors``.

    Raises:
        SynthgenError: there is none of this name, or its weights cannot be had or are others.
    """
    if name == "classifier":
        if classifier is None:
            raise SynthgenError(f"'{owner}' has no label classifier to take features from")
        return ClassifierFeatures(classifier, owner, precision)
    plain, side = _split_side(name)
    if plain == EfficientNetLite0.title:
        return EfficientNetLite0(device, side or 224, precision)
    others = plugins(GROUP, "feature extractor")
    if name in others:
        return PluginFeatures(others[name], device)
    path = find_weights(plain)
    if path is None:
        known = ("classifier", EfficientNetLite0.title, *others)
        raise SynthgenError(
            f"no feature extractor '{name}': it is neither {name_list(known)} nor a file, a folder "
            f"or a hub id with safetensors weights{did_you_mean(plain, known)}"
        )
    names = tensor_names(path)
    for kind in (FidInception, DinoV2):
        if kind.recognises(names):
            return kind(path, _label(plain, path), device, side, precision)
    raise SynthgenError(
        f"{path}: holds neither FID's Inception-v3 nor a DINOv2 (first tensor: '{min(names)}')"
    )


def frechet_name(extractor: Extractor) -> str:
    """What a Fréchet distance on these features may be called: FID on FID's Inception only."""
    if isinstance(extractor, FidInception):
        return "FID"
    return f"Fréchet distance on {extractor.name}"


def _split_side(name: str) -> tuple[str, int | None]:
    plain, at, side = name.rpartition("@")
    if not at or not side.isdigit():
        return name, None
    if not 32 <= int(side) <= 1024:
        raise SynthgenError(f"feature extractor '{name}': the input size goes from 32 to 1024 px")
    return plain, int(side)


def _label(name: str, path: Path) -> str:
    """A name for scores that is no path of this machine."""
    if Path(name).expanduser().exists():
        return path.parent.name if path.stem == "model" else path.stem
    return name
