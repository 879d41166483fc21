"""The page as a whole: one HTML text without scripts, links or anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.report import figures, pictures
from synthgen.evaluation.report.content import Content
from synthgen.evaluation.report.markup import Html, join
from synthgen.evaluation.text import MARKS, shown

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Nothing is fetched and nothing runs, even if something that should not be there got in."""

MARK_WORDS = {"bad": "bad: ", "care": "mind: ", "good": "good: "}


def page(content: Content) -> str:
    """The whole report, out of ``page.html``."""
    folder = files(__package__)
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(folder.joinpath("page.html").read_text("utf-8"))
    return (
        template.render(
            content=content,
            sections=list(_sections(content)),
            tiles=_tiles(content),
            marks={level: MARK_WORDS[level] + mark for level, mark in MARKS.items()},
            policy=POLICY,
            style=Markup(folder.joinpath("style.css").read_text("utf-8")),  # our own
        )
        + "\n"
    )


def _tiles(content: Content) -> list[tuple[str, str, str]]:
    """Name, figure and what stands beside it."""
    candidates = sum(entry.candidates for entry in content.acceptance)
    tiles = [
        ("images", f"{content.rows:,}", f"{len(content.classes)} classes"),
        ("kept", f"{content.rows / candidates:.0%}" if candidates else "–",
         f"of {candidates:,} candidates"),
    ]  # fmt: skip
    found = content.evaluation
    if found is not None:
        if found.overall:
            made, real = found.overall.made, found.overall.real
            tiles += [
                ("FID" if found.fid else "Fréchet distance", shown(made.frechet_distance),
                 f"real {shown(real.frechet_distance)}"),
                ("precision", f"{made.precision:.0%}", f"real {real.precision:.0%}"),
                ("recall", f"{made.recall:.0%}", f"real {real.recall:.0%}"),
                ("coverage", f"{made.coverage:.0%}", f"real {real.coverage:.0%}"),
            ]  # fmt: skip
        tiles += list(_shares(found))
    return tiles


def _shares(found: Evaluation) -> Iterator[tuple[str, str, str]]:
    for name, made, true in (
        ("label agreement", "agreement", "real_agreement"),
        ("linear probe", "probe_agreement", "real_probe_agreement"),
    ):
        known = [
            (getattr(c, made), getattr(c, true), c.images)
            for c in found.classes
            if getattr(c, made) is not None and getattr(c, true) is not None
        ]
        whole = sum(images for _, _, images in known)
        if whole:
            own = sum(share * images for share, _, images in known) / whole
            real = sum(share * images for _, share, images in known) / whole
            yield name, f"{own:.0%}", f"real {real:.0%}"
    memory = found.memorisation
    yield "exact copies", f"{memory.copies:,}", f"of {memory.rows:,} looked at"
    if memory.near:
        yield (
            "close to a training image",
            f"{memory.near.share:.1%}",
            f"unseen real {memory.near.real_share:.1%}",
        )


def _sections(content: Content) -> Iterator[tuple[str, str, Html]]:
    yield "samples", "Samples", pictures.samples(content)
    if content.given:
        rows = [pictures.gallery(one, content.side) for one in content.given]
        yield "given", "What was given, and what was made", join(rows)
    found, evidence = content.evaluation, content.evidence
    if found is not None:
        yield "real", "Beside real images", join(figures.beside_real(found))
        if found.restorations or found.reconstruction:
            yield "originals", "Beside the originals", figures.originals(found)
        if evidence is not None and evidence.points:
            yield "map", "A map of real and synthetic", figures.mapped(content, evidence)
        yield "copies", "Copies of training images", pictures.copies(content, found)
        yield "repeats", "Repeats", pictures.repeats(content, found)
    yield "kept", "What was kept", join(
        [figures.acceptance(content), *(pictures.gallery(one, content.side)
                                        for one in content.judged)]
    )  # fmt: skip
    if content.utility is not None:
        yield "utility", "Does a model get better?", figures.utility(content.utility)
    yield "provenance", "Where it comes from", figures.provenance(content)
