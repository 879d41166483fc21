"""Columns of given rows that travel along: what they are called and typed in a dataset.

A row that a generator is given may say more than the generator takes: an id, a second class, a
number, a text. All of it stands in the dataset beside what was made of the row. A column whose name
the dataset has already is called ``given_NAME`` there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from synthgen.spec.errors import SynthgenError

TYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32",
    "float64", "string",
)  # fmt: skip
"""Types of cells that travel along, by their Arrow names."""

BEFORE = "given_"
"""Stands before a name that is taken."""


@dataclass(frozen=True)
class CarriedColumn:
    """A column as a dataset has it."""

    column: str
    """Its name in the given data."""
    dtype: str
    """One of :data:`TYPES`."""
    names: tuple[str, ...] = ()
    """Of a class label, whose cells are whole numbers, its classes."""

    def check(self, cell: Any) -> str | None:
        """What is wrong with a cell of the column's Arrow type; ``None`` if nothing is."""
        if not self.names or cell is None or 0 <= cell < len(self.names):
            return None
        return f"is {cell}, none of its {len(self.names)} classes"

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        record: dict[str, Any] = {"column": self.column, "dtype": self.dtype}
        return {**record, "names": list(self.names)} if self.names else record

    @staticmethod
    def from_json(record: Any) -> CarriedColumn:
        """The column of a record that :meth:`to_json` made.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        column, dtype, names = record["column"], record["dtype"], record.get("names", [])
        if dtype not in TYPES:
            raise ValueError(f"column '{column}' holds {dtype!r:.40}")
        if not isinstance(names, list) or not all(isinstance(n, str) for n in (column, *names)):
            raise ValueError(f"the names of column '{column!s:.40}' are none")
        return CarriedColumn(column, dtype, tuple(names))


def named(columns: Iterable[CarriedColumn], taken: Collection[str]) -> dict[str, CarriedColumn]:
    """The columns by their names in a dataset, ``taken`` being names that it may not give them:
    such a column is ``given_NAME`` there.

    Raises:
        SynthgenError: a name is taken twice over.
    """
    found: dict[str, CarriedColumn] = {}
    columns = tuple(columns)
    own = {each.column for each in columns}
    for each in columns:
        name = each.column
        if name in taken:
            name = BEFORE + name
            if name in taken or name in own:
                raise SynthgenError(
                    f"column '{each.column}' of the given rows: the dataset has a column of that "
                    f"name itself, and '{name}' is taken too; rename it in the data, or leave "
                    "the columns behind with --no-carry"
                )
        found[name] = each
    return found


def carried_to_json(columns: Mapping[str, CarriedColumn]) -> list[dict[str, Any]]:
    """The columns of a dataset as JSON, in their order."""
    return [{"name": name, **each.to_json()} for name, each in columns.items()]


def carried_from_json(record: Any) -> dict[str, CarriedColumn]:
    """The columns of a record that :func:`carried_to_json` made, by their names in the dataset.

    Raises:
        ValueError: the record is damaged.
    """
    try:
        found = {each["name"]: CarriedColumn.from_json(each) for each in record}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the columns that travel along are damaged ({error})") from None
    if not all(isinstance(name, str) for name in found):
        raise ValueError("a column that travels along has no name")
    return found
