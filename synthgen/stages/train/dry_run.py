"""What a training run would be: settings, sizes, arithmetic and an estimate of the time."""

from __future__ import annotations

import time

import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode

from synthgen.algorithms.contract import Tensors
from synthgen.machine.threads import chosen_threads
from synthgen.spec.credentials import blotted
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.setup import Prepared, prepare
from synthgen.training.distributed import Ranks

TIMED_STEPS = 8


def describe(settings: TrainSettings) -> str:
    """The resolved settings, parameter counts, FLOPs per image and expected time, as text.

    Reads the data and runs a few real steps to time them; writes nothing but the data cache.

    Raises:
        SynthgenError: as for training itself.
    """
    prepared = prepare(settings, Ranks())
    device, image = prepared.training.device, prepared.data.image
    with chosen_threads(settings.threads, device, image) as look:
        return _described(settings, prepared, look())


def _described(settings: TrainSettings, prepared: Prepared, threads: int) -> str:
    training, data = prepared.training, prepared.data
    resolved = blotted(settings.model_dump(mode="json")) | {
        "augment": prepared.augment,
        "resolution": data.image.height,
        "device": str(training.device),
        "threads": threads,
        "precision": str(training.precision).removeprefix("torch."),
    }
    lines = [yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True).rstrip(), ""]
    lines.append(
        f"data: {data.name}, {data.image}, {len(data.classes)} classes, "
        f"{len(prepared.chosen):,} images to train on, {len(prepared.validation):,} held out"
    )
    for name, network in prepared.algorithm.networks.items():
        count = sum(parameter.numel() for parameter in network.parameters())
        lines.append(f"network {name}: {count:,} parameters")
    for name, flops in _forward_flops(prepared).items():
        lines.append(f"tensor {name}: {flops / 1e9:.3f} GFLOP per image forward")
    with FlopCounterMode(display=False) as counter:
        for _ in range(TIMED_STEPS):
            training.step()
    per_image = counter.get_total_flops() / (TIMED_STEPS * settings.batch_size)
    lines.append(f"training: {per_image / 1e9:.2f} GFLOP per image shown, backward included")
    start = time.perf_counter()
    for _ in range(TIMED_STEPS):
        training.step()
    rate = TIMED_STEPS * settings.batch_size / (time.perf_counter() - start)
    hours = settings.images / rate / 3600
    lines.append(
        f"estimate: {rate:.0f} images per second ({rate * per_image / 1e9:.0f} GFLOP/s), "
        f"{hours * 60:.1f} minutes for {settings.images:,} images, "
        "without the label classifier and the scoring"
    )
    return "\n".join(lines)


def _forward_flops(prepared: Prepared) -> dict[str, float]:
    """FLOPs of one image through what sampling evaluates."""
    algorithm, device = prepared.algorithm, prepared.training.device
    count = 4  # batch norm in training mode needs more than one image
    given = {"label": torch.zeros(count, dtype=torch.int64, device=device)}
    for name, latent in algorithm.latents.items():
        given[name] = torch.randn(count, *latent.shape, device=device)
    image = prepared.task.image
    given["image"] = torch.zeros(count, image.channels, image.height, image.width, device=device)
    given["source"], given["source_label"] = given["image"], given["label"]
    for network in algorithm.networks.values():
        network.requires_grad_(False)  # the counter's hooks want either gradients or none at all
    flops: dict[str, float] = {}
    for tensor in algorithm.samples.values():
        scalars = {"truncation": 1.0}
        tensors = Tensors(algorithm.networks, algorithm.tensors, given, scalars, lambda x: x)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            _ = tensors[tensor]
        flops[tensor] = counter.get_total_flops() / count
    return flops
