"""``views.csv``: the angle of each view's file, in degrees."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from typing import Literal

from synthgen.data.decode import BadImage
from synthgen.data.listing import Files, Folder, Parts
from synthgen.spec.errors import SynthgenError

VIEWS: Literal["views"] = "views"
TABLE = "views.csv"


def angles_in(base: Folder, files: Files) -> Mapping[Parts, float]:
    """Angle by file, from the ``views.csv`` of a folder; empty without one.

    Raises:
        SynthgenError: it cannot be read, an angle is no number, or two views of an object have one.
    """
    if TABLE not in base.files.get("labels", ()):
        return {}
    parts = (*base.parts, TABLE)
    where, content = files.where(parts), files.read(parts)
    try:
        if isinstance(content, BadImage):
            raise ValueError(str(content))
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
        told = [(rows.line_num, str(row["file_name"]), str(row["angle"])) for row in rows]
        if not told:
            raise ValueError("it has no rows")
    except (ValueError, KeyError, UnicodeDecodeError, csv.Error) as error:
        reason = " ".join(str(error).split())[:120]
        raise SynthgenError(
            f"{where}: cannot be read ({reason}); its columns are file_name "
            f"({VIEWS}/chair-1/front.png) and angle (degrees)"
        ) from None
    return _apart(base, where, told)


def _apart(base: Folder, where: str, told: Iterable[tuple[int, str, str]]) -> dict[Parts, float]:
    """Angle by file; lines are their number, the file's name and the angle."""
    found: dict[Parts, float] = {}
    taken: dict[tuple[Parts, float], str] = {}
    for line, name, text in told:
        named = tuple(name.replace("\\", "/").removeprefix("./").split("/"))
        path = (*base.parts, *(named if named[0] == VIEWS else (VIEWS, *named)))
        try:
            angle = float(text)
        except ValueError:
            angle = math.nan
        if not math.isfinite(angle):
            raise SynthgenError(
                f"{where} line {line}: the angle of {name} is '{text[:40]}', which is no number: "
                "write degrees, as 90"
            )
        if path in found:
            raise SynthgenError(f"{where} line {line}: {name} is there twice; leave one line out")
        turn = path[:-1], round(angle % 360, 3) % 360
        if turn in taken:
            raise SynthgenError(
                f"{where} line {line}: {name} has the angle of {taken[turn]}, {turn[1]:g} degrees: "
                "each view of an object has an angle of its own"
            )
        found[path], taken[turn] = angle, name
    return found
