"""What a run ran on, in one line for cards and receipts."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch


def hardware(device: torch.device) -> str:
    """For example ``NVIDIA H100`` or ``AMD EPYC (2 CPU cores)``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name} ({len(os.sched_getaffinity(0))} CPU cores)"
