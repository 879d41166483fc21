"""Algorithms by name. A file in this folder registers itself; other packages use entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from synthgen.algorithms.contract import Algorithm, Build
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.fields import Enters
from synthgen.spec.image import ImageSpec
from synthgen.spec.plugins import plugins
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import CONDITIONS, Task, label_to_image, two_kinds

DEFAULT = "r3gan"
_REGISTERED: dict[str, Registration] = {}
_NOT_ALGORITHMS = {"contract", "pair", "registry"}


@dataclass(frozen=True)
class Takes:
    """The kinds of task an algorithm is for; by default those of class-conditional GANs."""

    given: tuple[Enters, ...] = CONDITIONS
    """How given fields may enter; what enters not at all is always allowed."""
    made: tuple[str, ...] = ("image",)
    """Kinds of the made fields."""
    streams: int = 1
    """Sets of rows that are read unpaired."""
    names: tuple[str, ...] = ()
    """Fields that must be there by these names."""
    plainest: Callable[[Sequence[str], ImageSpec], Task] | None = None
    """Makes the plainest such task from classes and an image's size, where it is not one of
    labelled images of one kind or of two."""

    def task(
        self,
        classes: Sequence[str],
        image: ImageSpec,
        shows: Sequence[str] = ("source", "target"),
    ) -> Task:
        """The plainest task that the algorithm is for: images of these classes and this size; of
        two kinds, where it learns from two sets of rows."""
        if self.plainest is not None:
            return self.plainest(classes, image)
        if self.streams == 1:
            return label_to_image(classes, image)
        return two_kinds(classes, image, shows, given="map" in self.given)

    def check(self, task: Task, name: str) -> None:
        """Refuse a task that the algorithm ``name`` is not for.

        Raises:
            SynthgenError: it is not.
        """
        if len(task.streams) != self.streams:
            raise SynthgenError(
                f"algorithm '{name}' learns from {self.streams} set{'s' * (self.streams > 1)} of "
                f"rows, this task has {len(task.streams)}"
            )
        for field in task.given:
            enters = task.fields[field].enters
            if enters not in (*self.given, "none"):
                raise SynthgenError(
                    f"algorithm '{name}' takes no {enters} as a condition, which '{field}' is"
                )
        if wrong := [f for f in task.made if task.fields[f].kind not in self.made]:
            raise SynthgenError(
                f"algorithm '{name}' makes no {task.fields[wrong[0]].kind} ('{wrong[0]}')"
            )
        if lacking := [field for field in self.names if field not in task.fields]:
            raise SynthgenError(f"algorithm '{name}' needs a field '{lacking[0]}'")


@dataclass(frozen=True)
class Registration:
    """A name, where it comes from, its options model and the function that builds it."""

    name: str
    title: str
    year: int
    paper: str
    options: type[Settings]
    build: Build
    good_for: str
    """Half a line, for the list of algorithms."""
    takes: Takes


def algorithm(
    name: str, options: type[Settings], title: str, year: int, paper: str, takes: Takes = Takes()
) -> Callable[[Build], Build]:
    """Register the decorated function as the algorithm ``name``, by the paper of this place.

    The first line of its docstring says what it is for, for the list of algorithms: "For …".
    """

    def register(build: Build) -> Build:
        if name in _REGISTERED:
            raise ValueError(f"two algorithms are registered as '{name}'")
        said = (getattr(build, "__doc__", None) or "").strip().splitlines()
        if not said:
            raise ValueError(f"the function that builds '{name}' needs a docstring: \"For …\"")
        good_for = said[0].removeprefix("For ").rstrip(".")
        _REGISTERED[name] = Registration(name, title, year, paper, options, build, good_for, takes)
        return build

    return register


@cache
def _load_all() -> None:
    import synthgen.algorithms as package

    for module in iter_modules(package.__path__):
        if module.name not in _NOT_ALGORITHMS:
            import_module(f"{package.__name__}.{module.name}")
    for plugin in plugins("synthgen.algorithms", "algorithm").values():
        plugin.load()


def registered() -> Mapping[str, Registration]:
    """All algorithms by name, in alphabetical order."""
    _load_all()
    return dict(sorted(_REGISTERED.items()))


def class_conditional() -> Mapping[str, Registration]:
    """The algorithms whose plainest task is of labelled images, of one kind or of two."""
    return {name: found for name, found in registered().items() if found.takes.plainest is None}


def find(name: str) -> Registration:
    """The algorithm of this name; ``"default"`` is the one this project recommends.

    Raises:
        SynthgenError: no algorithm has this name.
    """
    known = registered()
    name = DEFAULT if name == "default" else name
    if name not in known:
        hint = did_you_mean(name, known)
        raise SynthgenError(f"no algorithm '{name}' (known: {name_list(known)}){hint}")
    return known[name]


def build(name: str, task: Task, options: Mapping[str, Any]) -> Algorithm:
    """Build the networks and phases of an algorithm, freshly initialised.

    Raises:
        SynthgenError: the name or one of the options is unknown or out of range, or the algorithm
            takes another kind of task.
    """
    found = find(name)
    found.takes.check(task, found.name)
    return found.build(task, found.options.parse(options, f"options of {found.name}"))
