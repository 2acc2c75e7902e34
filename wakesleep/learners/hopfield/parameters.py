"""The parameters of a ``hopfield`` model file, checked without importing torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from wakesleep.files import specs


class Parameters(specs.Spec):
    """What a ``hopfield`` model file may set."""

    unlearning: Annotated[float, Field(gt=0)] = Field(
        0.01, description="epsilon: weight of one dream that is unlearned; a stored pattern has 1."
    )
