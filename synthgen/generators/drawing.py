"""Evaluate what an algorithm samples, from flat latents: for bundles and for runs in training."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from synthgen.algorithms.contract import Algorithm, Tensors


def latent_size(algorithm: Algorithm) -> int:
    """Length of the flat latent vector: all named latents one after another."""
    return sum(latent.size for latent in algorithm.latents.values())


def draw(
    algorithm: Algorithm,
    networks: Mapping[str, nn.Module],
    flat: Tensor,
    given: Mapping[str, Tensor],
    precision: torch.dtype,
    truncation: float = 1.0,
) -> dict[str, Tensor]:
    """Column to ``float32 [N, C, H, W]``, about [-1, 1], on the device of ``flat``.

    Args:
        algorithm: whose tensors are evaluated.
        networks: the weights to use, by name.
        flat: ``float32 [N, latent_size]``; where it requires a gradient, what is drawn has one.
        given: what :func:`synthgen.spec.task.sampled` gives.
        precision: arithmetic of the networks.
        truncation: for algorithms that truncate by themselves; 1 is off.
    """
    with torch.inference_mode(not flat.requires_grad):
        return _drawn(algorithm, networks, flat, given, precision, truncation)


def _drawn(
    algorithm: Algorithm, networks: Mapping[str, nn.Module], flat: Tensor,
    given: Mapping[str, Tensor], precision: torch.dtype, truncation: float,
) -> dict[str, Tensor]:  # fmt: skip
    known = dict(given)
    sizes = [latent.size for latent in algorithm.latents.values()]
    pieces = torch.split(flat, sizes, dim=1) if sizes else ()
    for (name, latent), piece in zip(algorithm.latents.items(), pieces, strict=True):
        known[name] = piece.reshape(-1, *latent.shape)
    scalars = {"truncation": truncation}
    tensors = Tensors(networks, algorithm.tensors, known, scalars, lambda images: images)
    with torch.autocast(flat.device.type, precision, enabled=precision != torch.float32):
        return {column: tensors[name].float() for column, name in algorithm.samples.items()}
