"""A network that reads a mask of named classes off images: trained on real rows, kept in the
bundle.

A small U-Net (Ronneberger et al. 2015, arXiv:1505.04597) of residual blocks with batch norm; one
temperature, measured on held-out real images, says how sure it may be of a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy, interpolate, one_hot, relu

from synthgen.features.classifier import ResidualBlock
from synthgen.features.field_reader import FieldReader, temperature
from synthgen.features.overlap import confused, overlaps
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Mask

WORKING_SIDE = 48
"""Larger images are averaged down by a whole factor until they are under twice this side."""
HALVINGS = 3
LEAST = 1e-4
"""Probability of a stated class below which a pixel is not more wrong."""
PIXELS, MEAN = "pixels", "mean IoU"
"""Names of the figures of a segmenter."""
MOST_PIXELS = 200_000
"""Pixels that the temperature is measured on, at most."""


class Segmenter(FieldReader):
    """Images to the class of every pixel: 0.6 million parameters, 0.3 GFLOP at 64 px."""

    placed: ClassVar[bool] = True
    most_held: ClassVar[int] = 256
    measure: ClassVar[str] = "IoU"

    field: Mask
    heat: Tensor

    def __init__(self, image: ImageSpec, field: Mask, width: int = 16) -> None:
        super().__init__()
        self.field, self.image, self.width = field, image, width
        self.shrink = max(1, min(image.height, image.width) // WORKING_SIDE)
        widths = [width * 2**level for level in range(HALVINGS + 1)]
        self.stem = nn.Conv2d(image.channels, width, 3, padding=1, bias=False)
        self.stem_norm: nn.Module = nn.BatchNorm2d(width)
        pairs = list(pairwise(widths))
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False) for a, b in pairs
        )
        self.down_norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b in pairs)
        self.blocks = nn.ModuleList(ResidualBlock(b) for _, b in pairs)
        self.ups = nn.ModuleList(
            nn.Conv2d(a + b, a, 3, padding=1, bias=False) for a, b in pairs[::-1]
        )
        self.up_norms = nn.ModuleList(nn.BatchNorm2d(a) for a, _ in pairs[::-1])
        self.head = nn.Conv2d(width, len(field.names), 1)
        self.register_buffer("heat", torch.ones(()))

    @classmethod
    def fresh(cls, image: ImageSpec, field: Mask) -> Segmenter:
        return cls(image, field)

    def norm_pairs(self) -> Iterator[tuple[nn.Module, nn.Module, str]]:
        """Each convolution with the owner and the name of the norm that follows it."""
        yield self.stem, self, "stem_norm"
        for layers, norms in ((self.downs, self.down_norms), (self.ups, self.up_norms)):
            for number, layer in enumerate(layers):
                yield layer, norms, str(number)

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to logits ``float32 [N, classes, h, w]``, of large
        images at a whole fraction of their size."""
        if self.shrink > 1:
            images = avg_pool2d(images, self.shrink)
        features = relu(self.stem_norm(self.stem(images)))
        seen = [features]
        for down, norm, block in zip(self.downs, self.down_norms, self.blocks, strict=True):
            features = block(relu(norm(down(features))))
            seen.append(features)
        seen.pop()
        for up, norm in zip(self.ups, self.up_norms, strict=True):
            beside = seen.pop()
            larger = interpolate(features, size=beside.shape[2:], mode="nearest")
            features = relu(norm(up(torch.cat([larger, beside], dim=1))))
        logits: Tensor = self.head(features).float()
        return logits

    def _full(self, outputs: Tensor) -> Tensor:
        """Logits ``[N, classes, H, W]`` of the field's size."""
        size = (self.field.height, self.field.width)
        if outputs.shape[2:] == size:
            return outputs
        return interpolate(outputs, size=size, mode="bilinear", align_corners=False)

    def loss(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """Cross-entropy of every pixel's class, and the mean Dice loss of the classes that are
        there, which counts small ones as much as large ones (Milletari et al. 2016,
        arXiv:1606.04797), for stored ``rows uint8 [N, H, W]``."""
        logits = self._full(outputs)
        stated = one_hot(rows.long(), logits.shape[1]).permute(0, 3, 1, 2).float()
        shares = logits.softmax(dim=1)
        both = (shares * stated).sum(dim=(0, 2, 3))
        there = stated.sum(dim=(0, 2, 3))
        dice = 2 * both / (there + shares.sum(dim=(0, 2, 3)))
        return cross_entropy(logits, rows.long()) + (1 - dice[there > 0]).mean()

    @torch.inference_mode()
    def calibrate(self, outputs: Tensor, rows: Tensor) -> None:
        """Set the temperature by outputs and stored rows of held-out real images."""
        logits = self._full(outputs).permute(0, 2, 3, 1).reshape(-1, len(self.field.names))
        step = max(1, len(logits) // MOST_PIXELS)
        self.heat.fill_(temperature(logits[::step], rows.reshape(-1)[::step].long()))

    @torch.inference_mode()
    def agreements(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """How likely the stated classes are, ``float32 [N, 1]``: the geometric mean over the pixels
        of their probability, none of which counts for less than :data:`LEAST`.

        A plain mean hardly sees an object that is missing or somewhere else before a large
        background, whose pixels are right all the same; here each pixel that is surely wrong costs
        the more the surer the network is.
        """
        shares = (self._full(outputs) / self.heat).log_softmax(dim=1)
        stated = shares.gather(1, rows.long()[:, None])[:, 0]
        return stated.clamp(min=math.log(LEAST)).mean(dim=(1, 2)).exp()[:, None]

    @torch.inference_mode()
    def read(self, outputs: Tensor) -> Tensor:
        """The likeliest class of every pixel, as stored rows ``uint8 [N, H, W]``."""
        return self._full(outputs).argmax(dim=1).byte()

    def by_part(self, said: np.ndarray, rows: np.ndarray) -> Mapping[str, tuple[int, float]]:
        """Of each class the masks that have it, and intersection over union of all of them."""
        found = {}
        shares = overlaps(confused(said, rows, len(self.field.names)))
        for place, name in enumerate(self.field.names):
            having = int((rows == place).any(axis=(1, 2)).sum())
            if having:
                found[name] = having, float(shares[place])
        return found

    def right(self, outputs: Tensor, rows: Tensor) -> dict[str, float]:
        """The share of pixels that are read rightly, the mean IoU over the classes, and each's."""
        said, truth = self.read(outputs).cpu().numpy(), rows.cpu().numpy()
        parts = {name: round(value, 4) for name, (_, value) in self.by_part(said, truth).items()}
        mean = sum(parts.values()) / max(1, len(parts))
        whole = {PIXELS: round(float((said == truth).mean()), 4), MEAN: round(mean, 4)}
        return whole | {f"IoU of {name}": value for name, value in parts.items()}

    def told(self, right: Mapping[str, float]) -> str:
        return (
            f"segmenter on held-out real images: {right[PIXELS]:.1%} of pixels right, mean IoU "
            f"{right[MEAN]:.3f}"
        )

    def config(self) -> dict[str, Any]:
        """JSON from which :meth:`from_config` builds the same network, weights apart."""
        image = {
            "height": self.image.height, "width": self.image.width, "channels": self.image.channels
        }  # fmt: skip
        return {"image": image, "classes": len(self.field.names), "width": self.width}

    @classmethod
    def from_config(cls, config: dict[str, Any], field: Mask) -> Segmenter:
        """The network of a :meth:`config` for a field, freshly initialised."""
        if config["classes"] != len(field.names):
            raise ValueError("is of other classes")
        return cls(ImageSpec(**config["image"]), field, config["width"])
