"""A Hopfield network of +-1 units: storage, relaxation, unlearning, the dreaming kernel.

Hopfield 1982; Hopfield, Feinstein & Palmer 1983, *'Unlearning' has a stabilizing effect in
collective memories*; Fachechi, Agliari & Barra 2019, *Dreaming neural networks*. In numpy: single
spins flip one after another, which no accelerator makes faster.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
TIE = 1e-9  # a smaller field counts as 0: Hebb's couplings are multiples of 1/N


def hebb(patterns: Array) -> Array:
    """Return J = (1/N) sum of xi xi' over patterns (patterns, N) of +-1, without its diagonal."""
    coupling: Array = patterns.T @ patterns / patterns.shape[1]
    np.fill_diagonal(coupling, 0.0)
    return coupling


def energy(coupling: Array, states: Array) -> Array:
    """Return -s'Js/2 (n,) of states (n, N)."""
    found: Array = -0.5 * np.einsum("ni,ij,nj->n", states, coupling, states)
    return found


def relax(coupling: Array, state: Array, random: np.random.Generator) -> Array:
    """Return the fixed point that a state (N,) falls into.

    Updates are asynchronous: a random unit that is opposed to its field flips, until there is no
    such unit. The energy falls with every flip, so this ends (J is symmetric and has no positive
    diagonal that could matter).
    """
    state = state.copy()
    field = coupling @ state
    while True:
        against = np.flatnonzero(state * field < -TIE)
        if not len(against):
            return state
        unit = against[random.integers(len(against))]
        field -= 2 * state[unit] * coupling[:, unit]
        state[unit] = -state[unit]


def unlearn(coupling: Array, epsilon: float, random: np.random.Generator) -> Array:
    """Dream once: from a random state to a fixed point s, then J <- J - (epsilon/N) s s', in place.

    Returns
    -------
    array
        The dream (N,).
    """
    units = len(coupling)
    dreamt = relax(coupling, random.choice((-1.0, 1.0), units), random)
    forget(coupling, epsilon, dreamt)
    return dreamt


def forget(coupling: Array, epsilon: float, dreamt: Array) -> None:
    """Subtract a dream (N,) from the couplings, in place."""
    coupling -= (epsilon / len(coupling)) * np.outer(dreamt, dreamt)
    np.fill_diagonal(coupling, 0.0)


def stable(coupling: Array, patterns: Array) -> float:
    """Return the fraction of patterns (patterns, N) that are fixed points."""
    return float(((patterns @ coupling) * patterns >= -TIE).all(1).mean())


def dreaming_kernel(patterns: Array, time: float) -> Array:
    """Return J(t) = (1/N) sum of xi_mu [(1 + t)(1 + tC)^-1]_mu,nu xi_nu, its diagonal included.

    C is the patterns' overlap matrix. At t = 0 it is Hebb's rule, for t to infinity the projector
    onto the patterns, which keeps up to N of them. It solves dJ/dt = (J - J^2)/(1 + t).

    Parameters
    ----------
    patterns
        (patterns, N) of +-1.
    time
        Length of sleep t, at least 0.
    """
    count, units = patterns.shape
    overlap = patterns @ patterns.T / units
    inner = (1 + time) * np.linalg.inv(np.eye(count) + time * overlap)
    found: Array = patterns.T @ inner @ patterns / units
    return found
