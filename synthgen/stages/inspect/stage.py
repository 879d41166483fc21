"""Look at images before a run: what training would read, what it would not, and what is odd."""

from __future__ import annotations

import numpy as np
import torch

from synthgen.data.cache import ImageData, load_images
from synthgen.data.glance import glance
from synthgen.data.joints import FIELD as POINTS
from synthgen.data.partners import STRUCTURES
from synthgen.data.records import open_for, open_rows
from synthgen.data.sources import Source, open_source
from synthgen.machine.devices import resolve_device
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.inspect import InspectSettings
from synthgen.stages.inspect.beside import held_beside, held_solids, own_masks
from synthgen.stages.inspect.findings import Inspection, Sizes, Warned
from synthgen.stages.inspect.likeness import (
    alike_classes,
    alike_names,
    compared_rows,
    mirrored_distance,
)
from synthgen.stages.inspect.repeated import Repeated, find_repeated
from synthgen.stages.inspect.write import write_dataset
from synthgen.stages.train.reading import ReadSo, reading_of
from synthgen.stages.train.sizes import LARGEST_SIDE
from synthgen.uses.registry import find_use

UNEVEN = 3.0
"""The largest class over the smallest from which on classes are called imbalanced."""

FEW = 50
"""A class of fewer images is poor food for a GAN."""


def inspect(settings: InspectSettings) -> Inspection:
    """What was found of the images that ``settings.data`` names; written to ``settings.out`` too,
    if that is given.

    Raises:
        SynthgenError: the images cannot be read, or ``out`` cannot be written.
    """
    if settings.set_aside is not None and settings.out is None:
        raise SynthgenError("set_aside: name the folder for the two splits with --out")
    return examined(settings, *look(settings))


def _opened(settings: InspectSettings) -> Source:
    """The source as training would open it: for a use, rows need no class, and have joints where it
    reads them."""
    if settings.use is None:
        return open_source(settings, settings.split)
    read_so = _with_joints(settings)
    if read_so is None or read_so.view is None:
        return open_for(settings, "image", settings.field)
    return read_so.view(open_rows(read_so.settings))


def _with_joints(settings: InspectSettings) -> ReadSo | None:
    """How a use that is named reads joints; ``None`` if it reads none."""
    if settings.use is None:
        return None
    read_so = reading_of(settings, find_use(settings.use))
    return read_so if read_so.apart == POINTS else None


def examined(
    settings: InspectSettings, data: ImageData, repeated: Repeated, codes: torch.Tensor
) -> Inspection:
    """What was found of images that :func:`look` has looked at.

    Raises:
        SynthgenError: ``settings.out`` cannot be written.
    """
    rows = compared_rows(data, settings.seed)
    warnings = [
        *_of_counts(data, settings),
        *_of_repeats(data, repeated, settings),
        *_of_likeness(data, codes, rows),
    ]
    written = None
    partnered = data.understood.structure in STRUCTURES
    read_so = _with_joints(settings)
    columns = (
        held_beside(read_so.settings, data, read_so.view) if read_so is not None
        else held_beside(settings, data) if partnered or own_masks(settings) else ()
    )  # fmt: skip
    solids, odd = held_solids(settings, data)
    warnings += odd
    if settings.out is not None and partnered:
        raise SynthgenError(
            "out: images with partners are not written, only looked at; leave out --out"
        )
    if settings.out is not None:
        source = _opened(settings)
        written = write_dataset(data, source, repeated, settings)
    return Inspection(
        data.name,
        data.understood,
        tuple(zip(data.classes, _counts(data).tolist(), strict=True)),
        data.image.height,
        data.image.channels,
        _sizes(data.sizes),
        data.seen.modes,
        data.seen.scaling,
        data.skipped,
        mirrored_distance(data, codes, rows),
        (*columns, *solids),
        tuple(warnings),
        written,
    )


def look(settings: InspectSettings) -> tuple[ImageData, Repeated, torch.Tensor]:
    """The images, which of them repeat others, and their fingerprints ``int8 [N, 1, 32]``.

    A class may be of any size here: that it is too small to train on is a finding. The side is the
    one that training takes without a budget of time, if none is given.
    """
    wanted = settings.model_copy(update={"min_per_class": 1})
    return look_through(wanted, _opened(wanted), settings.device)


