"""How near made images are to the originals that they were to be, beside plain ways back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from synthgen.features.perceptual import Perceptual
from synthgen.spec.baselines import Baseline
from synthgen.spec.image import ImageSpec, to_float

ROUNDING = 1 / 12
"""Mean squared error of rounding to whole grey levels: no image counts as nearer than that."""

OWN = "this dataset"


@dataclass(frozen=True)
class Nearness:
    """How near images are to their originals."""

    name: str
    psnr: float
    """Peak signal-to-noise ratio in decibels, 10 log10(255² / mean squared error) over all
    channels, of each image; the mean over images."""
    difference: float
    """Mean absolute difference of values, of 255."""
    perceptual: float | None = None
    """How different whole images look to a network trained on ImageNet, 0 for equal ones: the mean
    of :class:`synthgen.features.perceptual.Perceptual`; ``None`` in older records."""


@dataclass(frozen=True)
class Restoration:
    """Images that were made from what was derived of originals, beside these."""

    field: str
    """What the images were made from."""
    within: str
    """The mask whose pixels alone are compared; empty for all pixels."""
    source: str
    """The originals, by the name of their data."""
    images: int
    held_out: int
    """Of the images, those whose originals training held out."""
    trained_on: int
    """Those whose originals training has shown. There are some only if there are no others."""
    made: Nearness
    baselines: tuple[Nearness, ...]

    @property
    def toughest(self) -> Nearness:
        """The baseline that is nearest to the originals."""
        return max(self.baselines, key=lambda each: each.psnr)

    @property
    def nearer(self) -> bool:
        """Whether the dataset is nearer to the originals than every baseline."""
        return self.made.psnr > self.toughest.psnr

    @property
    def rows(self) -> tuple[Nearness, ...]:
        """The dataset, then the baselines."""
        return (self.made, *self.baselines)

    @property
    def what(self) -> str:
        """What was compared, in words."""
        where = f"pixels in '{self.within}'" if self.within else "all pixels"
        if self.trained_on:
            known = "which the generator was trained on: that flatters it"
        elif self.held_out == self.images:
            known = "all held out from training"
        elif self.held_out:
            known = f"{self.held_out:,} held out from training, the others of other data"
        else:
            known = "of other data than the generator was trained on"
        return f"{self.images:,} images beside their originals of {self.source} ({known}), {where}"

    def sentence(self) -> str:
        """Whether the dataset or the toughest baseline is nearer, with both figures."""
        own, other = self.made, self.toughest
        figures = f"PSNR {own.psnr:.2f} dB against {other.psnr:.2f} dB"
        if own.psnr > other.psnr:
            said = f"The images are nearer to their originals than '{other.name}' is: {figures}."
        else:
            said = f"'{other.name}' is nearer to the originals than the images are: {figures}."
        return said + self._looks()

    def _looks(self) -> str:
        """Whether the dataset looks more like the originals than every baseline; empty where that
        was not measured."""
        known = [(each.perceptual, each.name) for each in self.baselines if each.perceptual]
        own = self.made.perceptual
        if own is None or not known:
            return ""
        least, name = min(known)
        more = "more" if own < least else "less"
        return (
            f" To a network they look {more} like them than '{name}': perceptual distance "
            f"{own:.3f} against {least:.3f}."
        )


@dataclass
class Totals:
    """Sums over images, by who made them."""

    psnr: dict[str, float] = field(default_factory=dict)
    difference: dict[str, float] = field(default_factory=dict)
    perceptual: dict[str, float] = field(default_factory=dict)
    images: int = 0
    look: Perceptual = field(default_factory=Perceptual)

    def add(
        self,
        image: ImageSpec,
        rows: tuple[Tensor, Tensor],
        baselines: Mapping[str, Baseline],
        derived: tuple[Tensor, list[Tensor | None]],
        within: Tensor | None,
    ) -> None:
        """Add the originals and what was made for them, both ``uint8 [N, H, W, C]``.

        ``derived``: the rows that were given, and those of the fields which they are derived of.
        ``within``: ``uint8 [N, H, W]``, not 0 where pixels are compared; rows without such a pixel
        are left out.
        """
        originals, made = rows
        weight = (
            torch.ones(originals.shape[:3]) if within is None else (within > 0).float()
        ).flatten(1)
        some = weight.sum(dim=1) > 0
        given, of = derived
        answers = {OWN: made}
        answers |= {name: baseline(image, given, of) for name, baseline in baselines.items()}
        for name, answer in answers.items():
            gaps = (answer.float() - originals.float()).flatten(1, 2)  # [N, H·W, C]
            count = weight.sum(dim=1).clamp(min=1)
            squares = (gaps.square().mean(dim=2) * weight).sum(dim=1) / count
            gap = (gaps.abs().mean(dim=2) * weight).sum(dim=1) / count
            psnr = 10 * (255**2 / squares.clamp(min=ROUNDING)).log10()
            self.psnr[name] = self.psnr.get(name, 0.0) + float(psnr[some].double().sum())
            self.difference[name] = self.difference.get(name, 0.0) + float(gap[some].double().sum())
            looks = self._looks(answer[some], originals[some])
            self.perceptual[name] = self.perceptual.get(name, 0.0) + looks
        self.images += int(some.sum())

    @torch.inference_mode()
    def _looks(self, made: Tensor, originals: Tensor) -> float:
        """The sum of the perceptual distances of ``uint8 [N, H, W, C]``; nought of no image."""
        if not len(made):
            return 0.0
        return len(made) * float(self.look(to_float(made), to_float(originals)))

    def means(self) -> tuple[Nearness, ...]:
        """The dataset's, then the baselines'."""
        sums = (self.psnr, self.difference, self.perceptual)
        return tuple(
            Nearness(name, *(each[name] / self.images for each in sums)) for name in self.psnr
        )
