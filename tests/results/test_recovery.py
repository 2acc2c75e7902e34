"""Statistics of sleep and of seeds, on results made by hand and against other libraries."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import wakesleep as ws
from wakesleep.results import intervals, recovery


def made(phases, values, ends=None, cycles=None) -> xr.Dataset:
    """Return a result with a probe every 10 steps."""
    count = len(phases)
    index = np.concatenate(([0], np.cumsum(np.array(phases[1:]) != np.array(phases[:-1]))))
    step = 10 * np.arange(count)
    return xr.Dataset(
        {"x": ("probe", np.asarray(values, float))},
        {
            "step": ("probe", step),
            "phase": ("probe", np.array(phases)),
            "block": ("probe", np.array(["b"] * count)),
            "phase_index": ("probe", index),
            "phase_end": (
                "probe",
                np.append(index[1:] != index[:-1], True) if ends is None else ends,
            ),
            "cycle": ("probe", np.zeros(count, int) if cycles is None else cycles),
        },
    )


LOST = made(
    ["wake", "wake", "sleep", "sleep", "wake", "deprivation", "deprivation", "recovery", "recovery",
     "recovery"],
    [5, 5, 1, 2, 6, 8, 10, 7, 4, 0],
    cycles=[0, 0, 0, 0, 1, 1, 1, 2, 2, 2],
)  # fmt: skip


def test_half_recovery_by_hand():
    """Before: 2; at its worst: 10; half way back is 6, first undone at the second probe after."""
    assert recovery.half_recovery(LOST, "x").item() == 20


def test_a_day_in_between_is_no_recovery_sleep():
    phases = ["sleep", "sleep", "deprivation", "wake", "wake", "recovery", "recovery", "recovery"]
    values, cycles = [2, 2, 10, 11, 11, 9, 5, 2], [0, 0, 1, 2, 2, 2, 2, 2]
    result = made(phases, values, cycles=cycles)
    assert recovery.half_recovery(result, "x").item() == 20
    both = result.assign(x=xr.concat([result["x"], 2 * result["x"]], "layer"))
    assert recovery.half_recovery(both, "x").values.tolist() == [20, 20]


def test_going_beyond_is_more_than_half():
    phases, cycles = ["sleep", "sleep", "deprivation", "recovery"], [0, 0, 1, 2]
    assert recovery.half_recovery(made(phases, [2, 2, 10, -30], cycles=cycles), "x").item() == 10


def test_a_night_cut_short_is_no_baseline():
    phases = ["wake", "sleep", "sleep", "wake", "sleep", "deprivation", "recovery", "recovery"]
    result = made(phases, [9, 2, 2, 9, 8, 10, 8, 5], cycles=[0, 0, 0, 1, 1, 1, 2, 2])
    assert recovery.half_recovery(result, "x").item() == 20  # half way from 10 to 2, not to 8


def test_overshoot_by_hand():
    assert recovery.overshoot(LOST, "x").item() == 2  # from 10 over 2 down to 0
    upside_down = LOST.assign(x=-LOST["x"])
    assert recovery.overshoot(upside_down, "x").item() == 2
    stays = LOST.assign(x=("probe", [5, 5, 1, 2, 6, 8, 10, 7, 4, 3]))
    assert recovery.overshoot(stays, "x").item() == 0


def test_nobody_recovers_from_nothing():
    awake = made(["wake", "sleep", "wake", "sleep"], [1, 2, 3, 4])
    assert np.isnan(recovery.half_recovery(awake, "x"))
    assert np.isnan(recovery.overshoot(awake, "x"))
    never = LOST.isel(probe=slice(0, 8)).assign(x=("probe", [5, 5, 1, 2, 6, 8, 10, 9]))
    assert np.isinf(recovery.half_recovery(never, "x"))


def test_nights_to_a_criterion_are_those_after_which_it_holds_for_good():
    phases = ["wake", "sleep"] * 5
    values = [9, 9, 1, 1, 9, 1, 1, 1, 1, 1]
    result = made(phases, values, ends=[True] * 10, cycles=np.repeat(np.arange(5), 2))
    assert recovery.nights_to(result, "x", 2).item() == 4
    assert recovery.nights_to(result, "x", 0.5).item() == np.inf
    assert recovery.nights_to(result, "x", 10).item() == 1
    gone = result.assign(x=result["x"].where(result["step"] != 70))
    assert recovery.nights_to(gone, "x", 2).item() == 5  # what is unknown does not hold
    two = result.assign_coords(block=("probe", ["a"] * 4 + ["b"] * 6))
    with pytest.raises(ws.InputError, match="several blocks"):
        recovery.nights_to(two, "x", 2)


def test_durations_by_hand():
    result = made(["wake", "wake", "sleep", "wake", "wake", "sleep", "sleep"], range(7))
    assert recovery.mean_duration(result, "wake") == 15
    assert recovery.mean_duration(result, "sleep") == 15
    assert recovery.mean_duration(result, "any") == 15
    assert np.isnan(recovery.mean_duration(result, "rest"))


@given(
    values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12).filter(
        lambda its: np.std(its) > 1e-6
    ),
    level=st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)
def test_the_t_interval_is_scipys(values, level):
    found = intervals.interval(xr.DataArray(values, dims="seed"), level=level)
    low, high = stats.t.interval(
        level, len(values) - 1, loc=np.mean(values), scale=stats.sem(values)
    )
    assert found["low"].item() == pytest.approx(low, rel=1e-9, abs=1e-9)
    assert found["high"].item() == pytest.approx(high, rel=1e-9, abs=1e-9)
    assert found["n"].item() == len(values)


def test_the_bootstrap_interval_is_near_scipys():
    values = np.random.default_rng(0).normal(size=40)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=9999, rng=np.random.default_rng(1)
    ).confidence_interval
    found = intervals.interval(xr.DataArray(values, dims="seed"), method="bootstrap")
    width = theirs.high - theirs.low
    assert found["low"].item() == pytest.approx(theirs.low, abs=0.05 * width)
    assert found["high"].item() == pytest.approx(theirs.high, abs=0.05 * width)
    again = intervals.interval(xr.DataArray(values, dims="seed"), method="bootstrap")
    xr.testing.assert_identical(found, again)


def test_a_seed_that_failed_is_left_out_of_the_interval():
    values = xr.DataArray([[1.0, 2.0, np.nan], [4.0, np.nan, np.nan]], dims=("x", "seed"))
    found = intervals.interval(values)
    assert found["n"].values.tolist() == [2, 1]
    assert found["mean"].values.tolist() == [1.5, 4]
    assert np.isfinite(found["low"][0])
    assert np.isnan(found["low"][1])


def test_infinite_values_are_no_trouble():
    found = intervals.interval(xr.DataArray([np.inf, 3.0, 4.0], dims="seed"))
    assert np.isinf(found["mean"])


def test_an_unknown_interval():
    with pytest.raises(ws.InputError, match="by 't' or 'bootstrap', not by 'magic'"):
        intervals.interval(xr.DataArray([1.0, 2.0], dims="seed"), method="magic")


def test_the_slope_of_a_line_is_its_slope():
    dose = np.array([0.0, 1, 5, 20])
    noise = np.random.default_rng(0).normal(size=(6, 1))
    values = xr.DataArray(3 * dose + noise, dims=("seed", "dose"), coords={"dose": dose})
    found = intervals.slope(values, "dose")
    assert found["mean"].item() == pytest.approx(3)
    tilted = values * xr.DataArray(np.linspace(0.5, 1.5, 6), dims="seed")
    each = [stats.linregress(dose, its).slope for its in tilted.values]
    assert intervals.slope(tilted, "dose")["mean"].item() == pytest.approx(np.mean(each))
