"""Numbers drawn from a result: xarray in, xarray out."""

from __future__ import annotations

import numpy as np
import xarray as xr

from wakesleep.errors import InputError

LONG_BLOCK = 4  # cycles above which a short table shows only the last one


def check_result(given: object) -> None:
    """Refuse what is no data set, such as a path.

    Raises
    ------
    InputError
        Saying what would be one.
    """
    if not isinstance(given, xr.Dataset):
        raise InputError(
            f"a result is a data set, as wakesleep.open(PATH) returns it, not {given!r}"
        )


def run_title(result: xr.Dataset) -> str:
    """Return what a figure of the run is headed by: its protocol, model and seed."""
    return f"{result.attrs.get('title', '')}, seed {result.attrs.get('seed')}"


def phase_ends(result: xr.Dataset) -> xr.Dataset:
    """Return the probes taken at the ends of phases, one for every phase gone through.

    Parameters
    ----------
    result
        A result of :func:`wakesleep.run` or :func:`wakesleep.open`.

    Raises
    ------
    InputError
        If it is something else, such as a path.
    """
    check_result(result)
    return result.isel(probe=result["phase_end"].values)


def phase_table(result: xr.Dataset) -> xr.Dataset:
    """Return the state of the network at the end of every phase.

    Parameters
    ----------
    result
        A result.

    Returns
    -------
    xarray.Dataset
        Over ``probe``: ``error`` (also over ``readout``), ``d_prime``, ``criterion``, ``auc`` and
        ``false_positive_rate``, where they were recorded; all but the error are means over layers.
    """
    ends = phase_ends(result)
    names = ("error", "d_prime", "criterion", "auc", "false_positive_rate")
    kept = ends.drop_vars([name for name in ends.data_vars if name not in names])
    with xr.set_options(keep_attrs=True):
        means = kept.mean("layer") if "layer" in kept.dims else kept
    unused = set(means.dims) - {dim for its in means.data_vars.values() for dim in its.dims}
    return means.drop_dims(unused - {"probe"})


def shortened(table: xr.Dataset, longest: int = 16) -> xr.Dataset:
    """Return a table of at most a few rows per part of the protocol.

    Parts of more than :data:`LONG_BLOCK` cycles are shown by their last cycle; the others whole.

    Parameters
    ----------
    table
        From :func:`phase_table`.
    longest
        A table of no more rows than this is returned as it is.
    """
    if table.sizes["probe"] <= longest:
        return table
    block, cycle = table["block"].values, table["cycle"].values
    last = {its: cycle[block == its].max() for its in np.unique(block)}
    keep = [
        last[its] < LONG_BLOCK or number == last[its]
        for its, number in zip(block, cycle, strict=True)
    ]
    return table.isel(probe=keep)


def hypnogram(result: xr.Dataset) -> xr.Dataset:
    """Return the phases a run went through, as events.

    Parameters
    ----------
    result
        A result.

    Returns
    -------
    xarray.Dataset
        Over ``event``, one after another without a gap: ``phase``, ``block`` and ``stage`` (words),
        ``cycle``, ``onset`` and ``offset`` (in steps). A phase that is still going on ends at its
        last probe; one of which only the last moment is in the result is left out. Cycles that the
        protocol did not record are one event, of phase ``unrecorded``.
    """
    index = result["phase_index"].values
    step = result["step"].values
    places = np.unique(index)
    last = np.array([np.flatnonzero(index == place)[-1] for place in places], dtype=int)
    offset = step[last]
    before = np.concatenate((step[:1], offset[:-1]))
    # A result of an older version tells no onsets, and has no gaps.
    onset = result["phase_onset"].values[last] if "phase_onset" in result else before
    onset = np.maximum(onset, step[0])  # a part of a result may begin within a phase
    names = {
        name: result[name].values[last] for name in ("phase", "block", "stage") if name in result
    }
    names.setdefault("stage", np.array([_stage(str(its)) for its in names["phase"]]))
    gaps = np.flatnonzero(onset > before)
    fill = {"phase": "unrecorded", "block": "", "stage": "UNS"}
    words = {
        name: np.insert(its.astype(f"<U{max(10, its.dtype.itemsize // 4)}"), gaps, fill[name])
        for name, its in names.items()
    }
    cycle = np.insert(result["cycle"].values[last], gaps, -1)
    offset = np.insert(offset, gaps, onset[gaps])
    onset = np.insert(onset, gaps, before[gaps])
    lasting = offset > onset
    return xr.Dataset(
        {
            "onset": ("event", onset[lasting], {"long_name": "first step", "units": "1"}),
            "offset": ("event", offset[lasting], {"long_name": "last step", "units": "1"}),
        },
        coords={
            **{name: ("event", its[lasting]) for name, its in words.items()},
            "cycle": ("event", cycle[lasting]),
        },
    )


