"""The base of every settings model: one definition for Python, the command line and YAML."""

from __future__ import annotations

import reprlib
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from synthgen.spec.errors import SynthgenError, did_you_mean
from synthgen.spec.safe_yaml import LARGEST, load_yaml


class Settings(BaseModel):
    """Frozen, typed, with unknown keys refused. Every field has a description: it is the help
    text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def parse(cls, values: Mapping[str, Any], where: str = "settings") -> Self:
        """Validate ``values``.

        Raises:
            SynthgenError: one line with the first fault, ``where`` it stands and, for an unknown
                key, the nearest known one.
        """
        for key in values:
            if key not in cls.model_fields:
                hint = did_you_mean(str(key), cls.model_fields)
                raise SynthgenError(
                    f"{where}: unknown key '{key}'{hint or '; see --help for all keys'}"
                )
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise SynthgenError(f"{where}: {_first_fault(error)}") from None

    def typed(self, without: Collection[str] = ()) -> str:
        """What to type for the settings that were given and are not the defaults, in the order of
        the fields: ``--use faces --options width=24``. Those ``without`` are left out."""
        words: list[str] = []
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            default = field.get_default(call_default_factory=True)
            if name in without or name not in self.model_fields_set or value in (None, default):
                continue
            flag = f"--{name.replace('_', '-')}"
            if isinstance(value, bool):
                words.append(flag if value else f"--no-{flag[2:]}")
            else:
                words += [flag, shlex.quote(_listed(value))]
        return " ".join(words)


QUOTE = '"'


def _listed(value: Any) -> str:
    """A value as the command line takes it; see ``cli/options.py:listed``."""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={_listed(each)}" for key, each in value.items())
    if isinstance(value, tuple):
        texts = (str(each) for each in value)
        quoted = (
            f'"{t.replace(chr(34), chr(34) * 2)}"' if {",", '"'} & set(t) else t for t in texts
        )
        return ",".join(quoted)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    key = ".".join(str(part) for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    if not key:
        return message
    if fault["type"] == "missing":
        return f"'{key}' is needed"
    hint = _hint(fault["type"], fault["input"])
    return f"'{key}' is {_shown(fault['input'])}: {message[0].lower()}{message[1:]}{hint}"


def _hint(kind: str, value: Any) -> str:
    """What to write instead, where a YAML file says something else than it seems to."""
    if kind == "string_type" and value is not None:
        return (
            "; YAML reads no, yes, 007, 1e3 and dates as other things than text: put a name in "
            "quotes, as in 'no'"
        )
    if kind == "tuple_type" and isinstance(value, str):
        parts = ", ".join(part.strip() for part in value.split(","))
        return f"; write a list: [{parts}]"
    return ""


class _Short(reprlib.Repr):
    """Of whatever a user has written, as much as fits a line."""

    def repr_int(self, value: int, level: int) -> str:
        # Python refuses to write out numbers of more than some thousand digits.
        return repr(value) if value.bit_length() < 256 else f"a number of {value.bit_length()} bits"


def _shown(value: Any) -> str:
    short = _Short()
    short.maxstring = short.maxother = 200
    short.maxlevel = 3
    return short.repr(value)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A YAML mapping from ``path``, read with the safe loader.

    Raises:
        SynthgenError: the file is missing, is not YAML, or is not a mapping with text keys.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read(LARGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SynthgenError(f"{path}: cannot read the settings file: {reason}") from None
    try:
        values = load_yaml(text)
    except ValueError as error:
        raise SynthgenError(f"{path}: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise SynthgenError(f"{path}: a settings file is a mapping 'key: value' at its top level")
    return values
