"""Labelled images of one kind or of two as a task's batches; random rows with maps."""

from __future__ import annotations

import numpy as np
import torch

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.registry import build
from synthgen.spec.fields import Image
from synthgen.spec.maps import Mask
from synthgen.spec.task import Task
from synthgen.training.batches import Stream, TaskBatches


def batches(task, images, labels, chosen=None, seed=0, *, flip=False, source=None):
    """All rows, or the ``chosen``; ``source`` are the images, labels and rows of a second stream,
    whose order is of the next seed."""
    rows = np.arange(len(images)) if chosen is None else chosen
    streams = [Stream({"image": images, "label": labels}, rows, seed)]
    if source is not None:
        others, of, where = source
        streams.append(Stream({"source": others, "label": of}, where, seed + 1))
    return TaskBatches(task, streams, flip=flip)


SIDES = [(8, 8), (28, 28), (30, 50), (33, 47), (96, 64)]
"""Heights and widths, most of them no powers of two."""


def from_maps(name: str, options: dict, height: int, width: int, channels: int):
    """An algorithm of this name that makes images from a mask and an image, and the tensors of two
    random rows; whatever the sides, all its terms are finite and its fakes have them."""
    image = Image(height, width, channels)
    mask = Mask(("sky", "road", "car"), height, width)
    fields = {"image": image, "mask": mask, "source": image}
    task = Task(fields, ("mask", "source"), ("image",), (("image", "mask", "source"),))
    algorithm = build(name, task, options)
    given = {
        "mask": mask.tensor(torch.randint(3, (2, height, width))),
        "source": torch.rand(2, channels, height, width),
        "image": torch.rand(2, channels, height, width),
        **{n: torch.randn(2, *latent.shape) for n, latent in algorithm.latents.items()},
    }
    t = Tensors(algorithm.networks, algorithm.tensors, given, {}, lambda x: x)
    assert t["fake"].shape == (2, channels, height, width) and t["fake"].dtype == torch.float32
    assert t["maps"].shape[1] == 3 + channels
    terms = [term for phase in algorithm.phases for term in phase.terms.values()]
    assert all(term.formula(t).isfinite() for term in terms)
    return algorithm, t
