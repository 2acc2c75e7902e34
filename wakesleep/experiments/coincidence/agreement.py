"""The verb ``agreement``: how well coincidence detectors tell agreement from disagreement."""

from __future__ import annotations

import dataclasses
import json
import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wakesleep.errors import InputError, choices
from wakesleep.experiments.coincidence.detectors import respond
from wakesleep.experiments.coincidence.volleys import (
    Sources,
    corrected_rate,
    raw_rate,
    shuffled,
    trials,
)
from wakesleep.results.detection import auc
from wakesleep.results.provenance import versions

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[Any]

DT = 0.1  # ms
TAUS = (1.0, 2.0, 5.0, 10.0, 20.0)
THETAS = (1.08, 1.17, 1.33, 1.5, 1.83)  # in mean volleys
ALL_THETAS = (0.67, 1.0, *THETAS)  # also thresholds that reverse the sign of the measure
SAMPLES = 200  # of the bootstrap
# The information beside timing: none (all neurons are alike), or also which neurons are active.
SCENARIOS: dict[str, dict[str, Any]] = {
    "timing": {},
    "timing and rate": {"active": 0.3, "probability": 0.6, "idle": 0.3},
}
# What is varied, one thing at a time.
SWEEPS: dict[str, tuple[float, ...]] = {
    "jitter": (0.5, 1.0, 2.0, 4.0, 8.0),
    "lag": (0.0, 2.0, 5.0, 10.0, 20.0),
    "correlation": (0.0, 0.25, 0.5, 0.75, 1.0),
    "background": (0.0, 10.0, 30.0, 100.0),
}
NUMBERS = ("jitter", "lag", "correlation", "background", "probability", "active", "cycle")
WORDS = {
    "jitter": ("jitter of spikes", "ms"),
    "lag": ("lag of the top-down volley", "ms"),
    "correlation": ("fraction of neurons that agree", "1"),
    "background": ("background spikes of every afferent", "1/s"),
    "tau": ("window (membrane time constant)", "ms"),
    "theta": ("threshold in mean volleys", "1"),
}


def survey(*, theta: float = 1.17, count: int = 100, seed: int = 0) -> xr.DataTree:
    """Return :func:`agreement` as a function of jitter, lag, correlation and background.

    Parameters
    ----------
    theta
        Threshold in mean volleys for all sweeps except that of the jitter.
    count
        Trials with agreement, and as many with disagreement, for every value.
    seed
        Seed of all random numbers.

    Returns
    -------
    xarray.DataTree
        ``/jitter`` (in every scenario, for many thresholds), ``/lag``, ``/correlation`` and
        ``/background`` (timing alone).

    Raises
    ------
    InputError
        If the threshold does not lie between one and two volleys.
    """
    import xarray as xr

    if not 1 < theta < 2:
        raise InputError(
            f"theta: a threshold must lie between one and two volleys, not at {theta:g}; below one "
            "each source fires a detector by itself, and two together cannot exceed two"
        )

    scenarios = tuple(SCENARIOS)
    found = {}
    with warnings.catch_warnings():
        # The survey shows on purpose that the sign is reversed below one volley.
        warnings.simplefilter("ignore", UserWarning)
        for name, values in SWEEPS.items():
            found[name] = agreement(
                name,
                values,
                thetas=ALL_THETAS if name == "jitter" else (theta,),
                scenarios=scenarios if name == "jitter" else scenarios[:1],
                shuffle=name == "jitter",
                count=count,
                seed=seed,
            )
    return xr.DataTree.from_dict({f"/{name}": its for name, its in found.items()})


