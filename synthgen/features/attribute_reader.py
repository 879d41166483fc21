"""A network that reads attributes off images: trained on real rows, kept in the bundle.

It is built like the label classifier, with an output for each number that the attributes are to
networks, and knows how sure it may be: a temperature for each yes/no and choice, the usual error
of each number, all measured on held-out real images.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    one_hot,
    smooth_l1_loss,
)

from synthgen.features.classifier import LabelClassifier
from synthgen.features.field_reader import FieldReader, temperature
from synthgen.spec.image import ImageSpec
from synthgen.spec.vectors import Attributes

SMOOTHING = 0.05
"""Of targets: a label that is wrong costs less."""


class AttributeReader(FieldReader):
    """Images to what they show of a field of attributes."""

    field: Attributes
    scale: Tensor

    def __init__(self, image: ImageSpec, field: Attributes, width: int = 40) -> None:
        super().__init__()
        self.field = field
        self.network = LabelClassifier(image, field.entering, width)
        self.register_buffer("scale", torch.ones(len(field.names)))
        """Temperatures, and of numbers the usual error as a share of half of their range."""

    @classmethod
    def fresh(cls, image: ImageSpec, field: Attributes) -> AttributeReader:
        return cls(image, field)

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to outputs ``float32 [N, entering]``: logits of each
        yes and each choice, numbers as :meth:`Attributes.tensor` has them."""
        outputs: Tensor = self.network(images)
        return outputs

    def parts(self, outputs: Tensor) -> list[Tensor]:
        """The outputs of each attribute, ``[N, width]``."""
        found, at = [], 0
        for width in self.field.widths:
            found.append(outputs[:, at : at + width])
            at += width
        return found

    def loss(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """How wrong the outputs are for stored ``rows float32 [N, K]``, a scalar: the mean over the
        attributes that any row knows. What a row does not know counts for nothing."""
        losses = []
        for name, part, value in zip(self.field.names, self.parts(outputs), rows.T, strict=True):
            known = ~value.isnan()
            if not bool(known.any()):
                continue
            own, target = part[known], value[known]
            if name in self.field.ranges:
                losses.append(smooth_l1_loss(own[:, 0], self._scaled(name, target)) * 4)
            elif name in self.field.choices:
                losses.append(cross_entropy(own, target.long(), label_smoothing=SMOOTHING))
            else:
                soft = target * (1 - SMOOTHING) + SMOOTHING / 2
                losses.append(binary_cross_entropy_with_logits(own[:, 0], soft))
        return torch.stack(losses).mean() if losses else outputs.sum() * 0

    @torch.inference_mode()
    def agreements(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """How far the outputs bear out each attribute of stored rows: ``float32 [N, K]`` in [0, 1],
        ``nan`` where a row does not know it.

        The probability of what the row says; of a number how likely so large an error is.
        """
        found = []
        for place, (name, part) in enumerate(
            zip(self.field.names, self.parts(outputs), strict=True)
        ):
            value, scale = rows[:, place], self.scale[place]
            sure = value.nan_to_num(0.0)
            if name in self.field.ranges:
                gap = (part[:, 0] - self._scaled(name, sure)).abs() / scale
                agreed = torch.special.erfc(gap / 2**0.5)
            elif name in self.field.choices:
                shares = (part / scale).softmax(dim=1)
                agreed = shares.gather(1, sure.long()[:, None])[:, 0]
            else:
                agreed = torch.sigmoid(part[:, 0] / scale * (2 * sure - 1))
            found.append(torch.where(value.isnan(), torch.nan, agreed.float()))
        return torch.stack(found, dim=1)

    @torch.inference_mode()
    def read(self, outputs: Tensor) -> Tensor:
        """What the outputs say, as stored rows ``float32 [N, K]``."""
        found = []
        for name, part in zip(self.field.names, self.parts(outputs), strict=True):
            if name in self.field.ranges:
                low, high = self.field.ranges[name]
                found.append((part[:, 0].clamp(-1, 1) + 1) / 2 * (high - low) + low)
            elif name in self.field.choices:
                found.append(part.argmax(dim=1).float())
            else:
                found.append((part[:, 0] > 0).float())
        return torch.stack(found, dim=1)

    @torch.inference_mode()
    def calibrate(self, outputs: Tensor, rows: Tensor) -> None:
        """Set the scales by outputs and stored rows of held-out real images: temperatures are those
        of least cross-entropy, errors the root of the mean square."""
        for place, (name, part) in enumerate(
            zip(self.field.names, self.parts(outputs), strict=True)
        ):
            known = ~rows[:, place].isnan()
            if not bool(known.any()):
                continue
            own, value = part[known], rows[known, place]
            if name in self.field.ranges:
                wrong = (own[:, 0] - self._scaled(name, value)).square().mean().sqrt()
                self.scale[place] = wrong.clamp(min=0.02)
                continue
            logits = own
            if name not in self.field.choices:
                logits = torch.cat([torch.zeros_like(own), own], dim=1)
            target = one_hot(value.long(), logits.shape[1]).float()
            self.scale[place] = temperature(logits, target)

    def _scaled(self, name: str, value: Tensor) -> Tensor:
        low, high = self.field.ranges[name]
        return (value - low) / max(high - low, 1e-12) * 2 - 1

    @torch.inference_mode()
    def right(self, outputs: Tensor, rows: Tensor) -> dict[str, float]:
        """Of each attribute the share of known rows that are read rightly, of a number the mean
        error; of what no row knows, nothing."""
        said, found = self.read(outputs), {}
        for at, name in enumerate(self.field.names):
            known = ~rows[:, at].isnan()
            if not bool(known.any()):
                continue
            gaps = (said[known, at] - rows[known, at]).abs()
            number = name in self.field.ranges
            value = float(gaps.mean()) if number else float((gaps <= 0.5).float().mean())
            found[name] = round(value, 4)
        return found

    def told(self, right: Mapping[str, float]) -> str:
        told = [
            f"{name} {value:.3g} off" if name in self.field.ranges else f"{name} {value:.0%} right"
            for name, value in right.items()
        ]
        more = f", and {len(told) - 8} more" if len(told) > 8 else ""
        return f"reader of attributes on held-out real images: {', '.join(told[:8])}{more}"

    @property
    def seer(self) -> tuple[LabelClassifier, frozenset[str]]:
        return self.network, frozenset(self.field.names) - frozenset(self.field.ranges)

    def config(self) -> dict[str, Any]:
        """JSON from which :meth:`from_config` builds the same network, weights apart."""
        return {"network": self.network.config()}

    @classmethod
    def from_config(cls, config: dict[str, Any], field: Attributes) -> AttributeReader:
        """The network of a :meth:`config` for a field, freshly initialised."""
        own = config["network"]
        if own["classes"] != field.entering:
            raise ValueError("is of other attributes")
        return cls(ImageSpec(**own["image"]), field, own["width"])
