"""What a way of making data says of itself to somebody who asks which one can help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Brings = Literal[
    "unlabelled images", "other data", "an intervention", "the right to share", "better answers",
    "no GAN", "nothing new",
]  # fmt: skip
"""What a learner does not get from the images alone."""

Case = Literal["background", "attributes", "pairs", "masks", "joints", "captions"]
"""What was found in the data that a use can be of help with: a background that tells the class,
attributes that go together with it, partners of images, masks, joints, captions."""

PAGE = "docs/utility.md"


@dataclass(frozen=True)
class Evidence:
    """A figure, and where it is from."""

    figure: str
    source: str
    kind: Literal["measured here", "paper"]


@dataclass(frozen=True)
class Help:
    """How a use can help a learner."""

    does: str
    """What is made, and what for."""
    brings: Brings
    when: Case
    evidence: tuple[Evidence, ...] = ()
    first: str = ""
    """What to try before, which needs no GAN."""
    commands: tuple[str, ...] = ()
    """With ``{data}`` and other names in braces that ``stages/advise/advice.py`` fills in."""


def measured(figure: str, page: str = PAGE) -> Evidence:
    """A figure that was measured here, and the page that it stands on."""
    return Evidence(figure, page, "measured here")


def paper(figure: str, source: str) -> Evidence:
    """A published figure."""
    return Evidence(figure, source, "paper")
