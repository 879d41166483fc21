"""Bundles on a store: a checked copy in the user's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from synthgen.generators.format import LARGEST_JSON, read_config
from synthgen.generators.generator_set import SET, part_names, read_parts
from synthgen.generators.reading import read_file
from synthgen.spec.errors import SynthgenError
from synthgen.storage.cache import cache_root, kept
from synthgen.storage.store_path import StorePath
from synthgen.storage.transfer import fetch

CONFIG = "config.json"


def fetch_bundle(where: StorePath) -> Path:
    """The bundle, or the set of bundles, at ``where`` or in its ``bundle/``, on this machine.

    Copies are kept by the hash of what names all other files' hashes, so one that is there is the
    same as the store's.

    Raises:
        SynthgenError: there is no bundle, it is damaged, or the store fails.
    """
    for folder in (where / "bundle", where):
        for name, fill in ((SET, _set), (CONFIG, _bundle)):
            file = folder / name
            if not file.is_file():
                continue
            if file.stat().st_size > LARGEST_JSON:
                raise SynthgenError(f"{file}: damaged (larger than any configuration)")
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            final = cache_root() / "bundles" / digest
            return kept(final, partial(fill, folder))
    raise SynthgenError(f"{where}: holds no generator bundle (no config.json)")


def _bundle(folder: StorePath, staging: Path) -> None:
    staging.mkdir(exist_ok=True)
    _fetch(folder / CONFIG, staging / CONFIG)
    with _faults_of(folder, staging):
        config = read_config(staging)  # names none but a bundle's own files
    for name in config.files:
        _fetch(folder / name, staging / name)
        with _faults_of(folder, staging):
            read_file(staging, config, name)


def _set(folder: StorePath, staging: Path) -> None:
    _fetch(folder / SET, staging / SET)
    with _faults_of(folder, staging):
        parts = part_names(staging)
    for name in parts:
        _bundle(folder / name, staging / name)
    with _faults_of(folder, staging):
        read_parts(staging)


@contextmanager
def _faults_of(folder: StorePath, copy: Path) -> Iterator[None]:
    """Name the store's files in errors, not those of the copy, which goes."""
    try:
        yield
    except SynthgenError as error:
        raise SynthgenError(str(error).replace(str(copy), str(folder))) from None


def _fetch(source: StorePath, target: Path) -> None:
    try:
        fetch(source, target)
    except FileNotFoundError:
        raise SynthgenError(f"{source}: missing; copy the bundle again") from None
