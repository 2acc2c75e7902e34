"""The verb ``agreement``: how well coincidence detectors tell agreement from disagreement."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wakesleep.coincidence.detectors import respond
from wakesleep.coincidence.volleys import Sources, corrected_rate, raw_rate, shuffled, trials
from wakesleep.detection import auc
from wakesleep.errors import InputError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[Any]

DT = 0.1  # ms
TAUS = (1.0, 2.0, 5.0, 10.0, 20.0)
THETAS = (0.67, 1.0, 1.17, 1.33, 1.5, 1.83)  # in mean volleys
JITTERS = (0.5, 1.0, 2.0, 4.0, 8.0)
SAMPLES = 200  # of the bootstrap
# What neurons carry beside timing: nothing (all are alike), or also which of them are active.
SCENARIOS = {
    "timing": {},
    "timing and rate": {"active": 0.3, "probability": 0.6, "idle": 0.3},
}


def agreement(
    *,
    taus: Sequence[float] = TAUS,
    thetas: Sequence[float] = THETAS,
    jitters: Sequence[float] = JITTERS,
    lags: Sequence[float] = (0.0,),
    count: int = 100,
    seed: int = 0,
    sources: Sources | None = None,
) -> xr.Dataset:
    """Measure agreement of two sources by coincidence, beside measures of rates.

    Parameters
    ----------
    taus
        Windows of the detectors: membrane time constants in ms.
    thetas
        Thresholds, in units of the mean volley of one source.
    jitters, lags
        Of the sources, in ms.
    count
        Trials of agreement, and as many of disagreement.
    seed
        Of all randomness.
    sources
        All else about the sources.

    Returns
    -------
    xarray.Dataset
        ``auc`` and ``d_prime`` (scenario, lag, jitter, tau, theta) of agreement against
        disagreement from the detectors' summed spikes, and of the same spikes at shuffled times
        (``shuffled_auc``); ``rate_auc``, ``rate_d_prime`` (measure, scenario, lag, jitter) of raw
        and norm-corrected rates; ``auc_low`` and ``auc_high``, 95 % bootstrap intervals over trials.

    Raises
    ------
    InputError
        If a number is out of its range.

    Warns
    -----
    UserWarning
        If a threshold does not lie between one and two volleys: below one, a detector fires for
        each source by itself, and more spikes mean less agreement.
    """
    import xarray as xr

    its = sources or Sources()
    _check(its, taus, thetas, jitters, count)
    outside = [theta for theta in thetas if not 1 < theta < 2]
    if outside:
        warnings.warn(
            f"threshold {', '.join(f'{one:g}' for one in outside)} lies outside one to two volleys "
            f"({its.volley:g} to {2 * its.volley:g} spikes); below one the sign of the measure "
            "may turn round",
            stacklevel=2,
        )
    random = np.random.Generator(np.random.PCG64(seed))
    shape = (len(SCENARIOS), len(lags), len(jitters))
    grid = (*shape, len(taus), len(thetas))
    found = {name: np.zeros(grid) for name in ("auc", "d_prime", "shuffled_auc")}
    found |= {name: np.zeros(grid) for name in ("auc_low", "auc_high")}
    rates = {name: np.zeros((2, *shape)) for name in ("rate_auc", "rate_d_prime")}
    for place in np.ndindex(*shape):
        scenario, lag, jitter = place
        here = dataclasses.replace(
            its,
            **list(SCENARIOS.values())[scenario],
            lag=float(lags[lag]),
            jitter=float(jitters[jitter]),
        )
        drawn = [trials(here, count, agree, DT, random) for agree in (True, False)]
        levels = [theta * here.volley for theta in thetas]
        seen = [_spikes(arrivals, taus, levels) for arrivals, _ in drawn]
        mixed = [_spikes(shuffled(arrivals, random), taus, levels) for arrivals, _ in drawn]
        found["auc"][place] = _auc(*seen)
        found["d_prime"][place] = separation(*seen)
        found["shuffled_auc"][place] = _auc(*mixed)
        samples = [_auc(*_resampled(seen, random)) for _ in range(SAMPLES)]
        found["auc_low"][place], found["auc_high"][place] = np.percentile(samples, (2.5, 97.5), 0)
        for number, measure in enumerate((raw_rate, corrected_rate)):
            pair = [measure(counts) for _, counts in drawn]
            rates["rate_auc"][number, *place] = auc(pair[0][None], pair[1][None])[0]
            rates["rate_d_prime"][number, *place] = separation(*pair)
    over = ("scenario", "lag", "jitter")
    result = xr.Dataset(
        {
            **{name: ((*over, "tau", "theta"), values) for name, values in found.items()},
            **{name: (("measure", *over), values) for name, values in rates.items()},
        },
        coords={
            "scenario": list(SCENARIOS),
            "lag": ("lag", list(lags), {"units": "ms", "long_name": "lag of the top-down volley"}),
            "jitter": ("jitter", list(jitters), {"units": "ms", "long_name": "jitter of spikes"}),
            "tau": ("tau", list(taus), {"units": "ms", "long_name": "window (tau)"}),
            "theta": ("theta", list(thetas), {"units": "1", "long_name": "threshold in volleys"}),
            "measure": ["raw rate", "norm-corrected rate"],
        },
        attrs={
            "title": "agreement against disagreement of two sources",
            "sources": str(dataclasses.asdict(its)),
            "trials": count,
            "seed": seed,
        },
    )
    for name, value in result.data_vars.items():
        value.attrs = {"units": "1", "long_name": str(name).replace("_", " ")}
    return result


def separation(agree: Array, disagree: Array) -> Array:
    """Return the difference of means in units of the root mean variance (...), from (..., trials).

    Not a number where nothing varies, as where no detector ever fires.
    """
    spread = np.sqrt((agree.var(-1, ddof=1) + disagree.var(-1, ddof=1)) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 0, (agree.mean(-1) - disagree.mean(-1)) / spread, np.nan)


def _spikes(arrivals: Array, taus: Sequence[float], levels: Sequence[float]) -> Array:
    """Return each trial's spikes, summed over detectors (taus, thetas, trials)."""
    steps, count, neurons = arrivals.shape
    fired = respond(arrivals.reshape(steps, -1), taus, levels, DT)
    return fired.reshape(len(taus), len(levels), count, neurons).sum(-1)


def _auc(agree: Array, disagree: Array) -> Array:
    flat = [its.reshape(-1, its.shape[-1]) for its in (agree, disagree)]
    return auc(*flat).reshape(agree.shape[:-1])


def _resampled(pair: Sequence[Array], random: np.random.Generator) -> list[Array]:
    return [its[..., random.integers(0, its.shape[-1], its.shape[-1])] for its in pair]


def _check(
    its: Sources,
    taus: Sequence[float],
    thetas: Sequence[float],
    jitters: Sequence[float],
    count: int,
) -> None:
    for name, values in (("tau", taus), ("theta", thetas)):
        if not values or min(values) <= 0:
            raise InputError(f"{name}: there must be values, all above 0, not {list(values)}")
    if not jitters or min(jitters) < 0:
        raise InputError(f"jitter: there must be values, none below 0, not {list(jitters)}")
    if count < 2:
        raise InputError(f"agreement is measured over trials: at least 2, not {count}")
    if its.neurons < 1 or its.afferents < 1 or its.cycles < 1 or not its.cycle > 0:
        raise InputError("there must be neurons, afferents and cycles, and cycles must last")
    for name in ("probability", "idle", "active", "correlation"):
        if not 0 <= getattr(its, name) <= 1:
            raise InputError(f"{name}: must lie between 0 and 1, not {getattr(its, name):g}")
