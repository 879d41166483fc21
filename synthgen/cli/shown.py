"""What was found, as text or as one JSON object."""

from __future__ import annotations

import json
from typing import Any, Protocol

import click

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")


class Found(Protocol):
    """A record that can say itself in both ways."""

    def lines(self) -> list[str]:
        """Text for a terminal."""

    def to_json(self) -> dict[str, Any]:
        """Plain values under names that stay."""


def show(found: Found, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(found.lines()))
