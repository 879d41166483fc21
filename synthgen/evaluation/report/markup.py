"""HTML out of elements: whatever is not an element is text, and is escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

Child = str | None | Iterable["Child"]

VOID = {"img", "meta", "br", "path", "line", "rect", "circle", "polyline"}

Html = Markup
"""Markup that is right as it is. Every other text is escaped before it becomes part of it."""


def element(tag: str, /, *children: Child, **attributes: str | float | bool | None) -> Html:
    """``element("p", "a < b", class_="note")``: ``<p class="note">a &lt; b</p>``.

    An underscore at the end of an attribute's name is dropped, others become hyphens; ``None`` and
    ``False`` leave the attribute away, ``True`` gives it without a value.
    """
    given = []
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        name = name.rstrip("_").replace("_", "-")
        given.append(name if value is True else f'{name}="{escape(str(value))}"')
    start = " ".join([tag, *given])
    if tag in VOID:
        return Html(f"<{start}>" if tag in ("img", "meta", "br") else f"<{start}/>")
    return Html(f"<{start}>{join(children)}</{tag}>")


def join(children: Iterable[Child]) -> Html:
    """Children one after another; lists are taken apart, ``None`` is nothing."""
    return Html("").join(_one(child) for child in children)


def _one(child: Child) -> Html:
    if child is None:
        return Html("")
    return escape(child) if isinstance(child, str) else join(child)


def table(head: Iterable[Child], rows: Iterable[Iterable[Child]]) -> Html:
    """A table that scrolls by itself where it is wider than the page; the first column names."""
    names = element("tr", [element("th", cell, scope="col") for cell in head])
    body = [
        element("tr", [element("th" if place == 0 else "td", cell,
                               scope="row" if place == 0 else None)
                       for place, cell in enumerate(row)])
        for row in rows
    ]  # fmt: skip
    inner = element("table", element("thead", names), element("tbody", body))
    return element("div", inner, class_="scroll")


def bar(share: float | None, usual: float | None, label: str, *, most: float = 1.0) -> Html:
    """A figure with a bar under it and a tick where real images are."""
    if share is None:
        return element("span", "–", class_="none")
    width = 100 * max(0.0, min(1.0, share / most))
    tick = None
    if usual is not None:
        place = 100 * max(0.0, min(1.0, usual / most))
        tick = element("i", class_="tick", style=f"left:{place:.1f}%")
    fill = element("i", class_="fill", style=f"width:{width:.1f}%")
    return element("span", label, element("span", fill, tick, class_="bar"), class_="figure")
