"""A generator on disk: safetensors and JSON in one folder, checked on every load.

``config.json`` names every other file with its SHA-256, so a bundle that loads is whole and is what
was saved. Weights are stored in half precision: images differ from the full weights' by less than a
grey level. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor, nn

from synthgen.algorithms.contract import Algorithm
from synthgen.features.classifier import LabelClassifier
from synthgen.generators.model_card import model_card
from synthgen.spec.condition import ClassCondition, ClassConditional
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.base import Settings
from synthgen.storage.put_folder import put_folder, staging_beside

VERSION = 1
GENERATOR = "generator.safetensors"
JUDGES = "discriminator.safetensors"
CLASSIFIER = "classifier.safetensors"
CALIBRATION = "calibration.json"
METRICS = "metrics.json"
REFERENCE = "reference.safetensors"
"""What filters compare with of the real images; see ``synthgen.quality.reference``."""
CARD = "README.md"
FILES = (GENERATOR, JUDGES, CLASSIFIER, CALIBRATION, METRICS, REFERENCE, CARD)
LARGEST_JSON = 16_000_000
LARGEST_WEIGHTS = 16 * 2**30
"""Bytes that are looked at."""
MOST_VALUES = 4 * 10**9
"""Numbers in all networks of an algorithm together."""


class ImageRecord(Settings):
    height: int = Field(ge=1, le=1024)
    width: int = Field(ge=1, le=1024)
    channels: int = Field(description="1 (grey) or 3 (RGB).", ge=1, le=3)


class BundleConfig(Settings):
    """``config.json``: what the generator is, and the hash of every file beside it."""

    format: Literal["synthgen-generator"]
    version: int = Field(ge=1)
    algorithm: str
    options: dict[str, Any]
    image: ImageRecord
    classes: tuple[str, ...] = Field(min_length=1)
    latents: dict[str, tuple[int, ...]]
    domains: tuple[str, ...] = ()
    classifier: dict[str, Any] | None = None
    training: dict[str, Any]
    files: dict[str, str]

    @property
    def task(self) -> ClassConditional:
        return ClassConditional(
            ImageSpec(self.image.height, self.image.width, self.image.channels),
            ClassCondition(self.classes),
            self.domains,
        )


def save_bundle(
    folder: Path,
    *,
    algorithm: str,
    options: Mapping[str, Any],
    task: ClassConditional,
    built: Algorithm,
    classifier: LabelClassifier | None,
    calibration: Mapping[str, Any] | None,
    metrics: Mapping[str, Any],
    training: Mapping[str, Any],
    keep_judges: bool = True,
    reference: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a bundle beside ``folder`` and rename it there; an older one is replaced.

    ``built.networks`` holds the weights to keep (the averaged generator's). ``training`` is free
    provenance: data, images shown, hardware; ``metrics`` its scores; ``reference`` what filters
    compare with of the real images.
    """
    staging = staging_beside(folder)
    staging.mkdir(parents=True)
    save_file(_named_tensors(built.networks, built.generators), staging / GENERATOR)
    if keep_judges:
        save_file(_named_tensors(built.networks, built.judges), staging / JUDGES)
    if classifier is not None:
        save_file(_halved(classifier), staging / CLASSIFIER)
    if calibration is not None:
        (staging / CALIBRATION).write_text(json.dumps(calibration), encoding="utf-8")
    if reference is not None:
        save_file(_contiguous(reference), staging / REFERENCE)
    (staging / METRICS).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    card = model_card(algorithm, task, training, metrics)
    (staging / CARD).write_text(card, encoding="utf-8")
    image = task.image
    config = BundleConfig(
        format="synthgen-generator",
        version=VERSION,
        algorithm=algorithm,
        options=dict(options),
        image=ImageRecord(height=image.height, width=image.width, channels=image.channels),
        classes=task.condition.names,
        latents={name: latent.shape for name, latent in built.latents.items()},
        domains=task.domains,
        classifier=None if classifier is None else classifier.config(),
        training=dict(training),
        files={path.name: _sha256(path.read_bytes()) for path in sorted(staging.iterdir())},
    )
    text = json.dumps(config.model_dump(mode="json"), indent=2) + "\n"
    (staging / "config.json").write_text(text, encoding="utf-8")
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
        kept = {name: _sha256((staging / name).read_bytes()) for name in held}
        record = config.model_copy(update={"files": kept}).model_dump(mode="json")
        text = json.dumps(record, indent=2) + "\n"
        (staging / "config.json").write_text(text, encoding="utf-8")
        _publish(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def read_config(folder: Path) -> BundleConfig:
    """The checked ``config.json`` of a bundle.

    Raises:
        SynthgenError: there is none, or it is of something else or of a newer version.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise SynthgenError(f"{folder}: holds no generator bundle (no config.json)")
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise ValueError("larger than any configuration")
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError("not a mapping")
    except (OSError, ValueError, RecursionError) as error:
        raise SynthgenError(f"{path}: damaged ({_line(error)}); copy the bundle again") from None
    if record.get("format") != "synthgen-generator":
        raise SynthgenError(f"{path}: is not the configuration of a synthgen generator")
    if isinstance(record.get("version"), int) and record["version"] > VERSION:
        raise SynthgenError(
            f"{path}: is of bundle version {record['version']}; this synthgen reads "
            f"{VERSION}: upgrade"
        )
    config = BundleConfig.parse(record, str(path))
    foreign = sorted(set(config.files) - set(FILES))
    if foreign:
        raise SynthgenError(f"{path}: names '{foreign[0]}', which is no file of a bundle")
    return config


def read_file(folder: Path, config: BundleConfig, name: str) -> bytes | None:
    """The bytes of one of the bundle's files, checked against its hash; ``None`` if it has none.

    Raises:
        SynthgenError: the file is missing, or is not what was saved.
    """
    if name not in config.files:
        return None
    path = folder / name
    most = LARGEST_WEIGHTS if name.endswith(".safetensors") else LARGEST_JSON
    try:
        if path.stat().st_size > most:
            raise SynthgenError(f"{path}: is larger than any of its kind; copy the bundle again")
        content = path.read_bytes()
    except OSError as error:
        raise SynthgenError(f"{path}: {error.strerror}; copy the bundle again") from None
    if _sha256(content) != config.files[name]:
        raise SynthgenError(
            f"{path}: truncated or changed since it was saved; copy the bundle again"
        )
    return content


def read_json(folder: Path, config: BundleConfig, name: str) -> dict[str, Any] | None:
    """One of the bundle's JSON files; ``None`` if it has none.

    Raises:
        SynthgenError: the file is missing, changed, or no JSON mapping.
    """
    content = read_file(folder, config, name)
    if content is None:
        return None
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SynthgenError(f"{folder / name}: damaged ({_line(error)})") from None
    if not isinstance(record, dict):
        raise SynthgenError(f"{folder / name}: is not a JSON mapping")
    return record


def refuse_larger(folder: Path, config: BundleConfig, outline: Algorithm) -> None:
    """Refuse a configuration whose networks are larger than its files can be.

    Raises:
        SynthgenError: they are.
    """
    path = folder / GENERATOR
    if not path.is_file():
        return  # told when it is read
    sizes = {
        name: sum(value.numel() for value in network.state_dict().values())
        for name, network in outline.networks.items()
    }
    generators = sum(sizes[name] for name in outline.generators)
    if generators > path.stat().st_size or sum(sizes.values()) > MOST_VALUES:
        raise SynthgenError(
            f"{path}: too small for the {generators:,} numbers that its config.json promises; copy "
            "the bundle again"
        )


def load_tensors(folder: Path, config: BundleConfig, name: str) -> dict[str, Tensor] | None:
    """The tensors of one of the bundle's files; ``None`` if it has none.

    Raises:
        SynthgenError: the file is missing, changed, or no safetensors.
    """
    content = read_file(folder, config, name)
    if content is None:
        return None
    try:
        return load(content)
    except (SafetensorError, ValueError) as error:
        raise SynthgenError(f"{folder / name}: not a safetensors file ({_line(error)})") from None


def load_weights(folder: Path, config: BundleConfig, name: str, module: nn.Module) -> bool:
    """Put the tensors of one file into ``module``; whether the bundle has that file.

    Raises:
        SynthgenError: the file is missing, changed, no safetensors, or of another network.
    """
    tensors = load_tensors(folder, config, name)
    if tensors is None:
        return False
    mine = module.state_dict()
    for key in sorted(set(mine) ^ set(tensors)):
        what = "lacks" if key in mine else "has an unknown"
        raise SynthgenError(
            f"{folder / name}: {what} tensor '{key}': not of algorithm '{config.algorithm}' "
            "with these options"
        )
    for key, value in tensors.items():
        if (
            value.shape != mine[key].shape
            or value.is_floating_point() != mine[key].is_floating_point()
        ):
            raise SynthgenError(
                f"{folder / name}: tensor '{key}' is {tuple(value.shape)}, expected "
                f"{tuple(mine[key].shape)}: not of algorithm '{config.algorithm}' with "
                f"these options"
            )
    module.load_state_dict({key: value.to(mine[key].dtype) for key, value in tensors.items()})
    return True


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


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
