"""The parameters of an ``ngram`` model file, checked without importing torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from wakesleep.files import specs


class Parameters(specs.Spec):
    """What an ``ngram`` model file may set."""

    order: Annotated[int, Field(ge=1, le=3)] = Field(
        2, description="1: how often each symbol occurs; 2: after the one before it; 3: after two."
    )
    prior: Annotated[float, Field(gt=0)] = Field(
        1.0, description="Start of every count, so that no symbol has probability 0."
    )
