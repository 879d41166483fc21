"""Labelled encoded images of a Parquet / Hugging Face dataset folder, or of a hub id."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.data.decode import read_head
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.safe_yaml import front_matter
from synthgen.spec.settings.data import DataSettings

ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".lz4", ".7z", ".rar"}


class Table:
    """A ``datasets.Dataset`` with an image column, read without decoding."""

    def __init__(self, name: str, table: Any, settings: DataSettings, key: str | None) -> None:
        import datasets

        self.name = name
        self._key = key
        features = table.features
        image = settings.image_column or _only(features, datasets.Image, "image", name)
        label = settings.label_column or _label_column(features, name)
        for column, option in ((image, "--image-column"), (label, "--label-column")):
            if column not in features:
                hint = did_you_mean(column, features)
                raise SynthgenError(
                    f"{name}: no column '{column}' (there are {name_list(features)}){hint} "
                    f"Name it with {option}"
                )
        if not isinstance(features[image], datasets.Image) and not _encoded(features[image]):
            raise SynthgenError(
                f"{name}: column '{image}' holds {_kind(features[image])}, not images; "
                "name the image column with --image-column"
            )
        self._column = image
        table = _of_domain(table, settings, name)
        self._table = table
        self._rows = table.select_columns([image]).cast_column(image, datasets.Image(decode=False))
        self.classes, self.labels = _labels(table, label, name)

    def encoded(self, rows: Sequence[int]) -> Iterator[tuple[bytes, str]]:
        step = 128  # files in memory at once
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            for row, item in zip(part, self._rows[list(part)][self._column], strict=True):
                where = f"{self.name} row {row}"
                if item is None:
                    yield b"", where
                elif item["bytes"] is not None:
                    yield item["bytes"], where
                else:
                    try:
                        yield read_head(Path(item["path"])), f"{where} ({item['path']})"
                    except OSError:
                        yield b"", f"{where} ({item['path']})"

    def column(self, name: str) -> list[Any] | None:
        """The values of a further column, images as their files; ``None`` if there is none."""
        import datasets

        if name not in self._table.features:
            return None
        column = self._table.select_columns([name])
        if isinstance(column.features[name], datasets.Image):
            column = column.cast_column(name, datasets.Image(decode=False))
        return list(column[:][name])

    def quick_key(self) -> str | None:
        return self._key


def _of_domain(table: Any, settings: DataSettings, name: str) -> Any:
    """The rows of the wanted domain; all of them if none is named."""
    column, wanted = settings.domain_column, settings.domain
    if column is None or wanted is None:
        return table
    if column not in table.features:
        hint = did_you_mean(column, table.features)
        raise SynthgenError(f"{name}: no column '{column}' to tell domains by{hint}")
    values = table.select_columns([column])[:][column]
    names = getattr(table.features[column], "names", None)
    texts = [names[v] if names and v is not None else str(v) for v in values]
    rows = [row for row, text in enumerate(texts) if text == wanted]
    if not rows:
        known = sorted(set(texts))
        hint = did_you_mean(wanted, known)
        raise SynthgenError(
            f"{name}: no row of domain '{wanted}' in '{column}' "
            f"(there are {name_list(known)}){hint}"
        )
    return table.select(rows)


def _encoded(feature: Any) -> bool:
    """Whether a column without the features' metadata holds image files: ``{bytes, path}``."""
    return isinstance(feature, dict) and "bytes" in feature


def _labels(table: Any, column: str, name: str) -> tuple[tuple[str, ...], np.ndarray]:
    import datasets

    feature, values = table.features[column], table.select_columns([column])[:][column]
    if any(value is None for value in values):
        row = next(i for i, value in enumerate(values) if value is None)
        raise SynthgenError(f"{name}: label column '{column}' is empty in row {row}")
    if isinstance(feature, datasets.ClassLabel):
        labels = np.asarray(values, dtype=np.int64)
        if len(labels) and labels.min() < 0:
            row = int(labels.argmin())
            raise SynthgenError(f"{name}: row {row} has no class (-1) in column '{column}'")
        return tuple(feature.names), labels
    dtype = getattr(feature, "dtype", "")
    if dtype in ("string", "large_string") or dtype.startswith(("int", "uint")):
        kinds = sorted(set(values))
        place = {kind: index for index, kind in enumerate(kinds)}
        labels = np.asarray([place[value] for value in values], dtype=np.int64)
        return tuple(str(kind) for kind in kinds), labels
    raise SynthgenError(
        f"{name}: label column '{column}' holds {_kind(feature)}; it must hold class labels, text "
        "or whole numbers: name another with --label-column"
    )


