"""Columns of given rows that travel along: what they are called and typed in a dataset.

A row that a generator is given may say more than the generator takes: an id, a second class, a
number, a text. All of it stands in the dataset beside what was made of the row. A column whose name
the dataset has already is called ``given_NAME`` there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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

ROW = "source_row"
"""Column with the row of the given data that an image was made from, ``int64``, as it was read."""


@dataclass(frozen=True)
class CarriedColumn:
    """A column as a dataset has it."""

    column: str
    """Its name in the given data."""
    dtype: str
    """One of :data:`TYPES`."""
    names: tuple[str, ...] = ()
    """Of a class label, whose cells are whole numbers, its classes."""

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


def named(columns: Collection[CarriedColumn], taken: Collection[str]) -> dict[str, CarriedColumn]:
    """The columns by their names in a dataset that has columns of the names ``taken`` itself.

    Raises:
        SynthgenError: a name is taken twice over.
    """
    found: dict[str, CarriedColumn] = {}
    own = {each.column for each in columns}
    for each in columns:
        name = each.column
        if name in taken:
            name = BEFORE + name
            if name in taken or name in own:
                raise SynthgenError(
                    f"the given rows have columns '{each.column}' and '{name}', and the dataset "
                    f"has a column '{each.column}' of its own: rename '{each.column}' in the data"
                )
        found[name] = each
    return found


def carried_from_json(record: Any) -> dict[str, CarriedColumn] | None:
    """The columns of a dataset's settings by name; ``None`` of a dataset that has none.

    Raises:
        ValueError: the record is damaged.
    """
    if record is None:
        return None
    if not isinstance(record, Mapping):
        raise ValueError("the columns that travel along are none")
    try:
        return {str(name): CarriedColumn.from_json(each) for name, each in record.items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the columns that travel along are damaged ({error})") from None
