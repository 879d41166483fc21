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
    generators, Heusel et al. 2017, arXiv:1706.08500, equation 6. In float64. With S = R'R the
    trace of the root is the sum of the singular values of R_a R_b', so no covariance is formed:
    nothing is squared, and few rows of many features are as cheap as the rows are few.

    Raises:
        ValueError: a set has fewer than two rows.
    """
    if len(a) < 2 or len(b) < 2:
        raise ValueError("a Fréchet distance needs two rows on each side")
    (mean_a, root_a), (mean_b, root_b) = _normal(a), _normal(b)
    cross = torch.linalg.svdvals(root_a @ root_b.t()).sum()
    spread = root_a.square().sum() + root_b.square().sum()  # tr S = |R|^2
    return float((mean_a - mean_b).square().sum() + spread - 2 * cross)


def _normal(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean ``float64 [F]`` and a root R ``float64 [min(N, F), F]`` of the covariance R'R."""
    rows = features.double()
    mean = rows.mean(dim=0)
    _, root = torch.linalg.qr((rows - mean) / (len(rows) - 1) ** 0.5, mode="r")
    return mean, root