def _stage(phase: str) -> str:
    return {"sleep": "NREM", "recovery": "NREM", "wake": "WAKE", "deprivation": "WAKE"}.get(
        phase, "UNS"
    )


def interval(
    values: xr.DataArray, dim: str = "seed", level: float = 0.95, method: str = "t"
) -> xr.Dataset:
    """Return mean and confidence interval over seeds; what is not a number is left out.

    Parameters
    ----------
    values
        Any array with the dimension ``dim``.
    dim
        What is averaged over.
    level
        Confidence level.
    method
        ``t`` (Student's t), or ``bootstrap`` (percentiles of 2000 resampled means, always the same
        resamples).

    Returns
    -------
    xarray.Dataset
        ``mean``, ``low``, ``high`` and ``n`` (how many values there were). With fewer than two
        values the interval is not a number.

    Raises
    ------
    InputError
        If the method is another.
    """
    n = values.notnull().sum(dim)
    mean = values.mean(dim)
    if method == "t":
        from scipy.stats import t

        # Infinite values (a criterion never met) have an infinite mean and no interval.
        with np.errstate(invalid="ignore", divide="ignore"):
            error = values.std(dim, ddof=1) / np.sqrt(n)
        half = error * t.ppf((1 + level) / 2, np.maximum(n - 1, 1))
        half = half.where(n > 1)
        low, high = mean - half, mean + half
    elif method == "bootstrap":
        values = values.dropna(dim, how="all")
        drawn = np.random.Generator(np.random.PCG64(0)).integers(
            0, values.sizes[dim], (2000, values.sizes[dim])
        )
        resampled = values.isel({dim: xr.DataArray(drawn, dims=("resample", dim))}).mean(dim)
        edges = resampled.quantile([(1 - level) / 2, (1 + level) / 2], dim="resample")
        low, high = (edges.isel(quantile=end, drop=True).where(n > 1) for end in (0, 1))
    else:
        raise InputError(f"an interval is made by 't' or 'bootstrap', not by '{method}'")
    return xr.Dataset({"mean": mean, "low": low, "high": high, "n": n})


def slope(values: xr.DataArray, dose: str, dim: str = "seed") -> xr.Dataset:
    """Return the dose-response slope with its interval over seeds.

    Parameters
    ----------
    values
        With the dimensions ``dose`` (whose coordinate is the dose) and ``dim``.
    dose
        Name of the dose's dimension.
    dim
        What is averaged over: a line is fitted for each seed, by least squares.

    Returns
    -------
    xarray.Dataset
        As :func:`interval`; per unit of dose.
    """
    fitted = values.polyfit(dose, 1)["polyfit_coefficients"].sel(degree=1, drop=True)
    return interval(fitted, dim)


def nights_to(result: xr.Dataset, quantity: str, below: float) -> xr.DataArray:
    """Return after how many cycles a quantity is below a criterion at both phase ends, for good.

    Parameters
    ----------
    result
        A result.
    quantity
        Its name.
    below
        The criterion.

    Returns
    -------
    xarray.DataArray
        Number of the first recorded cycle (counted from 1) from which on it is below the criterion
        at the end of every phase; infinite where it never is.

    Raises
    ------
    InputError
        If the result has several blocks; choose one first.
    """
    ends = phase_ends(result)
    if len(np.unique(ends["block"].values)) > 1:
        raise InputError("nights_to: the result has several blocks, each with its own cycles")
    cycle = ends["cycle"].values
    above = (ends[quantity] >= below) | ends[quantity].isnull()
    cycles = np.unique(cycle)
    worst = xr.concat(
        [above.isel(probe=np.flatnonzero(cycle == number)).any("probe") for number in cycles],
        "cycle",
    )
    still_fails = worst.isel(cycle=slice(None, None, -1)).cumulative("cycle").max()
    good = ~still_fails.isel(cycle=slice(None, None, -1)).astype(bool)
    first = xr.DataArray(cycles + 1.0, dims="cycle").where(good).min("cycle")
    return first.fillna(np.inf)


