"""Calibrate a bundle on its training data again, and give it a reference of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from synthgen.data.splits import Labelled, hold_out
from synthgen.data.strata import load_strata
from synthgen.generators.bundle import calibrate_bundle
from synthgen.generators.format import REFERENCE
from synthgen.generators.generator_set import SET
from synthgen.generators.zoo import find_folder, load_generator
from synthgen.machine.progress import say
from synthgen.quality.calibration import Calibration
from synthgen.quality.readers.identity import APART
from synthgen.spec.calibrate_settings import CalibrateSettings
from synthgen.spec.columns import AGREEMENT, IDENTITY
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.stages.finished.origin import trained
from synthgen.stages.judging.measure_real import measure_discriminator, measure_real


@dataclass(frozen=True)
class CalibrateReport:
    """What the bundle knows of real images now."""

    folder: Path
    calibration: Calibration
    reference_bytes: int

    def text(self) -> str:
        """Where the bundle is, what is calibrated, the size of its reference."""
        scores = ", ".join(self.calibration.quantiles)
        size = f"{self.reference_bytes / 1e6:.1f} MB" if self.reference_bytes else "none"
        return f"bundle:    {self.folder}\nscores:    {scores}\nreference: {size}"


def calibrate_on(settings: CalibrateSettings) -> CalibrateReport:
    """Measure the real images with the bundle's label classifier, and replace its calibration.

    Raises:
        SynthgenError: there is no such bundle, it has no label classifier or is a set of bundles,
            or the images cannot be read or lack a class.
    """
    folder = find_folder(settings.bundle)
    if (folder / SET).is_file():
        raise SynthgenError(f"{folder}: is a set of bundles; calibrate each of its folders")
    generator = load_generator(settings.bundle, settings.device, "fp32")
    if generator.classifier is None:
        raise SynthgenError(f"{folder}: has no label classifier to measure real images with")
    own = {
        "classes": generator.classes,
        **generator.image.as_settings(),
    }
    given = settings.model_dump(exclude={"bundle", "holdout", "reference", "device"})
    data = load_strata(DataSettings.parse({**given, **own}), beside=bool(generator.task.beside))
    record = trained(generator)
    if data.fingerprint != record.data_fingerprint:
        say(
            f"{data.name}: these are not the images, read as they were, that this generator was "
            "trained on; what it has memorised will not be found"
        )
    share = settings.holdout or (0.1 if record.holdout is None else record.holdout)
    training, held = hold_out(data.labels, share, record.seed or 0)
    real = Labelled(data.images, data.labels)
    calibration, reference = measure_real(
        real, data.classes, training, held, generator.classifier, generator.device, torch.float32,
        keep=settings.reference, labelled=generator.task.stratum is not None,
    )  # fmt: skip
    if generator.discriminator is not None:
        judged = measure_discriminator(
            generator.discriminator, real, held, data.classes, generator.device
        )
        calibration = calibration.with_quantiles_of(judged)
    if generator.calibration:  # what was read off held-out rows beside their images stays
        before = Calibration.from_json(generator.calibration)
        names = [APART, IDENTITY, *(f"{name}{AGREEMENT}" for name in generator.readers)]
        calibration = before.only(names).with_quantiles_of(calibration)
    kept = None if reference is None else reference.to_tensors()
    calibrate_bundle(folder, calibration.to_json(), kept)
    size = (folder / REFERENCE).stat().st_size if kept is not None else 0
    return CalibrateReport(folder, calibration, size)
