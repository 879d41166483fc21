"""One generator per class behind the interface of one for all.

A set is a folder with ``set.json`` (format, the parts' folders and the hash of each one's
configuration) and a bundle per class. The parts know the same classes; part k was trained on class
k alone. They share the label classifier and the calibration, which were learnt from all classes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthgen.generators.discriminator import EachOwn, ImageJudge
from synthgen.generators.format import GENERATOR, JUDGES, LAW, read_config
from synthgen.generators.generator import Generator
from synthgen.spec.columns import DISCRIMINATOR
from synthgen.spec.errors import SynthgenError
from synthgen.storage.put_folder import put_folder, staging_beside

SET = "set.json"


def save_set(folder: Path, bundles: Sequence[Path]) -> None:
    """Copy the bundles, in the order of their classes, into a set that appears whole."""
    staging = staging_beside(folder)
    names = [f"{number:04d}" for number in range(len(bundles))]
    for name, bundle in zip(names, bundles, strict=True):
        shutil.copytree(bundle, staging / name)
    record = {
        "format": "synthgen-generator-set",
        "version": 1,
        "parts": {name: _config_sha256(staging / name) for name in names},
    }
    (staging / SET).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    put_folder(staging, folder)


def part_names(folder: Path) -> dict[str, str]:
    """The folders of a set's bundles, and the hash of each one's configuration.

    Raises:
        SynthgenError: ``set.json`` is damaged.
    """
    path = folder / SET
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        parts = dict(record["parts"])
        if record["format"] != "synthgen-generator-set" or not parts:
            raise ValueError("not a set")
    except (OSError, ValueError, KeyError, TypeError):
        raise SynthgenError(f"{path}: damaged; copy the set again") from None
    for name in parts:
        if not name.isdigit():
            raise SynthgenError(f"{path}: names '{name}', which is no part of a set")
    return parts


def read_parts(folder: Path) -> list[Path]:
    """The folders of a set's bundles, checked against ``set.json``.

    Raises:
        SynthgenError: it is damaged, or a part is missing or another than was saved.
    """
    parts = part_names(folder)
    for name, digest in parts.items():
        if not (folder / name / "config.json").is_file() or _config_sha256(folder / name) != digest:
            raise SynthgenError(f"{folder / name}: missing or changed; copy the set again")
    return [folder / name for name in sorted(parts)]


def _config_sha256(folder: Path) -> str:
    return hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()


class GeneratorSet(Generator):
    """A generator whose images of class k come from part k."""

    def __init__(
        self, folder: Path, name: str, device: torch.device, precision: torch.dtype
    ) -> None:
        """Load all parts.

        Raises:
            SynthgenError: the set or one of its parts is damaged, or they are of unlike classes.
        """
        folders = read_parts(folder)
        super().__init__(folders[0], name, device, precision)
        self.parts = [self] + [Generator(part, name, device, precision) for part in folders[1:]]
        for part in self.parts:
            alike = part.classes == self.classes and part.latent_size == self.latent_size
            if not alike or len(self.parts) != len(self.classes):
                raise SynthgenError(f"{folder}: its parts are not one for each of the same classes")
        hashes = [read_config(part).files[GENERATOR] for part in folders]
        self.calibration = self._joined()
        self._sha256 = hashlib.sha256("".join(hashes).encode()).hexdigest()

    @property
    def learnt(self) -> tuple[str, ...]:
        """All classes, each by its own part."""
        return self.classes

    @property
    def discriminator_sha256(self) -> str | None:
        """SHA-256 (hex) over the hashes of all parts' discriminators; ``None`` if one has none."""
        hashes = [part.config.files.get(JUDGES) for part in self.parts]
        told = "".join(each or "" for each in hashes)
        return None if None in hashes else hashlib.sha256(told.encode()).hexdigest()

    @cached_property
    def law(self) -> dict[str, Tensor] | None:
        """The rows of all parts; ``None`` if a part has none."""
        found = [super().law, *(part.law for part in self.parts[1:])]
        kept = [law for law in found if law is not None]
        if len(kept) < len(found):
            return None
        return {name: torch.cat([law[name] for law in kept]) for name in kept[0]}

    @property
    def law_sha256(self) -> str | None:
        """SHA-256 (hex) over the hashes of all parts' rows; ``None`` if a part has none."""
        hashes = [part.config.files.get(LAW) for part in self.parts]
        told = "".join(each or "" for each in hashes)
        return None if None in hashes else hashlib.sha256(told.encode()).hexdigest()

    def _read_discriminator(self) -> ImageJudge | None:
        judges = [super()._read_discriminator(), *(part.discriminator for part in self.parts[1:])]
        known = [judge for judge in judges if judge is not None]
        return EachOwn(known) if len(known) == len(judges) else None

    def _joined(self) -> dict[str, Any] | None:
        """The shared calibration with each class' discriminator as the class' own part has it.

        Logits of different parts are on different scales: those of all classes together, which
        stand in for a class of few images, are the least of any class.

        Raises:
            SynthgenError: a part's calibration is damaged.
        """
        given = [part.calibration for part in self.parts]
        if any(one is None or DISCRIMINATOR not in one.get("quantiles", {}) for one in given):
            return self.calibration
        try:
            own = [(one or {}) for one in given]
            rows = [one["quantiles"][DISCRIMINATOR][label] for label, one in enumerate(own)]
            counts = [one["counts"][DISCRIMINATOR][label] for label, one in enumerate(own)]
            least = [min(values) for values in zip(*rows, strict=True)]
            quantiles = {**own[0]["quantiles"], DISCRIMINATOR: [*rows, least]}
            told = {**own[0]["counts"], DISCRIMINATOR: [*counts, sum(counts)]}
        except (KeyError, IndexError, TypeError, ValueError):
            raise SynthgenError(
                f"{self.folder}: a part's calibration is damaged; copy the set again"
            ) from None
        return {**own[0], "quantiles": quantiles, "counts": told}

    @property
    def weights_sha256(self) -> str:
        """SHA-256 (hex) over the hashes of all parts' weights."""
        return self._sha256

    def compile(self, batch_size: int) -> None:
        """Compile the networks of every part; see :meth:`Generator.compile`.

        Raises:
            SynthgenError: they cannot be compiled here.
        """
        for part in self.parts[1:]:
            part.compile(batch_size)
        super().compile(batch_size)  # last: it tries them all

    def generate(
        self,
        flat: Tensor,
        labels: Tensor,
        *,
        psi: float = 1.0,
        given: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """See :meth:`Generator.generate`; each image is made by its class' part.

        Every part runs on the whole batch and gives the rows of its class: which kernels run does
        then not depend on how many of a class a batch holds.
        """
        made: dict[str, Tensor] = {}
        for label in np.unique(labels.cpu().numpy()).tolist():
            part, rows = self.parts[label], (labels == label).to(self.device)
            own = torch.full_like(labels, label)
            draw = super().generate if part is self else part.generate
            for column, images in draw(flat, own, psi=psi, given=given).items():
                if column not in made:
                    made[column] = torch.zeros_like(images)
                made[column][rows] = images[rows]
        return made