def half_recovery(result: xr.Dataset, quantity: str) -> xr.DataArray:
    """Return after how many updates asleep half of what deprivation did is undone.

    What deprivation did is the difference between the last probe of it and the end of the last
    night of the cycle before the first deprived one.

    Parameters
    ----------
    result
        A result with ``deprivation`` and, after it, ``recovery`` or ``sleep``.
    quantity
        Its name.

    Returns
    -------
    xarray.DataArray
        Updates asleep since the end of deprivation, at the first probe that shows it; infinite
        where recovery does not come half the way, and not a number where nothing was done or nobody
        was deprived.
    """
    found = _deprivation(result, quantity)
    if found is None:
        return xr.full_like(result[quantity].isel(probe=0, drop=True), np.nan, float)
    before, worst, after = found
    done = worst - before
    undone = (after - before) * np.sign(done) <= abs(done) / 2  # an overshoot is more than half
    lengths = np.diff(after["step"].values, prepend=worst["step"].item())
    asleep = np.isin(after["phase"].values, ("sleep", "recovery"))
    since = xr.DataArray(np.where(asleep, np.cumsum(lengths * asleep), np.inf), dims="probe")
    first = (
        since.where(undone.drop_vars(undone.coords, errors="ignore")).min("probe").fillna(np.inf)
    )
    return first.where(done != 0)


def overshoot(result: xr.Dataset, quantity: str) -> xr.DataArray:
    """Return how far a quantity goes beyond its baseline while recovering, in its own units.

    Positive where deprivation raised it and recovery lowers it below the baseline, or the other way
    round; 0 where it never gets there.

    Parameters
    ----------
    result
        A result with ``deprivation`` and, after it, ``recovery`` or ``sleep``.
    quantity
        Its name.
    """
    found = _deprivation(result, quantity)
    if found is None:
        return xr.full_like(result[quantity].isel(probe=0, drop=True), np.nan, float)
    before, worst, after = found
    direction = np.sign(worst - before)
    return ((before - after) * direction).max("probe").clip(min=0)


def _deprivation(
    result: xr.Dataset, quantity: str
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray] | None:
    """Return a quantity before deprivation, at its end, and after it; None if one is not there."""
    phase = result["phase"].values.astype(str)
    lost = np.flatnonzero(phase == "deprivation")
    if not len(lost):
        return None
    values = result[quantity]
    asleep = np.flatnonzero(np.isin(phase, ("sleep", "recovery")) & result["phase_end"].values)
    cycle, block = result["cycle"].values, result["block"].values
    same = (cycle == cycle[lost[0]]) & (block == block[lost[0]])  # a night cut short, for instance
    earlier = asleep[(asleep < lost[0]) & ~same[asleep]]
    if not len(earlier) or lost[-1] + 1 == len(phase):
        return None
    return (
        values.isel(probe=earlier[-1], drop=True),
        values.isel(probe=lost[-1]),
        values.isel(probe=slice(lost[-1] + 1, None)),
    )


def mean_duration(result: xr.Dataset, phase: str, block: str | None = None) -> float:
    """Return how long phases of one name last on average, in updates.

    Parameters
    ----------
    result
        A result.
    phase
        Name of the phase; ``any`` for all.
    block
        Only those of one part of the protocol.
    """
    events = hypnogram(result)
    chosen = events["phase"].values != "unrecorded"
    if phase != "any":
        chosen &= events["phase"].values == phase
    if block is not None:
        chosen &= events["block"].values == block
    lengths = (events["offset"] - events["onset"]).values[chosen]
    return float(lengths.mean()) if len(lengths) else float("nan")
