"""Which device computes, and in which arithmetic."""

from __future__ import annotations

import torch

from synthgen.spec.errors import SynthgenError


def resolve_device(name: str) -> torch.device:
    """``auto`` (a CUDA device if there is one, else the CPU), ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        SynthgenError: the name is no device, or the device is not there.
    """
    available = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if available else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SynthgenError(f"device '{name}': use auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise SynthgenError(f"device '{name}': use auto, cpu, cuda or cuda:N")
    if device.type == "cuda":
        count = torch.cuda.device_count() if available else 0
        if (device.index or 0) >= count:
            raise SynthgenError(f"device '{name}': this machine has {count} CUDA devices; try cpu")
    return device


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """``bf16``, ``fp32``, or ``auto``: bfloat16 where the device computes in it, else float32.

    Raises:
        ValueError: another name.
    """
    if name == "auto":
        return torch.bfloat16 if has_bfloat16(device) else torch.float32
    try:
        return {"bf16": torch.bfloat16, "fp32": torch.float32}[name]
    except KeyError:
        raise ValueError(f"precision '{name}': use auto, bf16 or fp32") from None


def seed_generators(seed: int, device: torch.device) -> None:
    """Seed the generators of random numbers that work on ``device`` draws from.

    The numbers are those after ``torch.manual_seed``, which on a machine without a device writes
    down a stack trace for each kind of device that might come: a millisecond of every step.
    """
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware: CUDA from Ampere on, x86 AVX512-BF16,
    AMX."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    cpu = torch.cpu
    return bool(cpu._is_avx512_bf16_supported() or cpu._is_amx_tile_supported())
