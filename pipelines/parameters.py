"""Flat flow parameters out of the settings models that the command line uses.

Prefect reads a flow's signature and docstring: names, types, bounds, enums, defaults and
descriptions become the form in the UI, and the server refuses a value that breaks them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field
from pydantic.fields import FieldInfo

from synthgen.spec.credentials import blotted
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.base import Settings

F = TypeVar("F", bound=Callable[..., Any])


def flat(
    model: type[Settings],
    *,
    without: Iterable[str] = (),
    more: Mapping[str, tuple[Any, FieldInfo]] | None = None,
) -> Callable[[F], F]:
    """Give a function of ``**parameters`` one keyword parameter for every field of ``model``.

    Args:
        model: the settings model.
        without: fields that the flow decides itself.
        more: further parameters: name to type and ``pydantic.Field``.
    """
    fields = {
        name: (field.annotation, field)
        for name, field in model.model_fields.items()
        if name not in set(without)
    }
    fields |= dict(more or {})

    def decorate(function: F) -> F:
        parameters = [_parameter(name, kind, field) for name, (kind, field) in fields.items()]
        # A required parameter may stand anywhere among keyword-only ones.
        function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        lines = [f"    {name}: {field.description}" for name, (_, field) in fields.items()]
        text = inspect.getdoc(function) or ""
        function.__doc__ = text + "\n\nArgs:\n" + "\n".join(lines) + "\n"
        return function

    return decorate


def _parameter(name: str, kind: Any, field: FieldInfo) -> inspect.Parameter:
    required = field.is_required()
    default = inspect.Parameter.empty if required else field.get_default(call_default_factory=True)
    annotation = Annotated[(kind, *field.metadata, Field(description=field.description))]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def settings_of(model: type[Settings], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``parameters`` that are fields of ``model``.

    Raises:
        SynthgenError: as :func:`refuse_credentials`.
    """
    refuse_credentials(parameters)
    return {key: value for key, value in parameters.items() if key in model.model_fields}


def refuse_credentials(parameters: Mapping[str, Any]) -> None:
    """Prefect keeps the parameters of every run, for all to see who see its server.

    Raises:
        SynthgenError: one of them is a URL with a password or a signature.
    """
    for key, value in blotted(parameters).items():
        if value != parameters[key]:
            raise SynthgenError(
                f"{key}: {value} has credentials, which Prefect would keep with the run; give them "
                "to the workers by their environment"
            )
