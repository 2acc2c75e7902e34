"""Settings of the analog devices of a network in a model file, checked without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wakesleep.files import specs
from wakesleep.files.specs import Fraction, Positive
from wakesleep.learners.parts.receptive_fields import Layers, LocalLayer

# Published devices. Figures are per weight, of a pair of devices; a range from -1 to 1 with steps
# of s has 2/s levels.
PRESETS: dict[str, dict[str, float]] = {
    # All devices are equal, with steps as fine as floating-point numbers allow.
    "ideal": {},
    # The devices that Gokmen & Vlasov 2016 (Frontiers in Neuroscience 10, 333) assume: 1200 levels,
    # steps that vary by 30 % between devices and from pulse to pulse, bounds by 30 %, up against
    # down by 2 %.
    "resistive": {
        "levels": 1200,
        "step_variation": 0.3,
        "step_noise": 0.3,
        "asymmetry": 0.02,
        "bound_variation": 0.3,
    },
    # Filamentary devices as Gong et al. 2018 (Nature Communications 9, 2102) measured them, by the
    # fit of IBM's analog hardware kit (ReRamSBPresetDevice): steps of .002 that vary by 30 %, noise
    # of 3.75 steps a pulse, up against down by 2 %. Its soft bounds and its noise of each writing
    # are left out.
    "filament": {
        "levels": 1000,
        "step_variation": 0.3,
        "step_noise": 3.75,
        "asymmetry": 0.02,
        "bound_variation": 0.3,
    },
    # Phase-change cells that are programmed until they fit: Joshi et al. 2020 (Nature
    # Communications 11, 2473) with IBM's fit, -1.17 g^2 + 1.97 g + .26 uS at g of 25 uS; 3.8 % of
    # the range is used for all conductances. Steps are not modelled.
    "phase_change": {"write_noise": 0.038},
}


class Hardware(specs.Spec):
    """Analog devices: every weight is a pair of conductances, every unit an imprecise amplifier."""

    device: Literal["ideal", "resistive", "filament", "phase_change"] = Field(
        "ideal", description="Published devices that give the defaults of the figures below."
    )
    instance: Annotated[int, Field(ge=0, le=10**9)] | None = Field(
        None,
        description="Seed of all differences between chips of one kind; default the run's seed.",
    )
    noise: Annotated[float, Field(ge=0, le=100)] = Field(
        1.0, description="Factor of all the variations and noise sizes below."
    )
    conductance: Annotated[tuple[float, float], Field(strict=False)] = Field(
        (0.0, 25.0),
        description="Lowest and highest conductance of a device, in microsiemens; a missing device "
        "has none.",
    )
    full_scale: Positive = Field(
        8.0,
        description=(
            "Largest weight of a pair, times the square root of the number of inputs (in these "
            "units, the standard deviation of weights at the start is 1)."
        ),
    )
    levels: Annotated[int, Field(ge=2, le=10**7)] | None = Field(
        None, description="Number of steps from the lowest to the highest weight of a pair."
    )
    step_variation: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Standard deviation of step sizes between weights, in steps."
    )
    step_noise: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Standard deviation of a step between pulses, in steps."
    )
    asymmetry: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Standard deviation, between weights, of the ratio of steps up and down."
    )
    bound_variation: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Standard deviation of the highest conductance between devices."
    )
    accumulate: bool = Field(
        False,
        description="Add up changes of each weight in a digital memory, and send only whole pulses "
        "to the devices; otherwise pulses are rounded at random.",
    )
    write_noise: Annotated[float, Field(ge=0)] | None = Field(
        None,
        description="Standard deviation of a conductance that is programmed at once (when a "
        "network is copied to the devices), as a fraction of its range.",
    )
    drift: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="Mean fraction of its conductance that a device loses in every update and in "
        "every step of rest.",
    )
    stuck: Fraction = Field(0.0, description="Share of devices that never change.")
    missing: Fraction = Field(0.0, description="Share of devices that do not conduct.")
    gain: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Standard deviation of the logarithm of the units' gains."
    )
    nonlinearity: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Standard deviation of the exponents of the units' outputs (mean 1)."
    )

    @model_validator(mode="after")
    def _possible(self) -> Hardware:
        low, high = self.conductance
        if not 0 <= low < high:
            raise ValueError(
                "conductance: two numbers from 0 upwards, the lower one first, not "
                f"[{low:g}, {high:g}]"
            )
        if self.stuck + self.missing > 1:
            raise ValueError(
                f"stuck: 'stuck' and 'missing' together are at most 1 (all devices), not "
                f"{self.stuck + self.missing:g}"
            )
        if self.accumulate and not self.figure("levels"):
            raise ValueError(
                f"accumulate: there is no smallest pulse, because device '{self.device}' has no "
                "'levels'; choose device 'resistive' or 'filament', or set 'levels'"
            )
        return self

    def figure(self, name: str) -> float:
        """Return a figure: the file's or the preset's; variations and noise times ``noise``."""
        given = getattr(self, name)
        value = PRESETS[self.device].get(name, 0.0) if given is None else float(given)
        return value if name == "levels" else value * self.noise


def has_pulses(hardware: Hardware | None) -> bool:
    """Return whether weights are changed by pulses: devices have levels."""
    return hardware is not None and hardware.figure("levels") > 0


def check_hardware(hardware: Hardware | None, layers: Layers, decay: float) -> None:
    """Refuse a network that cannot be put on devices.

    Raises
    ------
    ValueError
        If it has receptive fields, or weights that decay.
    """
    if hardware is None:
        return
    if any(isinstance(its, LocalLayer) for its in layers):
        raise ValueError("hardware: it needs dense layers, and some have receptive fields")
    if decay:
        raise ValueError(
            "hardware: weight decay is not modelled on devices; set decay: 0 (there are 'drift' "
            "and phase 'downscale')"
        )
