"""An adaptive-exponential network, and what wake and sleep change in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from wakesleep.files import specs

Share = Annotated[float, Field(gt=0, lt=1)]
NotNegative = Annotated[float, Field(ge=0)]


class Cortex(specs.Spec):
    """Regular-spiking excitatory and fast-spiking inhibitory neurons with conductance synapses.

    Constants of membranes and synapses as in di Volo, Romagnoni, Capone & Destexhe 2019, Neural
    Computation 31:653-680, without their subthreshold adaptation, and with fewer neurons, connected
    more densely, so that each has as many inputs; ``rest_excitatory`` and ``drive`` are chosen so
    that both states occur. Times are in ms, potentials in mV, conductances in nS, currents in pA,
    rates in Hz.
    """

    excitatory: Annotated[int, Field(ge=10)] = Field(4000, description="Excitatory neurons.")
    inhibitory: Annotated[int, Field(ge=10)] = Field(1000, description="Inhibitory neurons.")
    inputs: Annotated[int, Field(ge=1)] = Field(
        400, description="Excitatory inputs of each neuron; inhibitory ones in proportion."
    )
    dt: Annotated[float, Field(gt=0, le=1)] = 0.1
    capacitance: specs.Positive = 200.0
    leak: specs.Positive = 10.0
    rest_excitatory: float = -63.0
    rest_inhibitory: float = -65.0
    threshold: float = -50.0
    peak: float = -40.0
    reset: float = -65.0
    slope_excitatory: specs.Positive = 2.0
    slope_inhibitory: specs.Positive = 0.5
    refractory: specs.Positive = 5.0
    adaptation_time: specs.Positive = 500.0
    synaptic_time: specs.Positive = 5.0
    excitation: specs.Positive = Field(1.5, description="Conductance of an excitatory spike.")
    inhibition: specs.Positive = Field(5.0, description="Conductance of an inhibitory spike.")
    reversal_excitatory: float = 0.0
    reversal_inhibitory: float = -80.0
    drive: NotNegative = Field(0.4, description="Rate of each of as many inputs from outside.")
    b_wake: NotNegative = Field(1.0, description="Adaptation that a spike adds, awake.")
    b_nrem: NotNegative = Field(60.0, description="The same in NREM sleep.")
    b_rem: NotNegative = Field(1.0, description="The same in REM sleep.")
    downscaling: NotNegative = Field(
        0.0, description="Rate, per second of NREM, at which recurrent excitation decays."
    )
    upscaling: NotNegative = Field(0.0, description="Rate, per second awake, at which it grows.")
