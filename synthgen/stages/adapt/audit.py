"""Do translated images still show what their rows say? Two readers are asked that are no guards.

The auditor learnt the source's labels under strong augmentation; the target's reader is the
translator's label classifier, which learnt pseudo-labels of the target's own images. Either alone
errs on a look that it does not know. Where both name the same other class than the row, the label
is counted as flipped; where both deny it, whatever they name, the row is left out.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from synthgen.spec.errors import SynthgenError
from synthgen.spec.markdown import plain


@dataclass(frozen=True)
class Verdicts:
    """What two readers name for each row, ``int64 [N]`` each, beside the row's own label."""

    labels: np.ndarray
    auditor: np.ndarray
    target: np.ndarray

    @property
    def flipped(self) -> np.ndarray:
        """``bool [N]``: both name the same other class."""
        found: np.ndarray = (self.auditor == self.target) & (self.auditor != self.labels)
        return found

    @property
    def named_by(self) -> np.ndarray:
        """``int64 [N]``: how many of the two name the row's label, 0 to 2."""
        both = np.stack([self.auditor, self.target]) == self.labels
        found: np.ndarray = both.sum(axis=0)
        return found


@dataclass(frozen=True)
class Turned:
    """Rows of one class that show another."""

    own: str
    shown: str
    rows: int
    of: int
    """Rows of the class."""


@dataclass(frozen=True)
class Audit:
    """Shares of ``rows`` translated rows, in [0, 1]."""

    rows: int
    flipped: float
    denied_by_auditor: float
    denied_by_target: float
    denied_by_both: float
    auditor_right: float
    """On held-out images of the source, as they are."""
    worst: tuple[Turned, ...]
    """Classes that turn into others, the most rows first; six at most."""
    limit: float

    @property
    def alarm(self) -> bool:
        """Whether more labels flip than the limit allows."""
        return self.flipped > self.limit

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @staticmethod
    def from_json(record: dict[str, Any]) -> Audit:
        """The audit of a record that :meth:`to_json` made."""
        worst = tuple(Turned(**each) for each in record["worst"])
        return Audit(**{**record, "worst": worst})

    def text(self) -> str:
        """As Markdown: the shares, and which classes turn into which."""
        lines = [
            f"| of {self.rows:,} translated rows | share |",
            "|---|---|",
            f"| both readers name the same other class (flipped) | {self.flipped:.1%} |",
            f"| the auditor denies the label | {self.denied_by_auditor:.1%} |",
            f"| the target's reader denies the label | {self.denied_by_target:.1%} |",
            f"| both deny it (left out) | {self.denied_by_both:.1%} |",
            "",
            f"The auditor is right on {self.auditor_right:.1%} of held-out images of the source. "
            f"The limit of flipped labels is {self.limit:.0%}.",
            "",
        ]
        if self.worst:
            lines += ["| class | shows | rows |", "|---|---|---|"]
            lines += [
                f"| {plain(each.own)} | {plain(each.shown)} | {each.rows:,} of {each.of:,} |"
                for each in self.worst
            ]
        return "\n".join(lines).rstrip() + "\n"


def audit_of(
    verdicts: Verdicts, classes: tuple[str, ...], auditor_right: float, limit: float
) -> Audit:
    """The shares that these verdicts come to."""
    labels, count = verdicts.labels, max(1, len(verdicts.labels))
    flipped = verdicts.flipped
    table = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(table, (labels[flipped], verdicts.auditor[flipped]), 1)
    sizes = np.bincount(labels, minlength=len(classes))
    order = np.argsort(-table, axis=None, kind="stable")[:6]
    places = [divmod(int(place), len(classes)) for place in order]
    return Audit(
        rows=len(labels),
        flipped=int(flipped.sum()) / count,
        denied_by_auditor=int((verdicts.auditor != labels).sum()) / count,
        denied_by_target=int((verdicts.target != labels).sum()) / count,
        denied_by_both=int((verdicts.named_by == 0).sum()) / count,
        auditor_right=auditor_right,
        worst=tuple(
            Turned(classes[own], classes[shown], int(table[own, shown]), int(sizes[own]))
            for own, shown in places
            if table[own, shown]
        ),
        limit=limit,
    )


def refuse_flips(audit: Audit, report: str, *, guards: bool) -> None:
    """Nothing, unless more labels flip than the audit's limit allows.

    Raises:
        SynthgenError: they do; the line says what to do. ``report`` names where more is told.
    """
    if not audit.alarm:
        return
    worst = audit.worst[0]
    mend = (
        "give it more --images in a new --out folder"
        if guards
        else "leave out --no-guards in a new --out folder"
    )
    raise SynthgenError(
        f"labels flipped: {audit.flipped:.0%} of {audit.rows:,} translated rows show another class "
        f"than they say ({worst.rows:,} of {worst.of:,} of '{worst.own}' show '{worst.shown}'), "
        f"more than {audit.limit:.0%}; {mend}, or look at the examples in {report} and go on with "
        "a higher --flip-limit"
    )
