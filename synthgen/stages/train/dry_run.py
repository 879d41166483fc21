"""What a training run would be: settings, sizes, arithmetic and an estimate of the time."""

from __future__ import annotations

import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode

from synthgen.algorithms.contract import Tensors
from synthgen.data.glance import Glance, glance
from synthgen.data.sources import Source
from synthgen.data.trial import try_images
from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.threads import chosen_threads
from synthgen.spec.credentials import blotted
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.train import DecidedTrainSettings, TrainSettings
from synthgen.stages.train.budget import duration
from synthgen.stages.train.decide import Decision, decide, estimate, split_counts
from synthgen.stages.train.loading import check_domains
from synthgen.stages.train.offered import load_for, open_images
from synthgen.stages.train.rate import Stopwatch
from synthgen.stages.train.sizes import LARGEST_SIDE
from synthgen.training.loop import Training
from synthgen.uses.registry import find_use

TRIED = 1_000
"""Rows whose solids and views are read at most."""

MOST_SECONDS = 0.7
"""For the steps of one kind of networks after the first one."""


def describe(settings: TrainSettings) -> str:
    """The decided settings, parameter counts, FLOPs per image and expected time, as text.

    Takes a few real steps on some of the images to time, and decodes all of them if that takes
    seconds, or else a random sample; writes nothing but the cache of decoded images.

    Raises:
        SynthgenError: as for training itself.
    """
    check_domains(settings)
    device = resolve_device(settings.device)
    precision = resolve_precision(settings.precision, device)
    source = open_images(settings)
    seen = glance(settings, source)
    watch = Stopwatch(settings, seen, device, precision, most_seconds=MOST_SECONDS)
    with chosen_threads(settings.threads, device, seen.image(LARGEST_SIDE["cpu"])) as look:
        decision = decide(settings, seen, device, watch)
        told = try_images(decision.settings, source, seen.pixels)
        told += _solids(decision.settings, source)
        return "\n".join([_described(decision, seen, watch, look()), *told])


def _solids(settings: TrainSettings, source: Source) -> list[str]:
    """What training would say of solids and views beside them, of some of the rows where there are
    many."""
    if settings.use is None or not any(
        column.kind in ("voxels", "views") for column in source.understood.columns
    ):
        return []
    use, count = find_use(settings.use), len(source.labels)
    if count > TRIED:
        each = max(1, TRIED // len(source.classes))
        settings = settings.model_copy(update={"limit_per_class": each})
    records, _ = load_for(settings, use)
    tried = len(records.labels)
    lines = [line for line in records.said if line.startswith(("column", "warning"))]
    return [*lines, f"tried: the further columns of {tried:,} of {count:,} rows"]


def _described(decision: Decision, seen: Glance, watch: Stopwatch, threads: int) -> str:
    decided = decision.settings
    device = watch.device
    learnt, held = split_counts(decided, seen)
    resolved = blotted(decided.model_dump(mode="json")) | {
        "device": str(device),
        "threads": threads,
        "precision": str(watch.precision).removeprefix("torch."),
    }
    spec = ImageSpec(decided.resolution, decided.resolution, seen.channels)
    lines = [yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True).rstrip(), ""]
    lines += decision.lines
    lines.append(
        f"data: {seen.name}, {spec}, {len(seen.classes)} classes, {learnt:,} images to train on, "
        f"{held:,} held out; {len(seen.encoded)} of them were looked at"
    )
    training = watch.training(decided.resolution, decided.options, 4)
    algorithm = training.algorithm
    for name, network in algorithm.networks.items():
        count = sum(parameter.numel() for parameter in network.parameters())
        lines.append(f"network {name}: {count:,} parameters")
    for name, flops in _forward_flops(training, device).items():
        lines.append(f"tensor {name}: {flops / 1e9:.3f} GFLOP per image forward")
    return "\n".join([*lines, *_time(decided, learnt, watch)])


def _time(decided: DecidedTrainSettings, learnt: int, watch: Stopwatch) -> list[str]:
    each = watch.seconds_per_image(decided.resolution, decided.options)
    per_image = watch.gflop_per_image(decided.resolution, decided.options)
    seconds = decided.seconds or estimate(decided, learnt, watch)
    return [
        f"training: {per_image:.2f} GFLOP per image shown, backward included",
        f"estimate, from a few steps on a few images: {1 / each:.0f} images per second "
        f"({per_image / each:.0f} GFLOP/s), {in_minutes(seconds)} for "
        f"{decided.images:,} images, the label classifier and the scoring",
    ]


def in_minutes(seconds: float) -> str:
    """A time in words, and in minutes where the words are of another unit."""
    words = duration(seconds)
    return words if words.endswith("minutes") else f"{words} ({seconds / 60:.1f} minutes)"


def _forward_flops(training: Training, device: torch.device) -> dict[str, float]:
    """FLOPs of one image through what sampling evaluates."""
    algorithm = training.algorithm
    count = 4  # batch norm in training mode needs more than one image
    given = training.shown_at(0, count)
    for name, latent in algorithm.latents.items():
        given[name] = torch.randn(count, *latent.shape, device=device)
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
