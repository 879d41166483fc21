"""DINOv2: a vision transformer trained without labels, in the form published on the hub.

Oquab et al. 2023, arXiv:2304.07193. Its features follow people's judgement of generated images
better than Inception's: Stein et al. 2023, arXiv:2306.04675. The tensors have the names of
``facebook/dinov2-small`` and its like; ``config.json`` beside them says how large the network is.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, scaled_dot_product_attention

from synthgen.features.pixels import resized_rgb
from synthgen.features.weights import load_into, weights_key
from synthgen.spec.errors import SynthgenError

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


class _SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention = nn.ModuleDict(
            {name: nn.Linear(width, width) for name in ("query", "key", "value")}
        )
        self.output = nn.ModuleDict({"dense": nn.Linear(width, width)})

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        query, key, value = (
            layer(tokens).view(batch, count, self.heads, -1).transpose(1, 2)
            for layer in (self.attention[name] for name in ("query", "key", "value"))
        )
        mixed = scaled_dot_product_attention(query, key, value)  # [N, heads, T, width / heads]
        made: Tensor = self.output["dense"](mixed.transpose(1, 2).reshape(batch, count, width))
        return made


class _Scale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.lambda1 = nn.Parameter(torch.ones(width))


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int, eps: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps)
        self.attention = _SelfAttention(width, heads)
        self.layer_scale1 = _Scale(width)
        self.norm2 = nn.LayerNorm(width, eps)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, hidden), "fc2": nn.Linear(hidden, width)})
        self.layer_scale2 = _Scale(width)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(self.norm1(tokens)) * self.layer_scale1.lambda1
        inner: Tensor = self.mlp["fc2"](gelu(self.mlp["fc1"](self.norm2(tokens))))
        return tokens + inner * self.layer_scale2.lambda1


class DinoNetwork(nn.Module):
    """``float [N, 3, S, S]``, normalised, to the class token's features ``float [N, width]``."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        width, patch = int(config["hidden_size"]), int(config["patch_size"])
        self.grid = int(config["image_size"]) // patch
        self.patch = patch
        self.embeddings = nn.ParameterDict(
            {
                "cls_token": torch.zeros(1, 1, width),
                "mask_token": torch.zeros(1, width),
                "position_embeddings": torch.zeros(1, self.grid**2 + 1, width),
            }
        )
        projection = nn.Conv2d(3, width, patch, patch)
        self.embeddings.add_module("patch_embeddings", nn.ModuleDict({"projection": projection}))
        hidden = int(width * config.get("mlp_ratio", 4))
        eps, heads = float(config.get("layer_norm_eps", 1e-6)), int(config["num_attention_heads"])
        layers = nn.ModuleList(
            _Layer(width, heads, hidden, eps) for _ in range(config["num_hidden_layers"])
        )
        self.encoder = nn.ModuleDict({"layer": layers})
        self.layernorm = nn.LayerNorm(width, eps)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.embeddings.get_submodule("patch_embeddings.projection")(images)
        side = patches.shape[2]
        tokens = torch.cat(
            [self.embeddings["cls_token"].expand(len(images), -1, -1),
             patches.flatten(2).transpose(1, 2)], dim=1,
        )  # fmt: skip
        tokens = tokens + self._positions(side)
        for layer in self.encoder["layer"].children():
            tokens = layer(tokens)
        features: Tensor = self.layernorm(tokens)[:, 0]
        return features

    def _positions(self, side: int) -> Tensor:
        """Position embeddings ``[1, side^2 + 1, width]``, interpolated from the trained grid."""
        trained: Tensor = self.embeddings["position_embeddings"]
        if side == self.grid:
            return trained
        own, grid = trained[:, :1], trained[:, 1:]
        square = grid.reshape(1, self.grid, self.grid, -1).permute(0, 3, 1, 2)
        moved = interpolate(square.float(), size=(side, side), mode="bicubic", align_corners=False)
        return torch.cat([own, moved.flatten(2).transpose(1, 2)], dim=1)


class DinoV2:
    """The class token after the last norm; 384 features of the small network, 768 of the base."""

    def __init__(
        self, path: Path, label: str, device: torch.device, side: int | None,
        precision: torch.dtype,
    ) -> None:  # fmt: skip
        """Read a safetensors file and the ``config.json`` beside it.

        Raises:
            SynthgenError: there is no such configuration, or the file is of another network.
        """
        config = _read_config(path)
        try:
            network = DinoNetwork(config)
        except (KeyError, TypeError, ValueError):
            raise SynthgenError(f"{path.parent}/config.json: describes no DINOv2") from None
        tensors = load_into(network, path)
        self._side = side or 224
        if self._side % network.patch:
            raise SynthgenError(
                f"{label}: the input size must be a multiple of {network.patch} px, "
                f"for example {math.ceil(self._side / network.patch) * network.patch}"
            )
        self.name = f"DINOv2 ({label})" + ("" if self._side == 224 else f"@{self._side}")
        self.size = int(config["hidden_size"])
        self.key = weights_key(tensors, str(self._side), str(precision))
        self._precision = precision
        self._network = network.to(device).eval().requires_grad_(False)
        self._mean = torch.tensor(MEAN, device=device).view(1, 3, 1, 1)
        self._deviation = torch.tensor(DEVIATION, device=device).view(1, 3, 1, 1)

    @staticmethod
    def recognises(names: frozenset[str]) -> bool:
        """Whether a file with tensors of these names is one."""
        return "embeddings.patch_embeddings.projection.weight" in names and any(
            name.endswith("layer_scale1.lambda1") for name in names
        )

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        pixels = resized_rgb(images, self._side, "bicubic").add(1).div(2)
        pixels = (pixels - self._mean) / self._deviation
        lower = self._precision != torch.float32
        with torch.autocast(images.device.type, self._precision, enabled=lower):
            features: Tensor = self._network(pixels)
        return features.float()


def _read_config(path: Path) -> dict[str, Any]:
    beside = path.with_name("config.json")
    try:
        config = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SynthgenError(f"{beside}: missing or damaged; a DINOv2 needs it") from None
    if not isinstance(config, dict) or config.get("use_swiglu_ffn"):
        raise SynthgenError(f"{beside}: is of a DINOv2 that is not read (the giant one's layers)")
    return config
