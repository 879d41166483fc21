"""The files of a bundle, read: each checked against the hash in ``config.json``, none unpickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from synthgen.algorithms.contract import Algorithm
from synthgen.generators.format import GENERATOR, LARGEST_JSON, BundleConfig, one_line, sha256
from synthgen.spec.errors import SynthgenError

LARGEST_WEIGHTS = 16 * 2**30
"""Bytes of weights that are looked at."""
MOST_VALUES = 4 * 10**9
"""Numbers in all networks of an algorithm together."""


def read_file(folder: Path, config: BundleConfig, name: str) -> bytes | None:
    """The bytes of one of the bundle's files, checked against its hash; ``None`` if it has none.

    Raises:
        SynthgenError: the file is missing, or is not what was saved.
    """
    if name not in config.files:
        return None
    path = folder / name
    most = LARGEST_WEIGHTS if name.endswith(".safetensors") else LARGEST_JSON
    try:
        if path.stat().st_size > most:
            raise SynthgenError(f"{path}: is larger than any of its kind; copy the bundle again")
        content = path.read_bytes()
    except OSError as error:
        raise SynthgenError(f"{path}: {error.strerror}; copy the bundle again") from None
    if sha256(content) != config.files[name]:
        raise SynthgenError(
            f"{path}: truncated or changed since it was saved; copy the bundle again"
        )
    return content


def read_json(folder: Path, config: BundleConfig, name: str) -> dict[str, Any] | None:
    """One of the bundle's JSON files; ``None`` if it has none.

    Raises:
        SynthgenError: the file is missing, changed, or no JSON mapping.
    """
    content = read_file(folder, config, name)
    if content is None:
        return None
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SynthgenError(f"{folder / name}: damaged ({one_line(error)})") from None
    if not isinstance(record, dict):
        raise SynthgenError(f"{folder / name}: is not a JSON mapping")
    return record


def refuse_larger(folder: Path, config: BundleConfig, outline: Algorithm) -> None:
    """Refuse a configuration whose networks are larger than its files can be.

    Raises:
        SynthgenError: they are.
    """
    path = folder / GENERATOR
    if not path.is_file():
        return  # told when it is read
    sizes = {
        name: sum(value.numel() for value in network.state_dict().values())
        for name, network in outline.networks.items()
    }
    generators = sum(sizes[name] for name in outline.generators)
    if generators > path.stat().st_size or sum(sizes.values()) > MOST_VALUES:
        raise SynthgenError(
            f"{path}: too small for the {generators:,} numbers that its config.json promises; copy "
            "the bundle again"
        )


def load_tensors(folder: Path, config: BundleConfig, name: str) -> dict[str, Tensor] | None:
    """The tensors of one of the bundle's files; ``None`` if it has none.

    Raises:
        SynthgenError: the file is missing, changed, or no safetensors.
    """
    content = read_file(folder, config, name)
    if content is None:
        return None
    try:
        return load(content)
    except (SafetensorError, ValueError) as error:
        raise SynthgenError(
            f"{folder / name}: not a safetensors file ({one_line(error)})"
        ) from None


def load_weights(folder: Path, config: BundleConfig, name: str, module: nn.Module) -> bool:
    """Put the tensors of one file into ``module``; whether the bundle has that file.

    Raises:
        SynthgenError: the file is missing, changed, no safetensors, or of another network.
    """
    tensors = load_tensors(folder, config, name)
    if tensors is None:
        return False
    mine = module.state_dict()
    for key in sorted(set(mine) ^ set(tensors)):
        what = "lacks" if key in mine else "has an unknown"
        raise SynthgenError(
            f"{folder / name}: {what} tensor '{key}': not of algorithm '{config.algorithm}' "
            "with these options"
        )
    for key, value in tensors.items():
        if (
            value.shape != mine[key].shape
            or value.is_floating_point() != mine[key].is_floating_point()
        ):
            raise SynthgenError(
                f"{folder / name}: tensor '{key}' is {tuple(value.shape)}, expected "
                f"{tuple(mine[key].shape)}: not of algorithm '{config.algorithm}' with "
                f"these options"
            )
    module.load_state_dict({key: value.to(mine[key].dtype) for key, value in tensors.items()})
    return True
