"""The best state of a run as a bundle."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synthgen.data.records import Records
from synthgen.data.splits import Labelled
from synthgen.generators.bundle import Criteria, save_bundle
from synthgen.generators.discriminator import Discriminator
from synthgen.machine.hardware import hardware
from synthgen.quality.calibration import Calibration
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.settings.train import DecidedTrainSettings
from synthgen.spec.task import Task
from synthgen.spec.texts import Text
from synthgen.spec.vectors import Attributes
from synthgen.stages.judging.measure_real import measure_discriminator
from synthgen.stages.train.setup import Prepared
from synthgen.stages.train.yardstick import Judge
from synthgen.storage.whole import write_whole
from synthgen.uses.registry import find_use


def save_best(
    folder: Path,
    settings: DecidedTrainSettings,
    prepared: Prepared,
    judge: Judge,
    best: Mapping[str, float],
    *,
    alarms: int,
) -> None:
    """Save the averaged generator of the present state, which scores ``best``, into ``folder``.

    ``alarms`` is how often the run has been rolled back so far.
    """
    training = prepared.training
    averaged = {**prepared.algorithm.networks, **training.averaged.networks}
    registration = prepared.registration
    calibration = judge.calibration
    if settings.keep_discriminator and prepared.algorithm.judges and prepared.task.by_class:
        calibration = calibration.with_quantiles_of(_discriminated(prepared))
    save_bundle(
        folder,
        algorithm=registration.name,
        options=registration.options.parse(settings.options).model_dump(),
        task=prepared.task,
        built=replace(prepared.algorithm, networks=averaged),
        criteria=Criteria(
            classifier=judge.classifier.network,
            calibration=calibration.to_json(),
            reference=None if judge.reference is None else judge.reference.to_tensors(),
            readers={name: reader.network for name, reader in judge.readers.items()},
        ),
        keep_judges=settings.keep_discriminator,
        metrics={
            "fidelity": {
                "score": best["score"],
                "real_vs_real": judge.score.real,
                "name": "Fréchet distance on features of the bundle's own label classifier",
                "samples": settings.score_samples,
            },
            **({"label_agreement": best["agreement"]} if "agreement" in best else {}),
            "diversity": best["diversity"],
            "alarms": alarms,
            **({"read_on_real": read} if (read := _read(judge)) else {}),
            "classifier_accuracy": judge.classifier.accuracy,
            "classifier_accuracy_per_class": judge.classifier.per_class,
        },
        training=_provenance(settings, prepared),
        law=_law(prepared),
    )


def _read(judge: Judge) -> dict[str, float]:
    """Of each given attribute the share of held-out real images of which it is read rightly; of a
    number the mean error."""
    return {name: value for one in judge.readers.values() for name, value in one.right.items()}


LAW_ROWS = 20_000
"""Rows that a bundle keeps to draw conditions from, at most."""


def _law(prepared: Prepared) -> dict[str, torch.Tensor] | None:
    """What was given in training as a vector, of many rows in no order; ``None`` if nothing was."""
    task, data = prepared.task, prepared.data
    names = [n for n in task.conditions if n != task.stratum and n not in task.derived]
    if not names or not isinstance(data, Records):
        return None
    if task.independent:
        return _every_combination(task, names)
    rows = np.random.default_rng(0).permutation(prepared.chosen)[:LAW_ROWS]
    found = {name: data.columns[name][rows] for name in names}
    strata = data.labels[rows]
    for name in names:
        field = task.fields[name]
        if isinstance(field, Text) and field.several > 1:  # a row of the law for each caption
            at, captions = np.nonzero(found[name].any(axis=2))
            found = {n: v[at, captions] if n == name else v[at] for n, v in found.items()}
            strata = strata[at]
    kept = {**found, "strata": strata}
    return {name: torch.from_numpy(values[:LAW_ROWS]) for name, values in kept.items()}


EACH = 20
"""Rows of the law of each combination of a class and values that are drawn independently."""


def _every_combination(task: Task, names: Sequence[str]) -> dict[str, torch.Tensor]:
    """Rows in which each class goes with all values of its independent attributes, equally often.

    Raises:
        SynthgenError: something else is given beside them.
    """
    if set(names) != set(task.independent):
        raise SynthgenError(
            f"{name_list(names)}: what is drawn independently of the class stands alone"
        )
    classes = np.arange(len(task.classes))
    axes, owners = [classes], []
    for name in names:
        field = task.fields[name]
        assert isinstance(field, Attributes)
        axes += [np.arange(len(field.choices[each])) for each in field.names]
        owners += [name] * len(field.names)
    table = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    table = table.repeat(max(1, min(EACH, LAW_ROWS // len(table))), axis=0)
    found = {}
    for name in names:
        places = [1 + place for place, owner in enumerate(owners) if owner == name]
        found[name] = torch.from_numpy(table[:, places].astype(np.float32))
    return {**found, "strata": torch.from_numpy(table[:, 0].astype(np.int64))}


def publish_best(out: Path, report: str, best: Mapping[str, float]) -> None:
    """Write ``report.md``, and make the best bundle, if there is one, the run's ``bundle``: copied
    beside, then renamed."""
    write_whole(out / "report.md", report)
    if best:
        copied = out / ".bundle-staging"
        shutil.rmtree(copied, ignore_errors=True)
        shutil.copytree(out / "best", copied)
        copied.rename(out / "bundle")


def _discriminated(prepared: Prepared) -> Calibration:
    """What the discriminator says of real images that were held out."""
    training, data = prepared.training, prepared.data
    network = prepared.algorithm.networks[prepared.algorithm.judges[0]]
    discriminator = Discriminator.as_saved(network, prepared.task.image, training.device)
    real = Labelled(data.images, data.labels)
    return measure_discriminator(
        discriminator, real, prepared.validation, data.classes, training.device
    )


def _images_fingerprint(prepared: Prepared) -> str:
    data = prepared.data
    return data.image_fingerprint if isinstance(data, Records) else data.fingerprint


def _provenance(settings: DecidedTrainSettings, prepared: Prepared) -> dict[str, Any]:
    """The bundle's record of its training."""
    training = prepared.training
    return {
        "data": prepared.data.name,
        # That of the images alone: by it they are known again where nothing is read beside them.
        "data_fingerprint": _images_fingerprint(prepared),
        "data_images": len(prepared.chosen),
        "holdout": settings.holdout,
        "images_shown": training.shown,
        "batch_size": settings.batch_size,
        "augment": prepared.augment,
        "flip": settings.flip,
        "seed": settings.seed,
        **({} if settings.seconds is None else _of_time(settings)),
        **({} if settings.only_class is None else {"only_class": settings.only_class}),
        **_notice(settings),
        "precision": str(training.precision).removeprefix("torch."),
        "hardware": hardware(training.device),
    }


def _notice(settings: DecidedTrainSettings) -> dict[str, Any]:
    """What the run's use says that whoever gets the images must know."""
    notice = "" if settings.use is None else find_use(settings.use).said.notice
    return {"notice": notice} if notice else {}


def _of_time(settings: DecidedTrainSettings) -> dict[str, Any]:
    """What a budget of time decided; the bundle has the sizes of its networks."""
    assert settings.seconds is not None
    return {"minutes": settings.seconds / 60, "images_planned": settings.images}
