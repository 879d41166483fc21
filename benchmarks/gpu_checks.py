"""What only a GPU can show: each check is a name, whether it held, and what was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator
from synthgen.machine.device_lock import device_lock
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import to_host, to_uint8
from synthgen.training.batches import RealBatches

GENERATOR = "cifar10-32"
FEW, MANY = 64, 16_384


@dataclass(frozen=True)
class Check:
    """``held`` is ``None`` where the check needs a GPU and there is none."""

    name: str
    held: bool | None
    seen: str


def all_checks(device: torch.device) -> list[Check]:
    """Every check on this device, one after another; a fault of one is what it saw."""
    ways: dict[str, Callable[[torch.device], tuple[bool, str]]] = {
        "one job at a time has the device": locked,
        "a batch too large for the memory is halved": halved,
        "copies through pinned pages are exact": pinned,
        "the pixels are the CPU's within a grey level": same_pixels,
    }
    found = []
    for name, way in ways.items():
        if device.type == "cpu" and way is not same_pixels:
            found.append(Check(name, None, "needs a GPU"))
            continue
        try:
            found.append(Check(name, *way(device)))
        except Exception as error:  # one that fails leaves the others their turn
            found.append(Check(name, False, f"{type(error).__name__}: {error}"[:200]))
    return found


def locked(device: torch.device) -> tuple[bool, str]:
    """Whoever asks for a device that is held is refused; afterwards it gets it."""
    with device_lock(str(device)) as name:
        try:
            with device_lock(str(device), wait_seconds=0.0):
                return False, f"{name} was given twice"
        except SynthgenError:
            pass
    with device_lock(str(device), wait_seconds=0.0) as again:
        return name == again is not None, f"{name} held, refused, and free again"


def images_of(generator: Generator, count: int) -> torch.Tensor:
    """The first candidates, ``float32 [count, C, H, W]``."""
    numbers = np.arange(count, dtype=np.int64)
    labels = numbers % len(generator.classes)
    return generator.candidates(labels, numbers * 0, numbers, seed=0)["image"]


def halved(device: torch.device) -> tuple[bool, str]:
    """With little memory left, a large batch comes out in parts, with the same pixels."""
    generator = load_generator(GENERATOR, str(device), "fp32")
    few = images_of(generator, FEW)
    torch.cuda.synchronize(device)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device).total_memory
    # What is there now, the images themselves, and a quarter of a gigabyte to compute in.
    room = torch.cuda.memory_reserved(device) + 3 * few[0].numel() * 4 * MANY + 2**28
    torch.cuda.set_per_process_memory_fraction(room / total, device)
    try:
        images = images_of(generator, MANY)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
    size = generator._most
    worst = float((to_uint8(images[:FEW]).int() - to_uint8(few).int()).abs().max())
    seen = f"{MANY:,} images in batches of {size}; {worst:.0f} grey levels apart"
    return size is not None and size < MANY and len(images) == MANY and worst <= 1, seen


def pinned(device: torch.device) -> tuple[bool, str]:
    """Real images to the device, and a tensor back to the host, byte for byte."""
    pixels = np.random.default_rng(0).integers(0, 256, (512, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(512, dtype=np.int64)
    there, own = RealBatches(pixels, labels, labels, 0, False).at(0, 256, device)
    here, _ = RealBatches(pixels, labels, labels, 0, False).at(0, 256, torch.device("cpu"))
    arrived = torch.equal(there.cpu(), here)
    back = np.array_equal(to_host(own), own.cpu().numpy())
    return arrived and back, f"256 images there: {arrived}; labels back: {back}"


def same_pixels(device: torch.device) -> tuple[bool, str]:
    """In float32 no pixel differs from the CPU's by more than one grey level."""
    mine, cpu = (
        to_uint8(images_of(load_generator(GENERATOR, where, "fp32"), FEW)).cpu().int()
        for where in (str(device), "cpu")
    )
    apart = (mine - cpu).abs()
    worst, share = int(apart.max()), float((apart > 0).float().mean())
    return worst <= 1, f"{FEW} images: {worst} levels at most, {share:.2%} of the values differ"
