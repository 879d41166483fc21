"""ImageNet features as a part of a network that is trained: they stay as they are."""

from __future__ import annotations

from torch import Tensor, nn

from synthgen.features.efficientnet import feature_network

DEPTH = 12
"""Layers of EfficientNet-lite0 that are kept: a sixteenth of the side, 112 channels."""
CHANNELS = 112
USUAL = 5.0
"""Root of the mean square of these features, about."""


class FrozenFeatures(nn.Module):
    """Features of a network trained on ImageNet that nothing trains further.

    Its weights are buffers: no optimiser can reach them, and bundles hold them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*list(feature_network().children())[:DEPTH])

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to ``float [N, 112, H / 16, W / 16]``, rounded up, of
        mean square about one."""
        rgb = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
        features: Tensor = self.layers((rgb * 127.5 + 0.5) / 128.0)
        return features / USUAL
