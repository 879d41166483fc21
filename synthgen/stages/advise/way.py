"""A row of the table of ways, and the evidence that it rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from synthgen.stages.advise.facts import Facts

Brings = Literal[
    "unlabelled images", "other data", "an intervention", "the right to share", "better answers",
    "no GAN", "nothing new",
]  # fmt: skip
"""What a learner does not get from the images alone."""


@dataclass(frozen=True)
class Evidence:
    """A figure, and where it is from."""

    figure: str
    source: str
    kind: Literal["measured here", "paper"]


@dataclass(frozen=True)
class Way:
    """A row of the table."""

    name: str
    does: str
    brings: Brings
    fits: Callable[[Facts], str | None]
    """Why it can help here; ``None`` where it cannot. Of what brings nothing new: why it does
    not."""
    evidence: tuple[Evidence, ...] = ()
    first: str = ""
    """What to try before, which needs no GAN."""
    commands: tuple[str, ...] = ()
    """With ``{data}`` and other names in braces that ``advice.py`` fills in."""


PAGE = "docs/utility.md"


def measured(figure: str, page: str = PAGE) -> Evidence:
    """A figure that was measured here, and the page that it stands on."""
    return Evidence(figure, page, "measured here")


def paper(figure: str, source: str) -> Evidence:
    """A published figure."""
    return Evidence(figure, source, "paper")
