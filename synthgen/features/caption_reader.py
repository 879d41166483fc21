"""A network that says whether an image shows what a caption says: trained on real rows.

An encoder of images, built like the label classifier, and one of captions (a table of n-gram
embeddings) learn to find each other's partner in a batch. How near a pair must lie is measured on
held-out real rows and on the same rows with each other's captions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, normalize

from synthgen.features.classifier import LabelClassifier
from synthgen.features.field_reader import FieldReader
from synthgen.features.matching import finds_its_own, matching_loss, mismatched_rows, numbered
from synthgen.spec.image import ImageSpec
from synthgen.spec.texts import Text

SIZE = 64
"""Numbers of the space in which images and captions lie."""
AMONG = 20
"""Captions among which an image is to find its own."""
BANK = 256
"""Different captions of held-out rows that are kept: the others among them."""
LOUDER = 16.0
"""What a caption's bag of unit length is multiplied by: its table learns that much faster."""
FOUND, TOLD_APART = "r_precision", "told_apart"


class CaptionReader(FieldReader):
    """Images to vectors that lie near those of their captions."""

    field: Text
    slope: Tensor
    border: Tensor
    bank: Tensor

    def __init__(self, image: ImageSpec, field: Text, width: int = 40) -> None:
        super().__init__()
        self.field = field
        self.network = LabelClassifier(image, SIZE, width)
        self.table = nn.Linear(field.entering, SIZE)
        self.register_buffer("slope", torch.tensor(10.0))
        self.register_buffer("border", torch.tensor(0.5))
        """The cosine from which a pair rather belongs together than not."""
        self.register_buffer("bank", torch.zeros(BANK, field.length, dtype=torch.uint8))
        """Stored captions, filled up with empty ones."""

    @classmethod
    def fresh(cls, image: ImageSpec, field: Text) -> CaptionReader:
        return cls(image, field)

    def forward(self, images: Tensor) -> Tensor:
        """``float [N, C, H, W]`` in [-1, 1] to vectors of unit length ``float32 [N, 64]``."""
        return normalize(self.network(images).float(), dim=1)

    def texts(self, rows: Tensor) -> Tensor:
        """Stored captions to vectors of unit length ``float32 [N, 64]``."""
        bags = self.field.tensor(rows).to(self.border.device)
        with torch.autocast(bags.device.type, enabled=False):
            return normalize(self.table(bags * LOUDER).float(), dim=1)

    def loss(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """How badly images and captions of a batch find each other, a scalar; of a row's several
        captions one is drawn."""
        return matching_loss(outputs, self.texts(rows), numbered(rows.flatten(1)))

    @torch.inference_mode()
    def calibrate(self, outputs: Tensor, rows: Tensor) -> None:
        """Set the bank, and slope and border of least cross-entropy in telling pairs of held-out
        rows from the same rows with each other's captions."""
        rows = _first(rows)
        known = torch.unique(rows, dim=0)
        order = torch.randperm(len(known), generator=torch.Generator().manual_seed(0))
        kept = known[order.to(known.device)][:BANK]
        self.bank.zero_()[: len(kept)] = kept
        right, wrong = self._pairs(outputs, rows)
        if not len(wrong):
            return
        cosines = torch.cat([right, wrong])
        truth = torch.cat([torch.ones_like(right), torch.zeros_like(wrong)])
        weight = torch.where(truth > 0, 1 / len(right), 1 / len(wrong))
        best = torch.inf
        for border in torch.linspace(-0.5, 1, 61).tolist():
            for slope in torch.logspace(0, 2, 21).tolist():
                loss = float(
                    binary_cross_entropy_with_logits(
                        slope * (cosines - border), truth, weight, reduction="sum"
                    )
                )
                if loss < best:
                    best = loss
                    self.slope.fill_(slope)
                    self.border.fill_(border)

    def _pairs(self, outputs: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines of images with their captions, and with other rows' where there are others."""
        texts = self.texts(rows)
        others = mismatched_rows(numbered(rows).cpu(), torch.Generator().manual_seed(0))
        others = others.to(outputs.device)
        wrong = (outputs * texts[others.clamp(min=0)]).sum(dim=1)
        return (outputs * texts).sum(dim=1), wrong[others >= 0]

    @torch.inference_mode()
    def agreements(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """The probability that image and caption belong together, ``float32 [N, 1]``, where half of
        all pairs do; of several captions the first's."""
        cosines = (outputs * self.texts(_first(rows))).sum(dim=1)
        return torch.sigmoid(self.slope * (cosines - self.border))[:, None].float()

    @torch.inference_mode()
    def read(self, outputs: Tensor) -> Tensor:
        """The nearest caption of the bank, as stored rows ``uint8 [N, length]``."""
        known = self.kept
        nearest: Tensor = known[(outputs @ self.texts(known).t()).argmax(dim=1)]
        return nearest

    @property
    def kept(self) -> Tensor:
        """The captions of the bank, ``uint8 [B, length]``."""
        return self.bank[(self.bank > 0).any(dim=1)]

    @property
    def among(self) -> int:
        """Captions among which an image is to find its own: 20, or as many as the bank has."""
        return min(AMONG, len(self.kept))

    @torch.inference_mode()
    def finds(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """Whether each image is nearer to its own caption than to 19 others of the bank: ``bool
        [N]``, for stored rows ``[N, length]``."""
        known = self.kept
        numbers = numbered(torch.cat([_first(rows).to(known.device), known]))
        usable = numbers[: len(rows), None] != numbers[None, len(rows) :]
        own = (outputs * self.texts(_first(rows))).sum(dim=1)
        return finds_its_own(own, outputs @ self.texts(known).t(), usable, AMONG)

    @torch.inference_mode()
    def right(self, outputs: Tensor, rows: Tensor) -> dict[str, float]:
        """The share of held-out images that find their caption among 20, and of pairs that are
        rightly told from mismatched ones."""
        right, wrong = self._pairs(outputs, _first(rows))
        apart = ((right > self.border).float().mean() + (wrong <= self.border).float().mean()) / 2
        found = {FOUND: round(float(self.finds(outputs, rows).float().mean()), 4)}
        return {**found, TOLD_APART: round(float(apart), 4)} if len(wrong) else found

    def told(self, right: Mapping[str, float]) -> str:
        text = (
            f"reader of captions: {right[FOUND]:.0%} of held-out real images find their own among "
            f"{self.among}"
        )
        if TOLD_APART in right:
            text += f", {right[TOLD_APART]:.0%} of pairs are told from mismatched ones"
        return text

    @property
    def seer(self) -> tuple[LabelClassifier, frozenset[str]]:
        return self.network, frozenset({FOUND})

    def config(self) -> dict[str, Any]:
        """JSON from which :meth:`from_config` builds the same network, weights apart."""
        return {"network": self.network.config()}

    @classmethod
    def from_config(cls, config: dict[str, Any], field: Text) -> CaptionReader:
        """The network of a :meth:`config` for a field, freshly initialised."""
        own = config["network"]
        if own["classes"] != SIZE:
            raise ValueError("is of another size")
        return cls(ImageSpec(**own["image"]), field, own["width"])


def _first(rows: Tensor) -> Tensor:
    """Of each row's captions the first one."""
    return rows[:, 0] if rows.ndim == 3 else rows
