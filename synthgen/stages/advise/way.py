"""A row of the table of ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from synthgen.spec.advice import Brings, Evidence
from synthgen.stages.advise.facts import Facts


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
