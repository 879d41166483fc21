"""A GAN's discriminator after training, as a judge of single images."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from synthgen.networks.placement import place
from synthgen.spec.image import ImageSpec, to_float

ImageJudge = Callable[[Tensor, Tensor], Tensor]
"""Images ``uint8 [N, H, W, C]`` and class indices ``int64 [N]`` to logits ``float32 [N]``."""

MOST = 128
"""Images that are judged at a time, at most."""
PIXELS = 2**22
"""Pixels of such a batch, at most: half a gigabyte of features at 32 channels."""


class Discriminator:
    """Images and their labels to logits: how real a GAN finds each of them.

    A logit depends on its image and label alone. The network is in evaluation mode: batch norms go
    by their running means, and a layer that compares the images of a batch sees each one alone.
    All batches have one size, filled up where there are fewer images, so that the same kernels run
    whatever the batch holds; and all arithmetic is float32, so that samples, stored images and real
    ones are measured alike.
    """

    def __init__(self, network: nn.Module, image: ImageSpec, device: torch.device) -> None:
        """``network`` as :attr:`Algorithm.judges` describes it; it is changed and kept."""
        # Not baked: that would take the spectral norms from the network that was copied as well,
        # since a copy shares the class that torch makes for them.
        self._network = place(network, device).eval().requires_grad_(False)
        self._batch = max(1, min(MOST, PIXELS // (image.height * image.width)))

    @classmethod
    def as_saved(cls, network: nn.Module, image: ImageSpec, device: torch.device) -> Discriminator:
        """Of a network in training, which stays as it is: what a bundle will hold of it, in half
        precision."""
        return cls(copy.deepcopy(network).half().float(), image, device)

    @torch.inference_mode()
    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """Images ``uint8 [N, H, W, C]``, the generator's class indices ``int64 [N]``: ``float32
        [N]``.

        Of a network that judges patches, the mean over them.
        """
        logits = []
        for start in range(0, len(images), self._batch):
            part, own = (each[start : start + self._batch] for each in (images, labels))
            count = len(part)
            filled = torch.arange(self._batch, device=images.device) % count
            pixels = to_float(part[filled]).contiguous(memory_format=torch.channels_last)
            found = self._network(pixels, own[filled]).float()
            logits.append(found.reshape(self._batch, -1).mean(dim=1)[:count])
        return torch.cat(logits) if logits else images.new_zeros(0, dtype=torch.float32)


class EachOwn:
    """One discriminator for each class: every image is judged by its class' own."""

    def __init__(self, judges: Sequence[ImageJudge]) -> None:
        """``judges`` in the order of the classes."""
        self._judges = judges

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """Logits ``float32 [N]`` of ``uint8 [N, H, W, C]`` under their classes ``int64 [N]``."""
        logits = torch.zeros(len(images), device=images.device)
        for label in torch.unique(labels).tolist():
            rows = labels == label
            logits[rows] = self._judges[label](images[rows], labels[rows])
        return logits
