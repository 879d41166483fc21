"""Kinds of field by name: ours, and those of other packages (entry point ``synthgen.fields``)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.fields import Field, Image, Label
from synthgen.spec.maps import Keypoints, Mask
from synthgen.spec.plugins import plugins
from synthgen.spec.solids import Views, Voxels
from synthgen.spec.texts import Text
from synthgen.spec.vectors import Attributes

OURS: tuple[type[Field], ...] = (Image, Label, Attributes, Text, Mask, Keypoints, Voxels, Views)
GROUP = "synthgen.fields"
"""Entry point group: a kind's name to its class."""


@cache
def _ours() -> Mapping[str, type[Field]]:
    return {kind.kind: kind for kind in OURS}


def field_kinds() -> dict[str, type[Field]]:
    """The classes of all known kinds, by name.

    Raises:
        SynthgenError: one of another package cannot be loaded, or has the name of one of ours.
    """
    known = dict(_ours())
    for name, plugin in plugins(GROUP, "field").items():
        if name in known:
            raise plugin.fault("has the name of a kind of field that synthgen has")
        known[name] = plugin.load()
    return known


def field_from_json(record: Any) -> Field:
    """The field of a record that :func:`field_to_json` made.

    Raises:
        SynthgenError: it is of no known kind, or damaged.
    """
    kind = str(record.get("kind")) if isinstance(record, dict) else ""
    known: Mapping[str, type[Field]] = _ours()
    if kind not in known:  # only then: other packages are slow to look for
        known = field_kinds()
    if kind not in known:
        hint = did_you_mean(str(kind), known)
        raise SynthgenError(f"no kind of field '{kind}' (known: {name_list(known)}){hint}")
    try:
        return known[kind].from_json({key: v for key, v in record.items() if key != "kind"})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise SynthgenError(f"a field of kind '{kind}' is damaged ({reason})") from None


def field_to_json(field: Field) -> dict[str, Any]:
    """The field as JSON, with its kind."""
    return {"kind": field.kind, **field.to_json()}
