"""What is on record of latents that were refined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

REFINED = "refined"
"""The key of the record in a dataset's settings."""


@dataclass(frozen=True)
class Refinement:
    """Latents were moved towards what real images look like to random networks."""

    steps: int
    group: int
    """Candidates that were moved together."""
    networks: int
    real_images: int
    real_fingerprint: str
    targets_sha256: str
    """SHA-256 (hex) of the statistics that were matched."""

    def told(self) -> str:
        """What was done, for a card."""
        return (
            f"latents were refined in {self.steps} steps, {self.group} of a class together, towards"
            f" the features of {self.real_images:,} real images in {self.networks} random networks"
        )

    def record(self) -> dict[str, Any]:
        """What a dataset's settings have on record: :meth:`of` reads it."""
        return {REFINED: asdict(self)}

    @staticmethod
    def of(settings: Mapping[str, Any]) -> Refinement | None:
        """The refinement that settings have on record; ``None`` if there was none.

        Raises:
            ValueError: the record is damaged.
        """
        record = settings.get(REFINED)
        if record is None:
            return None
        try:
            found = Refinement(**record)
        except TypeError:
            raise ValueError("what it says of refined latents is damaged") from None
        numbers = (found.steps, found.group, found.networks, found.real_images)
        texts = (found.real_fingerprint, found.targets_sha256)
        if not all(type(number) is int for number in numbers):
            raise ValueError("what it says of refined latents is damaged")
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("what it says of refined latents is damaged")
        return found
