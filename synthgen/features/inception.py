"""FID's Inception-v3: the network of December 2015 whose pooled features FID is defined on.

Szegedy et al. 2015, arXiv:1512.00567; Heusel et al. 2017, arXiv:1706.08500. The layers and tensor
names are those of the weights that ``pytorch-fid`` published: average pools that leave out the
border, a max pool in the last block, and 1008 classes, by which the file is told from torchvision's
Inception (1000 classes), on which no FID is defined.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d, relu

from synthgen.features.weights import load_into, weights_key
from synthgen.spec.errors import SynthgenError

SIDE = 299
Kernel = int | tuple[int, int]
Pool = Callable[[Tensor], Tensor]


class _Conv(nn.Module):
    def __init__(
        self, width_in: int, width: int, kernel: Kernel, stride: int = 1, padding: Kernel = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width_in, width, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=0.001)

    def forward(self, images: Tensor) -> Tensor:
        return relu(self.bn(self.conv(images)))


def _average(images: Tensor) -> Tensor:
    return avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)


def _largest(images: Tensor) -> Tensor:
    return max_pool2d(images, 3, stride=1, padding=1)


def _smaller(images: Tensor) -> Tensor:
    return max_pool2d(images, 3, stride=2)


class _Branches(nn.Module):
    """Chains of convolutions side by side; ``|`` between the names of two ends of a chain."""

    def __init__(self, chains: tuple[str, ...], pool: Pool, convs: dict[str, _Conv]) -> None:
        super().__init__()
        self.chains, self.pool = chains, pool
        for name, conv in convs.items():
            self.add_module(name, conv)

    def forward(self, images: Tensor) -> Tensor:
        made = []
        for chain in self.chains:
            ends = [images]
            for step in chain.split():
                if step == "pool":
                    ends = [self.pool(ends[0])]
                else:
                    ends = [self.get_submodule(name)(ends[0]) for name in step.split("|")]
            made += ends
        return torch.cat(made, dim=1)


def _a(width: int, pooled: int) -> _Branches:
    return _Branches(
        ("branch1x1", "branch5x5_1 branch5x5_2",
         "branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3", "pool branch_pool"),
        _average,
        {
            "branch1x1": _Conv(width, 64, 1),
            "branch5x5_1": _Conv(width, 48, 1),
            "branch5x5_2": _Conv(48, 64, 5, padding=2),
            "branch3x3dbl_1": _Conv(width, 64, 1),
            "branch3x3dbl_2": _Conv(64, 96, 3, padding=1),
            "branch3x3dbl_3": _Conv(96, 96, 3, padding=1),
            "branch_pool": _Conv(width, pooled, 1),
        },
    )  # fmt: skip


def _b(width: int) -> _Branches:
    return _Branches(
        ("branch3x3", "branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3", "pool"),
        _smaller,
        {
            "branch3x3": _Conv(width, 384, 3, 2),
            "branch3x3dbl_1": _Conv(width, 64, 1),
            "branch3x3dbl_2": _Conv(64, 96, 3, padding=1),
            "branch3x3dbl_3": _Conv(96, 96, 3, 2),
        },
    )


def _c(width: int, inner: int) -> _Branches:
    wide: dict[str, tuple[Kernel, Kernel]] = {"row": ((1, 7), (0, 3)), "column": ((7, 1), (3, 0))}

    def conv(width_in: int, width_out: int, way: str) -> _Conv:
        kernel, padding = wide[way]
        return _Conv(width_in, width_out, kernel, padding=padding)

    return _Branches(
        ("branch1x1", "branch7x7_1 branch7x7_2 branch7x7_3",
         "branch7x7dbl_1 branch7x7dbl_2 branch7x7dbl_3 branch7x7dbl_4 branch7x7dbl_5",
         "pool branch_pool"),
        _average,
        {
            "branch1x1": _Conv(width, 192, 1),
            "branch7x7_1": _Conv(width, inner, 1),
            "branch7x7_2": conv(inner, inner, "row"),
            "branch7x7_3": conv(inner, 192, "column"),
            "branch7x7dbl_1": _Conv(width, inner, 1),
            "branch7x7dbl_2": conv(inner, inner, "column"),
            "branch7x7dbl_3": conv(inner, inner, "row"),
            "branch7x7dbl_4": conv(inner, inner, "column"),
            "branch7x7dbl_5": conv(inner, 192, "row"),
            "branch_pool": _Conv(width, 192, 1),
        },
    )  # fmt: skip


def _d(width: int) -> _Branches:
    return _Branches(
        ("branch3x3_1 branch3x3_2",
         "branch7x7x3_1 branch7x7x3_2 branch7x7x3_3 branch7x7x3_4", "pool"),
        _smaller,
        {
            "branch3x3_1": _Conv(width, 192, 1),
            "branch3x3_2": _Conv(192, 320, 3, 2),
            "branch7x7x3_1": _Conv(width, 192, 1),
            "branch7x7x3_2": _Conv(192, 192, (1, 7), padding=(0, 3)),
            "branch7x7x3_3": _Conv(192, 192, (7, 1), padding=(3, 0)),
            "branch7x7x3_4": _Conv(192, 192, 3, 2),
        },
    )  # fmt: skip


def _e(width: int, pool: Pool) -> _Branches:
    return _Branches(
        ("branch1x1", "branch3x3_1 branch3x3_2a|branch3x3_2b",
         "branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3a|branch3x3dbl_3b", "pool branch_pool"),
        pool,
        {
            "branch1x1": _Conv(width, 320, 1),
            "branch3x3_1": _Conv(width, 384, 1),
            "branch3x3_2a": _Conv(384, 384, (1, 3), padding=(0, 1)),
            "branch3x3_2b": _Conv(384, 384, (3, 1), padding=(1, 0)),
            "branch3x3dbl_1": _Conv(width, 448, 1),
            "branch3x3dbl_2": _Conv(448, 384, 3, padding=1),
            "branch3x3dbl_3a": _Conv(384, 384, (1, 3), padding=(0, 1)),
            "branch3x3dbl_3b": _Conv(384, 384, (3, 1), padding=(1, 0)),
            "branch_pool": _Conv(width, 192, 1),
        },
    )  # fmt: skip


class InceptionNetwork(nn.Module):
    """``float [N, 3, 299, 299]`` in [-1, 1] to the pooled features ``float [N, 2048]``."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = _Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = _Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = _Conv(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _a(192, 32), _a(256, 64), _a(288, 64)
        self.Mixed_6a = _b(288)
        self.Mixed_6b, self.Mixed_6c = _c(768, 128), _c(768, 160)
        self.Mixed_6d, self.Mixed_6e = _c(768, 160), _c(768, 192)
        self.Mixed_7a = _d(768)
        self.Mixed_7b, self.Mixed_7c = _e(1280, _average), _e(2048, _largest)
        self.fc = nn.Linear(2048, 1008)

    def forward(self, images: Tensor) -> Tensor:
        for name, module in self.named_children():
            if name == "fc":
                break
            if name in ("Conv2d_3b_1x1", "Mixed_5b"):
                images = _smaller(images)
            images = module(images)
        return images.float().mean(dim=(2, 3))


class FidInception:
    """2048 features. About 5.7 GMAC an image, whatever its size: resized to 299 px, bilinear."""

    size = 2048

    def __init__(
        self, path: Path, label: str, device: torch.device, side: int | None,
        precision: torch.dtype,
    ) -> None:  # fmt: skip
        """Read a safetensors file with the published names.

        Raises:
            SynthgenError: the file is of another network, or an input size is asked for.
        """
        if side is not None:
            raise SynthgenError(f"{label}: FID's Inception takes 299 px and nothing else")
        network = InceptionNetwork()
        tensors = load_into(network, path, ignored=("AuxLogits.",))
        self.name = f"Inception-v3 (FID's, {label})"
        # FID is defined in full precision.
        self.key = weights_key(tensors, str(SIDE))
        self._network = network.to(device).eval().requires_grad_(False)

    @staticmethod
    def recognises(names: frozenset[str]) -> bool:
        """Whether a file with tensors of these names is one."""
        return "Mixed_7c.branch_pool.conv.weight" in names

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        rgb = images.float().expand(-1, 3, -1, -1)
        features: Tensor = self._network(
            interpolate(rgb, (SIDE, SIDE), mode="bilinear", align_corners=False)
        )
        return features
