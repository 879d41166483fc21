"""How far generated images are from real ones, in a feature space."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from synthgen.spec.image import to_float


@torch.inference_mode()
def embed(
    extract: Callable[[Tensor], Tensor], images: np.ndarray, batch_size: int, device: torch.device
) -> Tensor:
    """Features ``float32 [N, F]`` on the CPU of ``uint8 [N, H, W, C]`` images.

    ``extract`` takes ``float [n, C, H, W]`` in [-1, 1] and gives ``[n, F]``.
    """
    parts = [
        extract(to_float(torch.from_numpy(images[start : start + batch_size]).to(device)))
        .float()
        .cpu()
        for start in range(0, len(images), batch_size)
    ]
    return torch.cat(parts)


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Fréchet distance between normal laws fitted to two sets of features ``[N, F]`` and ``[M,
    F]``.

    |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)): Dowson & Landau 1982; as a measure of
    generators, Heusel et al. 2017, arXiv:1706.08500, equation 6. In float64; the trace of the
    root is
    taken from the eigenvalues of the symmetric S_a^(1/2) S_b S_a^(1/2), which has the same ones.

    Raises:
        ValueError: a set has fewer than two rows.
    """
    if len(a) < 2 or len(b) < 2:
        raise ValueError("a Fréchet distance needs two rows on each side")
    first, second = a.double(), b.double()
    cov_a, cov_b = torch.cov(first.t()), torch.cov(second.t())
    cov_a, cov_b = cov_a.reshape(first.shape[1], -1), cov_b.reshape(second.shape[1], -1)
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.t()
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    offset = (first.mean(dim=0) - second.mean(dim=0)).square().sum()
    return float(offset + cov_a.trace() + cov_b.trace() - 2 * cross)
