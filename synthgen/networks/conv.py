"""DCGAN's networks: strided convolutions and batch norm (Radford et al. 2015, arXiv:1511.06434)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

from synthgen.networks.auxiliary import ClassHead, ClassifyingDiscriminator
from synthgen.networks.canvas import Canvas
from synthgen.networks.class_norm import ClassGains
from synthgen.networks.condition import embed, readable, start
from synthgen.spec.task import Task


def initialize(module: nn.Module) -> None:
    """N(0, 0.02) for kernels, N(1, 0.02) for batch-norm gains, zero biases: section 4,
    "details"."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.BatchNorm2d) and module.affine:
        nn.init.normal_(module.weight, mean=1.0, std=0.02)
    bias = getattr(module, "bias", None)
    if isinstance(bias, nn.Parameter):
        nn.init.zeros_(bias)


class ConvGenerator(nn.Module):
    """Transposed convolutions, batch norm and ReLU everywhere but at the output, which is tanh.

    The paper has no classes: here a label embedding is concatenated to the latent or, with
    ``conditioning`` "norm", the batch norms have gains per class.
    """

    def __init__(
        self,
        task: Task,
        latent: int,
        embedding: int,
        width: int,
        conditioning: Literal["concat", "norm"] = "concat",
    ) -> None:
        super().__init__()
        self.by_norm = conditioning == "norm"
        self.canvas = Canvas.for_image(task.image)
        # The output layer doubles once more, so the widths stop one level before it.
        widths = [width * 2 ** (self.canvas.levels - 1 - i) for i in range(self.canvas.levels)]

        def norm(width: int) -> nn.Module:
            return ClassGains(width, task) if self.by_norm else nn.BatchNorm2d(width)

        self.embedding = None if self.by_norm else embed(task, embedding)
        given = latent + (0 if self.by_norm else embedding)
        self.project = nn.ConvTranspose2d(given, widths[0], self.canvas.base, bias=False)
        self.project_norm = norm(widths[0])
        pairs = list(pairwise(widths))
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 4, stride=2, padding=1, bias=False) for a, b in pairs
        )
        self.norms = nn.ModuleList(norm(b) for _, b in pairs)
        self.to_image = nn.ConvTranspose2d(widths[-1], task.image.channels, 4, stride=2, padding=1)
        self.apply(initialize)
        if self.embedding is not None:
            start(self.embedding)  # as strong as the latent beside it
        for module in self.modules():
            if isinstance(module, ClassGains):
                start(module.gain, mean=1.0, std=0.2)

    def norm_pairs(self) -> Iterator[tuple[nn.Module, nn.Module, str]]:
        """Each convolution with the owner and the name of the norm that follows it."""
        yield self.project, self, "project_norm"
        for level, up in enumerate(self.ups):
            yield up, self.norms, str(level)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """``float [N, latent]`` and ``int64 [N]`` to ``float [N, C, H, W]`` in [-1, 1]."""
        given = latents
        if self.embedding is not None:
            given = torch.cat([latents, self.embedding(labels)], dim=1)
        features = self._norm(self.project_norm, self.project(given[:, :, None, None]), labels)
        for up, norm in zip(self.ups, self.norms, strict=True):
            features = self._norm(norm, up(features), labels)
        return self.canvas.crop(torch.tanh(self.to_image(features).float()))

    def _norm(self, norm: nn.Module, features: Tensor, labels: Tensor) -> Tensor:
        """Norm and ReLU of ``[N, width, H, W]``."""
        return relu(norm(features, labels) if self.by_norm else norm(features))


class ConvDiscriminator(ClassifyingDiscriminator):
    """Strided convolutions, leaky ReLU 0.2, batch norm everywhere but at the input; no dense layer.

    Without ``norm`` it is a critic: a logit then depends on its own image alone.

    The paper has no classes: here the label's embedding, projected on the pooled last features
    (Miyato & Koyama 2018, arXiv:1802.05637), is added to the logit. With ``conditioning`` "concat"
    the label stands beside the image instead: one-hot maps at the input of a convolution add a
    vector per class to its output, and that vector is what is learnt here. ``classify`` adds a head
    that names the class (:mod:`synthgen.networks.auxiliary`).
    """

    def __init__(
        self,
        task: Task,
        width: int,
        norm: bool = True,
        conditioning: Literal["concat", "projection"] = "projection",
        classify: bool = False,
    ) -> None:
        super().__init__()
        self.at_input = conditioning == "concat"
        self.critic = not norm
        self.canvas = Canvas.for_image(task.image)
        widths = [width * 2**i for i in range(self.canvas.levels)]
        self.from_image = nn.Conv2d(task.image.channels, widths[0], 4, stride=2, padding=1)
        pairs = list(pairwise(widths))
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1, bias=not norm) for a, b in pairs
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) if norm else nn.Identity() for _, b in pairs)
        self.logit = nn.Conv2d(widths[-1], 1, self.canvas.base)
        self.embedding = embed(task, widths[0] if self.at_input else widths[-1])
        self.apply(initialize)
        # At the input: 16 taps of N(0, 0.02). Projected: as strong as the plain logit, or it is
        # learnt to ignore the label before it is learnt to use it. A critic's label is weighed as
        # its image is, at every place by weights of N(0, 0.02).
        if self.at_input or not self.critic:
            start(self.embedding, std=0.08 if self.at_input else 0.5)
        last = widths[-1] * self.canvas.base**2
        self.classes = ClassHead(last, readable(task)) if classify else None

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] and ``int64 [N]`` to logits ``float32 [N]``."""
        return self._logits(self._features(images, labels), labels)

    def verdict(self, images: Tensor, labels: Tensor) -> Tensor:
        """Logits ``float32 [N, 1 + classes]``: of being real, then of each class.

        ``images`` are ``float [N, C, H, W]`` in [-1, 1], ``labels`` ``int64 [N]``. Needs
        ``classify``.
        """
        assert self.classes is not None
        features = self._features(images, labels)
        own = self._logits(features, labels)[:, None]
        return torch.cat([own, self.classes(features)], dim=1)

    def _features(self, images: Tensor, labels: Tensor) -> Tensor:
        """The last features, ``[N, widest, base, base]``."""
        features = self.from_image(self.canvas.cover(images))
        if self.at_input:
            features = features + self.embedding(labels)[:, :, None, None].to(features.dtype)
        features = leaky_relu(features, 0.2)
        for down, norm in zip(self.downs, self.norms, strict=True):
            features = leaky_relu(norm(down(features)), 0.2)
        return features

    def _logits(self, features: Tensor, labels: Tensor) -> Tensor:
        plain: Tensor = self.logit(features).flatten(1).squeeze(1).float()  # [N]
        if self.at_input:
            return plain
        places = features.float()
        pooled = places.sum(dim=(2, 3)) if self.critic else places.mean(dim=(2, 3))  # [N, widest]
        logits: Tensor = plain + (pooled * self.embedding(labels).float()).sum(dim=1)
        return logits
