"""A digital memory that adds up changes of weights until they amount to whole pulses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep.learners.backprop.network import Backprop
from wakesleep.learners.backprop.parameters import Parameters
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.parts.hardware import devices
from wakesleep.learners.parts.hardware_parameters import Hardware
from wakesleep.networks.kept import kept_network
from wakesleep.runtime.randomness import Streams

UNITS, INPUTS = 20, 30
EXACT = {"levels": 1000}  # pulses of equal size, without noise
PLAIN = {"top_down": False, "layers": [30, 20], "decay": 0.0}


def layer(seed=0, **told):
    chance = torch.Generator().manual_seed(seed)
    weight = torch.zeros(UNITS, INPUTS, dtype=torch.float64)
    its = devices(Hardware(**told), weight, 1, 0, chance)
    return its, weight, its.programmed(weight)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.floats(0.01, 3))
def test_what_was_made_is_always_within_a_pulse_of_what_was_asked_for(seed, size):
    its, weight, state = layer(accumulate=True, **EXACT)
    step = 2 * its.full / 1000
    asked = torch.zeros_like(weight)
    changes = torch.Generator().manual_seed(seed)
    for _ in range(20):
        change = size * step * torch.randn(weight.shape, generator=changes, dtype=weight.dtype)
        asked += change
        weight += change
        its.write(weight, state)
        pulses = weight / step
        torch.testing.assert_close(pulses, pulses.round(), rtol=0, atol=1e-6)
        assert float((asked - weight).abs().max()) < step * (1 + 1e-9)
        torch.testing.assert_close(2 * its.full * state["pending"], asked - weight)


def test_changes_that_cancel_send_no_pulse():
    """Rounded at random, the same changes move every weight."""
    for accumulate in (True, False):
        its, weight, state = layer(accumulate=accumulate, device="filament", bound_variation=0.0)
        for number in range(200):
            weight += 0.4 * (2 * its.full / 1000) * (-1) ** number
            its.write(weight, state)
        assert bool((weight == 0).any()) == accumulate
        assert bool((weight == 0).all()) == accumulate


@given(st.integers(0, 1000), st.floats(0.5, 20))
def test_whole_pulses_have_the_size_of_their_device(seed, size):
    its, weight, state = layer(accumulate=True, device="resistive", step_noise=0.0, missing=0.1)
    before = {name: state[name].clone() for name in ("plus", "minus")}
    draws = torch.Generator().manual_seed(seed)
    asked = size * torch.randn(weight.shape, generator=draws, dtype=weight.dtype)  # in pulses
    weight += asked * 2 * its.full / 1200
    its.write(weight, state)
    pulses = torch.trunc(asked)
    for number, name in enumerate(("plus", "minus")):
        signed = pulses * (1.0, -1.0)[number]
        each = torch.where(signed > 0, its.step[number, 0], its.step[number, 1])
        wanted = before[name] + signed * each * its.moves[number]
        torch.testing.assert_close(
            state[name], torch.clamp(wanted, its.low[number], its.high[number])
        )


def test_pulses_from_the_memory_are_as_noisy_as_the_preset():
    its, weight, state = layer(
        accumulate=True, device="filament", bound_variation=0.0, step_variation=0.0, asymmetry=0.0
    )
    step, made = 2 * its.full / 1000, []
    for _ in range(100):
        before = weight.clone()
        weight += 1.0001 * step
        its.write(weight, state)
        made.append((weight - before) / step)
    made = torch.stack(made)
    assert float(made.mean()) == pytest.approx(1, abs=0.05)  # the standard error is .015
    assert float(made.std()) == pytest.approx(3.75, abs=0.05)


def test_stuck_devices_ignore_pulses_from_the_memory():
    its, weight, state = layer(accumulate=True, stuck=0.5, **EXACT)
    first = {name: state[name].clone() for name in ("plus", "minus")}
    weight += 0.1
    its.write(weight, state)
    for number, name in enumerate(("plus", "minus")):
        stuck = its.moves[number] == 0
        assert torch.equal(state[name] == first[name], stuck)


@pytest.mark.parametrize("model", ["ff_digits", "backprop_digits"])
def test_a_resumed_run_keeps_what_the_memory_held(model, tmp_path):
    parameters = PLAIN if model == "ff_digits" else {"layers": [30, 20]}
    parameters |= {"hardware": {"device": "filament", "accumulate": True}}
    asked = {"parameters": parameters, "inputs": {"sweeps": 4}}
    whole = ws.run("interleaved", model, **asked)
    out = tmp_path / "run.zarr"
    with pytest.raises(ws.RunError):
        ws.run("interleaved", model, **asked, out=out,
               progress=lambda done, steps: done >= steps // 2)  # fmt: skip
    again = ws.run("interleaved", model, **asked, out=out, resume=True)
    np.testing.assert_array_equal(again["weight_norm"], whole["weight_norm"])


def test_a_memory_is_not_part_of_the_chip(tmp_path):
    """A network goes on with one on the same devices, which are not programmed anew."""
    chip = {"device": "filament", "instance": 3, "write_noise": 0.1}
    look = tmp_path / "look.yaml"
    look.write_text("protocol: look\nphases: [{phase: rest, steps: 1}]\n")
    before, after = tmp_path / "before.zarr", tmp_path / "after.zarr"
    with_memory = PLAIN | {"hardware": chip | {"accumulate": True}}
    ws.run("interleaved", "ff_digits", parameters=PLAIN | {"hardware": chip},
           inputs={"sweeps": 1}, out=before)  # fmt: skip
    ws.run(look, "ff_digits", parameters=with_memory, start=before, out=after)
    one, two = (kept_network(its)[0].layers[0].weight for its in (before, after))
    torch.testing.assert_close(one, two, rtol=0, atol=0)
    learned = tmp_path / "learned.zarr"
    ws.run("interleaved", "ff_digits", parameters=with_memory, start=before, inputs={"sweeps": 1},
           out=learned)  # fmt: skip
    layer_now = kept_network(learned)[0].layers[0]
    assert 0 < float((2000 * layer_now.conductances["pending"]).abs().mean()) < 2


def test_an_unset_memory_leaves_a_run_as_it_was_before_there_were_any():
    told = {"decay": 0.0, "hardware": {"device": "filament"}}
    assert "accumulate" not in ws.load("ff_digits", **told).decisive["hardware"]
    told["hardware"] |= {"accumulate": True}
    assert ws.load("ff_digits", **told).decisive["hardware"]["accumulate"] is True


def test_no_change_adds_nothing_to_the_memory():
    """In float32, rounding errors of each update would add up to pulses."""
    chance = torch.Generator().manual_seed(0)
    weight = torch.randn(UNITS, INPUTS, generator=chance) / INPUTS**0.5
    its = devices(Hardware(levels=10**6, accumulate=True), weight, 1, 0, chance)
    state = its.programmed(weight)
    for _ in range(10):
        its.write(weight, state)
    assert float(state["pending"].abs().max()) == 0


def test_drift_acts_on_weights_that_get_no_pulse():
    its, weight, state = layer(accumulate=True, drift=0.01, **EXACT)
    before = state["plus"].clone()
    weight += 1e-9
    its.write(weight, state)
    torch.testing.assert_close(state["plus"], before * (1 - its.fades[0]))


def test_a_simulated_network_with_a_memory_learns_as_if_it_had_no_devices():
    chip = {"device": "filament", "accumulate": True}
    nets = []
    for its in ({}, {"hardware": chip, "backward": "simulated"}):
        setting = Setting(12, 3, torch.device("cpu"), torch.float64, Streams(0))
        nets.append(Backprop(Parameters(layers=[8], **its), setting))
    images = torch.rand(30, 12, dtype=torch.float64)
    for its in nets:
        its.learn(Chunk("positive", images, torch.arange(30) % 3, torch.arange(30).reshape(3, 10),
                        [1.0] * 3))  # fmt: skip
    torch.testing.assert_close(nets[1].assumed[0], nets[0].weights[0].detach())


@pytest.mark.parametrize("device", ["ideal", "phase_change"])
def test_a_memory_needs_a_smallest_pulse(device, tmp_path, wakesleep):
    given = f"{{device: {device}, accumulate: true}}"
    code, _, told = wakesleep(
        "run", "interleaved", "ff_digits", "-p", f"model.hardware={given}", "-p", "model.decay=0",
        "-o", tmp_path / "run.zarr",
    )  # fmt: skip
    assert code == 2
    assert told.count("\n") == 1
    assert f"there is no smallest pulse, because device '{device}' has no 'levels'" in told
