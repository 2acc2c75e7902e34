"""Coincidence detectors: Brian2 against plain loops, and what they make of agreement."""

from __future__ import annotations

import dataclasses
import warnings

import hypothesis.strategies as some
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings

import wakesleep as ws
from wakesleep.errors import InputError
from wakesleep.experiments.coincidence.agreement import separation
from wakesleep.experiments.coincidence.detectors import respond, respond_plainly
from wakesleep.experiments.coincidence.volleys import (
    Sources,
    corrected_rate,
    raw_rate,
    shuffled,
    trials,
)


@settings(max_examples=10)
@given(some.integers(0, 10**6), some.sampled_from([0.1, 0.5, 1.0]))
def test_brian_fires_as_plain_loops_do(seed, dt):
    random = np.random.default_rng(seed)
    arrivals = random.poisson(0.4 * dt, (round(40 / dt), 6)).astype(float)
    taus, thetas = (1.5, 6.0, 20.0), (1.0, 2.5)
    fired = respond(arrivals, taus, thetas, dt)
    assert np.array_equal(fired, respond_plainly(arrivals, taus, thetas, dt))


def test_a_detector_by_hand():
    """Three spikes at once exceed 2.5; a fourth in the refractory time is lost."""
    arrivals = np.zeros((60, 2))
    arrivals[10] = 3
    arrivals[15] = 3  # half a millisecond later
    arrivals[40, 1] = 2.4
    fired = respond_plainly(arrivals, (5.0,), (2.5,), 0.1)
    assert fired.tolist() == [[[1, 1]]]
    arrivals[41, 1] = 0.2  # 2.4 exp(-.1 / 5) + .2 is above
    assert respond_plainly(arrivals, (5.0,), (2.5,), 0.1).tolist() == [[[1, 2]]]


def test_sources_that_agree_share_their_phases():
    its = Sources(jitter=0.0, background=0.0, probability=1.0, neurons=4)
    random = np.random.default_rng(0)
    together, counts = trials(its, 30, True, 0.1, random)
    apart, others = trials(its, 30, False, 0.1, random)
    # Every afferent fires once a cycle: two volleys of twenty spikes, or four of ten.
    assert (counts == 20).all()
    assert (others == 20).all()
    assert ((together > 0).sum(0) == 2).all()
    assert (together.max(0) == 20).all()
    assert ((apart > 0).sum(0) > 2).mean() > 0.95


def test_a_lag_delays_one_source():
    its = Sources(jitter=0.0, background=0.0, probability=1.0, lag=7.0, cycles=1)
    arrivals, _ = trials(its, 20, True, 0.1, np.random.default_rng(0))
    when = [np.flatnonzero(its) for its in arrivals.reshape(len(arrivals), -1).T]
    gaps = np.array([its[-1] - its[0] for its in when])
    assert set(gaps) <= {69, 70, 71}


def test_shuffling_keeps_counts_alone():
    random = np.random.default_rng(0)
    arrivals, _ = trials(Sources(), 20, True, 0.1, random)
    mixed = shuffled(arrivals, random)
    assert np.array_equal(mixed.sum(0), arrivals.sum(0))
    assert mixed.max() < arrivals.max()


def test_measures_of_rates():
    same = np.array([[[2.0, 0.0]], [[2.0, 0.0]]])
    other = np.array([[[2.0, 0.0]], [[0.0, 2.0]]])
    assert raw_rate(same) == [16]
    assert raw_rate(other) == [8]
    assert corrected_rate(same) == [2]
    assert corrected_rate(other) == [1]


def test_separation_in_known_units():
    random = np.random.default_rng(0)
    values = random.standard_normal((2, 3, 20000))
    found = separation(values[0] * 2 + 3, values[1] * 2)
    assert np.allclose(found, 1.5, atol=0.05)
    assert np.isnan(separation(np.ones(5), np.ones(5)))


