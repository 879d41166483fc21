"""Command-line options out of a settings model, so that a setting is defined once."""

from __future__ import annotations

import csv
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from synthgen.spec.errors import SynthgenError
from synthgen.spec.safe_yaml import load_yaml
from synthgen.spec.settings.base import Settings, read_yaml

S = TypeVar("S", bound=Settings)
Command = Callable[..., Any]
WORD = re.compile(r"\w+")

TYPED = {
    ("TrainSettings", "per_class"): "--gan-per-class",
    ("EvaluateSettings", "images"): "--max-images",
}
"""Settings whose own name means something else in another command, and what is typed for them; the
name itself is understood as well."""


class Renamed(click.Option):
    """An option that shows the first of its spellings alone, and understands all."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        opts, secondary = self.opts, self.secondary_opts
        self.opts, self.secondary_opts = opts[:1], secondary[:1]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts, self.secondary_opts = opts, secondary


QUOTED = re.compile(r'"(?:[^"]|"")*"')


def options_of(model: type[Settings], argument: str | None = None) -> Callable[[Command], Command]:
    """Decorate a command with one option for every field of ``model``, plus a CONFIG argument.

    ``argument`` names a field that is given by its place instead; there is no CONFIG then.

    An option that is not given is left out, so that the file's value or the default holds.
    """
    names = frozenset(name for name in model.model_fields if "_" in name)

    def decorate(command: Command) -> Command:
        for name, field in reversed(model.model_fields.items()):
            if name != argument:
                command = _option(name, field, names, _spellings(model, name, field))(command)
        if argument is not None:
            return click.argument(argument, type=click.Path())(command)
        return click.argument("config", required=False, type=click.Path())(command)

    return decorate


def settings_from(
    model: type[S],
    config: str | None,
    given: Mapping[str, Any],
    instead: Sequence[str] = (),
) -> S:
    """The settings of a YAML file (if any) with the given options over them.

    Of the settings ``instead`` one excludes the others: an option takes the place of those that the
    file gives.

    Raises:
        SynthgenError: one line that names the file's key or the option.
    """
    from_file = read_yaml(config) if config else {}
    if any(given.get(name) is not None for name in instead):
        from_file = {key: value for key, value in from_file.items() if key not in instead}
    chosen = {key: _parse(model.model_fields[key], key, value) for key, value in given.items()
              if value is not None and value != ()}  # fmt: skip
    if config:
        unknown = {key: value for key, value in from_file.items() if key not in chosen}
        model.parse({**unknown, **chosen}, config)
    return model.parse({**from_file, **chosen}, config or "command line")


def _spellings(model: type[Settings], name: str, field: FieldInfo) -> list[str]:
    """All that may be typed for a setting, the one that is shown first; ``also`` in a field's
    ``json_schema_extra`` is one more."""
    typed = [TYPED[key] for kind in model.__mro__ if (key := (kind.__name__, name)) in TYPED]
    extra = field.json_schema_extra
    also = [str(extra["also"])] if isinstance(extra, dict) and "also" in extra else []
    return list(dict.fromkeys([*typed, _flag(name), *also]))


def _option(
    name: str, field: FieldInfo, names: Set[str], flags: Sequence[str]
) -> Callable[[Command], Command]:
    """``names`` are the fields whose names in a description must read as they are typed here."""
    kind = _bare(field.annotation)
    help_text = WORD.sub(
        lambda word: _flag(word[0]) if word[0] in names else word[0], field.description or ""
    )
    default = field.get_default(call_default_factory=True)
    if field.is_required():
        help_text += "  [required]"
    elif default is not None and default != {}:
        help_text += f"  [default: {_shown(default)}]"
    if kind is bool:
        switches = [f"{flag}/--no-{flag[2:]}" for flag in flags]
        return click.option(*switches, name, cls=Renamed, default=None, help=help_text)
    if get_origin(kind) is Literal:
        choice = click.Choice([str(value) for value in get_args(kind)])
        return click.option(*flags, name, type=choice, default=None, help=help_text)
    metavar = {int: "N", float: "X", tuple: "A,B", dict: "KEY=VALUE,..."}.get(
        get_origin(kind) or kind, "TEXT"
    )
    extra = field.json_schema_extra
    metavar = str(extra.get("metavar", metavar)) if isinstance(extra, dict) else metavar
    # Said twice, a list goes on and a mapping has more keys: nothing that was typed is lost.
    several = (get_origin(kind) or kind) in (tuple, dict)
    return click.option(
        *flags, name, cls=Renamed, type=str, default=None, multiple=several, metavar=metavar,
        help=help_text,
    )  # fmt: skip


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _bare(annotation: Any) -> Any:
    """``X`` of ``X | None``."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(arg for arg in get_args(annotation) if arg is not type(None))
    return annotation


def _shown(default: Any) -> str:
    if isinstance(default, dict):
        return ",".join(f"{key}={value:g}" for key, value in default.items())
    if isinstance(default, tuple):
        return ",".join(str(part) for part in default)
    return str(default).lower() if isinstance(default, bool) else str(default)


def _parse(field: FieldInfo, name: str, value: Any) -> Any:
    """Text of the command line to what the model takes; numbers are left to the model."""
    kind = get_origin(_bare(field.annotation)) or _bare(field.annotation)
    if isinstance(value, tuple):
        value = ",".join(value)
    if kind is tuple:
        return listed(value)
    if kind is dict:
        parts = [part for part in value.split(",") if part.strip()]
        if get_args(_bare(field.annotation))[1] is str:  # a text may have several parts
            return _texts(parts, name)
        return _mapping((_pair(part, name) for part in parts), name)
    return value


def _texts(parts: Sequence[str], name: str) -> dict[str, str]:
    """``a=x``, ``y``, ``b=z`` as ``{"a": "x,y", "b": "z"}``."""
    found: dict[str, str] = {}
    for part in parts:
        if "=" in part or not found:
            found |= _mapping([*found.items(), _pair(part, name)], name)
        else:
            found[next(reversed(found))] += f",{part.strip()}"
    return found


def _mapping(pairs: Iterable[tuple[str, Any]], name: str) -> dict[str, Any]:
    """The pairs by key.

    Raises:
        SynthgenError: a key is there twice.
    """
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise SynthgenError(f"--{name.replace('_', '-')}: '{key}' is said twice; say it once")
        found[key] = value
    return found


def listed(text: str) -> tuple[str, ...]:
    """The parts between commas, blanks around them left out; one in double quotes is as it
    stands: ``cat,"salt, pepper"``."""
    try:
        rows = list(csv.reader([text], skipinitialspace=True, strict=True))
    except csv.Error:
        rows = [text.split(",")]
    quoted = {each[1:-1].replace('""', '"') for each in QUOTED.findall(text)}
    parts = (part if part in quoted else part.strip() for part in (rows[0] if rows else []))
    return tuple(part for part in parts if part.strip())


def _pair(text: str, name: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise SynthgenError(f"--{name.replace('_', '-')}: '{text}' is not KEY=VALUE")
    try:
        return key.strip(), load_yaml(value)
    except ValueError:
        raise SynthgenError(f"--{name.replace('_', '-')}: '{value}' is not a value") from None
