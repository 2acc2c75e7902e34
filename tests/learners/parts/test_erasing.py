"""Downscaling on analog devices: all lose a fraction, whatever their weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import wakesleep as ws
from tests.learners.parts.test_hardware import PLAIN, UNITS, layer


@given(
    kept=st.floats(0.9, 1.0),
    times=st.integers(1, 5),
    lowest=st.floats(0.0, 10.0),
    paced=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_erasing_multiplies_weights_that_nobody_knows(kept, times, lowest, paced):
    its, weight = layer(conductance=(lowest, 25.0), full_scale=1000.0)
    state = its.programmed(weight)
    before, pace = weight.clone(), torch.linspace(0, 2, UNITS, dtype=torch.float64)
    its.erase(weight, state, kept, times, pace if paced else None)
    share = kept ** (times * pace[:, None]) if paced else kept**times
    inside = (state["plus"] > 0) & (state["minus"] > 0)  # none falls below the lowest conductance
    assert inside.any()
    torch.testing.assert_close(weight[inside], (before * share)[inside], rtol=1e-9, atol=1e-12)


def test_devices_differ_in_what_erasing_takes():
    its, weight = layer(device="resistive", stuck=0.2, write_noise=0.0)
    state = its.programmed(weight)
    before = {name: state[name].clone() for name in ("plus", "minus")}
    its.erase(weight, state, 0.9, 1)
    for number, name in enumerate(("plus", "minus")):
        moves = its.moves[number] > 0
        assert torch.equal(state[name][~moves], before[name][~moves])
        power = torch.log(state[name] / before[name])[moves] / np.log(0.9)
        # As steps down: pulses of 1/1200 of the range that vary by 30 % between weights.
        torch.testing.assert_close(power, 1200 * its.step[number, 1][moves])
        assert float(power.mean()) == pytest.approx(1, abs=0.05)
        assert float(power.std()) == pytest.approx(0.3 * 2**0.5, abs=0.05)


DOWNSCALED = """\
protocol: downscaled
requires: []
phases:
  - {{phase: interleaved, steps: 20}}
  - {{phase: downscale, steps: 5, downscale: {{per_update: 0.05{more}}}}}
record: {{cases: 50, every: {every}}}
"""


def downscaled(folder, more="", every=1000):
    file = folder / f"downscaled_{every}.yaml"
    file.write_text(DOWNSCALED.format(more=more, every=every))
    return file


@pytest.mark.parametrize("more", ["", ", by: activity"])
@pytest.mark.parametrize("model", ["ff_digits", "backprop_digits"])
def test_ideal_devices_are_downscaled_like_known_weights(model, more, tmp_path):
    file = downscaled(tmp_path, more)
    parameters = PLAIN if model == "ff_digits" else {"layers": [30, 20]}
    plain = ws.run(file, model, parameters=parameters, dtype="float64")
    wide = {"hardware": {"full_scale": 1000.0}}
    same = ws.run(file, model, parameters=parameters | wide, dtype="float64")
    np.testing.assert_allclose(same["weight_norm"], plain["weight_norm"], rtol=1e-6)
    np.testing.assert_allclose(same["error"], plain["error"])
    assert float(plain["weight_norm"][-1, 0] / plain["weight_norm"][-2, 0]) < 0.9


@pytest.mark.parametrize("model", ["ff_digits", "backprop_digits"])
def test_downscaling_moves_devices_alone(model, tmp_path):
    file = downscaled(tmp_path)
    parameters = PLAIN if model == "ff_digits" else {"layers": [30, 20]}
    found = ws.run(file, model, parameters=parameters | {"hardware": {"stuck": 0.99}})
    before, after = found["weight_norm"].values[-2:]
    assert (after[:2] > 0.95 * before[:2]).all()  # 0.77 where all devices move


@pytest.mark.parametrize("model", ["ff_digits", "backprop_digits"])
def test_how_often_it_is_looked_at_changes_nothing(model, tmp_path):
    parameters = PLAIN if model == "ff_digits" else {"layers": [30, 20]}
    parameters = parameters | {"hardware": {"drift": 0.01, "full_scale": 1000.0}}
    often, seldom = (
        ws.run(downscaled(tmp_path, ", by: activity", every), model, parameters=parameters,
               dtype="float64")
        for every in (1, 1000)
    )  # fmt: skip
    np.testing.assert_allclose(often["weight_norm"][-1], seldom["weight_norm"][-1], rtol=1e-6)


def test_what_needs_to_know_the_weights_is_refused_on_devices(tmp_path):
    parameters = PLAIN | {"hardware": {"device": "resistive"}}
    with pytest.raises(ws.InputError, match=r"'spare' in phase 'downscale' needs the values"):
        ws.run(downscaled(tmp_path, ", spare: 0.1"), "ff_digits", parameters=parameters)
    file = tmp_path / "spontaneous.yaml"
    file.write_text(
        "protocol: s\nphases: [{phase: wake, steps: 2}, {phase: spontaneous, steps: 2}]\n"
    )
    parameters = {"layers": [12], "hardware": {"device": "resistive"}}
    with pytest.raises(ws.InputError, match="phase 'spontaneous' needs the values"):
        ws.run(file, "backprop_digits", parameters=parameters)
