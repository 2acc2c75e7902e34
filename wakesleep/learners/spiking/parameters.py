"""The parameters of a ``spiking`` model file, checked without importing Brian2 or torch."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema, model_validator

from wakesleep.errors import InputError
from wakesleep.files import specs

MOST_LAYERS = 8
UNITS = {"s": 1000.0, "ms": 1.0, "us": 0.001}


def _milliseconds(value: Any) -> Any:
    """Return a time in ms from a number, or from a text such as ``10 ms``."""
    if not isinstance(value, str):
        return value
    number, _, unit = value.strip().partition(" ")
    digits = re.match(r"[0-9.]+", number)
    told = digits.group() if digits else "10"
    try:
        quantity = float(number)
    except ValueError:
        raise ValueError(f"'{value}' is not a time; write {told} (in ms) or '{told} ms'") from None
    if unit.strip() not in UNITS:
        raise ValueError(f"'{value}' is not a time: its unit must be s, ms or us")
    return quantity * UNITS[unit.strip()]


WITH_UNIT = {"type": "string", "pattern": r"^\s*[0-9.eE+-]+ +(s|ms|us)\s*$"}
Time = Annotated[
    float,
    BeforeValidator(_milliseconds),
    Field(gt=0),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, WITH_UNIT]}),
]
Moment = Annotated[
    float,
    BeforeValidator(_milliseconds),
    Field(ge=0),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, WITH_UNIT]}),
]


class Parameters(specs.Spec):
    """What a ``spiking`` model file may set.

    Times are numbers in milliseconds, or texts with a unit such as ``10 ms``.
    """

    layers: Annotated[tuple[specs.Width, ...], Field(min_length=1, strict=False)] = Field(
        description="Neurons of each hidden layer."
    )
    code: Literal["regular", "poisson", "latency"] = Field(
        "regular",
        description=(
            "How an intensity becomes spikes: evenly spaced spikes, random spikes, or one spike "
            "that comes earlier for brighter inputs (a volley)."
        ),
    )
    off_cells: bool = Field(
        False,
        description=(
            "Give every pixel a second input that is excited by darkness (as in a retina), so that "
            "dark pixels fire as well."
        ),
    )
    presentation: Time = Field(30.0, description="How long a case is shown, in ms.")
    dt: Time = Field(1.0, description="Time step in ms.")
    pixel_rate: specs.Positive = Field(
        0.9, description="Spikes per ms of an input of full intensity (regular, poisson)."
    )
    label_rate: specs.Positive = Field(
        0.99, description="Spikes per ms of the input that names the label (regular, poisson)."
    )
    cycle: Time | None = Field(
        None, description="Time from one volley to the next; default a single volley (latency)."
    )
    window: Time | None = Field(
        None, description="Duration of a volley of pixels; default a cycle (latency)."
    )
    label_time: Moment = Field(
        0.0, description="Time of the label's spike in a cycle, in ms (latency)."
    )
    faintest: specs.Fraction = Field(
        0.1, description="Inputs that are fainter fire no spike (latency)."
    )
    spontaneous: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Rate of random spikes of every input asleep, per second."
    )
    tau: Time = Field(10.0, description="Membrane time constant in ms.")
    trace: Time = Field(20.0, description="Time constant of presynaptic traces in ms.")
    threshold: specs.Positive = Field(
        4.0, description="theta: the goodness at which p(real) is 1/2."
    )
    temperature: specs.Positive = Field(1.0, description="T of p(real) = logistic((G - theta)/T).")
    rate: specs.Positive = Field(
        3e-4, description="Change of a weight by a presentation, per unit of eligibility."
    )
    bound: specs.Positive = Field(2.0, description="Largest absolute value of a weight.")
    start_mean: float = Field(0.01, description="Initial mean of the weights from pixels.")
    start_scale: specs.Positive = Field(0.12, description="Standard deviation of these weights.")
    label_scale: specs.Positive = Field(0.2, description="The same for weights from the label.")
    deep_scale: specs.Positive = Field(
        2.0, description="The same for weights between layers, times sqrt(1 / neurons below)."
    )
    top_down: bool = Field(
        False, description="Learn, awake, a linear map from each layer to the one below."
    )
    top_down_rate: specs.Positive = Field(
        0.1, description="Fraction of an error that one presentation removes."
    )
    memory_rate: specs.Fraction = Field(
        0.02, description="Rate of the running mean of the top layer's response to a label."
    )
    target: Literal["auto", "standalone", "cython", "numpy", "twin"] = Field(
        "auto",
        description=(
            "How learning is simulated: compiled C++ (standalone; needs a compiler), Brian2's "
            "run-time mode with Cython or numpy, or the same equations in torch without Brian2 "
            "(twin); auto is standalone if there is a compiler, otherwise twin."
        ),
    )

    @property
    def steps(self) -> int:
        """Time steps of a presentation."""
        return round(self.presentation / self.dt)

    @property
    def cycle_steps(self) -> int:
        """Time steps from one volley to the next."""
        return self.steps if self.cycle is None else round(self.cycle / self.dt)

    @property
    def window_steps(self) -> int:
        """Time steps that a volley of pixels takes."""
        return self.cycle_steps if self.window is None else round(self.window / self.dt)

    def with_label_late(self, late: float) -> Parameters:
        """Return these parameters with the label's volley so many ms later.

        Raises
        ------
        InputError
            If that is no volley of the same cycle.
        """
        values = {**self.model_dump(), "label_time": self.label_time + late}
        try:
            return Parameters.model_validate(values)
        except ValidationError as error:
            reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            raise InputError(f"a label that is {late:g} ms late: {reason}") from None

    @property
    def lacks(self) -> tuple[str, ...]:
        """Capabilities of the kind that a network with these parameters does not have."""
        return () if self.top_down else ("dream",)

    @model_validator(mode="after")
    def _times_fit(self) -> Parameters:
        ratio = self.presentation / self.dt
        if self.steps < 1 or not math.isclose(ratio, self.steps, rel_tol=1e-9):
            raise ValueError(
                f"presentation: {self.presentation:g} ms is not a whole number of time steps of "
                f"{self.dt:g} ms"
            )
        for name in ("pixel_rate", "label_rate"):
            if self.code != "latency" and getattr(self, name) * self.dt > 1:
                raise ValueError(
                    f"{name}: {getattr(self, name):g} spikes per ms are more than one in a time "
                    f"step of {self.dt:g} ms; a neuron fires at most once a step"
                )
        if self.spontaneous * self.dt > 1000:
            raise ValueError(
                f"spontaneous: {self.spontaneous:g} spikes per second are more than one in a time "
                f"step of {self.dt:g} ms"
            )
        if self.code == "latency":
            self._volleys_fit()
        elif self.cycle is not None or self.window is not None or self.label_time:
            raise ValueError("'cycle', 'window' and 'label_time' are for code 'latency'")
        if self.code == "latency" and self.top_down:
            raise ValueError(
                "'top_down' learns from spike counts, which code 'latency' does not have"
            )
        if self.off_cells and self.top_down:
            raise ValueError("'top_down' makes images of light alone; it goes without 'off_cells'")
        if len(self.layers) > MOST_LAYERS:
            raise ValueError(f"layers: at most {MOST_LAYERS}")
        return self

    def _volleys_fit(self) -> None:
        """Refuse volleys that would be cut short, or never come."""
        for name in ("cycle", "window", "label_time"):
            value = getattr(self, name)
            steps = (value or 0.0) / self.dt
            if not math.isclose(steps, round(steps), rel_tol=1e-9):
                raise ValueError(
                    f"{name}: {value:g} ms is not a whole number of time steps of {self.dt:g} ms"
                )
        if self.steps % self.cycle_steps:
            raise ValueError(
                f"cycle: a presentation of {self.presentation:g} ms has no whole number of cycles "
                f"of {self.cycle_steps * self.dt:g} ms"
            )
        if self.window_steps > self.cycle_steps:
            raise ValueError(
                f"window: a volley of {self.window:g} ms does not fit into a cycle of "
                f"{self.cycle_steps * self.dt:g} ms"
            )
        if round(self.label_time / self.dt) >= self.cycle_steps:
            raise ValueError(
                f"label_time: {self.label_time:g} ms is after the end of a cycle, which lasts "
                f"{self.cycle_steps * self.dt:g} ms"
            )
