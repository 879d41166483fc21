"""Sources with columns of their own besides: attributes, joints and captions of known fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from synthgen.data import attributes, captions, joints
from synthgen.data.attributes import attributed_as
from synthgen.data.captions import captioned
from synthgen.data.joints import with_joints
from synthgen.data.sources import Source
from synthgen.spec.fields import Field
from synthgen.spec.maps import Keypoints
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.texts import Text
from synthgen.spec.vectors import Attributes

View = Callable[[Source], Source]


def names_of(named: Mapping[str, str], field: str) -> tuple[str, ...]:
    """The columns that a user has named for a field, between commas."""
    return tuple(filter(None, named.get(field, "").split(",")))


def known_view(
    fields: Mapping[str, Field], settings: DataSettings, named: Mapping[str, str], *,
    some: bool = False,
) -> tuple[View, dict[str, str], dict[str, Field]]:  # fmt: skip
    """How rows are read whose attributes, joints and captions are those that a generator is given.

    Returns the view of a source, the ``named`` columns of all other fields, and the fields as the
    view has them: of a row's captions the first alone. ``some`` takes those attributes that there
    are.
    """
    views: list[View] = []
    columns, wanted = dict(named), dict(fields)
    tags, points, texts = (fields.get(m.FIELD) for m in (attributes, joints, captions))
    if isinstance(tags, Attributes):
        asked = names_of(columns, attributes.FIELD)
        views.append(partial(attributed_as, field=tags, asked=asked, some=some))
        columns.pop(attributes.FIELD, None)
    if isinstance(points, Keypoints):
        view, columns = with_joints({joints.FIELD: points}, settings, columns, None)
        views += [] if view is None else [view]
    if isinstance(texts, Text):
        views.append(partial(captioned, asked=columns.pop(captions.FIELD, None), known=texts))
        wanted[captions.FIELD] = texts.single

    def viewed(source: Source) -> Source:
        for view in views:
            source = view(source)
        return source

    return viewed, columns, wanted
