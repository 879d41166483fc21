"""The base of every settings model: one definition for Python, the command line and YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from synthgen.spec.errors import SynthgenError, did_you_mean


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


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    key = ".".join(str(part) for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    if not key:
        return message
    if fault["type"] == "missing":
        return f"'{key}' is needed"
    return f"'{key}' is {fault['input']!r}: {message[0].lower()}{message[1:]}"


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A YAML mapping from ``path``, read with the safe loader.

    Raises:
        SynthgenError: the file is missing, is not YAML, or is not a mapping with text keys.
    """
    import yaml

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SynthgenError(f"{path}: cannot read the settings file: {reason}") from None
    try:
        values = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        first = " ".join(str(error).split())
        raise SynthgenError(f"{path}: not valid YAML: {first}") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise SynthgenError(f"{path}: a settings file is a mapping 'key: value' at its top level")
    return values
