"""Simulate a cortical network; its task comes on stdin.

Run as ``python -m wakesleep.experiments.cortex.simulate``, in a process of its own, since Brian2's
device and its clock are global.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from wakesleep.experiments.cortex.parameters import Cortex
from wakesleep.runtime.brian import brian2

# The membrane and adaptation of a neuron (Brette & Gerstner 2005), and its conductances.
EQUATIONS = """
    dv/dt = (gl * (rest - v) + gl * slope * exp((v - threshold_v) / slope) - w
             + ge * (reversal_e - v) + gi * (reversal_i - v)) / c : volt (unless refractory)
    dw/dt = -w / tau_w : amp
    dge/dt = -ge / tau_s : siemens
    dgi/dt = -gi / tau_s : siemens
    rest : volt (shared)
    slope : volt (shared)
    adapts : 1 (shared)
"""


def main() -> None:
    """Read a task, simulate, and write spikes and rates where the task says."""
    b2 = brian2()

    task = json.load(sys.stdin)
    p = Cortex.model_validate(task["cortex"])
    if task["target"] == "standalone":
        b2.set_device("cpp_standalone", build_on_run=False)
    else:
        b2.prefs.codegen.target = "numpy"
    b2.seed(task["seed"])
    b2.defaultclock.dt = p.dt * b2.ms
    bin_ = task["bin_ms"] * b2.ms
    space: dict[str, Any] = {
        "gl": p.leak * b2.nS,
        "c": p.capacitance * b2.pF,
        "threshold_v": p.threshold * b2.mV,
        "peak": p.peak * b2.mV,
        "reset_v": p.reset * b2.mV,
        "tau_w": p.adaptation_time * b2.ms,
        "tau_s": p.synaptic_time * b2.ms,
        "reversal_e": p.reversal_excitatory * b2.mV,
        "reversal_i": p.reversal_inhibitory * b2.mV,
        "qe": p.excitation * b2.nS,
        "qi": p.inhibition * b2.nS,
        "mean": p.drive * p.inputs * p.dt / 1000,
        "adaptation": b2.TimedArray(np.array(task["b"]) * b2.pA, dt=bin_),
        "scale": b2.TimedArray(np.array(task["scale"]), dt=bin_),
    }
    sizes = {"e": p.excitatory, "i": p.inhibitory}
    groups = {
        name: b2.NeuronGroup(
            size,
            EQUATIONS,
            threshold="v > peak",
            reset="v = reset_v; w += adapts * adaptation(t)",
            refractory=p.refractory * b2.ms,
            method="euler",
            namespace=space,
            name=f"group_{name}",
        )
        for name, size in sizes.items()
    }
    values = {"e": (p.rest_excitatory, p.slope_excitatory, 1.0)}
    values["i"] = (p.rest_inhibitory, p.slope_inhibitory, 0.0)
    made: list[Any] = []
    for name, group in groups.items():
        rest, slope, adapts = values[name]
        group.rest, group.slope, group.adapts = rest * b2.mV, slope * b2.mV, adapts
        group.v = "reset_v + 5 * mV * rand()"
        group.run_regularly("ge += qe * poisson(mean)", dt=p.dt * b2.ms)
        made.append(group)
    effects = {"e": "ge_post += qe * scale(t)", "i": "gi_post += qi"}
    for source, effect in effects.items():
        for target in groups.values():
            synapses = b2.Synapses(groups[source], target, on_pre=effect, namespace=space)
            synapses.connect(p=p.inputs / p.excitatory)
            made.append(synapses)
    monitors = {
        name: b2.SpikeMonitor(group, name=f"spikes_{name}") for name, group in groups.items()
    }
    network = b2.Network(*made, *monitors.values())
    network.run(task["seconds"] * b2.second)
    if task["target"] == "standalone":
        b2.device.build(directory=task["folder"], run=True, with_output=False)
    found: dict[str, Any] = {}
    for name, monitor in monitors.items():
        found[f"time_{name}"] = np.asarray(monitor.t / b2.second)
        found[f"neuron_{name}"] = np.asarray(monitor.i)
    np.savez(task["out"], **found)


if __name__ == "__main__":
    main()
