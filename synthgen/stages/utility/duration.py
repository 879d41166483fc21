"""How long a table will take on this machine, said before it begins."""

from __future__ import annotations

import shlex
import time
from dataclasses import replace

import numpy as np

from synthgen.machine.devices import resolve_device, resolve_precision
from synthgen.machine.progress import duration, say
from synthgen.spec.settings.utility import UtilitySettings
from synthgen.training.fixed_budget import Source, train_fixed_budget
from synthgen.training.strong_budget import StrongBudget

LONG = 30 * 60
"""Seconds from which on the time is said."""
TRIED = 2
"""Steps that are timed, after one that is not."""


def say_duration(
    settings: UtilitySettings, budget: StrongBudget, images: np.ndarray, classifiers: float
) -> None:
    """Say what so many ``classifiers`` will take, and what to type for a quick look, if it is
    long. ``images uint8 [N, H, W, C]`` are of the kind that is learnt from."""
    if not classifiers:
        return
    each = seconds_per_step(budget, images, settings) * budget.steps
    if each * classifiers < LONG:
        return
    typed = settings.typed(without=("dataset", "quick", "steps", "batch_size", "width"))
    say(
        f"this takes about {duration(each * classifiers)} here: {classifiers:.0f} classifiers of "
        f"{duration(each)}; whatever is done is kept. For a first look: synthgen utility "
        f"{shlex.quote(settings.dataset)} {typed} --quick"
    )


def seconds_per_step(budget: StrongBudget, images: np.ndarray, settings: UtilitySettings) -> float:
    """Seconds of one training step, of a few that are taken for it."""
    device = resolve_device(settings.device)
    precision = resolve_precision(settings.precision, device)
    few = np.arange(min(len(images), budget.batch_size))
    shown = [Source(images, np.zeros(len(images), dtype=np.int64), few, 1.0)]
    ends: list[float] = []
    train_fixed_budget(
        shown, 2, replace(budget, steps=1 + TRIED), seed=0, device=device, precision=precision,
        progress=lambda _: ends.append(time.perf_counter()),
    )  # fmt: skip
    return (ends[-1] - ends[0]) / TRIED
