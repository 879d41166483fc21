"""Results of trained classifiers, kept under a key of everything that decides them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.spec.errors import SynthgenError
from synthgen.storage.cache import cache_root
from synthgen.storage.whole import write_whole

VERSION = 1
"""Raised when a classifier's training changes: older results are not found any more."""


class TrialStore:
    """A folder of small JSON files; each holds its key in full and its confusion counts."""

    def __init__(self, cache_dir: str | None) -> None:
        self.folder = cache_root(cache_dir) / "classifier-trials"

    def has(self, key: Mapping[str, Any]) -> bool:
        """Whether the result of ``key`` is there."""
        return self._path(_text(key)).is_file()

    def _path(self, text: str) -> Path:
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"

    def get(
        self, key: Mapping[str, Any], train: Callable[[], np.ndarray]
    ) -> tuple[np.ndarray, bool]:
        """The result of ``key`` (confusion counts ``int64``) and whether it was there already.

        Raises:
            SynthgenError: the folder cannot be written.
        """
        text = _text(key)
        path = self._path(text)
        try:
            return np.asarray(json.loads(path.read_text(encoding="utf-8"))["confusion"]), True
        except (OSError, ValueError, KeyError):
            pass  # not there, or not whole: it is made anew
        counts = train()
        try:
            record = {"key": json.loads(text), "confusion": counts.tolist()}
            write_whole(path, json.dumps(record) + "\n", shared=True)
        except OSError as error:
            raise SynthgenError(
                f"{self.folder}: cannot keep a result: {error.strerror}; name another place with "
                "--cache-dir"
            ) from None
        return counts, False


def _text(key: Mapping[str, Any]) -> str:
    return json.dumps({"version": VERSION, **key}, sort_keys=True)
