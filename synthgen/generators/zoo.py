"""Generators by name: the bundled ones, folders, URLs of stores, and hub ids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synthgen.generators.fetched import fetch_bundle
from synthgen.generators.format import METRICS, BundleConfig, read_config
from synthgen.generators.generator import Generator
from synthgen.generators.generator_set import SET, GeneratorSet, read_parts
from synthgen.generators.reading import read_json
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.storage.place import place
from synthgen.storage.store_path import StorePath

BUNDLED = Path(__file__).parent / "bundled"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def bundled_names() -> tuple[str, ...]:
    """Names of the generators that come with the package, in alphabetical order."""
    if not BUNDLED.is_dir():
        return ()
    return tuple(sorted(p.name for p in BUNDLED.iterdir() if (p / "config.json").is_file()))


def load_generator(name: str, device: str = "auto", precision: str = "auto") -> Generator:
    """A generator by bundled name, folder or store URL (of a bundle or of the run that made it), or
    hub id.

    Raises:
        SynthgenError: nothing has this name, or the bundle is damaged, or the device is not there.
    """
    where = resolve_device(device)
    folder = find_folder(name)
    kind = GeneratorSet if (folder / SET).is_file() else Generator
    return kind(folder, short_name(name), where, resolve_precision(precision, where))


def show(name: str) -> BundleConfig:
    """The configuration of a generator, without loading its weights.

    Raises:
        SynthgenError: as :func:`load_generator`.
    """
    return read_config(_first(find_folder(name)))


def _first(folder: Path) -> Path:
    """The bundle itself, or the first part of a set."""
    return read_parts(folder)[0] if (folder / SET).is_file() else folder


def metrics(name: str) -> dict[str, Any]:
    """The scores in a generator's bundle; empty if it has none.

    Raises:
        SynthgenError: as :func:`load_generator`.
    """
    folder = _first(find_folder(name))
    return read_json(folder, read_config(folder), METRICS) or {}


def short_name(name: str) -> str:
    """The name a dataset calls its generator by: never a path."""
    if name in bundled_names() or HUB_ID.fullmatch(name):
        folder = Path(name)
        return name if not folder.is_dir() else folder.resolve().name
    given = place(name)
    where = given if isinstance(given, StorePath) else given.expanduser().resolve()
    return where.parent.name if where.name in ("bundle", "best") else where.name


def find_folder(name: str) -> Path:
    """The folder of a generator's bundle, fetched if it is on a store or the hub.

    Raises:
        SynthgenError: there is none of this name.
    """
    if name in bundled_names():
        return BUNDLED / name
    given = place(name)
    if isinstance(given, StorePath):
        return fetch_bundle(given)
    path = given.expanduser()
    if path.is_dir():
        inside = path / "bundle"
        whole = (inside / "config.json").is_file() or (inside / SET).is_file()
        return inside if whole else path
    if HUB_ID.fullmatch(name) and not name.startswith("."):
        return _fetch(name)
    hint = did_you_mean(name, bundled_names())
    raise SynthgenError(
        f"no generator '{name}': it is neither bundled ({name_list(bundled_names())}) nor a folder "
        f"nor a hub id{hint}"
    )


def find_bundled(classes: Sequence[str] | None) -> str:
    """The bundled generator that knows all of ``classes``; the first by name if several do.

    Raises:
        SynthgenError: none does, or no classes are named.
    """
    known = {name: read_config(BUNDLED / name).read_task().classes for name in bundled_names()}
    listed = "; ".join(f"{name}: {name_list(names)}" for name, names in known.items())
    if classes is None:
        raise SynthgenError(f"name --classes or a --generator (bundled: {listed})")
    for name, names in known.items():
        if set(classes) <= set(names):
            return name
    every = [name for names in known.values() for name in names]
    odd = next((name for name in classes if name not in every), None)
    what = f"class '{odd}'" if odd else f"all of {name_list(classes)}"
    hint = did_you_mean(odd, every) if odd else ""
    raise SynthgenError(
        f"no bundled generator knows {what} ({listed}){hint} "
        "Train your own: synthgen train --data FOLDER --out runs/mine, then --generator runs/mine"
    )


def _fetch(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "README.md"])
        )
    except Exception as error:  # offline, unknown, no access: all the user's to mend
        reason = " ".join(str(error).split())[:160]
        raise SynthgenError(
            f"'{name}' is no folder here and could not be fetched from the hub ({reason}); "
            f"bundled: {name_list(bundled_names())}"
        ) from None
