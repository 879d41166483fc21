"""Where a generator and its images come from: the records that bundles and manifests carry.

Anybody may have written the files that they are read from. What an older version did not write is
``None``, and stays out of what is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from synthgen.spec.image import ImageSpec
from synthgen.spec.task import Task, label_to_image, two_kinds

LARGEST_SIDE = 4096
"""Pixels of an image's side that a file may claim."""


@dataclass(frozen=True)
class TrainingRecord:
    """What a bundle says of its training."""

    data: str | None = None
    """The name of the real images."""
    data_fingerprint: str | None = None
    data_images: int | None = None
    """Images that were trained on, without those held out."""
    holdout: float | None = None
    """The share that was held out."""
    images_shown: int | None = None
    images_planned: int | None = None
    """How many a budget of time was expected to show when the run began."""
    minutes: float | None = None
    """The budget of time, if it was one."""
    batch_size: int | None = None
    augment: str | None = None
    flip: bool | None = None
    seed: int | None = None
    only_class: str | None = None
    """The one class of a part of a set."""
    notice: str | None = None
    """What whoever gets the images must know."""
    precision: str | None = None
    hardware: str | None = None
    _read: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    """The record as it was read, with what this version knows nothing of."""

    def to_json(self) -> dict[str, Any]:
        """The JSON object: as it was read, or all that is known."""
        if self._read is not None:
            return dict(self._read)
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {k: v for k, v in values.items() if v is not None and not k.startswith("_")}

    @staticmethod
    def from_json(record: Any) -> TrainingRecord:
        """The record of a JSON object.

        Raises:
            ValueError: it is none, or a value is of another kind.
        """
        if not isinstance(record, Mapping):
            raise ValueError("the record of the training is none")
        kinds: dict[str, tuple[type, ...]] = {
            **dict.fromkeys(
                ("data_images", "images_shown", "images_planned", "batch_size", "seed"), (int,)
            ),
            **dict.fromkeys(("holdout", "minutes"), (int, float)),
            "flip": (bool,),
        }
        known: dict[str, Any] = {}
        for one in fields(TrainingRecord):
            value = record.get(one.name)
            if value is None or one.name.startswith("_"):
                continue
            kind = kinds.get(one.name, (str,))
            if not isinstance(value, kind) or (isinstance(value, bool) and bool not in kind):
                raise ValueError(f"the training's {one.name} is {value!r:.40}")
            known[one.name] = value
        return TrainingRecord(**known, _read=dict(record))


@dataclass(frozen=True)
class Origin:
    """The generator that made a dataset, as the dataset's manifest has it."""

    name: str
    """Bundled name, folder or hub id, as the user gave it."""
    algorithm: str
    image: ImageSpec
    weights_sha256: str | None = None
    training: TrainingRecord | None = None
    domains: tuple[str, ...] | None = None
    """Names of the source's and the target's kind of image; empty unless there are two."""
    made_for: Mapping[str, Any] | None = None
    """The task as JSON, where it is not one of labelled images of one kind or of two."""

    def task(self, classes: tuple[str, ...]) -> Task:
        """The task, of a dataset of these classes.

        Raises:
            SynthgenError: it names a kind of field that no installed package knows.
        """
        if self.made_for is not None:
            return Task.from_json(self.made_for)
        if self.domains:
            return two_kinds(classes, self.image, self.domains)
        return label_to_image(classes, self.image)

    @property
    def trained(self) -> TrainingRecord:
        """What is known of its training; empty if nothing is."""
        return self.training or TrainingRecord()

    def to_json(self) -> dict[str, Any]:
        """The JSON object that :meth:`from_json` reads."""
        record: dict[str, Any] = {"name": self.name, "algorithm": self.algorithm}
        if self.domains is not None:
            record["domains"] = list(self.domains)
        record["image"] = self.image.to_json()
        if self.made_for is not None:
            record["task"] = dict(self.made_for)
        if self.weights_sha256 is not None:
            record["weights_sha256"] = self.weights_sha256
        if self.training is not None:
            record["training"] = self.training.to_json()
        return record

    @staticmethod
    def from_json(record: Any) -> Origin:
        """The origin of a JSON object.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        image = ImageSpec(**record["image"])
        sides = image.height, image.width
        if not all(1 <= side <= LARGEST_SIDE for side in sides) or image.channels not in (1, 3):
            raise ValueError(f"images of {image}")
        domains = record.get("domains")
        texts = [record["name"], record["algorithm"], *(domains or ())]
        digest = record.get("weights_sha256")
        if not all(isinstance(text, str) for text in (*texts, digest or "")):
            raise ValueError("a name is no text")
        if domains and len(domains) != 2:
            raise ValueError(f"{len(domains)} domains")
        made_for = record.get("task")
        if made_for is not None and not isinstance(made_for, Mapping):
            raise ValueError("its task is none")
        return Origin(
            made_for=made_for,
            name=record["name"],
            algorithm=record["algorithm"],
            image=image,
            weights_sha256=digest,
            training=TrainingRecord.from_json(record["training"]) if "training" in record else None,
            domains=None if domains is None else tuple(domains),
        )
