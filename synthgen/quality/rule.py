"""What a filter rule is: settings that, with the calibration, become bounds on scores.

A rule of one's own is a subclass of :class:`Rule`, named in the entry point group
``synthgen.filters``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from synthgen.quality.calibration import Calibration
from synthgen.quality.repeats import RepeatRule
from synthgen.spec.columns import DISCRIMINATOR
from synthgen.spec.errors import SynthgenError, did_you_mean
from synthgen.spec.settings.base import Settings

INFINITE = float("inf")


@dataclass(frozen=True)
class Bound:
    """Keep where ``low[label] <= score <= high[label]``; the class' position is the label."""

    name: str
    score: str
    low: tuple[float, ...]
    high: tuple[float, ...]

    def keep(self, scores: dict[str, Tensor], labels: Tensor) -> Tensor:
        """``bool [N]`` from scores ``float32 [N]`` and labels ``int64 [N]``. Not-a-number fails."""
        value = scores[self.score]
        low = torch.tensor(self.low, device=value.device, dtype=value.dtype)[labels]
        high = torch.tensor(self.high, device=value.device, dtype=value.dtype)[labels]
        return (value >= low) & (value <= high)


@dataclass(frozen=True)
class Context:
    """What a rule may go by."""

    filters: str
    """Name or file of the filters as the user gave it, for messages."""
    calibration: Calibration | None
    classes: tuple[str, ...]
    side: int
    """The images' smaller side in pixels; 0 where it does not matter."""
    agrees: bool = False
    """Whether images must agree with what they are made from, as an enlarged image does."""
    unseen: bool = False
    """Whether images are made that show together what real ones never do."""

    def calibrated(self, rule: str, *scores: str) -> Calibration:
        """The calibration, which has these scores.

        Raises:
            SynthgenError: it does not.
        """
        if self.calibration is None:
            raise SynthgenError(
                f"filters '{self.filters}' need the calibration on real images that this "
                "generator's bundle does not have; use --filters none"
            )
        missing = [score for score in scores if score not in self.calibration.quantiles]
        if missing == ["label_agreement"]:
            raise SynthgenError(f"{rule}: the generator's bundle has no label classifier")
        if missing == [DISCRIMINATOR]:
            raise SynthgenError(
                f"{rule}: the generator's bundle has no calibrated discriminator; if it was saved "
                "with one, synthgen calibrate BUNDLE --data DATA calibrates it"
            )
        if missing:
            raise SynthgenError(
                f"{rule}: the generator's bundle has no reference of real images ('{missing[0]}' "
                "is not calibrated); make one with synthgen calibrate BUNDLE --data DATA, or leave "
                f"{rule} out of --filters"
            )
        return self.calibration

    def position(self, name: str) -> int:
        """A class' position in the calibration.

        Raises:
            SynthgenError: it is not there.
        """
        assert self.calibration is not None
        if name not in self.calibration.classes:
            hint = did_you_mean(name, self.calibration.classes)
            raise SynthgenError(f"class '{name}' is not in the generator's calibration{hint}")
        return self.calibration.classes.index(name)


class Rule(Settings):
    """Settings of one filter, and what comes of them."""

    def resolve(self, name: str, context: Context) -> list[Bound | RepeatRule]:
        """Bounds on scores, rules about repeats; ``name`` is the reason they give.

        Raises:
            SynthgenError: the calibration lacks what the rule goes by.
        """
        raise NotImplementedError