def look_through(
    settings: DataSettings, source: Source, device: str = "auto"
) -> tuple[ImageData, Repeated, torch.Tensor]:
    """The images of a source that is open, which of them repeat others, and their fingerprints;
    see :func:`look`."""
    if settings.resolution is None:
        most = LARGEST_SIDE[resolve_device(device).type]
        side = glance(settings, source).image(most).height
        settings = settings.model_copy(update={"resolution": side})
    data = load_images(settings, source=source)
    return data, *find_repeated(data)


def _counts(data: ImageData) -> np.ndarray:
    return np.bincount(data.labels, minlength=len(data.classes))


def _sizes(sizes: np.ndarray) -> Sizes:
    areas = sizes[:, 0].astype(np.int64) * sizes[:, 1]
    order = np.argsort(areas, kind="stable")
    least, middle, most = (sizes[order[k]] for k in (0, len(order) // 2, -1))
    return Sizes(*((int(width), int(height)) for height, width in (least, middle, most)))


def _of_counts(data: ImageData, settings: InspectSettings) -> list[Warned]:
    counts, found = _counts(data), []
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] >= UNEVEN * counts[least]:
        found.append(Warned(
            "imbalance", f"'{data.classes[most]}' has {counts[most]:,} images and "
            f"'{data.classes[least]}' {counts[least]:,}", len(counts),
        ))  # fmt: skip
    few = [data.classes[k] for k in np.flatnonzero(counts < max(FEW, settings.min_per_class))]
    if few:
        text = f"{name_list(few, 6)}: fewer than {max(FEW, settings.min_per_class)} images"
        if (counts < settings.min_per_class).any():
            text += f"; train refuses classes under {settings.min_per_class} (--min-per-class)"
        found.append(Warned("few images", text, len(few)))
    small = int((data.sizes.min(axis=1) < data.image.height).sum())
    if small:
        found.append(Warned(
            "enlarged", f"{small:,} images are smaller than {data.image.height} px and are "
            "enlarged: a smaller --resolution loses nothing", small,
        ))  # fmt: skip
    if data.skipped:
        found.append(Warned("skipped", f"{len(data.skipped):,} bad images", len(data.skipped)))
    return found


def _of_repeats(data: ImageData, repeated: Repeated, settings: InspectSettings) -> list[Warned]:
    found: list[Warned] = []
    if not repeated.exact.any() and not repeated.near.any():
        return found  # the source of very many files takes seconds to open
    source = _opened(settings)

    def named(position: int) -> str:
        return source.where(int(data.rows[position]))

    exact = np.flatnonzero(repeated.exact)
    other = exact[data.labels[exact] != data.labels[repeated.first[exact]]]
    if len(exact):
        found.append(Warned(
            "exact duplicates", f"{len(exact):,} images have the same pixels as an earlier one, "
            f"the first: {named(exact[0])} as {named(repeated.first[exact[0]])}", len(exact),
        ))  # fmt: skip
    if len(other):
        found.append(Warned(
            "same image, other class", f"{len(other):,} images have the pixels of an image of "
            f"another class, the first: {named(other[0])} as {named(repeated.first[other[0]])}",
            len(other),
        ))  # fmt: skip
    near = np.flatnonzero(repeated.near)
    if len(near):
        found.append(Warned(
            "near duplicates", f"{len(near):,} of {repeated.compared:,} images compared are "
            f"nearly the same as an earlier one of their class, the first: {named(near[0])}",
            len(near),
        ))  # fmt: skip
    return found


def _of_likeness(data: ImageData, codes: torch.Tensor, rows: np.ndarray) -> list[Warned]:
    found = []
    for names in alike_names(data.classes):
        found.append(Warned(
            "alike names", f"{', '.join(repr(name) for name in names)} are classes of their own",
            len(names),
        ))  # fmt: skip
    pairs = alike_classes(codes[rows], data.labels[rows], data.classes)
    for one, other, share in pairs[:10]:
        found.append(Warned(
            "alike classes", f"'{one}' and '{other}' look alike: the nearest image of {share:.0%} "
            "of each is of the other", 2,
        ))  # fmt: skip
    return found
