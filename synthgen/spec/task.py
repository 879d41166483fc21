"""A task: which fields there are, which of them are given and which are made.

Nothing above this page asks which use it serves: networks ask how fields enter, storage asks for
their codecs, sampling for conditions. Quotas, thresholds, latents and statistics go by *stratum*: a
label's class, or the one stratum ``all``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthgen.spec.derivations import OWN, restorable
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.fields import Enters, Field, Image, Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.kinds import field_from_json, field_to_json
from synthgen.spec.vectors import Attributes

if TYPE_CHECKING:
    from torch import Tensor

ALL = "all"
"""The one stratum of rows without a label."""

CONDITION = "condition"
"""The tensor of all that is given as an index or a vector; see :meth:`Task.condition`."""

CONDITIONS: tuple[Enters, ...] = ("index", "vector")


@dataclass(frozen=True)
class Derived:
    """A field that is computed from others, the same way in training, sampling and checking."""

    by: str
    """A name in ``spec/derivations.py``."""
    of: tuple[str, ...]
    """The fields it is computed from, in the derivation's order."""
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON object: the derivation's name, its fields and its options."""
        return {"by": self.by, "of": list(self.of), "options": dict(self.options)}


@dataclass(frozen=True)
class Task:
    """Fields by name, split into those given and those made."""

    fields: Mapping[str, Field]
    given: tuple[str, ...]
    made: tuple[str, ...]
    streams: tuple[tuple[str, ...], ...]
    """Fields that are read from one row together; two streams are unpaired. A field that is in
    both has a value for each."""
    derived: Mapping[str, Derived] = field(default_factory=dict)
    stratum: str | None = None
    """The label that counts are planned by; ``None``: all rows are one stratum."""

    def __post_init__(self) -> None:
        named = {*self.given, *self.made, *self.derived, *(n for s in self.streams for n in s)}
        for derived in self.derived.values():
            named |= set(derived.of)
        if self.stratum is not None:
            named.add(self.stratum)
        if unknown := sorted(named - set(self.fields)):
            raise SynthgenError(
                f"a task names '{unknown[0]}', which is none of its fields "
                f"({name_list(self.fields)})"
            )
        if not self.made or not self.streams or not self.streams[0]:
            raise SynthgenError("a task makes at least one field, and reads at least one")
        if self.stratum is not None and not isinstance(self.fields[self.stratum], Label):
            raise SynthgenError(f"counts go by a label, and '{self.stratum}' is none")

    @property
    def pictured(self) -> str:
        """The first made field that is an image: the column that scores and filters look at.

        Raises:
            SynthgenError: no image is made.
        """
        for name in self.made:
            if isinstance(self.fields[name], Image):
                return name
        raise SynthgenError("this task makes no image")

    @property
    def image(self) -> ImageSpec:
        """Size and channels of the image that is made."""
        made = self.fields[self.pictured]
        assert isinstance(made, Image)
        return ImageSpec(made.height, made.width, made.channels)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the strata: the label's classes, or ``all``."""
        label = self.fields[self.stratum] if self.stratum is not None else None
        return label.names if isinstance(label, Label) else (ALL,)

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the images of the second stream and of the first show, where there are two
        streams; else nothing."""
        shown = [self.fields[stream[0]] for stream in self.streams]
        return tuple(getattr(kind, "shows", "") for kind in reversed(shown)) if shown[1:] else ()

    @property
    def conditions(self) -> tuple[str, ...]:
        """Fields that are given as an index or a vector: indices first."""
        found = [name for name in self.given if self.fields[name].enters in CONDITIONS]
        return tuple(sorted(found, key=lambda name: self.fields[name].enters != "index"))

    @property
    def by_class(self) -> bool:
        """Whether the class is all of the condition."""
        return self.conditions == (() if self.stratum is None else (self.stratum,))

    @property
    def beside(self) -> tuple[str, ...]:
        """Given fields that real rows have beside what is made: all that are neither made nor
        derived, but for the class."""
        apart = {*self.made, *self.derived, self.stratum}
        return tuple(name for name in self.given if name not in apart)

    @property
    def others(self) -> tuple[str, ...]:
        """Given fields that enter in another way: maps and volumes, each by its own name."""
        return tuple(n for n in self.given if self.fields[n].enters not in (*CONDITIONS, "none"))

    @property
    def edited(self) -> Mapping[str, str]:
        """Fields that are made of a row's own, or asked for in place of its own, by name: the
        fields that hold what the row has itself."""
        return {each.of[0]: name for name, each in self.derived.items() if each.by == OWN}

    @property
    def independent(self) -> tuple[str, ...]:
        """Given fields that sampling draws independently of the class: rows are made then that
        the data do not have."""
        return tuple(n for n in self.given if getattr(self.fields[n], "independent", False))

    @property
    def agrees(self) -> bool:
        """Whether what is given shows so much of the image that they must agree, as a large image
        with its small copy, an image with the one that it is an edit of, or a solid with its views.
        """
        kinds = [{self.fields[n].kind for n in names} for names in (self.given, self.made)]
        if "views" in kinds[0] and "voxels" in kinds[1]:
            return True
        return self.pictured in self.edited or bool(restorable(self))

    def condition(self, tensors: Mapping[str, Tensor], count: int, stream: str = "") -> Tensor:
        """The condition of ``count`` rows, from the fields' tensors by name.

        ``int64 [N]`` where one label is all that is given, and noughts where nothing is; else
        ``float32 [N, width]``: indices as numbers, then all vectors. ``stream`` is the first field
        of a further stream, whose values are named as :func:`in_stream` does.
        """
        import torch

        found = [tensors[in_stream(name, stream)] for name in self.conditions]
        if not found:
            some = next(iter(tensors.values()), None)
            device = None if some is None else some.device
            return torch.zeros(count, dtype=torch.int64, device=device)
        if len(found) == 1:
            return found[0]
        return torch.cat([value.float().reshape(count, -1) for value in found], dim=1)

    def to_json(self) -> dict[str, Any]:
        """The task as a JSON object, in the form that bundles and manifests hold."""
        return {
            "fields": {name: field_to_json(kind) for name, kind in self.fields.items()},
            "given": list(self.given),
            "made": list(self.made),
            "streams": [list(stream) for stream in self.streams],
            "derived": {name: derived.to_json() for name, derived in self.derived.items()},
            "stratum": self.stratum,
        }

    @staticmethod
    def from_json(record: Any) -> Task:
        """The task of a record that :meth:`to_json` made.

        Raises:
            SynthgenError: it is damaged.
        """
        try:
            derived = {
                str(name): Derived(str(item["by"]), _texts(item["of"]), dict(item["options"]))
                for name, item in record["derived"].items()
            }
            stratum = record["stratum"]
            if stratum is not None and not isinstance(stratum, str):
                raise ValueError("a stratum is a name")
            return Task(
                {str(name): field_from_json(item) for name, item in record["fields"].items()},
                _texts(record["given"]),
                _texts(record["made"]),
                tuple(_texts(stream) for stream in record["streams"]),
                derived,
                stratum,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
            raise SynthgenError(f"the task is damaged ({reason})") from None


def _texts(values: Any) -> tuple[str, ...]:
    names = tuple(values)
    if isinstance(values, str) or not all(isinstance(name, str) for name in names):
        raise ValueError("names are texts")
    return names


def in_stream(name: str, stream: str) -> str:
    """The tensor's name of a field in a further stream, known by its first field; in the first
    stream (``""``) and for that first field it is the field's own."""
    return name if stream in ("", name) else f"{name}/{stream}"


