"""Tasks of scenes: an object of one class before a background of another."""

from __future__ import annotations

from collections.abc import Sequence

from synthgen.spec.fields import Field, Image, Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Mask
from synthgen.spec.task import Task
from synthgen.spec.vectors import Attributes

ATTRIBUTES = "attributes"
BACKGROUND = "background"
"""The attribute that is the background's class."""
MASK = "mask"
PARTS = (BACKGROUND, "object")
"""What the values of a mask mean, where nothing else is said."""


def scenes(
    image: ImageSpec,
    label: Label | None,
    backgrounds: Sequence[str],
    parts: Sequence[str] | None = None,
) -> Task:
    """The task of making an ``image`` and the ``mask`` of its object from the object's class, the
    label, and the background's, an attribute that sampling draws independently of the label.

    ``parts`` are the two classes of masks that the data have; ``None``: they have none.
    """
    told = Attributes(
        (BACKGROUND,), choices={BACKGROUND: tuple(backgrounds)}, independent=True
    )  # fmt: skip
    fields: dict[str, Field] = {
        "image": Image(image.height, image.width, image.channels),
        ATTRIBUTES: told,
        MASK: Mask(tuple(parts or PARTS), image.height, image.width),
    }
    given: tuple[str, ...] = (ATTRIBUTES,)
    if label is not None:
        fields["label"], given = label, ("label", ATTRIBUTES)
    read = ("image", *given, *((MASK,) if parts is not None else ()))
    stratum = None if label is None else "label"
    return Task(fields, given, ("image", MASK), (read,), stratum=stratum)
