"""Which tables of a folder make which split: by the folder's card, else by the files' names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from pathlib import Path
from typing import Any

from synthgen.data.file_kinds import ending, file_kind, split_in_file_name, split_meaning
from synthgen.data.listing import Listing, Parts
from synthgen.data.reading import Passed
from synthgen.data.table_files import TableFile
from synthgen.data.table_parts import LoadedPart, NamedPart, Rows
from synthgen.data.tables import Table
from synthgen.data.understood import Understood, grouped
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.safe_yaml import front_matter
from synthgen.spec.settings.data import DataSettings


def table_folder(path: Path, listing: Listing, settings: DataSettings, split: str) -> Table:
    """The tables of one split of a folder.

    Raises:
        SynthgenError: there is no such split, or the files cannot be read or do not fit together.
    """
    refuse_archives(listing)
    tables = list(listing.root.below("table"))
    card = _card(path)
    by_split = _by_card(card, tables, path) or _by_names(tables)
    name = path.resolve().name
    chosen = pick_split(by_split, split, name)
    passed: list[Passed] = list(listing.passed)
    used = {parts for own in by_split.values() for parts in own}
    passed += [("tables", "of no split", str(path.joinpath(*p))) for p in tables if p not in used]
    passed += [("images", "beside the tables", listing.files.where(parts))
               for parts in listing.root.below("picture")]  # fmt: skip
    features = _features(card)
    parts = [
        NamedPart(TableFile(path.joinpath(*own)), (path.joinpath(*own).parent, path), features)
        for own in by_split[chosen]
    ]
    stamps = [f"{'/'.join(own)}|{listing.files.stamp(own)}" for own in by_split[chosen]]
    key = "\n".join([str(path.resolve()), chosen, json.dumps(features, sort_keys=True), *stamps])
    splits = tuple(by_split) if len(by_split) > 1 else ()
    about = Understood("table", "", chosen, splits, left_out=grouped(passed))
    return Table(name, Rows(parts, name), settings, key, about)


def table_file(path: Path, settings: DataSettings) -> Table:
    """One table file, whatever its split.

    Raises:
        SynthgenError: it cannot be read, or has no such columns.
    """
    stat, name = path.stat(), path.name.rpartition(".")[0]
    key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
    rows = Rows([NamedPart(TableFile(path), (path.parent,))], name)
    return Table(name, rows, settings, key, Understood("table", ""))


def saved_folder(path: Path, listing: Listing, settings: DataSettings, split: str) -> Table:
    """A folder that ``datasets`` has saved with ``save_to_disk``.

    Raises:
        SynthgenError: it is damaged, or has no such split or columns.
    """
    refuse_archives(listing)
    name, folder = path.resolve().name, path
    splits: tuple[str, ...] = ()
    record = _json(path / "dataset_dict.json") if (path / "dataset_dict.json").exists() else None
    chosen: str | None = None
    if record is not None:
        splits = tuple(str(each) for each in record.get("splits", ()))
        chosen = pick_split(splits, split, name)
        if "/" in chosen or chosen in (".", ".."):
            raise SynthgenError(f"{path}: names data outside of its folder")
        folder = path / chosen
    files = [str(each["filename"]) for each in _json(folder / "state.json").get("_data_files", ())]
    if any(file_kind(each) != "table" or "/" in each for each in files):
        raise SynthgenError(f"{folder / 'state.json'}: names data outside of its folder")
    parts = [NamedPart(TableFile(folder / each), (folder, path)) for each in files]
    if not parts:
        raise SynthgenError(f"{folder}: cannot be read as a dataset: it names no files")
    key = "\n".join([str(path.resolve()), str(chosen), *(
        f"{each}|{listing.files.stamp((*folder.relative_to(path).parts, each))}" for each in files
    )])  # fmt: skip
    about = Understood("table", "", chosen, splits if len(splits) > 1 else ())
    return Table(name, Rows(parts, name), settings, key, about)


def from_hub(settings: DataSettings, split: str) -> Table:
    """A dataset of the Hugging Face hub.

    Raises:
        SynthgenError: it cannot be loaded, or has no such split or columns.
    """
    import datasets
    from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES

    if settings.data in _PACKAGED_DATASETS_MODULES:
        # To datasets it is the name of a reader, which would read whatever lies around.
        raise SynthgenError(f"'{settings.data}': no such folder here, and no id of a hub dataset")
    try:
        loaded: Any = datasets.load_dataset(settings.data)
    except Exception as error:  # offline, unknown id, no access: all the user's to mend
        said = (" ".join(str(error).split()) or type(error).__name__)[:200]
        raise SynthgenError(
            f"'{settings.data}' is no folder here and could not be loaded from the hub "
            f"({said}); check the name, the network, or give a folder"
        ) from None
    chosen = pick_split(loaded, split, settings.data)
    table = loaded[chosen]
    about = Understood("table", "", chosen, tuple(loaded) if len(loaded) > 1 else ())
    rows = Rows([NamedPart(LoadedPart(table))], settings.data)
    key = f"{settings.data}|{chosen}|{table._fingerprint}"
    return Table(settings.data, rows, settings, key, about)


def pick_split(splits: Mapping[str, Any] | Sequence[str], split: str, name: str) -> str:
    """The split's own name: as it is asked for, or the one of the same meaning.

    Raises:
        SynthgenError: there is none.
    """
    if split in splits:
        return split
    meaning = split_meaning(split)
    alike = [each for each in splits if meaning and split_meaning(each) == meaning]
    if len(alike) == 1:
        return alike[0]
    hint = did_you_mean(split, splits)
    raise SynthgenError(f"{name}: no split '{split}' (there are {name_list(splits)}){hint}")


def refuse_archives(listing: Listing) -> None:
    """Nothing is unpacked on behalf of a table.

    Raises:
        SynthgenError: an archive lies beside it.
    """
    for parts in listing.root.below("archive"):
        where = listing.files.where(parts)
        raise SynthgenError(f"{where}: is an archive; unpack it yourself, or move it elsewhere")


def _by_names(tables: Sequence[Parts]) -> dict[str, list[Parts]]:
    """Split to its files. Where names speak of splits, files that do not are of none."""
    found: dict[str, list[Parts]] = {}
    for parts in tables:
        meaning = split_in_file_name((*parts[:-1], parts[-1].removesuffix(ending(parts[-1]))))
        found.setdefault(meaning or "", []).append(parts)
    if set(found) == {""}:
        return {"train": found[""]}
    found.pop("", None)
    return dict(sorted(found.items()))


def _card(path: Path) -> dict[str, Any]:
    """The YAML of ``README.md``; empty without.

    Raises:
        SynthgenError: it cannot be read, or names data elsewhere.
    """
    card = path / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    try:
        front = front_matter(text)
    except ValueError as error:
        raise SynthgenError(f"{card}: its YAML cannot be read: {error}") from None
    if not isinstance(front, dict):
        return {}
    named = json.dumps(front.get("configs"), default=str)
    if "://" in named or "../" in named or '"/' in named:
        raise SynthgenError(f"{card}: names data outside of its folder; remove its 'configs'")
    return front


def _by_card(card: Mapping[str, Any], tables: Sequence[Parts], path: Path) -> dict[
    str, list[Parts]
]:  # fmt: skip
    """Split to its files as the card's default configuration says; empty if it says nothing."""
    configs = card.get("configs")
    configs = [each for each in configs if isinstance(each, dict)] if configs else []
    config = _default(configs, path)
    named = config.get("data_files") if config else None
    if isinstance(named, str):
        named = [{"split": "train", "path": named}]
    found: dict[str, list[Parts]] = {}
    for each in named or ():
        if isinstance(each, str):
            each = {"split": "train", "path": each}
        patterns = each.get("path")
        for pattern in [patterns] if isinstance(patterns, str) else patterns or ():
            own = [parts for parts in tables if _matches(parts, str(pattern))]
            found.setdefault(str(each.get("split", "train")), []).extend(own)
    for split, own in found.items():
        if not own:
            raise SynthgenError(
                f"{path}: README.md names files of split '{split}' that are missing"
            )
    return found