def agreement(
    vary: str = "jitter",
    values: Sequence[float] = SWEEPS["jitter"],
    *,
    taus: Sequence[float] = TAUS,
    thetas: Sequence[float] = THETAS,
    scenarios: Sequence[str] = tuple(SCENARIOS),
    shuffle: bool = True,
    count: int = 100,
    seed: int = 0,
    sources: Sources | None = None,
) -> xr.Dataset:
    """Measure agreement of two sources by coincidence, beside measures of rates.

    Parameters
    ----------
    vary, values
        A parameter of the sources (``jitter``, ``lag``, ``correlation``, ``background``,
        ``probability``, ...) and its values.
    taus
        Windows of the detectors: membrane time constants in ms.
    thetas
        Thresholds in units of the mean volley of one source, above the mean potential that the
        background alone causes in a detector of that window.
    scenarios
        ``timing`` (all neurons are alike) and ``timing and rate`` (3 of 10 are more active).
    shuffle
        Whether to measure the same spikes at random times too.
    count
        Trials with agreement, and as many with disagreement.
    seed
        Seed of all random numbers.
    sources
        Other parameters of the sources.

    Returns
    -------
    xarray.Dataset
        ``auc`` and ``d_prime`` (scenario, ``vary``, tau, theta) of agreement against disagreement
        from the detectors' summed spikes, with ``auc_low`` and ``auc_high``, 95 % bootstrap
        intervals over trials; ``shuffled_auc``, that of the same spikes at random times;
        ``rate_auc``, ``rate_d_prime`` (measure, scenario, ``vary``) of raw and norm-corrected
        rates.

    Raises
    ------
    InputError
        If a number is out of its range.

    Warns
    -----
    UserWarning
        If a threshold does not lie between one and two volleys: below one, each source alone makes
        a detector fire, and more spikes mean less agreement. Also if the sign is reversed between
        one and two volleys, which can happen if a window is longer than the gap between volleys.
    """
    import xarray as xr

    its = sources or Sources()
    for what, name, allowed in (
        ("number to vary", vary, NUMBERS),
        *(("scenario", one, tuple(SCENARIOS)) for one in scenarios),
    ):
        if name not in allowed:
            raise InputError(f"there is no {what} '{name}'{choices(name, allowed)}")
    cells = [
        [dataclasses.replace(its, **(SCENARIOS[one] | {vary: value})) for value in values]
        for one in scenarios
    ]
    _check([cell for row in cells for cell in row], taus, thetas, count, seed)
    _warn(its, thetas)
    random = np.random.Generator(np.random.PCG64(seed))
    shape = (len(scenarios), len(values))
    grid = (*shape, len(taus), len(thetas))
    names = ["auc", "d_prime", "auc_low", "auc_high", *(["shuffled_auc"] if shuffle else [])]
    found = {name: np.zeros(grid) for name in names}
    rates = {name: np.zeros((2, *shape)) for name in ("rate_auc", "rate_d_prime")}
    for place in np.ndindex(*shape):
        here = cells[place[0]][place[1]]
        drawn = [trials(here, count, agree, DT, random) for agree in (True, False)]
        levels = here.volley * np.array(thetas) + here.load(np.array(taus))[:, None]
        seen = [_spikes(arrivals, taus, levels) for arrivals, _ in drawn]
        found["auc"][place] = _auc(*seen)
        found["d_prime"][place] = separation(*seen)
        if shuffle:
            mixed = [_spikes(shuffled(arrivals, random), taus, levels) for arrivals, _ in drawn]
            found["shuffled_auc"][place] = _auc(*mixed)
        samples = [_auc(*_resampled(seen, random)) for _ in range(SAMPLES)]
        found["auc_low"][place], found["auc_high"][place] = np.percentile(samples, (2.5, 97.5), 0)
        for number, measure in enumerate((raw_rate, corrected_rate)):
            pair = [measure(counts) for _, counts in drawn]
            rates["rate_auc"][number, *place] = auc(pair[0][None], pair[1][None])[0]
            rates["rate_d_prime"][number, *place] = separation(*pair)
    turned = (found["auc_high"] < 0.5) & ((np.array(thetas) > 1) & (np.array(thetas) < 2))
    if vary not in ("lag", "correlation") and turned.any():
        windows = sorted({float(taus[place]) for place in np.nonzero(turned)[2]})
        warnings.warn(
            "the sign of the measure reverses although the threshold lies between one and two "
            f"volleys, for windows of {', '.join(f'{one:g}' for one in windows)} ms",
            stacklevel=2,
        )
    result = xr.Dataset(
        {
            **{name: (("scenario", vary, "tau", "theta"), its) for name, its in found.items()},
            **{name: (("measure", "scenario", vary), its) for name, its in rates.items()},
        },
        coords={
            "scenario": list(scenarios),
            vary: list(values),
            "tau": list(taus),
            "theta": list(thetas),
            "measure": ["raw rate", "norm-corrected rate"],
        },
        attrs={
            "title": "agreement against disagreement of two sources",
            "sources": json.dumps(dataclasses.asdict(its)),
            "trials": count,
            "seed": seed,
            "versions": json.dumps(versions()),
        },
    )
    for key, variable in result.variables.items():
        name = str(key)
        told = (name.replace("_", " "), "1")
        variable.attrs["long_name"], variable.attrs["units"] = WORDS.get(name, told)
    return result


