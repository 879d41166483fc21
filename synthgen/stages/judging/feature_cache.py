"""Features of images, computed once and kept: a run that was killed goes on where it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from synthgen.evaluation.fidelity import embed
from synthgen.features.extractor import Extractor
from synthgen.spec.errors import SynthgenError
from synthgen.storage.cache import cache_root
from synthgen.storage.whole import written_whole

BATCH = 64


class FeatureCache:
    """Keeps the features of pieces of images by what they are of.

    A piece's file is named for its pixels and lies in a folder named for the extractor's weights,
    so that nothing ever has to be thrown away; the folder may be deleted at any time.
    """

    def __init__(self, extractor: Extractor, device: torch.device) -> None:
        self._extractor = extractor
        self._device = device
        self._folder = cache_root() / "features" / extractor.key[:32]

    def features(self, images: np.ndarray) -> Tensor:
        """Features ``float32 [N, F]`` of ``uint8 [N, H, W, C]``.

        Raises:
            SynthgenError: the cache cannot be written.
        """
        digest = hashlib.sha256(repr(images.shape).encode())
        digest.update(np.ascontiguousarray(images).data)
        path = self._folder / f"{digest.hexdigest()[:32]}.npy"
        kept = self._read(path, len(images))
        if kept is not None:
            return kept
        found = embed(self._extractor, images, BATCH, self._device)
        self._write(path, found)
        return found

    def _read(self, path: Path, count: int) -> Tensor | None:
        try:
            values = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None  # not there, or damaged: computed (again)
        if values.dtype != np.float32 or values.shape != (count, self._extractor.size):
            return None
        return torch.from_numpy(values)

    def _write(self, path: Path, features: Tensor) -> None:
        try:
            with written_whole(path, shared=True) as beside, beside.open("wb") as file:
                np.save(file, features.numpy())
        except OSError as error:
            raise SynthgenError(
                f"{self._folder}: cannot keep features: {error.strerror}; free some space, or set "
                "SYNTHGEN_CACHE to another folder"
            ) from None
