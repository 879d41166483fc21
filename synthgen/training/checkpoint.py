"""Checkpoints of a training run: safetensors and JSON, everything that resume needs.

A checkpoint is a folder ``<images shown>`` with ``weights.safetensors`` (networks, their average,
an adaptive augmentation's state), ``optimizers.safetensors`` and ``state.json``; it is written
beside and renamed, so a folder with its final name is whole. There is no state of random numbers:
the loop derives it (``training/loop.py``).
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from synthgen.spec.errors import SynthgenError
from synthgen.storage.put_folder import put_folder
from synthgen.training.loop import Training
from synthgen.training.pace import Pace
from synthgen.training.remedies import Remedies

KEPT = 3
"""Whole checkpoints kept: the newest and two before it, to roll back to; and the untrained one."""


def save(folder: Path, training: Training, extra: dict[str, Any]) -> Path:
    """Write the run's state under ``folder`` and drop all but the newest :data:`KEPT` and the
    one at no images.

    ``extra`` is JSON that :func:`load_newest` gives back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"{training.shown:012d}"
    staging = folder / f".staging-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    weights, states = _tensors(training)
    save_file(weights, staging / "weights.safetensors")
    save_file(states, staging / "optimizers.safetensors")
    state = {
        "shown": training.shown,
        "steps": training.steps,
        "sums": training.means.sums,
        "counts": training.means.counts,
        "remedies": asdict(training.remedies),
        "pace": asdict(training.pace),
        "extra": extra,
    }
    (staging / "state.json").write_text(json.dumps(state))
    put_folder(staging, final)
    for old in _whole(folder)[:-KEPT]:
        if int(old.name) > 0:
            _remove(old)
    return final


def load_newest(folder: Path, training: Training) -> dict[str, Any] | None:
    """Put the newest checkpoint of ``folder`` into ``training``; its ``extra``, or ``None`` if
    none.

    Raises:
        SynthgenError: the checkpoint is damaged or of other networks.
    """
    whole = shown_at(folder)
    return load_at(folder, whole[-1], training) if whole else None


def load_at(folder: Path, shown: int, training: Training) -> dict[str, Any]:
    """Put the checkpoint of ``folder`` at ``shown`` images into ``training``; its ``extra``.

    Raises:
        SynthgenError: the checkpoint is damaged or of other networks.
    """
    path = folder / f"{shown:012d}"
    try:
        weights = load_file(path / "weights.safetensors", device=str(training.device))
        states = load_file(path / "optimizers.safetensors", device=str(training.device))
        state = json.loads((path / "state.json").read_text())
        _restore(training, weights, states)
        training.shown, training.steps = state["shown"], state["steps"]
        training.means.sums, training.means.counts = state["sums"], state["counts"]
        training.remedies = Remedies(**state["remedies"])
        if "pace" in state:  # older versions had none: their runs have one end
            training.pace = Pace(**state["pace"])
        extra: dict[str, Any] = state["extra"]
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SynthgenError(
            f"{path}: cannot resume from this checkpoint ({reason}); "
            "delete the folder to go on from the one before"
        ) from None
    return extra


def shown_at(folder: Path) -> list[int]:
    """Images shown of the checkpoints in ``folder``, oldest first."""
    return [int(path.name) for path in _whole(folder)]


def drop_after(folder: Path, shown: int) -> None:
    """Forget the checkpoints of more than ``shown`` images, the newest first."""
    for path in reversed(_whole(folder)):
        if int(path.name) > shown:
            _remove(path)


def _remove(checkpoint: Path) -> None:
    """Its name goes first: a folder that has it is whole."""
    going = checkpoint.with_name(f".staging-{os.getpid()}")
    shutil.rmtree(going, ignore_errors=True)
    checkpoint.rename(going)
    shutil.rmtree(going)


def _whole(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name.isdigit())


def _tensors(training: Training) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    weights: dict[str, Tensor] = {}
    if isinstance(training.augment, nn.Module):
        for key, value in training.augment.state_dict().items():
            weights[f"augment/{key}"] = value.detach().clone()
    # Clones, because safetensors refuses two names for one storage, and networks may share layers.
    for name, network in training.algorithm.networks.items():
        for key, value in network.state_dict().items():
            weights[f"{name}/{key}"] = value.detach().clone().contiguous()
    for name, network in training.averaged.networks.items():
        for key, value in network.state_dict().items():
            weights[f"ema:{name}/{key}"] = value.detach().clone().contiguous()
    states: dict[str, Tensor] = {}
    for trained, optimizer in training.optimizers.items():
        for index, slots in optimizer.steps.state_dict()["state"].items():
            for slot, value in slots.items():
                key = f"{'+'.join(trained)}/{index}/{slot}"
                states[key] = torch.as_tensor(value).detach().clone().contiguous()
    return weights, states


def _restore(training: Training, weights: dict[str, Tensor], states: dict[str, Tensor]) -> None:
    owners = {**training.algorithm.networks}
    owners.update({f"ema:{name}": net for name, net in training.averaged.networks.items()})
    if isinstance(training.augment, nn.Module):
        owners["augment"] = training.augment
    for name, network in owners.items():
        own = {k.split("/", 1)[1]: v for k, v in weights.items() if k.split("/", 1)[0] == name}
        network.load_state_dict(own)
    for trained, optimizer in training.optimizers.items():
        prefix = "+".join(trained)
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in states.items():
            owner, index, slot = key.split("/")
            if owner == prefix:
                slots.setdefault(int(index), {})[slot] = value
        optimizer.steps.state.clear()
        groups = optimizer.steps.state_dict()["param_groups"]
        trained_parameters = [p for group in optimizer.steps.param_groups for p in group["params"]]
        for number, mine in slots.items():
            parameter = trained_parameters[number]
            for kind, value in mine.items():
                if value.shape == parameter.shape:
                    # The fused kernels walk memory: a slot must lie as its parameter does.
                    mine[kind] = torch.empty_like(parameter).copy_(value)
        optimizer.steps.load_state_dict({"state": slots, "param_groups": groups})
