"""Deprivation against a control at the same time of day."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import wakesleep as ws

SMALL = {"nights": 2, "recovery_nights": 1, "probe_every": 50}
MODEL = {"layers": [16, 16]}


def run(lost, seed=0, **more):
    inputs = {**SMALL, "lost_nights": lost, **more}
    return ws.run(
        "total_sleep_deprivation", "ff_digits", seed=seed, inputs=inputs, parameters=MODEL
    )


@pytest.fixture(scope="module")
def pair():
    return run(1), run(0)


def test_the_difference_is_taken_at_the_end_of_the_same_phase(pair):
    deprived, control = pair
    found = ws.statistics.against_control(deprived, control)

    def evening(result):
        ends = ws.statistics.phase_ends(result)
        chosen = (ends["block"] == "recovery") & (ends["phase"] == "wake")
        return ends.isel(probe=np.flatnonzero(chosen.values)[0])

    for name in ("false_positive_rate", "d_prime", "criterion", "error", "auc"):
        wanted = evening(deprived)[name].values - evening(control)[name].values
        np.testing.assert_array_equal(found[name].values, wanted)
    assert float(abs(found["weight_norm"]).sum()) > 0


def test_a_control_against_itself_differs_in_nothing(pair):
    found = ws.statistics.against_control(pair[1], pair[1])
    assert all(float(abs(found[name]).fillna(0).sum()) == 0 for name in found)


def test_another_time_of_day_is_refused(pair):
    later = run(1, night_hours=11.0)
    with pytest.raises(ws.InputError, match=r"ends at 19\.96 h, and in the control at 19\.00 h"):
        ws.statistics.against_control(later, pair[1])


def test_what_is_not_there_is_told(pair):
    with pytest.raises(ws.InputError, match="no 'wake' ends in cycle 0 of block 'recovry'"):
        ws.statistics.against_control(*pair, block="recovry")
    with pytest.raises(ws.InputError, match=r"the control has seeds \[0\], the deprived network"):
        ws.statistics.against_control(run(1, seed=3), pair[1])
    with pytest.raises(ws.InputError, match="a result is a data set"):
        ws.statistics.against_control("one.zarr", pair[1])


def test_many_seeds_at_once(pair):
    def seeds(result):
        parts = [ws.statistics.phase_ends(result)] * 2
        return xr.concat(
            parts, xr.DataArray([0, 1], dims="seed", name="seed"), combine_attrs="override"
        )

    found = ws.statistics.against_control(seeds(pair[0]), seeds(pair[1]))
    assert found["d_prime"].sizes["seed"] == 2