def separation(agree: Array, disagree: Array) -> Array:
    """Return the difference of means in units of the root mean variance (...), from (..., trials).

    It is NaN if nothing varies, for example if no detector ever fires.
    """
    spread = np.sqrt((agree.var(-1, ddof=1) + disagree.var(-1, ddof=1)) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 0, (agree.mean(-1) - disagree.mean(-1)) / spread, np.nan)


def _spikes(arrivals: Array, taus: Sequence[float], levels: Array) -> Array:
    """Return each trial's spikes, summed over detectors (taus, thetas, trials)."""
    steps, count, neurons = arrivals.shape
    fired = respond(arrivals.reshape(steps, -1), taus, levels, DT)
    return fired.reshape(len(taus), -1, count, neurons).sum(-1)


def _auc(agree: Array, disagree: Array) -> Array:
    flat = [its.reshape(-1, its.shape[-1]) for its in (agree, disagree)]
    return auc(*flat).reshape(agree.shape[:-1])


def _resampled(pair: Sequence[Array], random: np.random.Generator) -> list[Array]:
    return [its[..., random.integers(0, its.shape[-1], its.shape[-1])] for its in pair]


def _check(
    cells: Sequence[Sources],
    taus: Sequence[float],
    thetas: Sequence[float],
    count: int,
    seed: int,
) -> None:
    """Refuse numbers that no detector or source can have."""
    for name, values in (("tau", taus), ("theta", thetas)):
        if not values or not all(0 < value < math.inf for value in values):
            raise InputError(f"{name}: there must be values, all above 0, not {list(values)}")
    if count < 2:
        raise InputError(f"agreement is measured over trials: at least 2, not {count}")
    if seed < 0:
        raise InputError(f"seed must be a whole number of at least 0, not {seed}")
    if not cells:
        raise InputError("there is no value to vary")
    for its in cells:
        if min(its.neurons, its.afferents, its.cycles) < 1:
            raise InputError("there must be neurons, afferents and cycles")
        if not 10 * DT <= its.cycle < math.inf:
            raise InputError(f"cycle: must last {10 * DT:g} ms at least, not {its.cycle:g}")
        for name in ("jitter", "background"):
            if not 0 <= getattr(its, name) < math.inf:
                raise InputError(f"{name}: cannot be {getattr(its, name):g}")
        if not math.isfinite(its.lag):
            raise InputError(f"lag: cannot be {its.lag:g}")
        for name in ("probability", "idle", "active", "correlation"):
            value = getattr(its, name)
            least = math.ulp(0.0) if name == "probability" else 0.0
            if not least <= value <= 1:
                raise InputError(f"{name}: must lie between 0 and 1, not {value:g}")


def _warn(its: Sources, thetas: Sequence[float]) -> None:
    outside = [theta for theta in thetas if not 1 < theta < 2]
    if outside:
        warnings.warn(
            f"threshold {', '.join(f'{one:g}' for one in outside)} does not lie between one and "
            f"two volleys ({its.volley:g} to {2 * its.volley:g} spikes); below one the sign of "
            "the measure reverses",
            stacklevel=3,
        )
