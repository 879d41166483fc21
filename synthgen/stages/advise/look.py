"""Look at the data, the pool and the target, with the machinery of ``inspect``."""

from __future__ import annotations

import numpy as np
import torch

from synthgen.data.attributes import FIELD as ATTRIBUTES
from synthgen.data.attributes import attributed
from synthgen.data.cache import ImageData
from synthgen.data.captions import NAMES as CAPTIONS
from synthgen.data.captions import captioned
from synthgen.data.joints import FIELD as POINTS
from synthgen.data.joints import jointed
from synthgen.data.offered import offered_columns
from synthgen.data.records import open_rows, without_labels
from synthgen.data.sources import Source, place_here
from synthgen.data.splits import evenly
from synthgen.data.understood import FLAT_CLASS
from synthgen.data.views import names_of
from synthgen.evaluation.association import Values, associations, in_groups
from synthgen.evaluation.looks import Corners, compare_looks, look_of, told_by_corners
from synthgen.features.fingerprint import nearest
from synthgen.generators.format import REFERENCE
from synthgen.generators.reading import load_tensors
from synthgen.generators.zoo import bundled_names, find_folder, show
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.advise import AdviseSettings
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.vectors import Attributes
from synthgen.stages.advise.facts import Beside, Facts
from synthgen.stages.inspect.repeated import NEAR
from synthgen.stages.inspect.stage import look_through

MOST_BESIDE = 4_000
"""Images of a pool or a target that are looked at."""

TEST = "test"
"""The split that ``utility`` tests on where nothing else is named."""

FEW_WORDS = 24
"""A column of so many different texts is a caption, one of fewer an attribute."""


def look(settings: AdviseSettings) -> Facts:
    """What was found of the images that ``settings`` name.

    Raises:
        SynthgenError: one of the sets cannot be read.
    """
    wanted = _as_data(settings)
    source = open_rows(wanted)
    columns = offered_columns(source.understood.columns)
    data, repeated, codes = look_through(wanted, source)
    kinds = {name: column.kind for name, column in columns.items()}
    joints = _with_joints(source, wanted)
    things = _attributes(source if joints is None else joints, settings, data)
    label = Values("label", data.labels, data.classes)
    labelled = len(data.classes) > 1
    pairs = associations([label, *things])
    found = [each for each in pairs if (each.first == label.name) == labelled]
    single = ~repeated.exact & ~repeated.near
    own = [name for name in source.understood.used if name in kinds]
    images = [name for name, kind in kinds.items() if kind == "image" and name != "image"]
    return Facts(
        settings.data,
        data.name,
        source.understood,
        tuple(zip(data.classes, _counts(data), strict=True)),
        data.image.height,
        data.image.channels,
        int((~single).sum()),
        masks=tuple(name for name, kind in kinds.items() if kind == "mask"),
        joints=() if joints is None else _joint_names(joints),
        partners=tuple(name for name in images if name not in own),
        captions=_captions(source),
        attributes=tuple(thing.name for thing in things),
        associations=tuple(found),
        corners=_corners(data, single) if labelled else None,
        test_split=_has_test(wanted, source),
        pool=_beside(settings.unlabelled, wanted, data, codes, settings.seed),
        target=_beside(settings.target, wanted, data, codes, settings.seed),
        shared=_shared(data, codes, settings.seed),
        private=settings.private,
    )


def _as_data(settings: AdviseSettings) -> DataSettings:
    """How the data are read: a class may be of any size here."""
    own = {name: getattr(settings, name) for name in DataSettings.model_fields}
    return DataSettings.model_validate({**own, "min_per_class": 1})


def _has_test(settings: DataSettings, source: Source) -> bool:
    """Whether there is a split of test images that ``utility`` finds: one with other images."""
    try:
        test = open_rows(settings.model_copy(update={"split": TEST}))
    except SynthgenError:
        return False
    return test.quick_key() != source.quick_key()


def _counts(data: ImageData) -> list[int]:
    counts: list[int] = np.bincount(data.labels, minlength=len(data.classes)).tolist()
    return counts


