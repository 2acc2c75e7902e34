"""Storage, relaxation and unlearning; the dreaming kernel against its differential equation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import wakesleep as ws
from wakesleep import data
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.hopfield.attractors import (
    dreaming_kernel,
    energy,
    hebb,
    relax,
    stable,
    unlearn,
)
from wakesleep.learners.hopfield.network import Hopfield
from wakesleep.learners.hopfield.parameters import Parameters
from wakesleep.runtime.randomness import Streams

seeds = st.integers(0, 10**6)


def drawn(seed, count=5, units=40):
    random = np.random.default_rng(seed)
    return random.choice((-1.0, 1.0), (count, units)), random


@given(seeds)
def test_relaxation_ends_in_a_fixed_point_below(seed):
    patterns, random = drawn(seed)
    coupling = hebb(patterns)
    start = random.choice((-1.0, 1.0), 40)
    end = relax(coupling, start, random)
    assert ((coupling @ end) * end >= 0).all()
    assert energy(coupling, end[None])[0] <= energy(coupling, start[None])[0]


@given(seeds)
def test_a_few_patterns_are_stable_and_one_is_at_the_bottom(seed):
    patterns, _ = drawn(seed, count=1)
    coupling = hebb(patterns)
    assert stable(coupling, patterns) == 1
    assert energy(coupling, patterns)[0] == pytest.approx(-(40 - 1) / 2)


def test_unlearning_takes_away_what_was_dreamt():
    patterns, random = drawn(1)
    coupling = hebb(patterns)
    before = coupling.copy()
    dreamt = unlearn(coupling, 0.01, random)
    expected = before - 0.01 / 40 * np.outer(dreamt, dreamt)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(coupling, expected)
    assert np.abs(dreamt).min() == 1


@given(seeds, st.floats(0.1, 20))
def test_the_kernel_solves_its_equation(seed, time):
    """dJ/dt = (J - J^2)/(1 + t) from Hebb's rule, by an integrator of scipy's."""
    patterns, _ = drawn(seed, count=4, units=12)
    start = dreaming_kernel(patterns, 0.0)
    np.testing.assert_allclose(start, patterns.T @ patterns / 12)

    def slope(t, flat):
        its = flat.reshape(12, 12)
        return ((its - its @ its) / (1 + t)).ravel()

    solved = solve_ivp(slope, (0, time), start.ravel(), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(dreaming_kernel(patterns, time).ravel(), solved.y[:, -1], atol=1e-6)


def test_the_kernel_ends_as_the_projector():
    patterns, _ = drawn(3, count=30)
    projector = np.linalg.pinv(patterns) @ patterns
    np.testing.assert_allclose(dreaming_kernel(patterns, 1e9), projector, atol=1e-5)
    assert stable(dreaming_kernel(patterns, 1e9), patterns) == 1
    assert stable(hebb(patterns), patterns) < 0.2


def test_a_night_of_unlearning_and_one_too_long():
    """At a load of .4 nothing is stable before sleep, all after it, and nothing after too much."""
    result = ws.run("unlearning", "hopfield_100", inputs={"dreams": 400, "nights": 13}, seed=3)
    found = result.stable_fraction.values
    assert np.isnan(found[0])  # nothing is stored yet
    assert found[1] < 0.1
    assert np.nanmax(found) == 1
    assert found[-1] < 0.5


def test_ties_are_no_reason_to_flip():
    """Fields are sums of multiples of 1/N: those that are zero must not depend on rounding."""
    for seed in range(20):
        patterns, _ = drawn(seed, count=20, units=100)
        coupling = hebb(patterns)
        whole = np.rint(100 * coupling)  # the same couplings as integers
        expected = ((patterns @ whole) * patterns >= 0).all(1).mean()
        assert stable(coupling, patterns) == expected


def test_a_network_goes_on_from_its_state():
    setting = Setting(100, 1, torch.device("cpu"), torch.float32, Streams(0))
    one, other = Hopfield(Parameters(), setting), Hopfield(Parameters(), setting)
    images = torch.tensor(data.load("patterns_100").train.images[:10])
    labels = torch.zeros(10, dtype=torch.long)
    store = Chunk("positive", images, labels, torch.arange(10).unsqueeze(0), [1.0])
    night = Chunk("negative", images, labels, torch.arange(50).view(5, 10) % 10, [1.0] * 5)
    for its in (store, night):
        one.learn(its)
    other.load_state_dict(one.state_dict())
    kept = setting.streams.state_dict()
    one.learn(night)
    setting.streams.load_state_dict(kept)
    other.learn(night)
    np.testing.assert_array_equal(one.coupling, other.coupling)
    assert one.stable_fraction() == other.stable_fraction()
    assert len(one.stored) == 10
