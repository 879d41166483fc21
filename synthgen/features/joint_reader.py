"""A network that reads joints off images: trained on real rows, kept in the bundle.

For each joint it draws a map of where it may be (Tompson et al. 2014, arXiv:1406.2984), halved and
doubled again with what was seen on the way (Newell et al. 2016, arXiv:1603.06937, one hourglass).
The map is a probability: its temperature is measured on held-out real images, and an agreement is
how much of it lies near the place that a row gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, log_softmax, relu

from synthgen.features.field_reader import FieldReader, temperature
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Keypoints

NEAR = 0.2
"""Reach of a joint as a share of the larger side of the box around its row's joints: PCK@0.2 (Yang
& Ramanan 2013, Articulated Human Detection with Flexible Mixtures of Parts, section 6)."""
PCK = f"PCK@{NEAR:g}"
WORKING_SIDE = 64
"""Larger images are averaged down by a whole factor until they are under twice this side."""
DRAWN_WHOLE = 16
"""Side up to which maps have the images' size; larger ones have half of it."""
LEVELS = 3
"""Halvings."""


class _Layer(nn.Module):
    """Convolve, norm, ReLU; added to what came in, where that has the same shape."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(
            inputs, outputs, kernel, stride, padding=kernel // 2, bias=False
        )
        self.norm: nn.Module = nn.BatchNorm2d(outputs)
        self.added = inputs == outputs and stride == 1

    def norm_pairs(self) -> Iterator[tuple[nn.Module, nn.Module, str]]:
        """The convolution with the owner and the name of the norm that follows it."""
        yield self.convolution, self, "norm"

    def forward(self, features: Tensor) -> Tensor:
        found = relu(self.norm(self.convolution(features)))
        return features + found if self.added else found


class JointReader(FieldReader):
    """Images to maps of where each joint may be."""

    placed = True
    most_held = 1024
    measure = PCK
    field: Keypoints
    scale: Tensor

    def __init__(self, image: ImageSpec, field: Keypoints, width: int = 20) -> None:
        super().__init__()
        self.field, self.image, self.width = field, image, width
        side = min(image.height, image.width)
        self.shrink = max(1, side // WORKING_SIDE)
        self.halved = side // self.shrink > DRAWN_WHOLE
        widths = [width * factor for factor in range(1, LEVELS + 2)]
        self.stem = _Layer(image.channels, width)
        self.downs = nn.ModuleList(
            nn.Sequential(_Layer(a, b, 2), _Layer(b, b)) for a, b in pairwise(widths)
        )
        drawn = widths[::-1][: LEVELS if self.halved else LEVELS + 1]
        self.ups = nn.ModuleList(_Layer(a, b, kernel=1) for a, b in pairwise(drawn))
        self.laterals = nn.ModuleList(nn.Conv2d(b, b, 1) for b in drawn[1:])
        self.mixed = nn.ModuleList(_Layer(b, b) for b in drawn[1:])
        self.head = nn.Conv2d(drawn[-1], len(field.names), 1)
        self.register_buffer("scale", torch.ones(len(field.names)))
        """Temperatures."""

    @classmethod
    def fresh(cls, image: ImageSpec, field: Keypoints) -> JointReader:
        return cls(image, field)

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to logits ``float32 [N, J, h, w]`` of the places."""
        if self.shrink > 1:
            images = avg_pool2d(images, self.shrink)
        features = self.stem(images)
        seen = [features]
        for down in self.downs:
            features = down(features)
            seen.append(features)
        seen.pop()
        for up, lateral, mixed in zip(self.ups, self.laterals, self.mixed, strict=True):
            beside = seen.pop()
            wide = interpolate(up(features), size=beside.shape[2:])
            features = mixed(wide + lateral(beside))
        drawn: Tensor = self.head(features)
        return drawn.float()

    def _on_maps(self, rows: Tensor, shape: torch.Size) -> Tensor:
        """Places ``[N, J, 2]`` of stored rows in pixels of the maps."""
        height, width = shape[-2:]
        shares = torch.tensor(
            [width / self.image.width, height / self.image.height], device=rows.device
        )
        return (rows[:, :, :2] + 0.5) * shares - 0.5

    def _targets(self, rows: Tensor, shape: torch.Size) -> Tensor:
        """Where joints are, ``[N, J, h * w]``: a bump of a sum of 1 around each."""
        height, width = shape[-2:]
        at = self._on_maps(rows, shape)
        down = torch.arange(height, device=rows.device)[:, None] - at[..., 1, None, None]
        right = torch.arange(width, device=rows.device)[None] - at[..., 0, None, None]
        radius = max(0.8, max(height, width) / 40)
        return (-(down**2 + right**2) / (2 * radius**2)).flatten(2).softmax(dim=2)

    def loss(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """Cross-entropy of the maps with a bump around each joint that is seen, mean over these: a
        scalar. What a row hides counts for nothing."""
        seen = rows[:, :, 2] > 0
        said = log_softmax(outputs.float().flatten(2), dim=2)
        wrong = -(self._targets(rows, outputs.shape) * said).sum(dim=2)
        return (wrong * seen).sum() / seen.sum().clamp(min=1)

    def _shares(self, outputs: Tensor) -> Tensor:
        """The maps as probabilities ``[N, J, h, w]``."""
        scaled = outputs.float() / self.scale[:, None, None]
        return scaled.flatten(2).softmax(dim=2).reshape(outputs.shape)

    @torch.inference_mode()
    def agreements(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """How far the maps bear out each joint of stored rows: ``float32 [N, J]`` in [0, 1], the
        probability that it is within :data:`NEAR` of its place; ``nan`` of what is hidden."""
        height, width = outputs.shape[-2:]
        at, shares = self._on_maps(rows, outputs.shape), self._shares(outputs)
        reach = reach_of(rows) * min(height / self.image.height, width / self.image.width)
        down = torch.arange(height, device=rows.device)[:, None] - at[..., 1, None, None]
        right = torch.arange(width, device=rows.device)[None] - at[..., 0, None, None]
        # A pixel is wider than nothing: without half of one a small reach holds no pixel's centre.
        near = down**2 + right**2 <= (reach.clamp(min=0.5)[:, None, None, None] + 0.5) ** 2
        agreed = (shares * near).flatten(2).sum(dim=2).clamp(0, 1)
        return torch.where(rows[:, :, 2] > 0, agreed, torch.nan)

    @torch.inference_mode()
    def read(self, outputs: Tensor) -> Tensor:
        """The likeliest places as stored rows ``float32 [N, J, 3]``, finer than a pixel by the mean
        around them. All are said to be seen: of what is hidden the network has learnt nothing."""
        height, width = outputs.shape[-2:]
        shares = self._shares(outputs)
        best = shares.flatten(2).argmax(dim=2)
        found = []
        rows, columns = (torch.arange(n, device=outputs.device) for n in (height, width))
        top, left = torch.div(best, width, rounding_mode="floor"), best % width
        near = (rows - top[..., None]).abs()[..., :, None] <= 1
        near = near & ((columns - left[..., None]).abs()[..., None, :] <= 1)
        around = shares * near
        total = around.flatten(2).sum(dim=2)
        for along, own, size in ((3, columns, self.image.width), (2, rows, self.image.height)):
            places = around.sum(dim=5 - along) @ own.float() / total
            found.append((places + 0.5) * size / outputs.shape[along] - 0.5)
        return torch.stack([*found, torch.ones_like(found[0])], dim=2)

    @torch.inference_mode()
    def calibrate(self, outputs: Tensor, rows: Tensor) -> None:
        """Set the temperatures by outputs and stored rows of held-out real images."""
        targets = self._targets(rows, outputs.shape)
        for joint in range(len(self.field.names)):
            seen = rows[:, joint, 2] > 0
            if bool(seen.any()):
                own = outputs[seen, joint].float().flatten(1)
                self.scale[joint] = temperature(own, targets[seen, joint])

    @torch.inference_mode()
    def right(self, outputs: Tensor, rows: Tensor) -> dict[str, float]:
        """Of each joint the share of rows that show it whose reading is near: PCK@0.2."""
        parts = self.by_part(self.read(outputs).cpu().numpy(), rows.cpu().numpy())
        return {name: round(share, 4) for name, (_, share) in parts.items()}

    def by_part(self, said: np.ndarray, rows: np.ndarray) -> Mapping[str, tuple[int, float]]:
        """Of each joint the rows that show it, and PCK@0.2 over these."""
        near, found = hits(torch.from_numpy(said), torch.from_numpy(rows)), {}
        for name, own in zip(self.field.names, near.T, strict=True):
            known = own[~own.isnan()]
            if len(known):
                found[name] = len(known), float(known.mean())
        return found

    def told(self, right: Mapping[str, float]) -> str:
        mean = sum(right.values()) / max(1, len(right))
        worst = sorted(right, key=lambda name: right[name])[:3]
        named = ", ".join(f"{name} {right[name]:.0%}" for name in worst)
        return f"reader of joints on held-out real images: {PCK} {mean:.0%} (least: {named})"

    def config(self) -> dict[str, Any]:
        """JSON from which :meth:`from_config` builds the same network, weights apart."""
        image = {key: getattr(self.image, key) for key in ("height", "width", "channels")}
        return {"image": image, "joints": len(self.field.names), "width": self.width}

    @classmethod
    def from_config(cls, config: dict[str, Any], field: Keypoints) -> JointReader:
        """The network of a :meth:`config` for a field, freshly initialised."""
        if config["joints"] != len(field.names):
            raise ValueError("is of other joints")
        return cls(ImageSpec(**config["image"]), field, config["width"])


def reach_of(rows: Tensor) -> Tensor:
    """How near a reading must be to count, ``float32 [N]`` in pixels: :data:`NEAR` of the larger
    side of the box around the joints that are seen."""
    seen = (rows[:, :, 2] > 0)[..., None]
    places = rows[:, :, :2]
    low = places.masked_fill(~seen, torch.inf).amin(dim=1)
    high = places.masked_fill(~seen, -torch.inf).amax(dim=1)
    sides = (high - low).amax(dim=1)
    return NEAR * torch.where(sides.isfinite(), sides, 0.0).float()


def hits(said: Tensor, rows: Tensor) -> Tensor:
    """Whether each joint is read near its place, both stored rows ``[N, J, 3]``: ``float32 [N, J]``
    of 0 and 1, ``nan`` of what is hidden."""
    away = (said[:, :, :2] - rows[:, :, :2]).norm(dim=2)
    near = (away <= reach_of(rows)[:, None]).float()
    return torch.where(rows[:, :, 2] > 0, near, torch.nan)
