"""What a finished sampling run tells the user."""

from __future__ import annotations

from dataclasses import dataclass

from synthgen.dataset.acceptance import over_filtering
from synthgen.dataset.counts import rejected, seconds
from synthgen.dataset.layout import load_line
from synthgen.dataset.receipts import Receipt
from synthgen.spec.plan import Plan
from synthgen.storage.place import Place


@dataclass(frozen=True)
class SampleReport:
    """What a finished run tells the user."""

    root: Place
    plan: Plan
    receipts: tuple[Receipt, ...]
    made: int
    """Shards made in this run; the others were there already."""
    made_rows: int
    """Their images; of shards that were made again, again."""
    seconds: float

    def text(self) -> str:
        """Path, counts, rejects by reason, rates by stage and the line that loads the dataset."""
        splits = ", ".join(f"{name} {rows:,}" for name, rows in self.plan.splits.items())
        lines = [f"dataset: {self.root}", f"images:  {self.plan.rows:,} ({splits})"]
        counts = ", ".join(f"{name} {rows:,}" for name, rows in self.plan.per_class.items())
        lines.append(f"classes: {counts}")
        lost = rejected(self.receipts).sum()
        thrown = int(lost.sum())
        share = thrown / max(1, thrown + self.plan.rows)
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in lost.items() if count)
        lines.append(
            f"rejects: {thrown:,} ({share:.1%} of all candidates){': ' if reasons else ''}{reasons}"
        )
        lines.extend(f"note:    {text}" for text in over_filtering(self.receipts))
        lines.extend(self._rates())
        lines.append(load_line(self.root, self.plan.splits))
        return "\n".join(lines)

    def _rates(self) -> list[str]:
        if not self.made:
            return ["speed:   nothing was left to make"]
        per_stage = ", ".join(
            f"{stage} {self.plan.rows / value:,.0f}/s"
            for stage, value in seconds(self.receipts).items()
            if value > 0
        )
        return [f"speed:   {self.made_rows / self.seconds:,.0f} images/s; by stage: {per_stage}"]