def _default(configs: Sequence[Mapping[str, Any]], path: Path) -> Mapping[str, Any] | None:
    for config in configs:
        if config.get("default") is True or len(configs) == 1:
            return config
    own = [config for config in configs if config.get("config_name") == "default"]
    if configs and not own:
        names = name_list(str(config.get("config_name")) for config in configs)
        raise SynthgenError(
            f"{path}: README.md describes several datasets ({names}) and none as its default; give "
            "the folder of one of them"
        )
    return own[0] if own else None


def _matches(parts: Parts, pattern: str) -> bool:
    """Whether a file below the card's folder fits a pattern of the card's."""
    regex = translate(pattern.removeprefix("./").replace("**/", "*"))
    return re.fullmatch(regex, "/".join(parts)) is not None


def _features(card: Mapping[str, Any]) -> dict[str, Any]:
    """What the card says of the columns, in the form of ``datasets``; empty without."""
    info = card.get("dataset_info")
    if isinstance(info, list):
        info = next((i for i in info if isinstance(i, dict) and i.get("config_name") in
                     ("default", None)), None)  # fmt: skip
    described = info.get("features") if isinstance(info, dict) else None
    found: dict[str, Any] = {}
    for each in described if isinstance(described, list) else ():
        name, dtype = (each.get("name"), each.get("dtype")) if isinstance(each, dict) else ("", "")
        names = dtype.get("class_label", {}).get("names") if isinstance(dtype, dict) else None
        if isinstance(names, dict):
            ordered = [names[key] for key in sorted(names, key=lambda key: int(key))]
            found[str(name)] = {"_type": "ClassLabel", "names": [str(each) for each in ordered]}
        elif dtype == "image":
            found[str(name)] = {"_type": "Image"}
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SynthgenError(f"{path}: cannot be read as a dataset: {error}") from None
    return found if isinstance(found, dict) else {}
