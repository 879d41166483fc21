"""The first GAN's networks: dense layers, maxout in D (Goodfellow et al. 2014, section 5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synthgen.networks.condition import embed, start
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

    def forward(self, features: Tensor, added: Tensor | None = None) -> Tensor:
        """``[N, inputs]`` to ``[N, outputs]``; ``added``, ``[N, outputs * pieces]``, joins the
        maps."""
        maps: Tensor = self.linear(features)
        if added is not None:
            maps = maps + added
        return maps.reshape(len(maps), -1, self.pieces).amax(dim=2)


class MaxoutDiscriminator(nn.Module):
    """Two maxout layers; the label stands beside the input of each and is projected on the last
    features.

    A one-hot label beside a layer's input adds a vector per class to its maps: that vector is what
    is learnt here. Projected alone, the label came late: 56 % of the samples had their own after
    60,000 images of clothes.
    """

    def __init__(self, task: Task, width: int, pieces: int) -> None:
        super().__init__()
        image = task.image
        inputs = image.channels * image.height * image.width
        self.layers = nn.ModuleList([Maxout(inputs, width, pieces), Maxout(width, width, pieces)])
        self.head = ProjectionHead(width, task)
        labels = [embed(task, width * pieces) for _ in self.layers]
        for embedding in labels:
            start(embedding, std=0.3)  # about as large as the maps
        self.labels = nn.ModuleList(labels)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``int64 [N]`` to logits ``float32 [N]``."""
        features = images.flatten(1)
        for layer, embedding in zip(self.layers, self.labels, strict=True):
            features = layer(features, embedding(labels))
        logits: Tensor = self.head(features, labels)
        return logits
