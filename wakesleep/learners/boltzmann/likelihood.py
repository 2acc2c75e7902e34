"""Likelihood of data under a machine: annealed importance sampling and pseudo-likelihood.

Salakhutdinov & Murray 2008, *On the quantitative analysis of deep belief networks*; Neal 2001,
*Annealed importance sampling*. For machines small enough see
:mod:`wakesleep.learners.boltzmann.exact`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from wakesleep.learners.boltzmann.layout import Layout

Theta = dict[str, Tensor]
CHUNK = 2048  # rows at once


@dataclass(frozen=True)
class LogZ:
    """An estimate of log Z.

    Attributes
    ----------
    value
        The log of the mean of the importance weights.
    lower, upper
        Ends of the interval of three standard errors of that mean, as in the literature; the lower
        end is minus infinity where the error exceeds a third of the mean.
    effective
        Effective number of runs: (sum w)^2 / sum w^2.
    """

    value: float
    lower: float
    upper: float
    effective: float


def base_rates(visible: Tensor, labels: int = 0, smoothing: float = 1.0) -> Tensor:
    """Return visible biases (visible,) under which units are on as often as in the data.

    Parameters
    ----------
    visible
        Data (cases, visible).
    labels
        The last so many units are label units: their biases are log frequencies.
    smoothing
        Cases added to both counts, so that a pixel that is never on has a finite bias.
    """
    p = (visible.sum(0) + smoothing) / (len(visible) + 2 * smoothing)
    bias = p.log() - (-p).log1p()
    if labels:
        bias[-labels:] = p[-labels:].log()
    return bias


def base_log_z(layout: Layout, base: Tensor) -> float:
    """Return log Z of the machine without weights whose visible biases are ``base``."""
    found = softplus(base[: layout.pixels].double()).sum()
    if layout.labels:
        found = found + base[layout.pixels :].double().logsumexp(0)
    return float(found) + sum(layout.hidden) * math.log(2)


def ais(
    machine: Any,
    theta: Theta,
    base: Tensor,
    *,
    temperatures: int = 1000,
    runs: int = 100,
    generator: torch.Generator,
) -> LogZ:
    """Estimate log Z by annealed importance sampling from a base-rate model.

    Parameters
    ----------
    machine, theta
        A restricted, deep or general machine and its parameters.
    base
        Visible biases of the base-rate model, from :func:`base_rates`.
    temperatures
        Steps from the base-rate model to the machine, evenly spaced in inverse temperature.
    runs
        Independent runs.
    generator
        Random stream.

    Returns
    -------
    LogZ
        The estimate of Z is unbiased, so log Z is underestimated on average. A likelihood computed
        with it is too high; the error is larger with fewer temperatures.
    """
    layout = machine.layout
    visible = layout.draw(base.expand(runs, -1), generator)
    rows = machine.random(theta, runs, generator)
    rows.visible[:, : layout.visible] = visible
    here = machine.tempered(theta, 0.0, base)
    rows = machine.refreshed(here, rows)
    log_w = torch.full((runs,), base_log_z(layout, base), dtype=torch.float64, device=base.device)
    before = machine.log_weight(here, rows).double()
    for number in range(1, temperatures + 1):
        here = machine.tempered(theta, number / temperatures, base)
        log_w += machine.log_weight(here, rows).double() - before
        if number < temperatures:
            rows = machine.sweep(here, machine.refreshed(here, rows), generator)
            before = machine.log_weight(here, rows).double()
    return summary(log_w)


def summary(log_w: Tensor) -> LogZ:
    """Return the estimate from log importance weights (runs,)."""
    runs = len(log_w)
    top = log_w.max()
    w = (log_w - top).exp()
    mean, error = w.mean(), w.std() / math.sqrt(runs)
    low = mean - 3 * error
    return LogZ(
        value=float(mean.log() + top),
        lower=float(low.log() + top) if low > 0 else -math.inf,
        upper=float((mean + 3 * error).log() + top),
        effective=float(w.sum().square() / w.square().sum()),
    )


def log_probability(machine: Any, theta: Theta, visible: Tensor, log_z: float) -> Tensor:
    """Return the log probability (n,) of visible units, given log Z; a bound for deep machines."""
    parts = [machine.goodness(theta, some).double() for some in visible.split(CHUNK)]
    return torch.cat(parts) - log_z


def pseudo_likelihood(machine: Any, theta: Theta, visible: Tensor) -> Tensor:
    """Return the sum over pixels of log p(pixel | all other visible units) (n,).

    Besag 1975. It is exact if the machine's goodness is exact. Every pixel is flipped in turn, so
    it takes as many evaluations as there are pixels.
    """
    goodness = machine.goodness(theta, visible)
    total = torch.zeros_like(goodness)
    for pixel in range(machine.layout.pixels):
        flipped = visible.clone()
        flipped[:, pixel] = 1 - flipped[:, pixel]
        total += logsigmoid(goodness - machine.goodness(theta, flipped))
    return total
