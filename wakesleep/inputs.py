"""A knob whose type is that of its default: a protocol's input, a source's option."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from wakesleep import files, specs
from wakesleep.errors import InputError, choices

Words = Annotated[tuple[str, ...], Field(strict=False)]


class Input(specs.Spec):
    """One knob; its type is that of its default."""

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
        wanted = files.kind_of(self.default)
        given: bool | int | float | str
        if isinstance(self.default, float) and type(value) is int:
            given = float(value)
        elif type(value) is type(self.default):
            given = value  # type: ignore[assignment]
        else:
            shown = f"'{value}'" if isinstance(value, str) else f"{value!r}"
            raise InputError(f"{what} '{name}' must be {wanted}, not {shown}")
        if self.choices is not None and given not in self.choices:
            raise InputError(f"{what} '{name}' is '{given}'{choices(given, self.choices)}")
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            if self.minimum is not None and not given >= self.minimum:
                raise InputError(
                    f"{what} '{name}' must be at least {self.minimum:g}, not {given:g}"
                )
            if self.maximum is not None and not given <= self.maximum:
                raise InputError(f"{what} '{name}' must be at most {self.maximum:g}, not {given:g}")
        return given
