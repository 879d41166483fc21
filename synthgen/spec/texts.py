"""Captions: text that enters networks as a bag of n-grams; see ``spec/fields.py``."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Enters, Placeless, Stored, whole

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

WORD = re.compile(r"\w+")
SIZES = (2, 3, 4)
"""Letters of an n-gram."""


def words_of(text: str) -> list[str]:
    """The words of a text in their order, in small letters, without signs between them."""
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def pieces_of(text: str) -> Counter[str]:
    """What a text is to networks, and how often: of each word its n-grams, with marks at its
    borders, and the word as a whole; and each two words that follow one another.

    N-grams bring unseen spellings near seen ones (Bojanowski et al. 2017, arXiv:1607.04606); pairs
    of words tell a red disc on green from a green disc on red.
    """
    words, found = words_of(text), Counter[str]()
    for word in words:
        marked = f"<{word}>"
        for size in SIZES:
            found.update(marked[at : at + size] for at in range(len(marked) - size + 1))
        if len(marked) > max(SIZES):
            found[marked] += 1
    found.update(f"{one} {other}" for one, other in pairwise(words))
    return found


@lru_cache(maxsize=50_000)
def _hashed(text: str, buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """Buckets ``int64 [P]`` of a text's pieces and their shares ``float32 [P]``, of unit length
    as a vector. CRC-32 gives the same buckets everywhere and always."""
    import numpy as np

    counts = Counter[int]()
    for piece, count in pieces_of(text).items():
        counts[zlib.crc32(piece.encode()) % buckets] += count
    places = np.array(list(counts), dtype=np.int64)
    shares = np.array(list(counts.values()), dtype=np.float32)
    return places, shares / max(1e-6, float(np.sqrt(np.square(shares).sum())))


@dataclass(frozen=True)
class Text(Placeless):
    """A caption: ``uint8 [length]`` of UTF-8, filled up with noughts; of ``several`` captions
    ``uint8 [several, length]``, of which the empty ones are none.

    To networks its pieces (:func:`pieces_of`), hashed into ``buckets`` numbers of unit length in
    all: a linear layer on them is a bag of n-gram embeddings. Of several captions one is drawn,
    by torch's global generator.
    """

    length: int = 256
    buckets: int = 2048
    several: int = 1
    kind: ClassVar[str] = "text"
    enters: ClassVar[Enters] = "vector"

    @property
    def entering(self) -> int:
        return self.buckets

    @property
    def single(self) -> Text:
        """The field of one caption alone, as rows of datasets have it."""
        return replace(self, several=1)

    def stored(self) -> Stored:
        return "uint8", (self.length,) if self.several == 1 else (self.several, self.length)

    def fits(self, text: str) -> bool:
        """Whether a text is stored whole."""
        return len(text.encode()) <= self.length

    def read(self, value: Any) -> np.ndarray:
        """From a text; of several captions from a text or a list of texts. What is longer than
        ``length`` bytes is cut after its last whole letter."""
        import numpy as np

        if self.several > 1:
            texts = [value] if isinstance(value, str) else value
            if not isinstance(texts, Sequence) or not 0 < len(texts) <= self.several:
                raise ValueError(f"{value!r:.40} are no captions, at most {self.several}")
            rows = np.zeros((self.several, self.length), dtype=np.uint8)
            rows[: len(texts)] = [self.single.read(text) for text in texts]
            return rows
        if not isinstance(value, str):
            raise ValueError(f"{value!r:.40} is no text")
        encoded = value.encode()[: self.length].decode(errors="ignore").encode()
        row = np.zeros(self.length, dtype=np.uint8)
        row[: len(encoded)] = np.frombuffer(encoded, dtype=np.uint8)
        return row

    def text(self, row: np.ndarray) -> str:
        """The text of one stored caption."""
        return bytes(row).rstrip(b"\0").decode(errors="replace")

    def tensor(self, rows: Tensor) -> Tensor:
        """``uint8 [N, length]``, or ``[N, several, length]``, to ``float32 [N, buckets]``."""
        import numpy as np
        import torch

        if rows.ndim == 3:
            known = rows.any(dim=2).sum(dim=1).clamp(min=1)
            drawn = (torch.rand(len(rows), device=rows.device) * known).long()
            rows = rows[torch.arange(len(rows), device=rows.device), drawn]
        found = np.zeros((len(rows), self.buckets), dtype=np.float32)
        for number, row in enumerate(rows.cpu().numpy()):
            places, shares = _hashed(self.text(row), self.buckets)
            found[number, places] = shares
        return torch.from_numpy(found).to(rows.device)

    def rows(self, made: Tensor) -> tuple[Tensor, Tensor]:
        raise SynthgenError("text cannot be made, only given: no algorithm here writes any")

    def to_json(self) -> dict[str, Any]:
        record = {"length": self.length, "buckets": self.buckets}
        return record if self.several == 1 else {**record, "several": self.several}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Text:
        several = whole(record.get("several", 1), 1, 256)
        return cls(whole(record["length"], 1, 65_536), whole(record["buckets"], 1, 65_536), several)
