"""Uses by name: the pages of this folder, and those of other packages (``synthgen.uses``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.fields import Field, Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.plugins import plugins
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import Derived, Task

GROUP = "synthgen.uses"
"""Entry point group: a use's name to its :class:`Use`."""
_PAGES = {"registry"}


class NoOptions(Settings):
    """Of a use that has none."""


@dataclass(frozen=True)
class Offered:
    """What data offer a use."""

    image: ImageSpec
    """Size and channels of the images."""
    label: Label | None
    """Their classes, if they have any."""
    columns: Mapping[str, Field] = field(default_factory=dict)
    """What else a row plainly has, by the name of the field that it may be: images, masks and
    joints of the size of the images."""
    mask_names: tuple[str, ...] = ()
    """Classes of masks, where they are said beside the data; an image may be such a mask."""
    kinds: tuple[str, str] | None = None
    """What the images of two sets show that are no pairs: those that others are made from, and
    those made. ``None``: there is one set."""


@dataclass(frozen=True)
class Words:
    """What a use says of itself."""

    title: str
    """One line: what it is for."""
    way: str
    """What is given and what is made, in a word or two each: "label -> image"."""
    example: str
    """What to type first."""
    notice: str = ""
    """One line that whoever trains and whoever gets the images must know."""


@dataclass(frozen=True)
class Choice:
    """An attribute with choices that a row is given, out of one column or of its class."""

    name: str
    """What the attribute is called."""
    column: str | None
    """The column that has it; ``None``: it is each row's own class."""


@dataclass(frozen=True)
class Reads:
    """What a use reads of the data beside images and labels."""

    needs: Callable[[Any], Mapping[str, Field]] = lambda options: {}
    """Fields that are read from columns of the data, by name, from the use's options."""
    labelled: bool = False
    """Whether rows must have a class."""
    partner: str | None = None
    """The field that the only other image or mask of a row is, whatever its column is called."""
    without_pairs: str | None = None
    """The default algorithm for two sets of images that are no pairs; ``None``: they are not
    taken."""
    attributes: Callable[[Any], float | None] = lambda options: None
    """The share of rows that a tag must have to be one of the attributes that a row is given, from
    the use's options; ``None``: no attributes are read."""
    named: Callable[[Any], tuple[str, ...]] = lambda options: ()
    """The attributes that are read where the data's settings name none; none: all of them."""
    tagged: bool = False
    """Whether rows must have attributes."""
    joints: Callable[[Any], str | None] = lambda options: None
    """Names of the joints of a row in order, between blanks, "" where the data say them, from the
    use's options; ``None``: no joints are read."""
    captioned: bool = False
    """Whether rows must have captions."""
    choice: Callable[[Any], Choice | None] = lambda options: None
    """The one attribute that a row is given, from the use's options; ``None``: there is none that
    is read so."""


@dataclass(frozen=True)
class Use:
    """A use: its words, its options, and what makes its task of what is offered."""

    name: str
    said: Words
    algorithm: str
    """The default one."""
    options: type[Settings]
    task: Callable[[Offered, Any], Task]
    reads: Reads = Reads()
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Options of algorithms, by their names, that this use has otherwise than they have."""


def made_from(
    offered: Offered,
    fields: Mapping[str, Field],
    given: Sequence[str],
    derived: Mapping[str, Derived] | None = None,
) -> Task:
    """The task of making ``image`` from ``given`` fields of its row; a label travels along.

    ``fields`` has them all by name; those that are not ``derived`` are read.
    """
    known, apart = dict(fields), dict(derived or {})
    stratum = None
    if offered.label is not None:
        known["label"], stratum = offered.label, "label"
    read = tuple(name for name in known if name not in apart)
    return Task(known, tuple(given), ("image",), (read,), apart, stratum)


def use_names() -> list[str]:
    """Names of all uses; nothing is loaded but the list of pages."""
    import synthgen.uses as package

    pages = [page.name for page in iter_modules(package.__path__) if page.name not in _PAGES]
    return sorted([page.replace("_", "-") for page in pages] + list(plugins(GROUP, "use")))


def find_use(name: str) -> Use:
    """The use of this name.

    Raises:
        SynthgenError: there is none.
    """
    known = use_names()
    wanted = name.replace("_", "-")
    if wanted not in known:
        hint = did_you_mean(wanted, known)
        raise SynthgenError(f"no use '{name}' (known: {name_list(known)}){hint}")
    others = plugins(GROUP, "use")
    if wanted in others:
        loaded: Use = others[wanted].load()
        return loaded
    found: Use = import_module(f"synthgen.uses.{wanted.replace('-', '_')}").USE
    return found