def test_timing_tells_what_rates_do_not():
    found = ws.agreement(
        "jitter", [1.0], taus=(5.0,), thetas=(1.33,), scenarios=("timing",), count=60, seed=1
    )
    place = {"jitter": 1.0, "tau": 5.0, "theta": 1.33, "scenario": "timing"}
    its = found.sel(place)
    assert float(its.auc) > 0.99
    assert float(its.auc_low) <= float(its.auc) <= float(its.auc_high)
    # With 60 trials on either side the standard error at chance is .053.
    assert abs(float(its.shuffled_auc) - 0.5) < 0.17
    assert (abs(found.rate_auc - 0.5) < 0.17).all()


def test_below_one_volley_the_sign_turns_round():
    with pytest.warns(UserWarning, match="the sign of the measure reverses"):
        found = ws.agreement(
            "jitter", [1.0], taus=(5.0,), thetas=(0.67,), scenarios=("timing",), count=30,
            shuffle=False,
        )  # fmt: skip
    assert float(found.auc.squeeze()) < 0.1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"vary": "jiter"}, r"no number to vary 'jiter' \(did you mean 'jitter'\?\); "),
        ({"scenarios": ("rates",)}, "no scenario 'rates'"),
        ({"values": [float("nan")]}, "jitter: cannot be nan"),
        ({"taus": (float("inf"),)}, "tau: there must be values"),
        ({"vary": "probability", "values": [0.0]}, "probability: must lie between 0 and 1"),
        ({"vary": "cycle", "values": [0.01]}, "cycle: must last 1 ms"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"taus": (0.0,)}, "tau: there must be values, all above 0"),
        ({"values": []}, "no value to vary"),
        ({"count": 1}, "at least 2, not 1"),
        ({"vary": "correlation", "values": [1.2]}, "correlation: must lie between 0 and 1"),
        ({"values": [-1.0]}, "jitter: cannot be -1"),
    ],
)
def test_bad_numbers(more, told):
    with warnings.catch_warnings(), pytest.raises(InputError, match=told):
        ws.agreement(**more)


@pytest.mark.long
def test_the_survey_and_its_figure(tmp_path, wakesleep, monkeypatch):
    from wakesleep.experiments.coincidence import agreement

    few = {name: values[1:3] for name, values in agreement.SWEEPS.items()}
    monkeypatch.setattr(agreement, "SWEEPS", few)
    out = tmp_path / "agreement.png"
    code, told, _ = wakesleep("agreement", "-o", out, "--trials", "8")
    assert code == 0
    assert out.stat().st_size > 10_000
    assert str(out) in told
    kept = tmp_path / "kept.nc"
    assert wakesleep("agreement", "-o", kept, "--trials", "8", "--theta", "1.5")[0] == 0
    lag = xr.open_dataset(tmp_path / "kept_lag.nc")
    assert lag.theta.values.tolist() == [1.5]
    for arguments, message in (
        (["-o", tmp_path / "agreement.txt"], "nothing can be written with the ending"),
        (["-o", kept], "kept_jitter.nc: exists already"),
        (["--theta", "0.7"], "must lie between one and two volleys, not at 0.7"),
    ):
        code, _, told = wakesleep("agreement", *arguments)
        assert code == 2
        assert message in told


def test_a_window_that_outlasts_the_gap_between_volleys_is_told_of():
    with pytest.warns(UserWarning, match="reverses although .* windows of 40 ms"):
        ws.agreement(
            "jitter", [1.0], taus=(5.0, 40.0), thetas=(1.05,), scenarios=("timing",), count=40,
            shuffle=False, sources=Sources(background=0.0),
        )  # fmt: skip


def test_background_is_a_part_of_the_threshold():
    """The level is raised by what random spikes come to in a leaky membrane, in the mean."""
    its = Sources(background=100.0, probability=0.0)
    arrivals, _ = trials(
        dataclasses.replace(its, cycles=40), 4, True, 0.1, np.random.default_rng(0)
    )
    v, seen = np.zeros(arrivals.shape[1:]), []
    for now in arrivals:
        v = v * np.exp(-0.1 / 10) + now
        seen.append(v.mean())
    assert np.mean(seen[1000:]) == pytest.approx(its.load(10.0), rel=0.03)
