"""Leaky coincidence detectors: neurons that fire if they get many spikes within a small window.

dv/dt = -v / tau; every spike that arrives adds 1; above theta the neuron fires, returns to 0 and is
refractory for 2 ms, in which nothing reaches it. The window is tau.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wakesleep.runtime.brian import brian2

Array = NDArray[Any]
REFRACTORY = 2.0  # ms
EQUATIONS = """
    dv/dt = -v / tau : 1 (unless refractory)
    tau : second (constant)
    theta : 1 (constant)
    row : integer (constant)
    fired : 1
"""


def respond(arrivals: Array, taus: Sequence[float], levels: Array, dt: float) -> Array:
    """Return how often detectors fire, simulated by Brian2.

    Parameters
    ----------
    arrivals
        Spikes that arrive in every time step (steps, rows).
    taus
        Membrane time constants in ms.
    levels
        Thresholds in spikes, (levels,) or for every time constant (taus, levels); each combination
        is simulated for every row.
    dt
        Time step in ms.

    Returns
    -------
    array
        Spikes (taus, levels, rows).
    """
    b2 = brian2()

    steps, rows = arrivals.shape
    levels = np.broadcast_to(levels, (len(taus), np.shape(levels)[-1]))
    shape = (*levels.shape, rows)
    b2.set_device("runtime")
    b2.prefs.codegen.target = "numpy"
    clock = b2.Clock(dt * b2.ms)
    group = b2.NeuronGroup(
        int(np.prod(shape)),
        EQUATIONS,
        threshold="v > theta",
        reset="v = 0.0; fired += 1.0",
        refractory=REFRACTORY * b2.ms,
        method="exact",
        clock=clock,
        namespace={"arriving": b2.TimedArray(arrivals, dt * b2.ms)},
    )
    group.tau = np.broadcast_to(np.array(taus)[:, None, None], shape).ravel() * b2.ms
    group.theta = np.broadcast_to(levels[:, :, None], shape).ravel()
    group.row = np.broadcast_to(np.arange(rows), shape).ravel()
    group.run_regularly("v += arriving(t, row) * int(not_refractory)", clock=clock, when="synapses")
    # A volley of the last time step is seen in the one after it.
    b2.Network(group).run((steps + 1) * dt * b2.ms)
    return np.array(group.fired).reshape(shape)


def respond_plainly(arrivals: Array, taus: Sequence[float], levels: Array, dt: float) -> Array:
    """Return what :func:`respond` returns, from the same equations in numpy."""
    steps, rows = arrivals.shape
    leak = np.array([math.exp(-dt / tau) for tau in taus])[:, None, None]
    levels = np.broadcast_to(levels, (len(taus), np.shape(levels)[-1]))
    theta = levels[:, :, None]
    v = np.zeros((*levels.shape, rows))
    fired, since = np.zeros_like(v), np.full(v.shape, np.inf)
    for step in range(steps + 1):
        free = since >= round(REFRACTORY / dt)
        v = np.where(free, v * leak, v)
        fires = free & (v > theta)
        since = np.where(fires, 0, since)
        # At the last step nothing arrives any more.
        arriving = arrivals[step] if step < steps else 0.0
        v = np.where(free & ~fires, v + arriving, v)
        v[fires] = 0.0
        fired += fires
        since += 1
    return fired
