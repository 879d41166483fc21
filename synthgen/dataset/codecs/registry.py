"""Codecs by kind of field: ours, and those of other packages (entry point ``synthgen.codecs``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from synthgen.dataset.codecs.codec import Codec
from synthgen.dataset.codecs.pictures import ImageCodec, MaskCodec, ViewsCodec
from synthgen.dataset.codecs.values import (
    AttributesCodec,
    KeypointsCodec,
    LabelCodec,
    TextCodec,
    VoxelsCodec,
)
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field
from synthgen.spec.plugins import plugins

GROUP = "synthgen.codecs"
"""Entry point group: a kind of field to what makes a :class:`Codec` of such a field."""

OURS: Mapping[str, Callable[[Any], Codec]] = {
    "image": ImageCodec,
    "label": LabelCodec,
    "attributes": AttributesCodec,
    "text": TextCodec,
    "mask": MaskCodec,
    "keypoints": KeypointsCodec,
    "voxels": VoxelsCodec,
    "views": ViewsCodec,
}


def codec_of(field: Field) -> Codec:
    """The codec of a field.

    Raises:
        SynthgenError: no installed package knows how to store its kind.
    """
    if field.kind in OURS:
        return OURS[field.kind](field)
    found = plugins(GROUP, "codec")
    if field.kind not in found:
        raise SynthgenError(
            f"no codec for fields of kind '{field.kind}': the package that has the kind gives "
            f"none (entry point group {GROUP})"
        )
    make = found[field.kind].load()
    with found[field.kind].minding("cannot be made"):
        codec: Codec = make(field)
    return codec
