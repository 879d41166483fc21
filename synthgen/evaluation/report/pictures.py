"""The sections that show images."""

from __future__ import annotations

from collections.abc import Sequence

from synthgen.evaluation.evidence import PicturePair, data_url
from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.report.charts import closeness_chart
from synthgen.evaluation.report.content import Content, Gallery
from synthgen.evaluation.report.markup import Html, element, join

PIXELATED = 64
"""Images of at most so many pixels are shown with their pixels."""

SHOWN_SIDE = 56
"""Pixels on the page of a small image; larger ones take up to twice as many."""


def samples(content: Content) -> Html:
    """Rows of a random choice, a class each."""
    left_out = len(content.classes) - len(content.samples)
    note = "Taken at random, not chosen; one row for each class."
    if left_out:
        note += f" {left_out} more classes are not shown."
    rows = [
        element("div", element("b", one.name, element("small", one.note)),
                _shots(one, content.side), class_="row")
        for one in content.samples
    ]  # fmt: skip
    return join([element("p", note, class_="note"), rows])


def gallery(one: Gallery, side: int) -> Html:
    """A heading, what it means, and the pictures."""
    return join([
        element("h3", one.name), element("p", one.note, class_="note"), _shots(one, side),
    ])  # fmt: skip


def copies(content: Content, found: Evaluation) -> Html:
    """Each of the closest images beside the training image it is closest to."""
    memory = found.memorisation
    whose = "the generator's training images" if memory.known else f"images of {memory.training}"
    parts: list[Html] = [
        element("p", f"{memory.copies:,} of {memory.rows:,} images looked at are, pixel for pixel "
                f"or mirrored, among {memory.total:,} {whose}. For the nearest, "
                f"{memory.searched:,} of them were searched.")
    ]  # fmt: skip
    if memory.agrees:
        parts.append(element("p", "Images must agree with the rows that they were made from: one "
                             "near a training image says that its row is. It is not held against "
                             "the dataset."))  # fmt: skip
    if memory.near is None:
        return join([*parts, element("p", "Too few images to judge nearness.", class_="note")])
    parts += [
        closeness_chart(memory.near, "synthetic", "unseen real",
                        "distance to the nearest training image (1: to its fifth neighbour)"),
        element("p", "The further left the synthetic line rises, the more images are copies. "
                f"Unseen real images are {memory.unseen}.", class_="note"),
    ]  # fmt: skip
    if not content.real_images:
        left_out = "The closest pairs show real images, and are left out of this page."
        return join([*parts, element("p", left_out, class_="note")])
    parts += [
        element("h3", "The closest pairs"),
        element("p", "Left an image of this dataset, right the training image nearest to it.",
                class_="note"),
    ]  # fmt: skip
    if content.evidence is not None:
        parts.append(_pairs(content, content.evidence.training_pairs, memory.near.limit))
    return join(parts)


def repeats(content: Content, found: Evaluation) -> Html:
    """The images that are most alike."""
    twice = found.duplicates
    parts: list[Html] = [
        element("p", f"{twice.exact:,} of all {twice.rows:,} images repeat another one pixel for "
                f"pixel; of {twice.real_rows:,} real images {twice.real_exact:,} do.")
    ]  # fmt: skip
    if twice.near is None:
        return join([*parts, element("p", "Too few images to judge nearness.", class_="note")])
    parts += [
        closeness_chart(twice.near, "synthetic", "as many real",
                        f"distance to the nearest other image ({found.extractor})"),
        element("h3", "The pairs most alike"),
        element("p", "Two images of this dataset each.", class_="note"),
    ]  # fmt: skip
    if content.evidence is not None:
        parts.append(_pairs(content, content.evidence.repeated_pairs, twice.near.limit))
    return join(parts)


def _pairs(content: Content, pairs: Sequence[PicturePair], limit: float) -> Html:
    return element("div", [
        element(
            "figure",
            element("div", _image(pair.made, "synthetic", content.side),
                    _image(pair.other, "its nearest", content.side)),
            element("figcaption", _name(content, pair.label), element("br"),
                    f"{pair.closeness:.3g}"),
            class_="pair copy" if pair.closeness <= limit else "pair",
        )
        for pair in pairs
    ], class_="pairs", style=f"--side:{_shown(content.side)}px")  # fmt: skip


def _name(content: Content, label: int) -> str:
    return content.classes[label] if 0 <= label < len(content.classes) else "?"


def _shots(one: Gallery, side: int) -> Html:
    images = [_image(shot.picture, shot.caption, side) for shot in one.shots]
    return element("div", images, class_="shots", style=f"--side:{_shown(side)}px")


def _image(picture: str, words: str, side: int) -> Html | None:
    source = data_url(picture)
    if not source:
        return None
    return element(
        "img", src=source, alt=words, title=words, class_="pixels" if side <= PIXELATED else None
    )


def _shown(side: int) -> int:
    return SHOWN_SIDE if side <= PIXELATED else min(2 * SHOWN_SIDE, side)
