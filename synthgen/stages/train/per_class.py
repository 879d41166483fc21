"""Train one GAN per class."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from synthgen.data.cache import load_images
from synthgen.generators.fetched import fetch_bundle
from synthgen.generators.generator_set import SET, save_set
from synthgen.machine.progress import say
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import DecidedTrainSettings, TrainSettings
from synthgen.stages.train.decide import agree_on_settings
from synthgen.stages.train.folder import begin, begun, decided_before, held
from synthgen.stages.train.store import run_folder
from synthgen.storage.place import Place, place
from synthgen.storage.store_path import StorePath
from synthgen.training.distributed import Ranks


def train_set(settings: TrainSettings, train: Callable[[TrainSettings], Place]) -> Place:
    """One GAN per class, one after another, each by ``train``; the folder of the finished set.

    Each class has a run folder of its own in ``classes/``, named by its number, so that a set which
    was stopped goes on, and several machines may train its classes.

    Raises:
        SynthgenError: as ``train``; or under ``torchrun``.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise SynthgenError("per_class: give each class to a process of its own, not to torchrun")
    if settings.only_class is not None:
        raise SynthgenError("give per_class or only_class, not both")
    where = place(str(settings.out))
    with run_folder(where, Ranks()) as (out, send), ExitStack() as stack:
        begun(out, settings)
        if (out / "bundle" / SET).exists():
            return where / "bundle"
        decided = agree_on_settings(settings, decided_before(out, settings), Ranks())
        classes = load_images(decided).classes
        stack.enter_context(held(out))
        if not begun(out, settings):
            begin(out, settings, decided)
            send(True)
        folders = []
        for number, part in enumerate(parts(settings, decided, classes)):
            say(f"class '{classes[number]}' ({number + 1} of {len(classes)})")
            made = train(part)
            folders.append(fetch_bundle(made) if isinstance(made, StorePath) else made)
        save_set(out / "bundle", folders)
        send(True)
    return where / "bundle"


def parts(
    settings: TrainSettings, decided: DecidedTrainSettings, classes: Sequence[str]
) -> list[TrainSettings]:
    """The settings of each class' own run: of one size, with its share of a budget of time."""
    folder = f"{str(settings.out).rstrip('/')}/classes"
    own: dict[str, Any] = {"per_class": False}
    if settings.seconds is not None:
        own |= {"resolution": decided.resolution, "options": decided.options, "hours": None}
        own["minutes"] = settings.seconds / 60 / len(classes)
    return [
        settings.model_copy(update={**own, "only_class": name, "out": f"{folder}/{k:04d}"})
        for k, name in enumerate(classes)
    ]
