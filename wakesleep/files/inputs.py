"""Inputs of protocols and options of sources; the type of each is the type of its default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from wakesleep.errors import InputError, choices
from wakesleep.files import documents, references, specs

Words = Annotated[tuple[str, ...], Field(strict=False)]


def options_of(code: object, what: str) -> dict[str, Input]:
    """Return the options that the user's code declares in its attribute ``options``.

    This is a dictionary: name -> default, or name -> ``{default, minimum, maximum, choices}``.

    Raises
    ------
    InputError
        If the declaration is wrong.
    """
    declared = getattr(code, "options", {})
    found = {}
    try:
        for name, its in dict(declared).items():
            if isinstance(its, Input):
                found[name] = its
            else:
                found[name] = Input(**(its if isinstance(its, Mapping) else {"default": its}))
    except (TypeError, ValueError) as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            known = choices(key, Input.model_fields) if key not in Input.model_fields else ""
            raise InputError(
                f"{what}: its option '{name}': {key}: {first['msg'].lower()}{known}"
            ) from None
        raise InputError(
            f"{what}: its options must be a dictionary such as {{'strength': 0.5}} ({error})"
        ) from None
    return found


def chosen(allowed: Mapping[str, Input], values: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return the value of every option: the given one, or its default.

    Raises
    ------
    InputError
        If an option is not declared, or its value does not fit.
    """
    for name in values:
        if name not in allowed:
            there = choices(name, allowed) if allowed else "; it has no options"
            raise InputError(f"{what} has no option '{name}'{there}")
    try:
        return {
            name: its.checked(name, values.get(name, its.default), "option")
            for name, its in allowed.items()
        }
    except InputError as error:
        raise InputError(f"{what}: {error}") from None


class Input(specs.Spec):
    """One input or option; its type is the type of its default."""

    default: bool | int | float | str
    description: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: Words | None = None

    def checked(self, name: str, value: object, what: str = "input") -> bool | int | float | str:
        """Return the value as this input's type.

        Raises
        ------
        InputError
            If the value is of another type, or outside what is allowed.
        """
        wanted = documents.kind_of(self.default)
        given: bool | int | float | str
        if isinstance(self.default, float) and type(value) is int:
            given = float(value)
        elif type(value) is type(self.default):
            given = value  # type: ignore[assignment]
        else:
            shown = f"'{value}'" if isinstance(value, str) else f"{value!r}"
            raise InputError(f"{what} '{name}' must be {wanted}, not {shown}")
        # The user's code can be given wherever a shipped name can.
        own = references.is_extension(given)
        if self.choices is not None and given not in self.choices and not own:
            raise InputError(f"{what} '{name}' is '{given}'{choices(given, self.choices)}")
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            if self.minimum is not None and not given >= self.minimum:
                raise InputError(
                    f"{what} '{name}' must be at least {self.minimum:g}, not {given:g}"
                )
            if self.maximum is not None and not given <= self.maximum:
                raise InputError(f"{what} '{name}' must be at most {self.maximum:g}, not {given:g}")
        return given
