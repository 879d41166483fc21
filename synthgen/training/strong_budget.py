"""The strong protocol of a classifier: its network, its schedule and its augmentation.

After the CIFAR-10 speed runs (Jordan 2024, arXiv:2404.00498), by steps in place of epochs, so that
it is the same whatever is learnt from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from synthgen.features.strong_classifier import StrongClassifier
from synthgen.spec.image import ImageSpec
from synthgen.training.augment import cutout
from synthgen.training.lookahead import Lookahead

WHITENED_BY = 5000
"""Images that set the first layer."""
RATED_AT = 256
"""Batch size that ``peak_lr`` is given for; of another one it is as many times as large."""
GREY_WIDTH = 32
MOMENTUM = 0.85
SHIFT_RATE = 64.0
"""Learning rate of the norms' shifts, as a multiple of the others'."""
WARM_UP = 0.23
"""Share of the steps over which the learning rate rises; then it falls in a straight line."""
FIRST_RATE, LAST_RATE = 0.2, 0.07
"""Learning rate of the first and of the last step, as a share of the peak."""


@dataclass(frozen=True)
class StrongBudget:
    """Network and training, the same for every row."""

    steps: int = 1000
    batch_size: int = 256
    width: int = 64
    """Channels of the first stage."""
    peak_lr: float = 0.375
    weight_decay: float = 1.3e-3
    smoothing: float = 0.2
    """Share of a label that all classes have alike."""
    flip: bool = True
    crop: float = 0.07
    """Each image is shifted by up to this share of its side; its mirror image comes in."""
    cutout: float = 0.0
    """Side of the square that is blanked, as a share of the image's."""
    protocol: str = "strong"

    @classmethod
    def of(cls, image: ImageSpec) -> StrongBudget:
        """The protocol for images of a kind: grey ones need half the channels."""
        return cls(width=GREY_WIDTH) if image.channels == 1 else cls()

    def fresh(self, image: ImageSpec, classes: int, shown: np.ndarray) -> StrongClassifier:
        """A network with random weights and a first layer that whitens ``shown uint8 [N, H, W,
        C]``."""
        network = StrongClassifier(image, classes, self.width, self.flip)
        network.whiten_by(shown)
        return network

    def augment(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1], shifted and with a square blanked, both at random."""
        if self.crop:
            images = shift_reflected(images, self.crop)
        return cutout(images, self.cutout) if self.cutout else images

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """SGD with Nesterov momentum; each group's ``peak`` is its highest learning rate."""
        peak = self.peak_lr * self.batch_size / RATED_AT
        learnt = [(name, value) for name, value in network.named_parameters()
                  if value.requires_grad]  # fmt: skip
        shifts = [value for name, value in learnt if name.endswith("norm.bias")]
        others = [value for name, value in learnt if not name.endswith("norm.bias")]
        fast = peak * SHIFT_RATE
        return torch.optim.SGD(
            [
                {"params": others, "peak": peak, "weight_decay": self.weight_decay},
                {"params": shifts, "peak": fast,
                 "weight_decay": self.weight_decay / SHIFT_RATE},
            ],
            lr=peak, momentum=MOMENTUM, nesterov=True,
        )  # fmt: skip

    def rate(self, progress: float) -> float:
        """Learning rate at a share of the steps, as a share of the peak."""
        if progress < WARM_UP:
            return FIRST_RATE + (1 - FIRST_RATE) * progress / WARM_UP
        return 1 - (1 - LAST_RATE) * (progress - WARM_UP) / (1 - WARM_UP)

    def follower(self, network: nn.Module) -> Callable[[int], None]:
        """What is to be called after each step, with its number."""
        return Lookahead(network, self.steps).after


def shift_reflected(images: Tensor, share: float) -> Tensor:
    """Shift each image ``[N, C, H, W]`` by up to ``share`` of its side both ways; what lies beside
    the edge is its mirror image."""
    count, _, height, width = images.shape
    reach = max(1, round(height * share)), max(1, round(width * share))
    down = torch.randint(0, 2 * reach[0] + 1, (count, 1, 1), device=images.device)
    right = torch.randint(0, 2 * reach[1] + 1, (count, 1, 1), device=images.device)
    wide = pad(images, (reach[1], reach[1], reach[0], reach[0]), "reflect").permute(0, 2, 3, 1)
    index = torch.arange(count, device=images.device)[:, None, None]
    rows = torch.arange(height, device=images.device)[None, :, None] + down
    columns = torch.arange(width, device=images.device)[None, None, :] + right
    return wide[index, rows, columns].permute(0, 3, 1, 2)
