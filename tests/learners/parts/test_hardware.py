"""Analog devices: what they do on average, what they cannot do, and networks on them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep.learners.backprop.gradients import through_assumed
from wakesleep.learners.backprop.network import Backprop
from wakesleep.learners.backprop.parameters import Parameters
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.parts.hardware import devices
from wakesleep.learners.parts.hardware_parameters import PRESETS, Hardware
from wakesleep.networks.kept import kept_network
from wakesleep.runtime.randomness import Streams

UNITS, INPUTS = 40, 50
PLAIN = {"top_down": False, "layers": [30, 20], "decay": 0.0}


def layer(seed=0, **told):
    chance = torch.Generator().manual_seed(seed)
    told.setdefault("instance", 0)
    weight = torch.randn(UNITS, INPUTS, generator=chance, dtype=torch.float64) / INPUTS**0.5
    its = devices(Hardware(**told), weight, 1, told["instance"], chance)
    return its, weight


@given(st.floats(-1, 1), st.floats(3, 10))
def test_ideal_devices_do_what_is_asked(change, scale):
    its, weight = layer(full_scale=scale)
    wanted = weight.clone().clamp(-its.full, its.full)
    state = its.programmed(weight)
    torch.testing.assert_close(weight, wanted)
    weight += change * 0.1
    its.write(weight, state)
    torch.testing.assert_close(weight, (wanted + change * 0.1).clamp(-its.full, its.full))


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(sorted(PRESETS)), st.floats(-0.9, 0.9), st.integers(0, 99))
def test_small_changes_are_made_on_average(preset, steps, seed):
    """Far below a step, the mean over devices is what was asked for: steps have the mean size 1."""
    its, weight = layer(seed, device=preset, write_noise=0.0, bound_variation=0.0)
    weight.zero_()
    state = its.programmed(weight)
    levels = its.told.figure("levels") or 1000
    asked = steps * 2 * its.full / levels  # a step of both devices of a pair
    rounds = 40
    total = torch.zeros_like(weight)
    for _ in range(rounds):
        before = weight.clone()
        weight += asked
        its.write(weight, state)
        total += weight - before
    made, number = total.mean() / (rounds * asked) if asked else 1.0, rounds * UNITS * INPUTS
    # Pulses are drawn, their sizes vary from device to device and from pulse to pulse.
    noise = its.told.figure("step_noise") ** 2 + 1
    error = (noise * max(abs(steps), 1e-9) * 2 / number) ** 0.5 / max(abs(steps), 1e-9)
    error += its.told.figure("step_variation") / (UNITS * INPUTS) ** 0.5
    assert abs(float(made) - 1) < 5 * error + 1e-9


def test_pulses_have_the_spread_of_the_preset():
    """A step of a weight up from the middle: 30 % between weights, 30 % between pulses."""
    its, weight = layer(device="resistive", asymmetry=0.0, bound_variation=0.0)
    weight.zero_()
    state = its.programmed(weight)
    step = 2 * its.full / 1200
    made = []
    for _ in range(200):
        weight.fill_(step)
        its.write(weight, state)
        made.append(weight / step)
        weight.zero_()
        state["plus"].fill_(0.5)
        state["minus"].fill_(0.5)
    made = torch.stack(made)
    between = made.mean(0).std() ** 2 - made.var(0).mean() / len(made)
    assert float(between.sqrt()) == pytest.approx(0.3, abs=0.03)
    assert float(made.var(0).mean().sqrt()) == pytest.approx(0.3, abs=0.03)


def test_bounds_stuck_and_missing_devices():
    its, weight = layer(device="resistive", stuck=0.2, missing=0.1)
    state = its.programmed(weight)
    first = {name: state[name].clone() for name in ("plus", "minus")}
    for _ in range(30):
        weight += 0.5 * its.full * torch.randn(weight.shape, dtype=weight.dtype)
        its.write(weight, state)
        for number, name in enumerate(("plus", "minus")):
            assert bool((state[name] >= 0).all())
            assert bool((state[name] <= its.high[number]).all())
    now = torch.stack([state["plus"], state["minus"]])
    before = torch.stack([first["plus"], first["minus"]])
    gone = its.high == 0
    assert bool((now[gone] == 0).all())
    assert float((now == before).double().mean()) == pytest.approx(0.3, abs=0.04)
    assert float(gone.double().mean()) == pytest.approx(0.1, abs=0.03)
    torch.testing.assert_close(weight, its.full * (state["plus"] - state["minus"]))


def test_drift_and_units():
    its, weight = layer(drift=0.01, gain=0.3, nonlinearity=0.1)
    state = its.programmed(weight)
    before = state["plus"].clone()
    kept = weight.clone()
    its.write(weight, state)
    lost = 1 - (state["plus"] / before).mean()
    assert float(lost) == pytest.approx(0.01, rel=0.05)
    assert not torch.equal(kept, weight)
    y = torch.rand(3, UNITS, dtype=torch.float64) + 0.1
    out = its.output(y)
    torch.testing.assert_close(out, its.gains * y**its.exponents)
    assert float(its.gains.log().std()) == pytest.approx(0.3, rel=0.4)


@given(st.integers(1, 30), st.floats(0.001, 0.2), st.floats(0, 10))
def test_waiting_drifts_as_far_as_updates_that_ask_for_nothing(steps, drift, lowest):
    told = {"drift": drift, "missing": 0.1, "conductance": (lowest, 25.0)}
    (one, weight), (two, other) = layer(**told), layer(**told)
    waits, writes = one.programmed(weight), two.programmed(other)
    one.wait(weight, waits, steps)
    for _ in range(steps):
        two.write(other, writes)
    for name in ("plus", "minus"):
        torch.testing.assert_close(waits[name], writes[name])
    torch.testing.assert_close(weight, other)


@pytest.mark.parametrize("model", ["ff_digits", "backprop_digits"])
@pytest.mark.parametrize(("drift", "moves"), [(0.0, False), (0.02, True)])
def test_weights_drift_while_the_network_rests(model, drift, moves, tmp_path):
    protocol = tmp_path / "rest.yaml"
    protocol.write_text(
        "protocol: rest\nphases: [{phase: wake, steps: 2}, {phase: rest, steps: 50}]\n"
    )
    parameters = {"layers": [12], "hardware": {"drift": drift}}
    parameters |= {"top_down": False, "decay": 0.0} if model == "ff_digits" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it never sleeps
        its = ws.run(protocol, model, parameters=parameters)
    before, after = ws.statistics.phase_ends(its)["weight_norm"].values[-2:, 0]
    assert (after != before) == moves


def test_variations_have_the_mean_of_what_they_vary():
    """However strong: more noise is neither a faster rate nor a share of missing devices."""
    for noise in (1.0, 4.0):
        its, _ = layer(device="resistive", noise=noise)
        assert float(its.step.mean()) == pytest.approx(1 / 1200, rel=0.15)
        assert float(its.high.mean()) == pytest.approx(1, rel=0.1)
        assert bool((its.high > 0).all())
        ratio = (its.step[:, 0] / its.step[:, 1]).log().std()
        assert float(ratio) == pytest.approx(2**0.5 * 0.02 * noise, rel=0.1)


def test_a_missing_device_conducts_nothing_and_a_low_one_a_little():
    its, weight = layer(conductance=(5.0, 25.0), missing=0.5)
    state = its.programmed(weight)
    microsiemens = 5 + 20 * torch.stack([state["plus"], state["minus"]])
    missing = microsiemens.abs() < 1e-9
    assert float(missing.double().mean()) == pytest.approx(0.5, abs=0.05)
    assert bool((microsiemens[~missing] >= 5).all())


def test_an_instance_is_the_same_wherever_it_is_built():
    one, weight = layer(0, device="resistive", instance=3)
    two, _ = layer(1, device="resistive", instance=3)
    other, _ = layer(0, device="resistive", instance=4)
    assert torch.equal(one.step, two.step)
    assert not torch.equal(one.step, other.step)
    deeper = devices(Hardware(device="resistive"), weight, 2, 3, one.chance)
    assert not torch.equal(one.step, deeper.step)


@pytest.mark.parametrize("model", ["ff_digits", "backprop_digits"])
def test_ideal_hardware_changes_no_result(model, tmp_path):
    parameters = PLAIN if model == "ff_digits" else {"layers": [30, 20]}
    told = {"dtype": "float64", "inputs": {"sweeps": 5}}
    plain = ws.run("interleaved", model, parameters=parameters, **told)
    wide = {"hardware": {"full_scale": 1000.0}}
    same = ws.run("interleaved", model, parameters=parameters | wide, **told)
    np.testing.assert_allclose(same["error"], plain["error"])
    np.testing.assert_allclose(same["weight_norm"], plain["weight_norm"], rtol=1e-4)


def backprop(**told):
    setting = Setting(12, 3, torch.device("cpu"), torch.float64, Streams(0))
    return Backprop(Parameters(layers=[8, 6], **told), setting)


def test_backward_through_assumed_weights_is_autograd_where_these_are_right():
    net = backprop(hardware={"full_scale": 100.0}, label_smoothing=0.1)
    images, labels = torch.rand(7, 12, dtype=torch.float64), torch.arange(7) % 3
    loss = torch.nn.functional.cross_entropy(net.logits(images), labels, label_smoothing=0.1)
    theirs = torch.autograd.grad(loss, net.learnt)
    ours = through_assumed(net, images, labels)
    torch.testing.assert_close(ours, loss.detach())
    for its, grad in zip(net.learnt, theirs, strict=True):
        torch.testing.assert_close(its.grad, grad)


def test_a_simulated_network_learns_as_if_it_had_no_devices():
    chip = {"device": "resistive", "gain": 0.3, "nonlinearity": 0.1}
    plain = backprop(rate=0.01)
    net = backprop(rate=0.01, hardware=chip, backward="simulated")
    measured = backprop(rate=0.01, hardware=chip)
    images = torch.rand(30, 12, dtype=torch.float64)
    index = torch.arange(30).reshape(3, 10).repeat(20, 1)
    for its in (plain, net, measured):
        its.learn(Chunk("positive", images, torch.arange(30) % 3, index, [1.0] * 60))
    for weight, assumed, real in zip(plain.weights, net.assumed, net.weights, strict=False):
        torch.testing.assert_close(assumed, weight.detach())
        assert (assumed - real.detach()).abs().max() > 1e-3
    torch.testing.assert_close(net.biases[-1], plain.biases[-1])
    assert not torch.allclose(measured.biases[-1], plain.biases[-1])


@pytest.mark.parametrize("model", ["ff_digits", "backprop_digits"])
def test_a_resumed_run_on_devices_ends_like_an_undisturbed_one(model, tmp_path):
    parameters = PLAIN if model == "ff_digits" else {"layers": [30, 20]}
    parameters = parameters | {"hardware": {"device": "filament", "gain": 0.2, "instance": 5}}
    whole = ws.run("interleaved", model, parameters=parameters, inputs={"sweeps": 6})
    out = tmp_path / "run.zarr"

    def stop(done, steps):
        return done >= steps // 2

    with pytest.raises(ws.RunError):
        ws.run("interleaved", model, parameters=parameters, inputs={"sweeps": 6}, out=out,
               progress=stop)  # fmt: skip
    again = ws.run("interleaved", model, parameters=parameters, inputs={"sweeps": 6}, out=out,
                   resume=True)  # fmt: skip
    np.testing.assert_array_equal(again["error"], whole["error"])
    np.testing.assert_array_equal(again["weight_norm"], whole["weight_norm"])


def test_a_copy_is_programmed_on_another_instance_and_kept_on_its_own(tmp_path):
    told = {"device": "resistive", "write_noise": 0.0, "full_scale": 20.0}
    on = {n: PLAIN | {"hardware": told | {"instance": n}} for n in (1, 2)}
    out, look = tmp_path / "1.zarr", {"sweeps": 1}
    ws.run("interleaved", "ff_digits", parameters=on[1], inputs={"sweeps": 4}, out=out)
    same = ws.run("interleaved", "ff_digits", parameters=on[1], inputs=look, start=out)
    other = ws.run("interleaved", "ff_digits", parameters=on[2], inputs=look, start=out)
    ideal = ws.run("interleaved", "ff_digits", parameters=PLAIN, inputs=look, start=out)
    first = {name: float(its["weight_norm"][0, 0]) for name, its in
             (("same", same), ("other", other), ("ideal", ideal))}  # fmt: skip
    assert first["same"] == first["ideal"]  # the weights that the devices had
    assert first["other"] != first["ideal"]


def test_the_weights_of_a_simulation_are_programmed(tmp_path):
    """Not those of the chip that received its changes, which nobody measured."""
    told = {"device": "resistive", "full_scale": 20.0, "bound_variation": 0.0}
    on = {
        n: {"layers": [30, 20], "backward": "simulated", "hardware": told | {"instance": n}}
        for n in (1, 2)
    }
    look = tmp_path / "look.yaml"
    look.write_text("protocol: look\nphases: [{phase: rest, steps: 1}]\n")
    out = {name: tmp_path / f"{name}.zarr" for name in ("plain", "first", "copy")}
    learn = {"inputs": {"sweeps": 2}, "dtype": "float64"}
    for name, parameters in (("plain", {"layers": [30, 20]}), ("first", on[1])):
        ws.run("interleaved", "backprop_digits", parameters=parameters, out=out[name], **learn)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it never sleeps
        ws.run(look, "backprop_digits", parameters=on[2], start=out["first"], out=out["copy"],
               dtype="float64")  # fmt: skip
    plain, first, copy = (kept_network(out[name])[0].synapses()[0] for name in out)
    torch.testing.assert_close(copy, plain)
    assert (first - plain).abs().max() > 1e-3


def pulsed(its, asked, state, chance):
    """Return conductances after pulses: the equations of the page, device by device."""
    levels, noise = its.told.figure("levels"), 2**0.5 * its.told.figure("step_noise")
    after = {}
    for number, name in enumerate(("plus", "minus")):
        change = asked * (1.0, -1.0)[number]
        drawn = torch.rand(change.shape, generator=chance, dtype=change.dtype)
        pulses = torch.floor(change.abs() * levels + drawn)
        size = torch.where(change > 0, its.step[number, 0], its.step[number, 1]) * pulses
        normal = torch.randn(change.shape, generator=chance, dtype=change.dtype)
        size = size + noise / levels * pulses.sqrt() * normal
        moved = state[name] + torch.where(change > 0, size, -size) * its.moves[number]
        after[name] = torch.clamp(moved, its.low[number], its.high[number])
    return after


@given(
    preset=st.sampled_from(["resistive", "filament"]),
    size=st.sampled_from([1e-5, 1e-3, 0.1]),
    seed=st.integers(0, 100),
)
@settings(max_examples=20, deadline=None)
def test_pulses_follow_their_equations(preset, size, seed):
    its, weight = layer(seed, device=preset, stuck=0.1, missing=0.1)
    state = its.programmed(weight)
    asked = size * torch.randn(UNITS, INPUTS, dtype=torch.float64)
    chance = torch.Generator()
    chance.set_state(its.chance.get_state())
    expected = pulsed(its, asked / (2 * its.full), state, chance)
    weight += asked
    its.write(weight, state)
    for name in ("plus", "minus"):
        torch.testing.assert_close(state[name], expected[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{conductance: [25, 1]}", "two numbers from 0 upwards, the lower one first, not [25, 1]"),
        (
            "{stuck: 0.7, missing: 0.6}",
            "'stuck' and 'missing' together are at most 1",
        ),
        ("{device: resitive}", "'resitive'"),
        ("{levels: 1}", "levels"),
        ("{}", "weight decay is not modelled on devices; set decay: 0"),
    ],
)
def test_impossible_devices_are_refused_in_one_line(given, said, tmp_path, wakesleep):
    out = tmp_path / "run.zarr"
    code, _, told = wakesleep(
        "run", "interleaved", "ff_digits", "-p", f"model.hardware={given}", "-o", out
    )
    assert code == 2
    assert told.count("\n") == 1
    assert said in told
    assert not out.exists()
