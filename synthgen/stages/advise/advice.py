"""The table's rows that fit what was found, with their commands: frozen records, text and JSON."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from synthgen.data.attributes import FIELD as ATTRIBUTES
from synthgen.spec.advice import Evidence
from synthgen.spec.errors import on_one_line
from synthgen.stages.advise.conditions import another_look, more_alike, shortcut
from synthgen.stages.advise.facts import Facts
from synthgen.stages.advise.way import Way
from synthgen.stages.advise.ways import USELESS, ways

MANY = (1_000, 10_000)
"""Fewest and most samples that a command asks for; ten times the images in between."""

HELD = " --test HELD"
"""What ``utility`` is told where the data have no test split."""

NOTE = (
    "HELD: labelled images that you keep aside, in none of these commands; or have synthgen "
    "inspect DATA --out seen --set-aside 0.2 make a test split, and take seen for DATA, without "
    "--test"
)

CLASSES_SHOWN = 12
"""Weights that a line shows."""


@dataclass(frozen=True)
class Suggestion:
    """A row of the table that fits, in words about these images."""

    way: str
    does: str
    evidence: tuple[Evidence, ...]
    brings: str
    """What a learner does not get otherwise."""
    why: str
    commands: tuple[str, ...]
    first: str
    """What to try before, without a GAN."""

    def lines(self, number: int) -> list[str]:
        """Text for a terminal."""
        made = [f"{number}. {self.way}: {self.does}", f"   why: {self.why}"]
        if self.brings == "no GAN":
            made[0] += " (no GAN)"
        if self.first:
            made.append(f"   first, without a GAN: {self.first}")
        made += _told(self.evidence) + [f"   $ {line}" for line in self.commands]
        return made + [f"   {NOTE}"] * any(HELD in line for line in self.commands)


@dataclass(frozen=True)
class Advice:
    """What was found, what can help, the most helpful first, and what does not."""

    facts: Facts
    ways: tuple[Suggestion, ...]
    useless: tuple[Suggestion, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The ways that can help, the most helpful first."""
        return tuple(each.way for each in self.ways)

    def to_json(self) -> dict[str, Any]:
        """Plain values under names that stay."""
        return {"format": "synthgen-advice", "version": 1, **asdict(self)}

    def lines(self) -> list[str]:
        """Text for a terminal."""
        made = [*self.facts.lines(), "", "What can help, the most helpful first:"]
        for number, each in enumerate(self.ways, 1):
            made += each.lines(number)
        if not self.ways:
            made.append("   nothing that is known here: name a --target or --unlabelled images")
        made += ["", "What does not:"] if self.useless else []
        for each in self.useless:
            made += [f"-  {each.way}: {each.does}", f"   why: {each.why}", *_told(each.evidence)]
        return [on_one_line(line) for line in made]


def _told(evidence: tuple[Evidence, ...]) -> list[str]:
    return [f"   {each.kind}: {each.figure} ({each.source})" for each in evidence]


def advice_on(facts: Facts, reading: str = "", labelled: str = "") -> Advice:
    """The rows that fit; ``reading`` are the options by which ``train`` reads the data, as typed,
    ``labelled`` those by which ``grow`` does."""
    words = {**_words(facts, reading), "labelled": f" {labelled}" if labelled else ""}
    return Advice(facts, _fitting(ways(), facts, words), _fitting(USELESS, facts, words))


def _fitting(
    rows: Sequence[Way], facts: Facts, words: Mapping[str, object]
) -> tuple[Suggestion, ...]:
    found = []
    for way in rows:
        why = way.fits(facts)
        if why is not None:
            does, lines = way.does.format_map(words), (w.format_map(words) for w in way.commands)
            found.append(Suggestion(way.name, does, way.evidence, way.brings, why, tuple(lines),
                                    way.first))  # fmt: skip
    return tuple(found)


def _words(facts: Facts, reading: str) -> Mapping[str, object]:
    """What stands in the place of each name in braces, quoted for a shell."""
    other, pool, pair = another_look(facts), more_alike(facts), shortcut(facts)
    attribute = "" if pair is None else pair.second
    return {
        "data": shlex.quote(facts.data),
        "reading": f" {reading}" if reading else "",
        "target": shlex.quote(other.path) if other is not None else "",
        "pool": shlex.quote(pool.path) if pool is not None else "",
        "held": "" if facts.test_split else HELD,
        "runs": f"runs/{_plain(facts.name)}",
        "out": f"out/{_plain(facts.name)}",
        "images": facts.images,
        "many": min(max(MANY[0], 10 * facts.images), MANY[1]),
        "most": max(facts.counts),
        "attribute": shlex.quote(attribute),
        "attributes": shlex.quote(f"{ATTRIBUTES}={attribute}"),
        "generator": facts.shared or "",
        "classes": shlex.quote(",".join(_typed(name) for name, _ in facts.classes)),
        "weights": _weights(facts),
    }


def _plain(name: str) -> str:
    """A name for a folder that needs no quotes."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "images"


def _typed(name: str) -> str:
    """A class name as ``--classes`` takes it."""
    quoted = name.replace('"', '""')
    return f'"{quoted}"' if {",", '"'} & set(name) else name


def _weights(facts: Facts) -> str:
    """The weight of each class, one in the mean over the images."""
    mean = facts.images / len(facts.classes)
    told = [f"{name} {mean / count:.2g}" for name, count in facts.classes[:CLASSES_SHOWN]]
    return ", ".join(told) + (", …" if len(facts.classes) > CLASSES_SHOWN else "")