def label_to_image(classes: Sequence[str], image: ImageSpec) -> Task:
    """The task of class-conditional GANs, and of bundles of version 1."""
    shown = Image(image.height, image.width, image.channels)
    fields: dict[str, Field] = {"image": shown, "label": Label(tuple(classes))}
    return Task(fields, ("label",), ("image",), (("image", "label"),), stratum="label")


def two_kinds(
    classes: Sequence[str], image: ImageSpec, shows: Sequence[str], *, given: bool = True
) -> Task:
    """Images of two kinds that are never seen in pairs, each with a label.

    ``shows`` names the source's kind, then the target's. With ``given`` the target's image is made
    from the source's; else one of both is made.
    """
    fields: dict[str, Field] = {
        "image": Image(image.height, image.width, image.channels, shows[1]),
        "source": Image(image.height, image.width, image.channels, shows[0]),
        "label": Label(tuple(classes)),
    }
    streams = (("image", "label"), ("source", "label"))
    if given:
        return Task(fields, ("source", "label"), ("image",), streams, stratum="label")
    return Task(fields, ("label",), ("image", "source"), streams, stratum="label")


def edits(image: ImageSpec, attributes: Attributes, label: Label | None = None) -> Task:
    """The task of editing images: ``source`` and the ``attributes`` that are asked for are given,
    and ``source_attributes`` says what the source had; ``image`` is made. A label travels along."""
    shown = Image(image.height, image.width, image.channels)
    own = Attributes(attributes.names, attributes.ranges, attributes.choices, aside=True)
    fields: dict[str, Field] = {
        "image": shown,
        "source": shown,
        "source_attributes": own,
        "attributes": attributes,
    }
    derived = {
        "source": Derived(OWN, ("image",)),
        "source_attributes": Derived(OWN, ("attributes",)),
    }
    given = ("source", "source_attributes", "attributes")
    read: tuple[str, ...] = ("image", "attributes")
    if label is None:
        return Task(fields, given, ("image",), (read,), derived)
    fields["label"] = label
    return Task(fields, given, ("image",), ((*read, "label"),), derived, "label")


def sampled(task: Task, strata: Tensor, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What an algorithm is given to sample rows of ``strata int64 [N]``: all fields and the
    condition, for every stream alike. ``given`` holds the tensors of further fields by name."""
    known = dict(given)
    if task.stratum is not None:
        known[task.stratum] = strata
    condition = task.condition(known, len(strata))
    if not task.conditions:
        condition = condition.to(strata.device)
    for first in ("", *(stream[0] for stream in task.streams[1:])):
        known[in_stream(CONDITION, first)] = condition
    return known
