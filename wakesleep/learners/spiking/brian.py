"""The equations of a spiking network in Brian2.

One network runs a block of presentations. The input spikes, whether a presentation is awake or
asleep, and the factor of its learning rate are arrays, and so are the weights before and after.
Another protocol, seed or set of weights needs no new network.

Names of variables: ``x`` presynaptic trace, ``n`` spikes so far, ``a`` amplitude of a spike, ``G``
goodness so far. See :mod:`wakesleep.learners.spiking.twin` for the order of things in a time step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wakesleep.learners.spiking.parameters import Parameters
from wakesleep.runtime.brian import brian2

AWAKE = "int(way(t - half) > 0) * int(t > half)"  # nothing has been shown before the first one
TRACE = """
    fade_time : second (shared)
    dx/dt = -x / fade_time : 1
    n : 1
"""
MEMBRANE = """
    leak_time : second (shared)
    dv/dt = -v / leak_time : 1
    G : 1
    gate : 1
    G_pool : 1 (linked)
    gate_pool : 1 (linked)
    a = 1.0 / sqrt(1.0 + G) : 1
    here = n * a : 1
"""
POOL = """
    G : 1
    gate : 1
    theta : 1
    temperature : 1
"""
GATE = """
    s = way(t - half)
    gate = gain(t - half) * s / (1.0 + exp(-s * (theta - G) / temperature))
"""
RULE = """
    w = clip(w + gate_post * eligibility, -bound, bound)
    eligibility = 0.0
