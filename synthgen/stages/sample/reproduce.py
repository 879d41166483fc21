"""Make the image of one row of a dataset again, from its provenance, and compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Provenance, read_manifest
from synthgen.generators.generator import Generator
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.image import to_uint8
from synthgen.spec.plan import Plan
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.soft_labels import SOFT_LABEL
from synthgen.stages.finished.images import stored_image
from synthgen.stages.finished.origin import load_origin
from synthgen.stages.judging.teachers import load_teachers
from synthgen.stages.sample.conditions import Conditioned, conditions_of, load_sources
from synthgen.stages.sample.refined import Refined, aim_of
from synthgen.storage.place import Place, place
from synthgen.storage.tables import open_parquet, read_group


@dataclass(frozen=True)
class Reproduction:
    """``stored`` and ``made`` are ``uint8 [H, W, C]``; ``largest`` their largest difference."""

    text: str
    largest: int
    same: bool
    """Equal, or within one grey level where arithmetic may differ (another device), or lossy."""
    stored: np.ndarray
    made: np.ndarray


REFINING = ("refine_latents", "real", "real_split", "structure", "image_column", "label_column")
"""Settings that name what latents were refined towards."""

SAME_PROBABILITY = 1e-4
"""How far apart a probability may be that was given twice of the same pixels."""

LOSSY_DIFFERENCE = 48
"""Largest difference of a value that JPEG at quality 95 is taken to explain."""


def reproduce(
    root: str | Place,
    row: int,
    split: str | None = None,
    *,
    generator: str | None = None,
    real: str | None = None,
    device: str = "auto",
) -> Reproduction:
    """Make row ``row`` (from 0) of a split again; ``generator`` is needed if the bundle has moved,
    ``real`` if the images have that latents were refined towards.

    Raises:
        SynthgenError: no such dataset, split, row or generator, or other weights or real images
        than the dataset's.
    """
    layout = Layout(place(root))
    if not layout.manifest.is_file():
        raise SynthgenError(f"{root}: is no finished synthgen dataset (no manifest.json)")
    manifest = read_manifest(layout)
    plan = manifest.plan
    split = split or next(iter(plan.splits))
    shard, record = _row(layout, plan, split, row)
    part = manifest.made_of(shard)
    settings = part.settings
    stored = stored_image(layout.data / shard, record["image"]["bytes"], part.generator.image)
    loaded = load_origin(layout.root, part.generator, generator, device, settings.precision)
    # A full batch of the same candidate: the same kernels run as when the row was made.
    count = settings.batch_size
    numbers = {
        key: np.full(count, record[key], dtype=np.int64)
        for key in ("generator_class", "shard", "candidate")
    }
    maker = _maker(root, loaded, part, real)
    drawn = maker.candidates(
        numbers["generator_class"],
        numbers["shard"],
        numbers["candidate"],
        seed=record["seed"],
        latent_std=settings.latent_std,
        truncation=settings.truncation,
    )
    made = to_uint8(drawn["image"])[0].cpu().numpy()
    largest = int(np.abs(made.astype(np.int16) - stored.astype(np.int16)).max())
    allowed = LOSSY_DIFFERENCE if settings.image_format == "jpeg" else 1
    where = (
        f"{split} row {row}: class '{part.plan.classes[record['label']]}', seed {record['seed']}, "
        f"shard {record['shard']}, candidate {record['candidate']}"
    )
    verdict = "the same pixels" if largest == 0 else f"largest difference {largest} of 255"
    told, taught = _soft_label(part, loaded, record, to_uint8(drawn["image"]).cpu().numpy())
    same = largest <= allowed and (taught or largest > 0)
    return Reproduction(f"{where}: {verdict}{told}", largest, same, stored, made)


def _soft_label(
    part: Provenance, own: Generator, record: dict[str, Any], images: np.ndarray
) -> tuple[str, bool]:
    """What to say of the row's soft label, and whether its teachers say the same again of the
    first of the images ``uint8 [N, H, W, C]``; yes where there is none, or no teacher."""
    soft = part.settings.soft_labels
    if soft is None:
        return "", True
    classes = part.plan.classes
    try:
        found = load_teachers(part.settings.record.get("teachers", ()), own, classes, own.image)
    except SynthgenError as error:
        return f"; its soft label was not given again ({error})", True
    if [one.classifier_sha256 for one in found.record.teachers] != [
        one.classifier_sha256 for one in soft.teachers
    ]:
        return "; its soft label was not given again (the teachers are others now)", True
    apart = float(np.abs(found.say(images)[0] - np.asarray(record[SOFT_LABEL])).max())
    if apart <= SAME_PROBABILITY:
        return ", the same soft label", True
    return f", probabilities apart by up to {apart:.2g}", False


def _maker(
    root: str | Place, loaded: Generator, made: Provenance, real: str | None
) -> Generator | Conditioned | Refined:
    """The generator; one that translates with the images that it translated, one whose latents
    were refined with the real images that they were refined towards."""
    if made.settings.refined is not None:
        record = made.settings.record
        known = {key: record[key] for key in REFINING if key in record}
        wanted = SampleSettings.parse({**known, **({"real": real} if real else {}), "n": 2})
        aim = aim_of(wanted, loaded, made.plan.classes)
        if aim is None or aim.record != made.settings.refined:
            raise SynthgenError(
                f"{wanted.real}: is not what the latents of {root} were refined towards, or has "
                "changed; name it with --real"
            )
        return Refined(loaded, tuple(made.class_keys[name] for name in made.plan.classes), aim)
    if not loaded.translates:
        return loaded
    wanted = SampleSettings.parse({**made.settings.source, "n": 1})
    data = load_sources(wanted, loaded, made.plan.classes)
    if data is not None and (
        data.fingerprint != made.settings.source_fingerprint
        or (wanted.carry and data.carried.fingerprint != made.settings.carried_fingerprint)
    ):
        raise SynthgenError(f"{wanted.source}: is not what {root} was made of, or has changed")
    keys = tuple(made.class_keys[name] for name in made.plan.classes)
    conditions, cells = conditions_of(wanted, loaded, data, made.plan)
    return Conditioned(loaded, conditions, keys, cells)


def _row(layout: Layout, plan: Plan, split: str, row: int) -> tuple[str, dict[str, Any]]:
    """The row, and the name of its shard."""
    if split not in plan.splits:
        raise SynthgenError(f"no split '{split}' (there are {name_list(plan.splits)})")
    if not 0 <= row < plan.splits[split]:
        raise SynthgenError(
            f"row {row} is not in split '{split}': it has rows 0 to {plan.splits[split] - 1}"
        )
    for shard in plan.shards:
        if shard.split != split:
            continue
        if row < shard.rows:
            return shard.name, _read(layout.data / shard.name, row)
        row -= shard.rows
    raise AssertionError("the plan's shards hold fewer rows than its splits")


def _read(path: Place, row: int) -> dict[str, Any]:
    if not path.is_file():
        raise SynthgenError(f"{path}: missing; see synthgen verify")
    file = open_parquet(path)
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        if row < count:
            record: dict[str, Any] = read_group(path, file, group).slice(row, 1).to_pylist()[0]
            return record
        row -= count
    raise SynthgenError(f"{path}: has fewer rows than planned; see synthgen verify")
