"""Algorithms by name. A file in this folder registers itself; other packages use entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from synthgen.algorithms.contract import Algorithm, Build
from synthgen.spec.condition import ClassConditional
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.plugins import plugins
from synthgen.spec.settings.base import Settings

DEFAULT = "r3gan"
_REGISTERED: dict[str, Registration] = {}
_NOT_ALGORITHMS = {"contract", "pair", "registry"}


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
    domains: int


def algorithm(
    name: str,
    *,
    title: str,
    year: int,
    paper: str,
    options: type[Settings],
    good_for: str,
    domains: int = 1,
) -> Callable[[Build], Build]:
    """Register the decorated function as the algorithm ``name``.

    ``good_for`` is half a line for the list of algorithms; ``domains`` is 2 for one that learns
    from two sets of images.
    """

    def register(build: Build) -> Build:
        if name in _REGISTERED:
            raise ValueError(f"two algorithms are registered as '{name}'")
        _REGISTERED[name] = Registration(
            name, title, year, paper, options, build, good_for, domains
        )
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


def build(name: str, task: ClassConditional, options: Mapping[str, Any]) -> Algorithm:
    """Build the networks and phases of an algorithm, freshly initialised.

    Raises:
        SynthgenError: the name or one of the options is unknown or out of range.
    """
    found = find(name)
    return found.build(task, found.options.parse(options, f"options of {found.name}"))
