"""A history of generated images, shown to the discriminator in place of half of the new ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synthgen.networks.condition import condition_shape
from synthgen.spec.task import Task


class ImagePool(nn.Module):
    """Keeps up to ``size`` images and their conditions (Shrivastava et al. 2017, arXiv:1612.07828).

    While it fills, images pass through. Then each new image is, with even odds, passed through, or
    put in place of a random old one which is returned instead. Its contents are buffers: they are
    part of every checkpoint. Random choices come from torch's global generator.
    """

    images: Tensor
    labels: Tensor
    count: Tensor

    def __init__(self, task: Task, size: int) -> None:
        super().__init__()
        self.size = size
        image = task.image
        shape, dtype = condition_shape(task)
        self.register_buffer("images", torch.zeros(size, image.channels, image.height, image.width))
        self.register_buffer("labels", torch.zeros(size, *shape, dtype=dtype))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """``float [N, C, H, W]`` and the task's condition to images and conditions of the same
        shapes."""
        shown, of = images.detach().clone(), labels.clone()
        swap = (torch.rand(len(images)) < 0.5).tolist()
        places = torch.randint(self.size, (len(images),)).tolist()
        filled = int(self.count)
        for row in range(len(images)):
            if filled < self.size:
                self.images[filled], self.labels[filled] = images[row].detach(), labels[row]
                filled += 1
            elif swap[row]:
                place = places[row]
                shown[row], of[row] = self.images[place], self.labels[place]
                self.images[place], self.labels[place] = images[row].detach(), labels[row]
        self.count.fill_(filled)
        return shown, of
