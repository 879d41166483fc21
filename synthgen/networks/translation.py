"""CycleGAN's networks: image to image, and patches to logits (Zhu et al. 2017, arXiv:1703.10593).

The residual translator of Johnson et al. 2016 (appendix of the paper) with instance norm and
reflected borders; PatchGAN as in Isola et al. 2017, arXiv:1611.07004. Neither paper has classes:
here the instance norms of the translator have gains per class, and the label is projected on every
patch of the discriminator.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pad, relu

from synthgen.networks.canvas import Canvas
from synthgen.networks.class_norm import ClassGains, instance_norm
from synthgen.networks.condition import embed, start
from synthgen.spec.task import Task


class TranslatorBlock(nn.Module):
    """Two 3x3 convolutions with norms beside the identity."""

    def __init__(self, width: int, task: Task) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")
        self.second = nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")
        self.first_norm = ClassGains(width, task, instance_norm)
        self.second_norm = ClassGains(width, task, instance_norm)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """``[N, width, H, W]`` and ``int64 [N]`` to the same shape."""
        branch = relu(self.first_norm(self.first(features), labels))
        branch = self.second_norm(self.second(branch), labels)
        return torch.add(features, branch)


class ResNetTranslator(nn.Module):
    """Halve twice, ``blocks`` residual blocks, double twice: images of one domain to the other's.

    Doubling is nearest-neighbour followed by a convolution, which leaves no checkerboard.
    """

    def __init__(self, task: Task, width: int, blocks: int) -> None:
        super().__init__()
        self.image = task.image
        channels = task.image.channels
        widths = [width, 2 * width, 4 * width]
        self.from_image = nn.Conv2d(channels, width, 7)
        self.first_norm = ClassGains(width, task, instance_norm)
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths)
        )
        self.down_norms = nn.ModuleList(ClassGains(b, task, instance_norm) for b in widths[1:])
        self.blocks = nn.ModuleList(TranslatorBlock(widths[-1], task) for _ in range(blocks))
        self.ups = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths[::-1]))
        self.up_norms = nn.ModuleList(ClassGains(b, task, instance_norm) for b in widths[::-1][1:])
        self.to_image = nn.Conv2d(width, channels, 7)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``int64 [N]`` to the same shape and range."""
        height, width = self.image.height, self.image.width
        down, right = -height % 4, -width % 4
        covered = pad(images, (0, right, 0, down), mode="replicate") if down or right else images
        features = self.from_image(pad(covered, (3, 3, 3, 3), mode="reflect"))
        features = relu(self.first_norm(features, labels))
        for layer, norm in zip(self.downs, self.down_norms, strict=True):
            features = relu(norm(layer(features), labels))
        for block in self.blocks:
            features = block(features, labels)
        for layer, norm in zip(self.ups, self.up_norms, strict=True):
            features = relu(norm(layer(interpolate(features, scale_factor=2.0)), labels))
        drawn = self.to_image(pad(features, (3, 3, 3, 3), mode="reflect"))
        return torch.tanh(drawn.float())[:, :, :height, :width]


def patch_layers(image_side: int) -> int:
    """Strided layers of a PatchGAN that fit a side: patches of 16 px up to 32, 34 at 64, else 70.

    A patch of the paper's 70 px sees more than a whole small image.
    """
    return 1 if image_side <= 32 else 2 if image_side <= 64 else 3


class PatchDiscriminator(nn.Module):
    """One logit for each patch of the image; ``layers`` 1, 2, 3, 4 see 16, 34, 70, 142 px."""

    def __init__(self, task: Task, width: int, layers: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(task.image)
        widths = [width * min(2**i, 8) for i in range(layers + 1)]
        self.from_image = nn.Conv2d(task.image.channels, width, 4, stride=2, padding=1)
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2 if i < layers - 1 else 1, padding=1)
            for i, (a, b) in enumerate(pairwise(widths))
        )
        self.norms = nn.ModuleList(nn.InstanceNorm2d(b) for b in widths[1:])
        self.logit = nn.Conv2d(widths[-1], 1, 4, padding=1)
        self.embedding = embed(task, widths[-1])
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.02)
        start(self.embedding, std=0.02)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``int64 [N]`` to logits, ``float32
        [N, patches]``."""
        features = leaky_relu(self.from_image(self.canvas.cover(images)), 0.2)
        for layer, norm in zip(self.downs, self.norms, strict=True):
            features = leaky_relu(norm(layer(features)), 0.2)
        plain = self.logit(features).flatten(1).float()  # [N, patches]
        pooled = features.float().mean(dim=(2, 3))  # [N, widest]
        matched = (pooled * self.embedding(labels).float()).sum(dim=1, keepdim=True)
        return torch.add(plain, matched)
