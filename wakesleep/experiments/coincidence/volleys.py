"""Two sources that code by volleys, in agreement or not.

Hinton 2022 (arXiv 2212.13345), section 6.3: agreement can be measured far more sharply from spikes
that arrive at particular times. Each neuron gets input from afferents of a bottom-up and a top-down
source. In every cycle an afferent fires, with some probability, at the cycle's phase plus jitter;
there are also background spikes. In agreement both sources have the same phase (and activity);
otherwise each has its own, with the same statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Sources:
    """How the two sources fire. Times are in milliseconds.

    Attributes
    ----------
    neurons
        Number of detectors in a trial, each with its own afferents.
    afferents
        Number of afferents per source and detector.
    cycle, cycles
        Length of a cycle, and number of cycles in a trial.
    probability
        Probability that an afferent fires in a cycle if its neuron is active.
    idle
        The same probability if its neuron is not active.
    active
        Fraction of neurons that are active in a trial.
    jitter
        Standard deviation of a spike about the phase.
    lag
        Delay of the top-down volley.
    correlation
        Fraction of neurons for which agreeing sources have the same phase (and activity).
    background
        Spikes per second of every afferent at random times.
    """

    neurons: int = 20
    afferents: int = 10
    cycle: float = 50.0
    cycles: int = 2
    probability: float = 0.6
    idle: float = 0.6
    active: float = 1.0
    jitter: float = 1.0
    lag: float = 0.0
    correlation: float = 1.0
    background: float = 10.0

    @property
    def duration(self) -> float:
        """Length of a trial."""
        return self.cycle * self.cycles

    @property
    def volley(self) -> float:
        """Mean number of spikes of one source's volley at an active neuron."""
        return self.afferents * self.probability

    def load(self, tau: Any) -> Any:
        """Return the mean potential from both sources' background, for membranes of window tau."""
        return 2 * self.afferents * self.background * tau / 1000


def trials(
    its: Sources, count: int, agree: bool, dt: float, random: np.random.Generator
) -> tuple[Array, Array]:
    """Draw trials.

    Parameters
    ----------
    its
        The sources.
    count
        Trials.
    agree
        Whether the sources agree.
    dt
        Time step.
    random
        Random stream.

    Returns
    -------
    arrivals
        Spikes that arrive in every time step (steps, trials, neurons), of both sources together.
    counts
        Spikes of each source (2, trials, neurons).
    """
    shape = (count, its.neurons)
    same = (random.random(shape) < its.correlation) & agree
    active = [_active(its, count, random) for _ in range(2)]
    active[1] = np.where(same, active[0], active[1])
    # Phases keep a distance from a cycle's ends, so that a volley is not cut in two.
    phases = [random.uniform(0.2, 0.8, (its.cycles, *shape)) * its.cycle for _ in range(2)]
    phases[1] = np.where(same, phases[0], phases[1])
    steps = round(its.duration / dt)
    arrivals = np.zeros((steps, count * its.neurons))
    counts = np.zeros((2, count * its.neurons))
    where = np.arange(count * its.neurons).reshape(shape)
    for source in range(2):
        chance = np.where(active[source], its.probability, its.idle)
        every = (its.afferents, its.cycles, *shape)
        fires = random.random(every) < chance
        start = np.arange(its.cycles)[:, None, None] * its.cycle + source * its.lag
        when = start + phases[source] + its.jitter * random.standard_normal(every)
        extra = random.poisson(its.background * its.duration / 1000, (its.afferents, *shape)).sum(0)
        cell = np.concatenate(
            [np.broadcast_to(where, every)[fires], np.repeat(where.ravel(), extra.ravel())]
        )
        when = np.concatenate([when[fires], random.uniform(0, its.duration, extra.sum())])
        step = np.floor(when / dt).astype(int)
        inside = (step >= 0) & (step < steps)
        np.add.at(arrivals, (step[inside], cell[inside]), 1.0)
        np.add.at(counts[source], cell[inside], 1.0)
    return arrivals.reshape(steps, *shape), counts.reshape(2, *shape)


def shuffled(arrivals: Array, random: np.random.Generator) -> Array:
    """Return the same number of spikes per neuron at random times: a control without timing."""
    steps = len(arrivals)
    many = arrivals.sum(0).astype(int)
    cell = np.repeat(np.arange(many.size), many.ravel())
    found = np.zeros((steps, many.size))
    np.add.at(found, (random.integers(0, steps, len(cell)), cell), 1.0)
    return found.reshape(arrivals.shape)


def raw_rate(counts: Array) -> Array:
    """Return the summed squared activity (trials,), Forward-Forward's goodness of rates."""
    total: Array = np.square(counts.sum(0)).sum(-1)
    return total


def corrected_rate(counts: Array) -> Array:
    """Return the summed squared activity over that of the sources by themselves (trials,)."""
    return np.asarray(raw_rate(counts) / np.square(counts).sum((0, -1)))


def _active(its: Sources, count: int, random: np.random.Generator) -> Array:
    """Return which neurons are active (trials, neurons): equally many in every trial."""
    rank = random.random((count, its.neurons)).argsort(1).argsort(1)
    return np.asarray(rank < round(its.active * its.neurons))
