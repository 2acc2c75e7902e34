"""How many pulses devices receive is counted and recorded."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep.learners.parts.hardware import devices, sent
from wakesleep.learners.parts.hardware_parameters import Hardware
from wakesleep.networks.kept import kept_network

PLAIN = {"top_down": False, "layers": [12, 8], "decay": 0.0}
BACKPROP = {"layers": [12]}


@given(st.integers(0, 1000), st.floats(0.01, 5), st.booleans())
def test_they_are_the_steps_that_conductances_took(seed, size, accumulate):
    """Pulses of equal size far from the bounds: movements tell how many there were."""
    levels = 10_000
    weight = torch.zeros(6, 5, dtype=torch.float64)
    told = Hardware(levels=levels, accumulate=accumulate)
    its = devices(told, weight, 1, 0, torch.Generator().manual_seed(seed))
    state, moved = its.programmed(weight), 0.0
    draws = torch.Generator().manual_seed(seed)
    for _ in range(10):
        before = {name: state[name].clone() for name in ("plus", "minus")}
        change = torch.randn(weight.shape, generator=draws, dtype=weight.dtype)
        weight += size * change * 2 * its.full / levels
        its.write(weight, state)
        moved += sum(float((state[name] - before[name]).abs().sum()) for name in before)
    assert float(sent([state])[0]) == pytest.approx(levels * moved / 2 / weight.numel(), abs=1e-8)


@pytest.mark.parametrize(
    ("model", "told"), [("ff_digits", PLAIN), ("backprop_digits", BACKPROP)], ids=["ff", "backprop"]
)
def test_a_run_records_them(model, told, tmp_path):
    out = tmp_path / "run.zarr"
    its = ws.run(
        "interleaved",
        model,
        inputs={"sweeps": 2},
        parameters=told | {"hardware": {"device": "resistive"}},
        out=out,
    )["pulses"]
    assert its.dims == ("probe", "layer")
    if model == "backprop_digits":  # the softmax is digital
        assert its.sel(layer="2").isnull().all()
        its = its.sel(layer=["1"])
    assert (its[0] == 0).all()
    assert (its.diff("probe") > 0).all()
    network = kept_network(out)[0]
    layers = its.sizes["layer"]
    np.testing.assert_allclose(its[-1], network.pulses()[:layers], rtol=1e-6)
    # How many a network from a version that did not count has received is not known.
    state = network.state_dict()
    for its in state.get("conductances") or [its["conductances"] for its in state["layers"]]:
        del its["pulses"]
    network.load_state_dict(state)
    assert network.pulses().isnan().all()
    written = network.layers[0].conductances if model == "ff_digits" else network.conductances[0]
    its = network.layers[0].devices if model == "ff_digits" else network.devices[0]
    weight = network.synapses()[0]
    weight += 0.1
    its.write(weight, written)
    assert network.pulses().isnan().all()


def test_stuck_and_missing_devices_count_and_bounds_do_not_matter():
    """Every device is asked for 3 pulses, wherever it can go."""
    weight = torch.zeros(30, 40, dtype=torch.float64)
    told = Hardware(device="resistive", levels=4, missing=0.3, stuck=0.3, accumulate=True)
    its = devices(told, weight, 1, 0, torch.Generator().manual_seed(0))
    state = its.programmed(weight)
    for _ in range(2):
        weight += 3.0001 * 2 * its.full / 4
        its.write(weight, state)
    assert sent([state], 2)[0] == 6
    assert sent([state], 2)[1].isnan()


def test_a_phase_waits_for_them(tmp_path):
    """The softmax of backpropagation has none; the mean over layers leaves it out."""
    file = tmp_path / "worn.yaml"
    file.write_text(
        "protocol: worn\nphases:\n"
        "  - {phase: interleaved, until: {quantity: pulses, above: 0.5}, at_most: 300}\n"
        "record: {every: 5, cases: 50}\n"
    )
    parameters = BACKPROP | {"hardware": {"device": "resistive"}}
    its = ws.run(file, "backprop_digits", parameters=parameters)
    assert 0 < its["step"].values[-1] < 300
    counted = its["pulses"].sel(layer="1")
    assert float(counted[-1]) > 0.5
    assert (counted[:-1] <= 0.5).all()


@pytest.mark.parametrize(
    ("model", "words", "told"),
    [
        ("ff_digits", [], "'pulses'; it offers .*; set model.hardware.device=resistive, or other"),
        ("rbm_digits", [], r"does not offer 'pulses'.* offers [^;]*\n$"),
        (
            "rbm_digits",
            ["-p", "model.hardware.device=resistive"],
            "no parameter 'hardware.device', which is for models of kind forward_forward, .*",
        ),
    ],
)
def test_models_without_devices_are_told_what_is_missing(model, words, told, tmp_path, wakesleep):
    file = tmp_path / "worn.yaml"
    file.write_text(
        "protocol: worn\nphases:\n"
        "  - {phase: interleaved, until: {quantity: pulses, above: 1}, at_most: 9}\n"
        "record: {every: 3}\n"
    )
    code, _, said = wakesleep("run", file, model, *words)
    assert code == 2
    assert re.search(told, said)
    assert said.count("\n") == 1


@pytest.mark.parametrize("hardware", [None, {"device": "ideal"}])
def test_devices_without_pulses_have_no_number(hardware):
    made = ws.run(
        "interleaved", "ff_digits", inputs={"sweeps": 1}, parameters=PLAIN | {"hardware": hardware}
    )
    assert "pulses" not in made