def _label_column(features: Any, name: str) -> str:
    import datasets

    found = [c for c, feature in features.items() if isinstance(feature, datasets.ClassLabel)]
    if len(found) == 1:
        return str(found[0])
    if "label" in features:
        return "label"
    what = f"several class-label columns ({name_list(found)})" if found else "no class-label column"
    raise SynthgenError(
        f"{name}: has {what} among {name_list(features)}; name it with --label-column"
    )


def _only(features: Any, kind: type, what: str, name: str) -> str:
    found = [c for c, feature in features.items() if isinstance(feature, kind)]
    found = found or [c for c, feature in features.items() if _encoded(feature)]
    if len(found) == 1:
        return str(found[0])
    have = f"several {what} columns ({name_list(found)})" if found else f"no {what} column"
    raise SynthgenError(
        f"{name}: has {have} among {name_list(features)}; name it with --{what}-column"
    )


def _kind(feature: Any) -> str:
    return str(getattr(feature, "dtype", None) or type(feature).__name__)


def dataset_folder(path: Path, settings: DataSettings, split: str) -> Table:
    """A folder of Parquet files, or one that ``datasets`` has saved.

    Raises:
        SynthgenError: it cannot be read, holds an archive, or has no such split or columns.
    """
    import datasets

    _refuse_archives(path)
    stats = sorted((str(p.relative_to(path)), p.stat()) for p in path.rglob("*") if p.is_file())
    key = "\n".join(
        [str(path.resolve()), split, *(f"{n}|{s.st_size}|{s.st_mtime_ns}" for n, s in stats)]
    )
    try:
        if (path / "dataset_info.json").exists() or (path / "dataset_dict.json").exists():
            loaded: Any = datasets.load_from_disk(str(path))
        else:
            loaded = datasets.load_dataset(str(path))
    except Exception as error:  # any of the reader's own errors is about the user's files
        raise SynthgenError(f"{path}: cannot be read as a dataset: {_line(error)}") from None
    name = path.resolve().name
    if isinstance(loaded, datasets.DatasetDict):
        loaded = _pick_split(loaded, split, name)
    return Table(name, loaded, settings, key)


def _refuse_archives(path: Path) -> None:
    """Nothing is unpacked on behalf of a file, nor fetched from where its card points.

    Raises:
        SynthgenError: the folder holds an archive, or a card that names data elsewhere.
    """
    for file in path.rglob("*"):
        if file.suffix.lower() in ARCHIVES and file.is_file():
            raise SynthgenError(f"{file}: is an archive; unpack it yourself, or move it elsewhere")
    card = path / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    try:
        front = front_matter(text)
    except ValueError as error:
        raise SynthgenError(f"{card}: its YAML cannot be read: {error}") from None
    configs = front.get("configs") if isinstance(front, dict) else None
    named = json.dumps(configs, default=str)
    if "://" in named or "../" in named or '"/' in named:
        raise SynthgenError(f"{card}: names data outside of its folder; remove its 'configs'")


def from_hub(settings: DataSettings, split: str) -> Table:
    """A dataset of the Hugging Face hub.

    Raises:
        SynthgenError: it cannot be loaded, or has no such split or columns.
    """
    import datasets

    try:
        loaded: Any = datasets.load_dataset(settings.data)
    except Exception as error:  # offline, unknown id, no access: all the user's to mend
        raise SynthgenError(
            f"'{settings.data}' is no folder here and could not be loaded from the hub "
            f"({_line(error)}); check the name, the network, or give a folder"
        ) from None
    table = _pick_split(loaded, split, settings.data)
    return Table(settings.data, table, settings, f"{settings.data}|{split}|{table._fingerprint}")


def _pick_split(loaded: Any, split: str, name: str) -> Any:
    if split not in loaded:
        hint = did_you_mean(split, loaded)
        raise SynthgenError(f"{name}: no split '{split}' (there are {name_list(loaded)}){hint}")
    return loaded[split]


def _line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
