"""Attributes: named values that enter networks as one vector; see ``spec/fields.py``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from synthgen.spec.errors import did_you_mean, name_list
from synthgen.spec.fields import Enters, Named, Placeless, Stored, names_of

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


NO_YES = ("no", "yes")
"""What the values of an attribute are called that has neither choices nor a range."""


@dataclass(frozen=True)
class Attributes(Named, Placeless):
    """A named vector: ``float32 [K]``, ``nan`` where a value is not known.

    Without a range in ``ranges`` a name is a yes (1) or a no (0); with one it is a number, and
    with ``choices`` the index of one of them. To networks all are in [-1, 1] (of choices a number
    each: 1 for the one that holds, else -1), and what is not known is 0, which is neither.
    """

    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aside: bool = False
    """Whether they are said of a row and enter no network."""
    independent: bool = False
    """Whether sampling draws them independently of the class, however they go together in the
    data. All of them have choices then."""
    kind: ClassVar[str] = "attributes"

    @property
    def enters(self) -> Enters:
        return "none" if self.aside else "vector"

    @property
    def entering(self) -> int:
        return sum(self.widths)

    @property
    def widths(self) -> tuple[int, ...]:
        """How many numbers each name is to networks."""
        return tuple(len(self.choices[name]) if name in self.choices else 1 for name in self.names)

    def words(self, name: str) -> tuple[str, ...]:
        """What a value of a name is called: of its choices, or of a no and a yes; nothing of a
        number."""
        return () if name in self.ranges else self.choices.get(name, NO_YES)

    def stored(self) -> Stored:
        return "float32", (len(self.names),)

    def read(self, value: Any) -> np.ndarray:
        """From a mapping of names to values (missing, ``None`` and -1 of a yes/no: not known; of
        choices a name or an index), a list of the names that hold, or a vector in the order of
        the names."""
        import numpy as np

        if isinstance(value, Mapping):
            for name in value:
                if name not in self.names:
                    hint = did_you_mean(str(name), self.names)
                    raise ValueError(
                        f"no attribute '{name}' (there are {name_list(self.names)}){hint}"
                    )
            given = [value.get(name) for name in self.names]
        elif isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            given = [float(name in value) for name in self.names]
        else:
            given = list(np.asarray(value, dtype=np.float64).reshape(-1))
            if len(given) != len(self.names):
                raise ValueError(f"{len(given)} values for {len(self.names)} attributes")
        return np.array(
            [self._one(n, v) for n, v in zip(self.names, given, strict=True)], dtype=np.float32
        )

    def _one(self, name: str, value: Any) -> float:
        if value is None or value == "":
            return math.nan
        if name in self.ranges:
            return float(value)
        if name in self.choices:
            return self._choice(name, value)
        words = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
        number = words.get(str(value).lower())
        number = float(value) if number is None else number
        if math.isnan(number) or number == -1:
            return math.nan
        if number not in (0.0, 1.0):
            raise ValueError(f"attribute '{name}' is yes or no, not {value!r:.40}")
        return number

    def _choice(self, name: str, value: Any) -> float:
        known = self.choices[name]
        if str(value) in known:
            return float(known.index(str(value)))
        try:
            index = float(value)
        except (TypeError, ValueError):
            index = -1.0
        if math.isnan(index):
            return math.nan
        if index not in range(len(known)):
            hint = did_you_mean(str(value), known)
            raise ValueError(
                f"attribute '{name}' is one of {name_list(known)}, not {value!r:.40}{hint}"
            )
        return index

    def _scales(self, like: Tensor) -> tuple[Tensor, Tensor]:
        import torch

        low = [self.ranges.get(name, (0.0, 1.0))[0] for name in self.names]
        high = [self.ranges.get(name, (0.0, 1.0))[1] for name in self.names]
        bounds = torch.tensor([low, high], device=like.device, dtype=torch.float32)
        return bounds[0], (bounds[1] - bounds[0]).clamp(min=1e-12)

    def tensor(self, rows: Tensor) -> Tensor:
        import torch

        low, span = self._scales(rows)
        plain = ((rows - low) / span * 2 - 1).nan_to_num(0.0).clamp(-1.0, 1.0)
        if not self.choices:
            return plain
        parts = []
        for place, (name, width) in enumerate(zip(self.names, self.widths, strict=True)):
            value = rows[:, place : place + 1]
            if name not in self.choices:
                parts.append(plain[:, place : place + 1])
                continue
            holds = value == torch.arange(width, device=rows.device)
            parts.append((holds.float() * 2 - 1) * ~value.isnan())
        return torch.cat(parts, dim=1)

    def rows(self, made: Tensor) -> tuple[Tensor, Tensor]:
        import torch

        finite = made.isfinite().all(dim=1)
        parts, at = [], 0
        for name, width in zip(self.names, self.widths, strict=True):
            part = made[:, at : at + width]
            parts.append(part.argmax(dim=1, keepdim=True) if name in self.choices else part)
            at += width
        plain = torch.cat(parts, dim=1)
        low, span = self._scales(plain)
        scaled = (plain.float() + 1) / 2 * span + low
        chosen = [name in self.choices for name in self.names]
        return torch.where(torch.tensor(chosen, device=made.device), plain, scaled), finite

    def to_json(self) -> dict[str, Any]:
        ranges = {name: list(bounds) for name, bounds in self.ranges.items()}
        record: dict[str, Any] = {"names": list(self.names), "ranges": ranges}
        choices = {name: list(known) for name, known in self.choices.items()}
        record |= {"choices": choices} if choices else {}
        record |= {"independent": True} if self.independent else {}
        return {**record, "aside": True} if self.aside else record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Attributes:
        names = names_of(record["names"])
        ranges = {str(k): (float(a), float(b)) for k, (a, b) in record.get("ranges", {}).items()}
        if not set(ranges) <= set(names) or not all(a < b for a, b in ranges.values()):
            raise ValueError("a range of no attribute, or the wrong way round")
        choices = {str(k): names_of(v) for k, v in record.get("choices", {}).items()}
        if not set(choices) <= set(names) - set(ranges):
            raise ValueError("choices of no attribute, or of a number")
        aside, independent = record.get("aside", False), record.get("independent", False)
        if not isinstance(aside, bool) or not isinstance(independent, bool):
            raise ValueError("aside and independent are true or false")
        if independent and set(choices) != set(names):
            raise ValueError("what is drawn independently has choices")
        return cls(names, ranges, choices, aside, independent)
