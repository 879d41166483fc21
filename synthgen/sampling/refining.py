"""Latents moved so that what a learner takes from their images is what it takes from real ones.

After IT-GAN (Zhao & Bilen 2022, arXiv:2204.07513), whose latents are trained for the features of
randomly initialised networks to agree with those of real images (distribution matching: Zhao &
Bilen 2021, arXiv:2110.04181, equation 3). Here a group of latents of one class is moved by some
steps, with its spread matched beside its mean, held near where it was drawn, and kept from
becoming less of its class than it was: without that, one image in twenty changed its class.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import relu

from synthgen.networks.random_features import RandomFeatures
from synthgen.spec.image import ImageSpec, to_float

GROUP = 64
"""Latents that are moved together: candidates ``64 g`` to ``64 g + 63`` of one class and shard."""
NETWORKS = 8
"""Random networks whose features are matched, in turn."""
RATE = 0.05
"""How far a step moves a latent whose law has standard deviation 1 (Adam's learning rate)."""
LEASH = 0.1
"""Weight of the squared distance from where a latent was drawn."""
KEPT = 10.0
"""Weight of what images have lost of their class."""
TOGETHER = 256
LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class Targets:
    """What real images of each class look like to some random networks."""

    means: Tensor
    """``float32 [networks, classes, F]``."""
    spreads: Tensor
    """``float32 [networks, classes, F]``: standard deviations, above 0."""

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) over all numbers."""
        both = torch.stack([self.means, self.spreads]).contiguous()
        return hashlib.sha256(both.numpy().tobytes()).hexdigest()


def networks_for(
    image: ImageSpec, count: int = NETWORKS, first: int = 0
) -> tuple[RandomFeatures, ...]:
    """Random networks for such images: those of the seeds from ``first`` on."""
    return tuple(RandomFeatures(image, first + number) for number in range(count))


@torch.no_grad()  # what it gives is part of graphs later
def targets_of(
    networks: Sequence[RandomFeatures], images: np.ndarray, labels: np.ndarray, classes: int
) -> Targets:
    """The statistics of real images ``uint8 [N, H, W, C]``, every class of which has some.

    Rounded to half precision, so that another order of the sums gives the same numbers.
    """
    means, spreads = [], []
    with one_thread():
        for network in networks:
            parts = [
                network(to_float(torch.from_numpy(np.array(images[at : at + TOGETHER]))))
                for at in range(0, len(images), TOGETHER)
            ]
            features = torch.cat(parts).double()
            of_class = [features[torch.from_numpy(labels == label)] for label in range(classes)]
            means.append(torch.stack([own.mean(dim=0) for own in of_class]))
            spreads.append(torch.stack([own.std(dim=0, correction=0) for own in of_class]))
    rounded = (torch.stack(each).half().float() for each in (means, spreads))
    mean, spread = rounded
    return Targets(mean, spread.clamp(min=LEAST_SPREAD))


def distance(features: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """How far a group is from real images, ``[]``: the mean over the features of the squared
    differences of means and of standard deviations, in the real images' standard deviations.

    ``features [N, F]``, ``mean`` and ``spread [F]``.
    """
    own = features.std(dim=0, correction=0)
    apart = ((features.mean(dim=0) - mean) / spread).square().mean()
    return apart + ((own - spread) / spread).square().mean()


def refine(
    draw: Callable[[Tensor], Tensor],
    start: Tensor,
    label: int,
    networks: Sequence[RandomFeatures],
    targets: Targets,
    steps: int,
    *,
    scale: float = 1.0,
    doubt: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """The latents of one group after some steps, ``float32 [N, latent_size]``, without a graph.

    A function of its arguments alone: nothing is drawn.

    Args:
        draw: latents to images ``float [N, C, H, W]`` in about [-1, 1], with their graph.
        start: the latents as they were drawn.
        label: their class, a position in the targets' classes.
        networks: the random networks, on the device of ``start``.
        targets: of these networks.
        steps: of Adam; each matches one network's features, in turn.
        scale: standard deviation of the latents' law.
        doubt: images to ``float32 [N]``, how little each shows its class (the negative logarithm of
            a classifier's probability): no image is to be doubted more than when it was drawn.

    Raises:
        ValueError: the images do not follow from the latents by gradients.
    """
    moved = start.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([moved], lr=RATE * scale)
    with torch.no_grad():
        before = doubt(draw(start).clamp(-1, 1)) if doubt is not None else None
    with torch.enable_grad():
        for step in range(steps):
            number = step % len(networks)
            images = draw(moved).clamp(-1, 1)
            if not images.requires_grad:
                raise ValueError("images without a gradient")
            mean, spread = (
                values[number, label].to(start.device)
                for values in (targets.means, targets.spreads)
            )
            loss = distance(networks[number](images), mean, spread)
            loss = loss + LEASH * ((moved - start) / scale).square().mean()
            if doubt is not None and before is not None:
                loss = loss + KEPT * relu(doubt(images) - before).mean()
            (moved.grad,) = torch.autograd.grad(loss, [moved])
            optimizer.step()
    return moved.detach()


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, the calling thread computes alone: sums have one order whatever cores there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
