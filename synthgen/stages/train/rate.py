"""How fast this machine trains: some real steps of the networks, on a few real images."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from synthgen.algorithms.registry import build
from synthgen.data.glance import Glance
from synthgen.features.classifier import LabelClassifier
from synthgen.networks.placement import place
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.offered import chosen_algorithm, stand_in
from synthgen.stages.train.setup import SMALL_DATA, SMALLEST_AUGMENTED
from synthgen.training.ada import Ada
from synthgen.training.augment import no_augmentation
from synthgen.training.batches import TaskBatches
from synthgen.training.loop import Training
from synthgen.training.phase_step import LoopSettings

BATCH = {"cpu": 16, "cuda": 128}
"""Images of a measured step. On a CPU the time of an image hardly depends on it."""

COUNTED_BATCH = 4


class Stopwatch:
    """Measures seconds for an image of training, each kind of networks once."""

    def __init__(
        self,
        settings: TrainSettings,
        seen: Glance,
        device: torch.device,
        precision: torch.dtype,
        *,
        most_seconds: float,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        """``most_seconds`` is for the steps of one kind of networks after the first step."""
        self._settings = settings
        self._seen = seen
        self.device = device
        self.precision = precision
        self._most = most_seconds
        self._now = now
        self._known: dict[str, float] = {}

    def seconds_per_image(self, side: int, options: Mapping[str, Any]) -> float:
        """Seconds that training takes for an image shown, lazy penalties in their share."""
        key = f"{side} {sorted(options.items())}"
        if key not in self._known:
            self._known[key] = self._measure(side, options)
        return self._known[key]

    def classifier_seconds_per_image(self, side: int) -> float:
        """Seconds that training the label classifier takes for an image shown."""
        key = f"classifier {side}"
        if key not in self._known:
            self._known[key] = self._measure_classifier(side)
        return self._known[key]

    def _measure_classifier(self, side: int) -> float:
        images = torch.from_numpy(self._seen.images(side, self._settings)).to(self.device)
        labels = torch.from_numpy(self._seen.encoded_labels).to(self.device)
        pixels = images.permute(0, 3, 1, 2).float() / 127.5 - 1
        spec = ImageSpec(side, side, self._seen.channels)
        network = LabelClassifier(spec, len(self._seen.classes))
        place(network, self.device).train()
        pixels, labels = (torch.cat([part, part]) for part in (pixels, labels))
        for _ in range(2):  # the first one warms up
            start = self._now()
            with torch.autocast(
                self.device.type, self.precision, enabled=self.precision != torch.float32
            ):
                loss = cross_entropy(network(pixels), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            passed = self._now() - start
        return passed / len(labels)

    def training(self, side: int, options: Mapping[str, Any], batch: int) -> Training:
        """Such networks in training on the images that were looked at, as at the end of a run,
        where those that grow have grown."""
        seen, settings = self._seen, self._settings
        images = seen.images(side, settings)
        found = chosen_algorithm(settings)
        task, streams = stand_in(settings, found, seen, images)
        batches = TaskBatches(task, streams, flip=False)
        few = len(seen.labels) < SMALL_DATA and side >= SMALLEST_AUGMENTED
        augmented = settings.augment != "none" and (few or settings.augment != "auto")
        loop = LoopSettings(
            images=1,
            batch_size=batch,
            seed=0,
            ema_half_life=settings.ema_half_life,
            augment=Ada(0.5) if augmented else no_augmentation,
            precision=self.precision,
            device=self.device,
        )
        return Training(build(found.name, task, options), batches, loop)

    def gflop_per_image(self, side: int, options: Mapping[str, Any]) -> float:
        """GFLOP of an image shown, backward included, over as many steps as time allows."""
        training = self.training(side, options, COUNTED_BATCH)
        training.step()
        first, steps = training.steps, 0
        start = self._now()
        with FlopCounterMode(display=False) as counter:
            while steps < _cycle(training) and (not steps or self._now() - start < self._most):
                training.step()
                steps = training.steps - first
        return float(counter.get_total_flops()) / (steps * COUNTED_BATCH) / 1e9

    def _measure(self, side: int, options: Mapping[str, Any]) -> float:
        batch = BATCH[self.device.type]
        training = self.training(side, options, batch)
        begun = self._now()
        training.step()
        start = self._now()
        steps, cycle = 0, _cycle(training)
        while steps < cycle and self._now() - start < self._most:
            training.step()
            steps += 1
        end = self._now()
        if steps == cycle:
            return (end - start) / (steps * batch)
        # Too few for a mean that has each penalty in its share: the first step has them all.
        return (end - begun) / ((steps + 1) * batch)


def _cycle(training: Training) -> int:
    """Steps after which the phases' turns begin again, 16 at most."""
    return min(16, math.lcm(*(phase.every for phase in training.algorithm.phases)))
