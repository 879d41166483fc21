"""How a bundle is calibrated on real images again."""

from __future__ import annotations

from pydantic import Field

from synthgen.spec.settings.data import DataSettings


class CalibrateSettings(DataSettings):
    """Which images, read as in training: size, colour and classes are the bundle's."""

    bundle: str = Field(description="Folder of the bundle, or of the run that made it.")
    holdout: float | None = Field(
        None, gt=0, lt=0.9, description="Share that training held out; default: as the bundle "
        "says, or 0.1.",
    )  # fmt: skip
    reference: bool = Field(
        True,
        description="Keep fingerprints (blurred thumbnails of 32 numbers) and features of training "
        "images in the bundle; not where the images are private.",
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")