def _attributes(source: Source, settings: AdviseSettings, data: ImageData) -> list[Values]:
    """What the rows say beside the label, each as a few values."""
    asked = names_of(settings.field, ATTRIBUTES)
    view = attributed(source, asked)
    column = {each.name: each for each in view.understood.columns}.get(ATTRIBUTES)
    if column is None or not isinstance(column.offers, Attributes):
        return []
    rows = np.stack(view.values(ATTRIBUTES, data.rows.tolist()))
    found = []
    for place, name in enumerate(column.offers.names):
        values, words = rows[:, place], column.offers.words(name)
        if (name in CAPTIONS and name not in asked) or np.isnan(values).all():
            continue
        codes = np.where(np.isnan(values), -1, np.nan_to_num(values)).astype(np.int64)
        found.append(Values(name, codes, words) if words else in_groups(name, values))
    return found


def _with_joints(source: Source, settings: DataSettings) -> Source | None:
    """The source with its joints as a column; ``None`` where it has none that can be read."""
    folder = place_here(settings)
    try:
        return jointed(source, folder if folder.is_dir() else None)
    except SynthgenError:
        return None


def _joint_names(source: Source) -> tuple[str, ...]:
    return next((each.names for each in source.understood.columns if each.name == POINTS), ())


def _captions(source: Source) -> str | None:
    """Where captions are, if rows have any: a column, or files beside the images."""
    try:
        view = captioned(source)
    except SynthgenError:
        return None
    column = next(each for each in view.understood.columns if each.name == CAPTIONS[0])
    texts = {str(text) for text in view.values(column.name, range(len(view.labels)))}
    return view.understood.notes[-1] if len(texts) > FEW_WORDS else None


def _corners(data: ImageData, single: np.ndarray) -> Corners | None:
    rows = np.flatnonzero(single)
    rows = rows[evenly(len(rows), MOST_BESIDE)]
    return told_by_corners(np.array(data.images[rows]), data.labels[rows], len(data.classes))


def _beside(
    path: str | None, settings: DataSettings, data: ImageData, codes: torch.Tensor, seed: int
) -> Beside | None:
    """What was found of another set of images, read at the size of the data.

    Raises:
        SynthgenError: it cannot be read, or is the data itself.
    """
    if path is None:
        return None
    if path == settings.data:
        raise SynthgenError(f"{path}: is the data itself; name other images, or none")
    other = settings.model_copy(update={
        "data": path, "classes": None, "resolution": data.image.height, "color": "auto",
        "limit_per_class": MOST_BESIDE, "structure": "auto", "image_column": None,
        "label_column": None,
    })  # fmt: skip
    plain = without_labels(other)
    source = open_rows(plain)
    theirs, _, their_codes = look_through(plain, source)
    distances, _ = nearest(their_codes, codes[:, 0])
    own, others = _alike_channels(data, theirs)
    apart = compare_looks(look_of(own), look_of(others), seed)
    repeats = float((distances < NEAR).float().mean())
    return Beside(path, len(source.labels), len(theirs.labels), apart, repeats)


def _alike_channels(data: ImageData, other: ImageData) -> tuple[np.ndarray, np.ndarray]:
    """Some images of both, grey ones as colour where the others are."""
    sets = [np.array(each.images[evenly(len(each.images), MOST_BESIDE)]) for each in (data, other)]
    most = max(each.shape[3] for each in sets)
    first, second = (np.repeat(s, most, axis=3) if s.shape[3] < most else s for s in sets)
    return first, second


def _shared(data: ImageData, codes: torch.Tensor, seed: int) -> str | None:
    """A bundled generator that makes these classes, and learnt from images of this look."""
    wanted = {name.casefold() for name in data.classes}
    if wanted == {FLAT_CLASS}:
        return None
    for name in bundled_names():
        config = show(name)
        task = config.read_task()
        known = [each.casefold() for each in task.classes]
        if not wanted <= set(known) or task.image.channels != data.image.channels:
            continue
        reference = load_tensors(find_folder(name), config, REFERENCE)
        if reference is None:
            continue
        labels = np.repeat(np.arange(len(known)), reference["counts"].numpy())
        same = np.isin(labels, [place for place, each in enumerate(known) if each in wanted])
        theirs = reference["fingerprints"][torch.from_numpy(same)]
        apart = compare_looks(codes[:, 0].double().numpy(), theirs.double().numpy(), seed)
        if apart is not None and not apart.another:
            return name
    return None
