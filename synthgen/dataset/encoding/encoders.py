"""Encoders of images: in the calling thread, or for large JPEGs in processes.

Pillow's JPEG encoder keeps the other threads of its process waiting.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np

from synthgen.dataset.encoding.images import encode
from synthgen.spec.errors import SynthgenError

LEAST_PIXELS = 128 * 128
"""Pixels of an image from which JPEGs go to processes: smaller ones are encoded sooner than handed
over."""
LEAST_CORES = 4
"""On two cores handing over costs more than it gains: 1,500 images of 256 px a second, against
2,600 of one thread."""


class Encoder:
    """Encodes in the thread that calls it."""

    def __init__(self, image_format: str) -> None:
        self.image_format = image_format

    def encode(self, images: np.ndarray) -> list[bytes]:
        """Files of images, by :func:`.images.encode`. Several threads may call it at once."""
        return encode(images, self.image_format)

    def close(self) -> None:
        """End what was started."""


class ProcessEncoder(Encoder):
    """Encodes in ``count`` processes, which start when the first images come."""

    def __init__(self, image_format: str, count: int) -> None:
        super().__init__(image_format)
        # Spawned, not forked: a fork copies the locks of torch's threads in whatever state.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, mp_context=context)

    def encode(self, images: np.ndarray) -> list[bytes]:
        """Files of images, one for each; the caller waits without holding up other threads.

        Raises:
            SynthgenError: a process was killed.
        """
        try:
            return self._pool.submit(encode, images, self.image_format).result()
        except BrokenProcessPool:
            raise SynthgenError(
                "an encoding process died (out of memory, or killed); run the same command again "
                "to go on"
            ) from None

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def encoder_for(image_format: str, pixels: int, count: int) -> Encoder:
    """The encoder for images of so many pixels, with ``count`` cores to use."""
    if image_format == "jpeg" and pixels >= LEAST_PIXELS and count >= LEAST_CORES:
        return ProcessEncoder(image_format, count)
    return Encoder(image_format)
