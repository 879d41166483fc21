"""The first GAN's networks: dense layers, maxout in D (Goodfellow et al. 2014, section 5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synthgen.networks.condition import embed
from synthgen.networks.layers import ProjectionHead
from synthgen.spec.task import Task


class DenseGenerator(nn.Module):
    """Two hidden layers of rectifiers, then the pixels through tanh.

    The paper has no classes: here a label embedding is concatenated to the latent.
    """

    def __init__(self, task: Task, latent: int, embedding: int, width: int) -> None:
        super().__init__()
        image = task.image
        self.shape = (image.channels, image.height, image.width)
        self.embedding = embed(task, embedding)
        self.layers = nn.Sequential(
            nn.Linear(latent + embedding, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, image.channels * image.height * image.width),
        )

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """``float [N, latent]`` and ``int64 [N]`` to ``float [N, C, H, W]`` in [-1, 1]."""
        given = torch.cat([latents, self.embedding(labels)], dim=1)
        images: Tensor = torch.tanh(self.layers(given).float())
        return images.reshape(-1, *self.shape)


class Maxout(nn.Module):
    """The largest of ``pieces`` linear maps, unit by unit (Goodfellow et al. 2013, 1302.4389)."""

    def __init__(self, inputs: int, outputs: int, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces
        self.linear = nn.Linear(inputs, outputs * pieces)

    def forward(self, features: Tensor) -> Tensor:
        """``[N, inputs]`` to ``[N, outputs]``."""
        maps: Tensor = self.linear(features)
        return maps.reshape(len(maps), -1, self.pieces).amax(dim=2)


class MaxoutDiscriminator(nn.Module):
    """Two maxout layers; the label is projected on the last features."""

    def __init__(self, task: Task, width: int, pieces: int) -> None:
        super().__init__()
        image = task.image
        inputs = image.channels * image.height * image.width
        self.layers = nn.Sequential(Maxout(inputs, width, pieces), Maxout(width, width, pieces))
        self.head = ProjectionHead(width, task)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``int64 [N]`` to logits ``float32 [N]``."""
        logits: Tensor = self.head(self.layers(images.flatten(1)), labels)
        return logits
