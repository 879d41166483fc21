"""The page as a whole: one HTML text without scripts, links or anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.report import figures, pictures
from synthgen.evaluation.report.content import Content
from synthgen.evaluation.report.markup import Html, element, join
from synthgen.evaluation.text import MARKS, shown

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Nothing is fetched and nothing runs, even if something that should not be there got in."""

MARK_WORDS = {"bad": "bad: ", "care": "mind: ", "good": "good: "}


def page(content: Content) -> str:
    """The whole report."""
    sections = list(_sections(content))
    links = [element("a", title, href=f"#{anchor}") for anchor, title, _ in sections]
    head = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{content.name}: report"),
        element("style", Html(files(__package__).joinpath("style.css").read_text("utf-8"))),
    ]
    top = element(
        "header",
        element("p", "Synthetic dataset report", class_="eyebrow"),
        element("h1", content.name),
        element("p", content.summary, class_="lead"),
        element("nav", links),
    )
    body = [
        _verdict(content),
        _tiles(content),
        *(element("section", element("h2", title), inner, id=anchor)
          for anchor, title, inner in sections),
    ]  # fmt: skip
    foot = element(
        "footer",
        "Made by synthgen report. The figures are those of report/metrics.json; this page needs no "
        "network and runs no script. "
        + (
            "Pairs show real images: mind that before passing it on."
            if content.real_images
            else "It was made without pictures of real images."
        ),
    )
    whole = element(
        "html", element("head", head), element("body", top, element("main", body), foot), lang="en"
    )
    return f"<!doctype html>\n{whole}\n"


def _verdict(content: Content) -> Html:
    found = content.evaluation
    if found is None:
        why = [
            element("p", "Not compared with real images yet. Run ",
                    element("code", f"synthgen evaluate {content.name} --real DATA"),
                    " and make this page again: it will say how real, varied and well labelled the "
                    "images are, and whether any are copies.")
        ]  # fmt: skip
        if content.stale:
            why.append(element("p", f"{' and '.join(content.stale)} are of other images than the "
                               "dataset has now, and are left out.", class_="note"))  # fmt: skip
        return element("section", element("h2", "How good it is, is not known"), why,
                       class_="verdict none")  # fmt: skip
    lines = [
        element("li", element("span", finding.text), class_=finding.level,
                title=MARK_WORDS[finding.level] + MARKS[finding.level])
        for finding in found.findings
    ]  # fmt: skip
    return element("section", element("h2", found.verdict), element("ul", lines),
                   class_=f"verdict {found.level}", id="verdict")  # fmt: skip


def _tiles(content: Content) -> Html:
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
    return element("div", [element("div", element("span", name), element("b", value),
                                   element("span", beside), class_="tile")
                           for name, value, beside in tiles], class_="tiles")  # fmt: skip


def _shares(found: Evaluation) -> Iterator[tuple[str, str, str]]:
    known = [c for c in found.classes if c.agreement is not None and c.real_agreement is not None]
    if known:
        own = sum((c.agreement or 0) * c.images for c in known) / sum(c.images for c in known)
        real = sum((c.real_agreement or 0) * c.images for c in known) / sum(c.images for c in known)
        yield "label agreement", f"{own:.0%}", f"real {real:.0%}"
    memory = found.memorisation
    yield "exact copies", f"{memory.copies:,}", f"of {memory.rows:,} looked at"
    if memory.near:
        yield (
            "close to a training image", f"{memory.near.share:.1%}",
            f"unseen real {memory.near.real_share:.1%}",
        )  # fmt: skip


def _sections(content: Content) -> Iterator[tuple[str, str, Html]]:
    yield "samples", "Samples", pictures.samples(content)
    found, evidence = content.evaluation, content.evidence
    if found is not None:
        yield "real", "Beside real images", join(figures.beside_real(found))
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
