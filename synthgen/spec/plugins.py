"""What other installed packages add to synthgen, by entry points: found by name, loaded when used.

Whatever a plug-in does wrong is told in one line that names it and its package, so that the user
knows what to mend or uninstall.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from synthgen.spec.errors import SynthgenError


@dataclass(frozen=True)
class Plugin:
    """One entry point of one package."""

    kind: str
    """What it is, for messages: score, filter, …"""
    point: EntryPoint

    @property
    def name(self) -> str:
        return self.point.name

    @property
    def package(self) -> str:
        """Name and version of the package that has it."""
        dist = self.point.dist
        return "an unnamed package" if dist is None else f"{dist.name} {dist.version}"

    def load(self) -> Any:
        """What the entry point names.

        Raises:
            SynthgenError: it cannot be imported.
        """
        with self.minding("cannot be loaded"):
            return self.point.load()

    def fault(self, what: str) -> SynthgenError:
        """The error that says what is wrong with it."""
        return SynthgenError(
            f"{self.kind} '{self.name}' of package {self.package} {what}; mend or uninstall it"
        )

    @contextmanager
    def minding(self, what: str) -> Iterator[None]:
        """Run the plug-in's code: whatever it raises is told as its own fault.

        Raises:
            SynthgenError: the code inside raised something; its own SynthgenError goes through.
        """
        try:
            yield
        except SynthgenError:
            raise
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
            raise self.fault(f"{what} ({reason})") from error


def plugins(group: str, kind: str) -> dict[str, Plugin]:
    """All of an entry point group, by name; nothing is imported.

    Raises:
        SynthgenError: two packages give one name.
    """
    found: dict[str, Plugin] = {}
    for point in entry_points(group=group):
        plugin = Plugin(kind, point)
        other = found.setdefault(plugin.name, plugin)
        if other.point.value != point.value or other.package != plugin.package:
            raise other.fault(f"is given by package {plugin.package} too")
    return found
