"""Phases of downscaling: weights shrink, as in the synaptic homeostasis hypothesis.

Tononi & Cirelli 2014, Sleep and the price of plasticity, Neuron 81, 12-34: waking strengthens
synapses on the whole, and slow-wave sleep weakens them again.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wakesleep.files import specs

Share = Annotated[float, Field(ge=0, lt=1)]


class Downscale(specs.Spec):
    """How weights shrink."""

    per_hour: Share | None = Field(
        None, description="Fraction of a weight that is lost per hour of the clock."
    )
    per_update: Share | None = Field(
        None, description="The same per update, for protocols without a clock."
    )
    by: Literal["activity"] | None = Field(
        None,
        description=(
            "activity: weights into a unit shrink in proportion to the unit's activity on real "
            "images at the start of the phase, relative to its layer's mean. Default: all weights "
            "shrink equally."
        ),
    )
    spare: Share = Field(
        0.0, description="Share of each layer's weights (the strongest) that do not shrink."
    )

    @model_validator(mode="after")
    def _one_speed(self) -> Downscale:
        if self.per_hour is None and self.per_update is None:
            raise ValueError("'downscale' needs 'per_hour' or 'per_update'")
        if self.per_hour is not None and self.per_update is not None:
            raise ValueError("'per_hour' and 'per_update' exclude each other")
        return self

    def kept(self, steps_per_hour: float) -> float:
        """Return the factor by which weights are multiplied in one update."""
        if self.per_update is not None:
            return 1 - self.per_update
        assert self.per_hour is not None  # one of the two is given
        return float((1 - self.per_hour) ** (1 / steps_per_hour))