"""


@dataclass(frozen=True)
class Network:
    """Brian2's objects for one model.

    Attributes
    ----------
    network
        What is run.
    seconds
        How long a block takes in biological time.
    arrays
        Inputs that are set before a run, as timed arrays: ``raster``, ``way`` (1 awake, -1 asleep),
        ``gain`` and, with a top-down path, ``label``.
    states
        Variables that are set before and read after a run: name -> view of a variable.
    """

    network: Any
    seconds: float
    arrays: dict[str, Any]
    states: dict[str, Any]


def build(p: Parameters, pixels: int, classes: int, block: int, codegen: str) -> Network:
    """Return a network for so many presentations in a row.

    Parameters
    ----------
    p
        Parameters of the model.
    pixels, classes
        Inputs: the first stand for pixels, the others for labels.
    block
        Presentations in a run.
    codegen
        Brian2's code generation target: ``numpy`` or ``cython``.
    """
    b2 = brian2()

    ms = b2.ms
    dt, shown = p.dt * ms, p.steps * p.dt * ms
    b2.prefs.codegen.target = codegen
    # Two clocks for all: every object with a dt of its own would have one more.
    step_clock = b2.Clock(dt, name="step_clock")
    presentation_clock = b2.Clock(shown, name="presentation_clock")
    # A compiled network knows those arrays alone that its equations use.
    by_presentation = ("way", "gain", "label") if p.top_down else ("way", "gain")
    timed = {
        "raster": b2.TimedArray(np.zeros((block * p.steps, pixels + classes)), dt, "raster"),
        **{name: b2.TimedArray(np.zeros(block), shown, name) for name in by_presentation},
    }
    # A presentation ends when the next one begins; what is learnt from it looks back to it.
    space = {**timed, "half": dt / 2, "pixels": pixels}
    made: list[Any] = []
    states: dict[str, Any] = {}

    def add(kind: Any, *what: Any, **more: Any) -> Any:
        its = kind(*what, clock=step_clock, namespace=space, **more)
        made.append(its)
        return its

    def at_the_end(group: Any, code: str, order: int) -> None:
        """Let code run at the end of every presentation, before anything of the next."""
        group.run_regularly(code, clock=presentation_clock, when="start", order=order)

    groups = [
        add(
            b2.NeuronGroup,
            pixels + classes,
            TRACE + "full : 1 (shared)\na = 1.0 : 1\nhere = n / full : 1" + _guesses(p, 0),
            threshold="raster(t, i) > 0.5",
            reset="x += 1.0; n += 1.0",
            method="exact",
            name="inputs",
        )
    ]
    for number, width in enumerate(p.layers, 1):
        below = groups[-1]
        pool = add(b2.NeuronGroup, 1, POOL, name=f"pool_{number}")
        layer = add(
            b2.NeuronGroup,
            width,
            TRACE + MEMBRANE + _guesses(p, number),
            threshold="v > 1.0",
            reset="v -= 1.0; x += a; n += 1.0",
            method="exact",
            name=f"layer_{number}",
        )
        groups.append(layer)
        layer.G_pool = b2.linked_var(pool, "G", index=np.zeros(width, dtype=int))
        layer.gate_pool = b2.linked_var(pool, "gate", index=np.zeros(width, dtype=int))
        # Synapses cannot read what is linked; every neuron has a copy, renewed at each step's end.
        layer.run_regularly("G = G_pool", clock=step_clock, when="end")
        counted = add(
            b2.Synapses,
            layer,
            pool,
            on_pre="G_post += (2.0 * n_pre - 1.0) / N_pre",
            name=f"counted_{number}",
        )
        counted.connect()
        counted.pre.when, counted.pre.order = "resets", 1  # when the spike has been counted
        forward = add(
            b2.Synapses,
            below,
            layer,
            "w : 1\neligibility : 1\nbound : 1 (shared)",
            on_pre="v_post += w * a_pre",
            on_post="eligibility += x_pre",
            name=f"forward_{number}",
        )
        forward.connect()
        states[f"forward_{number}"] = forward.w
        at_the_end(pool, GATE, order=-3)
        at_the_end(layer, "gate = gate_pool", order=-2)
        at_the_end(forward, RULE, order=-1)
        if p.top_down:
            below.G_pool_above = b2.linked_var(pool, "G", index=np.zeros(len(below), dtype=int))
            at_the_end(below, "G_above = G_pool_above", order=-2)
            down = add(
                b2.Synapses, layer, below, "d : 1", on_pre="guess_post += d", name=f"down_{number}"
            )
            down.connect()
            states[f"down_{number}"], states[f"bias_{number - 1}"] = down.d, below.bias
            at_the_end(down, f"d += {AWAKE} * step_post * here_pre * error_post", order=0)
            at_the_end(below, f"bias += {AWAKE} * step * error", order=1)
            at_the_end(below, "guess = 0.0", order=2)
        at_the_end(layer, "v = 0.0; x = 0.0; n = 0.0; G = 0.0", order=3)
        at_the_end(pool, "G = 0.0", order=4)
    at_the_end(groups[0], "x = 0.0; n = 0.0", order=3)
    if p.top_down:
        memory = add(
            b2.Synapses, groups[0], groups[-1], "m : 1\nmemory_rate : 1 (shared)", name="memory"
        )
        memory.connect("i >= pixels")
        states["memory"] = memory.m
        shown_here = "int(i - pixels == int(label(t - half)))"
        at_the_end(memory, f"m += memory_rate * {AWAKE} * {shown_here} * (here_post - m)", order=0)
    # The last presentation ends with the first time step after the block.
    seconds = (block * p.steps + 1) * p.dt / 1000
    return Network(b2.Network(made), seconds, timed, states)


def constants(p: Parameters) -> dict[str, float]:
    """Return the values of all constants of a network, in SI units, by object and variable.

    They are not part of the compiled network.
    """
    found = {
        "inputs.fade_time": p.trace / 1000,
        "inputs.full": p.steps * p.pixel_rate * p.dt,
    }
    for number in range(1, len(p.layers) + 1):
        found |= {
            f"layer_{number}.fade_time": p.trace / 1000,
            f"layer_{number}.leak_time": p.tau / 1000,
            f"pool_{number}.theta": p.threshold,
            f"pool_{number}.temperature": p.temperature,
            f"forward_{number}.bound": p.bound,
        }
    if p.top_down:
        below = ["inputs", *(f"layer_{number}" for number in range(1, len(p.layers)))]
        found |= {f"{name}.down_rate": p.top_down_rate for name in below}
        found["memory.memory_rate"] = p.memory_rate
    return found


def _guesses(p: Parameters, number: int) -> str:
    """Return variables of a layer (0 for the inputs) that one above learns to predict."""
    if not p.top_down or number == len(p.layers):
        return ""
    return f"""
    guess : 1
    bias : 1
    down_rate : 1 (shared)
    G_above : 1
    G_pool_above : 1 (linked)
    error = here - guess / sqrt(1.0 + G_above) - bias : 1
    step = down_rate / (1.0 + {p.layers[number]} * G_above / (1.0 + G_above)) : 1
    """
