"""Threshold adaptation, and fast and slow weights: against a network without them, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import wakesleep as ws
from tests.learners.forward_forward.test_network import build
from tests.learners.forward_forward.test_sleep import chunk, some

SIGNS = st.lists(st.sampled_from(["positive", "negative", "both"]), min_size=1, max_size=6)
FRACTION = st.floats(0.01, 1.0)


def numbers(net):
    return [(its.weight.numpy().copy(), its.bias.numpy().copy()) for its in net.layers]


def put(net, layers):
    for layer, (weight, bias) in zip(net.layers, layers, strict=True):
        layer.weight.copy_(torch.as_tensor(weight))
        layer.bias.copy_(torch.as_tensor(bias))


@settings(max_examples=30, deadline=None)
@given(signs=SIGNS, rise=st.floats(0.001, 0.5), recovery=FRACTION, seed=st.integers(0, 99))
def test_thresholds_rise_with_activity_awake_and_fall_asleep(signs, rise, recovery, seed):
    net, _ = build(adaptation=rise, adaptation_recovery=recovery)
    plain, _ = build()
    data = some(seed)
    risen = [np.zeros(layer.units) for layer in net.layers]
    for sign in signs:
        before = [y.mean(0).numpy() for y in plain.activities(*data)]
        plain.learn(chunk(sign, data))
        by_hand = []
        for depth, (weight, bias) in enumerate(numbers(plain)):
            if sign != "negative":
                risen[depth] = risen[depth] + rise * before[depth]
                bias = bias - rise * before[depth]
            if sign != "positive":
                bias = bias + recovery * risen[depth]
                risen[depth] = (1 - recovery) * risen[depth]
            by_hand.append((weight, bias))
        put(plain, by_hand)
        net.learn(chunk(sign, data))
        for ours, theirs in zip(numbers(net), by_hand, strict=True):
            np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-9, atol=1e-12)
        means = [its.mean() for its in risen]
        np.testing.assert_allclose(net.threshold_rise(), means, rtol=1e-9, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(signs=SIGNS, fading=FRACTION, consolidation=FRACTION, seed=st.integers(0, 99))
def test_what_is_not_consolidated_fades(signs, fading, consolidation, seed):
    net, _ = build(weight_fading=fading, consolidation=consolidation)
    plain, _ = build()
    data, slow = some(seed), None
    for sign in signs:
        plain.learn(chunk(sign, data))
        now = numbers(plain)
        slow = slow or now  # the first step finds nothing that could fade
        if sign != "negative":
            now = [
                tuple(a + fading * (b - a) for a, b in zip(one, other, strict=True))
                for one, other in zip(now, slow, strict=True)
            ]
        if sign != "positive":
            slow = [
                tuple(b + consolidation * (a - b) for a, b in zip(one, other, strict=True))
                for one, other in zip(now, slow, strict=True)
            ]
        put(plain, now)
        net.learn(chunk(sign, data))
        for ours, theirs in zip(numbers(net), now, strict=True):
            np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "told",
    [
        {"adaptation": 0.1, "adaptation_recovery": 0.5},
        {"weight_fading": 0.1, "consolidation": 0.2},
    ],
)
def test_a_resumed_network_goes_on_with_what_has_built_up(told):
    net, data = build(**told)[0], some()
    net.learn(chunk("both", data, 3))
    other = build(seed=1, **told)[0]
    other.load_state_dict(net.state_dict())
    for its in (net, other):
        its.learn(chunk("negative", data, 2))
    for one, two in zip(numbers(net), numbers(other), strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])


def test_the_rise_of_thresholds_is_recorded(tmp_path):
    parameters = {"layers": [8], "adaptation": 0.01, "adaptation_recovery": 0.5}
    its = ws.run("phase_separation", "ff_digits", parameters=parameters, quiet=True,
                 inputs={"nights": 2, "phase_steps": 5})  # fmt: skip
    ends = ws.statistics.phase_ends(its)
    rise = ends["threshold_rise"].sel(layer="1")
    awake, asleep = (rise[ends["phase"].values == phase].values for phase in ("wake", "sleep"))
    assert (awake > 0).all()
    # Five updates asleep leave the fraction .5^5.
    np.testing.assert_allclose(asleep, awake / 32, rtol=1e-5)
    plain = ws.run("phase_separation", "ff_digits", parameters={"layers": [8]}, quiet=True,
                   inputs={"nights": 1, "phase_steps": 5})  # fmt: skip
    assert "threshold_rise" not in plain


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("adaptation", "adaptation_recovery"),
        ("adaptation_recovery", "adaptation"),
        ("weight_fading", "consolidation"),
        ("consolidation", "weight_fading"),
    ],
)
def test_one_without_the_other_is_refused(given, missing, wakesleep):
    code, _, told = wakesleep("run", "interleaved", "ff_digits", "-p", f"model.{given}=0.1")
    assert code == 2
    assert f"{given}: it needs {missing} too" in told
