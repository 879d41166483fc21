"""What the values of masks mean, as the settings or a ``classes.json`` beside the data say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.data.own_fields import own_fields
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.maps import Mask
from synthgen.spec.settings.data import DataSettings

FILE = "classes.json"


@dataclass(frozen=True)
class MaskNames:
    """Classes of masks in order, and what stands for each in the files."""

    names: tuple[str, ...]
    values: tuple[int, ...]
    """The value of each in palette and grey images."""
    colors: tuple[tuple[int, int, int], ...] = ()
    """The colour of each in RGB images; empty if that is not known."""

    @staticmethod
    def of(names: tuple[str, ...]) -> MaskNames:
        """Names of the values 0, 1, 2 and so on."""
        return MaskNames(names, tuple(range(len(names))))


def mask_names(settings: DataSettings, folder: Path | None) -> MaskNames | None:
    """The names of the settings, else those in the data's folder, else those that a dataset of
    synthgen has on record.

    These are a list in the order of the values, ``{"classes": [...]}`` (with ``"palette": [[r, g,
    b], ...]`` where masks are in colours), or ``{"0": "sky", "255": "void"}``.
    ``None`` if neither is there.

    Raises:
        SynthgenError: it is there and says something else.
    """
    if settings.mask_names is not None:
        if len(set(settings.mask_names)) < len(settings.mask_names):
            raise SynthgenError("--mask-names: a name is there twice; each value has its own")
        return MaskNames.of(settings.mask_names)
    path = None if folder is None else folder / FILE
    if path is None or not path.is_file():
        own = {f.names for f in own_fields(folder).values() if isinstance(f, Mask)}
        return MaskNames.of(own.pop()) if len(own) == 1 else None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = _read(record)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise SynthgenError(
            f"{path}: names no classes of masks ({reason}); write a list of names in the order of "
            'the values, or {"0": "sky", "255": "road"}'
        ) from None
    return found


def _read(record: Any) -> MaskNames:
    colors: tuple[tuple[int, int, int], ...] = ()
    if isinstance(record, str):
        raise ValueError(f"it is the one text '{record[:20]}'")
    if isinstance(record, dict) and "classes" in record:
        colors = tuple((int(r), int(g), int(b)) for r, g, b in record.get("palette", ()))
        record = record["classes"]
    pairs = [(int(key), name) for key, name in record.items()] if isinstance(record, dict) else (
        list(enumerate(record)))  # fmt: skip
    values, names = [value for value, _ in pairs], [name for _, name in pairs]
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError("names are texts, at least one")
    if len(set(names)) < len(names) or not all(0 <= value <= 255 for value in values):
        raise ValueError("names differ, and values are 0 to 255")
    if colors and len(colors) != len(names):
        raise ValueError(f"{len(colors)} colours for {len(names)} classes")
    return MaskNames(tuple(names), tuple(values), colors)


def indices(pixels: np.ndarray, field: Mask, told: MaskNames) -> np.ndarray:
    """The field's indices ``uint8 [h, w]`` of a mask ``uint8 [h, w]``, or of one in colours ``uint8
    [h, w, 3]``.

    Raises:
        ValueError: a value means none of the field's classes; the text says what to do.
    """
    places = {name: index for index, name in enumerate(field.names)}
    if pixels.ndim == 3:
        return _of_colors(pixels, places, told)
    table = np.full(256, -1, dtype=np.int16)
    for name, value in zip(told.names, told.values, strict=True):
        table[value] = places.get(name, -1)
    found: np.ndarray = table[pixels]
    if (found < 0).any():
        _refuse_value(int(pixels[found < 0][0]), field, told)
    return found.astype(np.uint8)


def _refuse_value(value: int, field: Mask, told: MaskNames) -> None:
    known = dict(zip(told.values, told.names, strict=True))
    if value in known:
        raise ValueError(
            f"value {value} is '{known[value]}', which is none of the classes "
            f"{name_list(field.names)}"
        )
    meant = name_list([f"{number} {name}" for number, name in known.items()])
    raise ValueError(
        f"value {value} in a mask of {len(known)} classes ({meant}); say what it means with "
        f'--mask-names, or in {FILE} beside the data: {{"{value}": "NAME", ...}}'
    )


def _of_colors(pixels: np.ndarray, places: Mapping[str, int], told: MaskNames) -> np.ndarray:
    if not told.colors:
        raise ValueError(
            "is in colours; a mask has one index a pixel (palette or grey). Save it so, or give "
            f'the colours in {FILE} beside the data: {{"classes": [...], "palette": [[r, g, b], '
            "...]}"
        )
    packed = pixels[..., :3].astype(np.int32) @ np.array([65_536, 256, 1])
    found = np.full(packed.shape, -1, dtype=np.int16)
    for name, (red, green, blue) in zip(told.names, told.colors, strict=True):
        found[packed == 65_536 * red + 256 * green + blue] = places.get(name, -1)
    if (found < 0).any():
        color = tuple(pixels[found < 0][0][:3].tolist())
        raise ValueError(f"colour {color} is none of the palette in {FILE}")
    return found.astype(np.uint8)
