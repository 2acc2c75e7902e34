"""How steps turn into hours, and the constants of process S."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from wakesleep.files import specs


class Clock(specs.Spec):
    """How steps turn into hours."""

    steps_per_hour: Annotated[float, Field(gt=0)]
    start_h: Annotated[float, Field(ge=0, lt=24)] = Field(
        0.0, description="Time of day at step 0, in hours."
    )
    day_h: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Length of a day and night in hours, if it is not 24."
    )


class SleepPressure(specs.Spec):
    """Process S of the two-process model: exponential up to 1 while awake, down to 0 asleep.

    Constants as in Daan, Beersma & Borbely (1984), in hours of the protocol's clock.
    """

    rise_h: Annotated[float, Field(gt=0)] = Field(18.2, description="Time constant awake, hours.")
    fall_h: Annotated[float, Field(gt=0)] = Field(4.2, description="Time constant asleep, hours.")
    start: Annotated[float, Field(ge=0, le=1)] = Field(0.2, description="Sleep pressure at step 0.")
