"""Weights of feature extractors: found by path or hub id, read from safetensors alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from synthgen.spec.errors import SynthgenError

HUB_ID = re.compile(r"\w[\w.-]*/[\w.-]+")


def find_weights(name: str) -> Path | None:
    """The safetensors file that ``name`` (a file, a folder with one, a hub id) means, or ``None``.

    Raises:
        SynthgenError: the folder holds none or several, the file is of another kind, or the hub
            does not give it.
    """
    path = Path(name).expanduser()
    if path.is_file():
        if path.suffix != ".safetensors":
            raise SynthgenError(
                f"{path}: weights are read from safetensors only, because unpickling runs what is "
                "in the file; docs/quality.md shows how to convert"
            )
        return path
    if path.is_dir():
        return _only_file(path)
    if HUB_ID.fullmatch(name):
        return _only_file(_fetch(name))
    return None


def _only_file(folder: Path) -> Path:
    found = sorted(folder.glob("*.safetensors"))
    if len(found) != 1:
        raise SynthgenError(f"{folder}: holds {len(found)} safetensors files; name the one meant")
    return found[0]


def _fetch(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=["*.safetensors", "config.json"]))
    except Exception as error:  # offline, unknown, no access: all the user's to mend
        reason = " ".join(str(error).split())[:160]
        raise SynthgenError(
            f"'{name}' is no file or folder here and could not be fetched from the hub ({reason})"
        ) from None


def tensor_names(path: Path) -> frozenset[str]:
    """Names of a file's tensors.

    Raises:
        SynthgenError: it is no safetensors file.
    """
    try:
        with safe_open(path, "pt") as file:
            return frozenset(file.keys())
    except (SafetensorError, OSError, ValueError) as error:
        raise SynthgenError(f"{path}: not a safetensors file ({error})") from None


def load_into(module: nn.Module, path: Path, ignored: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """Put the tensors of ``path`` into ``module``, in its own precision; gives them back.

    ``ignored`` are beginnings of names that the module has no use for.

    Raises:
        SynthgenError: a tensor is missing, unknown or of another shape.
    """
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise SynthgenError(f"{path}: not a safetensors file ({error})") from None
    given = {key: value for key, value in tensors.items() if not key.startswith(ignored or ("\0",))}
    mine = module.state_dict()
    # Counters of batch norm, which older files lack, decide nothing.
    odd = {key for key in set(mine) ^ set(given) if not key.endswith("num_batches_tracked")}
    odd |= {key for key in set(mine) & set(given) if mine[key].shape != given[key].shape}
    if odd:
        raise SynthgenError(f"{path}: tensor '{min(odd)}' is missing, unknown or of another shape")
    module.load_state_dict(given, strict=False)
    return given


def weights_key(tensors: Mapping[str, Tensor], *settings: str) -> str:
    """SHA-256 (hex) over tensors, by name, and whatever else decides the features."""
    digest = hashlib.sha256("|".join(settings).encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        value = tensors[name].detach().cpu().contiguous()
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
