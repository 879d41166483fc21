"""StackGAN's networks: heads at growing sizes, conditioning augmentation, judges of image and text.

Zhang et al. 2016, arXiv:1612.03242 (conditioning augmentation, sections 3.2 and 3.3), and 2017,
arXiv:1710.10916 (one generator of several heads, each with a judge of its own that looks at the
image alone and at image and text, sections 4.1 and 4.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, glu, interpolate, leaky_relu

from synthgen.networks.canvas import Canvas
from synthgen.networks.resnet import spectral
from synthgen.spec.image import ImageSpec

LARGE = 64
"""Side in pixels from which there are three heads; smaller images have two, under 16 px one."""


def head_sizes(image: ImageSpec) -> list[ImageSpec]:
    """The sizes of the heads' images, the smallest first: each half of the next one, the last is
    the image's own."""
    wanted = 3 if max(image.height, image.width) >= LARGE else 2
    count = min(wanted, max(1, Canvas.for_image(image).levels))
    return [
        ImageSpec(-(-image.height // 2**k), -(-image.width // 2**k), image.channels)
        for k in reversed(range(count))
    ]


def shrunk(images: Tensor, size: ImageSpec) -> Tensor:
    """Images ``[N, C, H, W]`` brought to a head's size by the means of their blocks."""
    if images.shape[2:] == (size.height, size.width):
        return images
    return adaptive_avg_pool2d(images, (size.height, size.width))


class Augmentation(nn.Module):
    """A Gaussian about each text's vector, from which what the generator is told is drawn."""

    def __init__(self, text: int, size: int) -> None:
        super().__init__()
        self.layer = nn.Linear(text, 4 * size)

    def forward(self, texts: Tensor) -> Tensor:
        """``float [N, text]`` to ``float32 [N, 2 * size]``: means, then logarithms of
        variances."""
        found: Tensor = glu(self.layer(texts), dim=1)
        return found.float()


def drawn_from(gaussian: Tensor, noise: Tensor) -> Tensor:
    """A draw ``[N, size]`` from means and log-variances ``[N, 2 * size]`` by standard normal
    ``noise [N, size]``."""
    mean, logs = gaussian.chunk(2, dim=1)
    return mean + noise * (logs / 2).exp()


def divergence(gaussian: Tensor) -> Tensor:
    """The KL divergence of Gaussians from the standard normal, mean over rows and numbers: a
    scalar, 0 at the standard normal. arXiv:1612.03242, equation 2; ``gaussian`` as
    :func:`drawn_from` takes it."""
    mean, logs = gaussian.float().chunk(2, dim=1)
    return (mean.square() + logs.exp() - logs - 1).mean() / 2


class _Up(nn.Module):
    """Double by nearest neighbours, convolve, norm, gate."""

    def __init__(self, inputs: int, outputs: int, *, double: bool = True) -> None:
        super().__init__()
        self.doubles = double
        self.conv = nn.Conv2d(inputs, 2 * outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(2 * outputs)

    def forward(self, features: Tensor) -> Tensor:
        if self.doubles:
            features = interpolate(features, scale_factor=2.0)
        return glu(self.norm(self.conv(features)), dim=1)


class _Joint(nn.Module):
    """Features and the condition at every place, then a residual block."""

    def __init__(self, width: int, told: int) -> None:
        super().__init__()
        self.join = _Up(width + told, width, double=False)
        self.first = _Up(width, width, double=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, features: Tensor, told: Tensor) -> Tensor:
        places = told[:, :, None, None].expand(-1, -1, *features.shape[2:]).to(features.dtype)
        joined: Tensor = self.join(torch.cat([features, places], dim=1))
        return torch.add(joined, self.norm(self.second(self.first(joined))))


class StackedGenerator(nn.Module):
    """Text and noise to images of growing sizes; each stage is told the condition again."""

    def __init__(
        self, image: ImageSpec, text: int, told: int, latent: int, width: int, widest: int
    ) -> None:
        """``text`` numbers of a text's vector, ``told`` of them drawn, ``width`` channels at full
        size."""
        super().__init__()
        self.sizes = head_sizes(image)
        self.canvas = Canvas.for_image(image)
        levels, stages = self.canvas.levels, len(self.sizes)
        widths = [min(widest, width * 2 ** (levels - level)) for level in range(levels + 1)]
        self.augmentation = Augmentation(text, told)
        self.base_width = widths[0]
        self.start = nn.Linear(told + latent, 2 * widths[0] * self.canvas.base**2, bias=False)
        self.start_norm = nn.BatchNorm1d(2 * widths[0] * self.canvas.base**2)
        self.ups = nn.ModuleList(_Up(a, b) for a, b in pairwise(widths))
        self.first = levels - stages + 1
        """Doublings before the first head."""
        self.joints = nn.ModuleList(_Joint(w, told) for w in widths[self.first : levels])
        self.heads = nn.ModuleList(
            nn.Conv2d(w, image.channels, 3, padding=1) for w in widths[self.first :]
        )

    def gaussian(self, texts: Tensor) -> Tensor:
        """What :class:`Augmentation` says of texts' vectors."""
        found: Tensor = self.augmentation(texts)
        return found

    def forward(self, told: Tensor, latents: Tensor) -> Tensor:
        """Draws ``float [N, told]`` and ``float [N, latent]`` to all heads' images, flat and one
        after another, the smallest first: ``float32 [N, numbers]`` in [-1, 1]."""
        base = self.canvas.base
        first = self.start_norm(self.start(torch.cat([told, latents], dim=1)))
        features = glu(first, dim=1).reshape(-1, self.base_width, base, base)
        found = []
        for level in range(self.canvas.levels + 1):
            stage = level - self.first
            if level:
                if stage > 0:
                    features = self.joints[stage - 1](features, told)
                features = self.ups[level - 1](features)
            if stage >= 0:
                drawn = torch.tanh(self.heads[stage](features).float())
                found.append(_centre(drawn, self.sizes[stage]).flatten(1))
        return torch.cat(found, dim=1)

    def head(self, flat: Tensor, stage: int) -> Tensor:
        """The images ``[N, C, h, w]`` of one head, of what :meth:`forward` gives."""
        numbers = [size.height * size.width * size.channels for size in self.sizes]
        before, size = sum(numbers[:stage]), self.sizes[stage]
        own = flat[:, before : before + numbers[stage]]
        return own.reshape(-1, size.channels, size.height, size.width)


def _centre(images: Tensor, size: ImageSpec) -> Tensor:
    top, left = (images.shape[2] - size.height) // 2, (images.shape[3] - size.width) // 2
    return images[:, :, top : top + size.height, left : left + size.width]


class TextJudge(nn.Module):
    """Whether an image is real, and whether it is real and shows what its text says.

    Convolutions with spectral norm (Miyato et al. 2018, arXiv:1802.05957) where the paper has batch
    norm: a logit depends on its own image alone.
    """

    def __init__(self, image: ImageSpec, text: int, told: int, width: int, widest: int) -> None:
        super().__init__()
        self.canvas = Canvas.for_image(image)
        widths = [min(widest, width * 2**level) for level in range(self.canvas.levels)]
        pairs = pairwise([image.channels, *widths])
        self.downs = nn.ModuleList(
            spectral(nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in pairs
        )
        last, base = widths[-1], self.canvas.base
        self.told = spectral(nn.Linear(text, told))
        self.join = spectral(nn.Conv2d(last + told, last, 3, padding=1))
        self.alone = spectral(nn.Conv2d(last, 1, base))
        self.together = spectral(nn.Conv2d(last, 1, base))

    def seen(self, images: Tensor) -> Tensor:
        """The last features of images ``float [N, C, h, w]`` in [-1, 1]."""
        features = self.canvas.cover(images)
        for down in self.downs:
            features = leaky_relu(down(features), 0.2)
        return features

    def verdicts(self, features: Tensor, texts: Tensor) -> Tensor:
        """Logits ``float32 [N, 2]`` of :meth:`seen` features and texts' vectors ``float [N,
        text]``: of the image alone, and of both together."""
        told = leaky_relu(self.told(texts), 0.2)
        places = told[:, :, None, None].expand(-1, -1, *features.shape[2:]).to(features.dtype)
        joined = leaky_relu(self.join(torch.cat([features, places], dim=1)), 0.2)
        found: Sequence[Tensor] = (self.alone(features), self.together(joined))
        return torch.cat([one.flatten(1) for one in found], dim=1).float()

    def forward(self, images: Tensor, texts: Tensor) -> Tensor:
        """Logits ``float32 [N, 2]``, see :meth:`verdicts`."""
        return self.verdicts(self.seen(images), texts)
