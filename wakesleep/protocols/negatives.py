"""Negative data in a protocol: a source and its options."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from wakesleep.errors import InputError, choices
from wakesleep.files import specs
from wakesleep.negatives import SOURCES

SourceName = Annotated[str, specs.NameOrCode("source", tuple(SOURCES), "negatives")]


class Negatives(specs.Spec):
    """A source of negative data; keys other than ``source`` are its options."""

    model_config = ConfigDict(extra="allow")
    source: SourceName = Field("wrong_label", description="Name of a source of negative data.")

    @model_validator(mode="after")
    def _options_are_its_own(self) -> Negatives:
        if self.source not in SOURCES:
            return self  # only the code itself says what its options are
        allowed = SOURCES[self.source].options
        for name, value in self.options.items():
            if name not in allowed:
                raise ValueError(
                    f"negative data '{self.source}' have no option '{name}'{choices(name, allowed)}"
                )
            try:
                allowed[name].checked(name, value, "option")
            except InputError as error:
                raise ValueError(str(error)) from None
        return self

    @property
    def options(self) -> dict[str, Any]:
        """The options that are set."""
        return dict(self.model_extra or {})
