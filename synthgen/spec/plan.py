"""The plan of a dataset: which shards there are and how many images of each class each one holds.

The records live here because three rooms read them: sampling makes shards from the plan, the
dataset room writes and verifies against it, the stages hold it together.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from synthgen.spec.errors import SynthgenError

SPLIT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}")


@dataclass(frozen=True)
class ShardPlan:
    """One shard. ``index`` is unique in the whole run and enters every latent of the shard.

    ``quotas[i]`` is the exact number of images of class ``Plan.classes[i]``.
    """

    index: int
    split: str
    ordinal: int
    quotas: tuple[int, ...]

    @property
    def rows(self) -> int:
        return sum(self.quotas)

    @property
    def name(self) -> str:
        """File name inside ``data/``. No total in it, so that a dataset can grow by appending."""
        return f"{self.split}-{self.ordinal:05d}.parquet"


@dataclass(frozen=True)
class Plan:
    """All shards of a run, fixed before the first image. ``classes`` is the label order."""

    classes: tuple[str, ...]
    seed: int
    shards: tuple[ShardPlan, ...]

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)

    @property
    def splits(self) -> dict[str, int]:
        """Rows per split, in the order in which the splits first appear."""
        totals: dict[str, int] = {}
        for shard in self.shards:
            totals[shard.split] = totals.get(shard.split, 0) + shard.rows
        return totals

    @property
    def per_class(self) -> dict[str, int]:
        sums = [sum(shard.quotas[i] for shard in self.shards) for i in range(len(self.classes))]
        return dict(zip(self.classes, sums, strict=True))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(record: Any) -> Plan:
        """The plan of a record, which anybody may have written: names in it become file names.

        Raises:
            SynthgenError: it is none.
        """
        try:
            shards = tuple(
                ShardPlan(s["index"], s["split"], s["ordinal"], tuple(s["quotas"]))
                for s in record["shards"]
            )
            plan = Plan(tuple(record["classes"]), record["seed"], shards)
            plan._check()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = " ".join(str(error).split())[:120]
            raise SynthgenError(f"the plan is damaged ({reason}); make the dataset again") from None
        return plan

    def _check(self) -> None:
        numbers = [self.seed]
        for shard in self.shards:
            numbers += [shard.index, shard.ordinal, *shard.quotas]
            if not SPLIT_NAME.fullmatch(shard.split):
                raise ValueError(f"{shard.split!r:.50} is no name of a split")
            if len(shard.quotas) != len(self.classes):
                raise ValueError("a shard has other classes than the plan")
        if not all(type(number) is int and 0 <= number < 2**63 for number in numbers):
            raise ValueError("a number is none, or out of range")
        if not all(isinstance(name, str) for name in self.classes):
            raise ValueError("a class has no name")
        if len({shard.name for shard in self.shards}) < len(self.shards):
            raise ValueError("two shards of one name")

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the plan's canonical JSON; every receipt carries it."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
