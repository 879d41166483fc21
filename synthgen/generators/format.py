"""What a bundle says of itself: ``config.json``, of this version and of the first.

Version 2 holds the task (:class:`synthgen.spec.task.Task`). Version 1 knew images with a class
label, of one kind or of two: it is read as the task that this is.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from synthgen.algorithms.registry import find
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Task, label_to_image

VERSION = 2
CONFIG = "config.json"
GENERATOR = "generator.safetensors"
JUDGES = "discriminator.safetensors"
CLASSIFIER = "classifier.safetensors"
CALIBRATION = "calibration.json"
METRICS = "metrics.json"
REFERENCE = "reference.safetensors"
"""What filters compare with of the real images; see ``synthgen.quality.reference``."""
LAW = "conditions.safetensors"
"""Rows of what was given in training, in no order, without their images: what is drawn from."""
READERS = "readers.safetensors"
"""Networks that read given fields off images."""
CARD = "README.md"
FILES = (GENERATOR, JUDGES, CLASSIFIER, CALIBRATION, METRICS, REFERENCE, LAW, READERS, CARD)
LARGEST_JSON = 16_000_000
"""Bytes of a JSON file that are looked at."""


class BundleConfig(Settings):
    """``config.json``: what the generator is, and the hash of every file beside it."""

    format: Literal["synthgen-generator"]
    version: int = Field(ge=1)
    algorithm: str
    options: dict[str, Any]
    task: dict[str, Any]
    latents: dict[str, tuple[int, ...]]
    classifier: dict[str, Any] | None = None
    readers: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any]
    files: dict[str, str]

    def read_task(self) -> Task:
        """The task that the generator was trained for.

        Raises:
            SynthgenError: its record is damaged, or names a field of a package that is not here.
        """
        return Task.from_json(self.task)


class _FirstImage(Settings):
    height: int = Field(ge=1, le=1024)
    width: int = Field(ge=1, le=1024)
    channels: int = Field(description="1 (grey) or 3 (RGB).", ge=1, le=3)


class _FirstConfig(Settings):
    """``config.json`` of version 1."""

    format: Literal["synthgen-generator"]
    version: Literal[1]
    algorithm: str
    options: dict[str, Any]
    image: _FirstImage
    classes: tuple[str, ...] = Field(min_length=1)
    latents: dict[str, tuple[int, ...]]
    domains: tuple[str, ...] = Field((), max_length=2)
    classifier: dict[str, Any] | None = None
    training: dict[str, Any]
    files: dict[str, str]

    def task(self) -> Task:
        image = ImageSpec(self.image.height, self.image.width, self.image.channels)
        if len(self.domains) != 2:
            return label_to_image(self.classes, image)
        return find(self.algorithm).takes.task(self.classes, image, self.domains)


def read_config(folder: Path) -> BundleConfig:
    """The checked ``config.json`` of a bundle.

    Raises:
        SynthgenError: there is none, or it is of something else or of a newer version.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise SynthgenError(f"{folder}: holds no generator bundle (no config.json)")
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise ValueError("larger than any configuration")
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError("not a mapping")
    except (OSError, ValueError, RecursionError) as error:
        raise SynthgenError(f"{path}: damaged ({one_line(error)}); copy the bundle again") from None
    if record.get("format") != "synthgen-generator":
        raise SynthgenError(f"{path}: is not the configuration of a synthgen generator")
    if isinstance(record.get("version"), int) and record["version"] > VERSION:
        raise SynthgenError(
            f"{path}: is of bundle version {record['version']}; this synthgen reads "
            f"{VERSION}: upgrade"
        )
    if record.get("version") == 1:
        first = _FirstConfig.parse(record, str(path))
        kept = first.model_dump(mode="json", exclude={"image", "classes", "domains"})
        record = {**kept, "version": VERSION, "task": first.task().to_json()}
    config = BundleConfig.parse(record, str(path))
    config.read_task()
    foreign = sorted(set(config.files) - set(FILES))
    if foreign:
        raise SynthgenError(f"{path}: names '{foreign[0]}', which is no file of a bundle")
    return config


def sha256(content: bytes) -> str:
    """SHA-256 (hex)."""
    return hashlib.sha256(content).hexdigest()


def one_line(error: Exception) -> str:
    """The error's text on one line, cut short."""
    return " ".join(str(error).split())[:160]
