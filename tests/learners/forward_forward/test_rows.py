"""Leaving out cases without a gradient changes nothing; a bound leaves out those below it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import wakesleep as ws
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward import rows
from wakesleep.learners.forward_forward.layer import Layer, block_goodness, delta, peer_term
from wakesleep.learners.forward_forward.network import ForwardForward
from wakesleep.learners.forward_forward.parameters import Parameters
from wakesleep.learners.forward_forward.recurrent import Recurrent
from wakesleep.learners.forward_forward.recurrent_parameters import Parameters as InTime
from wakesleep.learners.parts import plasticity
from wakesleep.runtime.randomness import Streams

CLASSES, PIXELS, CASES = 4, 25, 12


def setting(dtype=torch.float64):
    return Setting(PIXELS, CLASSES, torch.device("cpu"), dtype, Streams(3), 0, (5, 5))


def wrong(model, images, labels):
    return images, (labels + 1) % CLASSES


def trained(kind, monkeypatch, least, sure=True, dtype=torch.float64, **told):
    """Return a network's tensors after some steps, with most cases judged rightly."""
    monkeypatch.setattr(rows, "LEAST_WEIGHTS", least)
    monkeypatch.setattr(plasticity, "LEAST_NUMBERS", least)
    monkeypatch.setattr(plasticity, "CACHE_NUMBERS", 60)
    # At so low a temperature hardly any case is in doubt.
    values = {"temperature": 1e-4 if sure else 1.0, "rate": 0.02, "layers": [16, 12], **told}
    if kind is Recurrent:
        model = Recurrent(InTime.model_validate({"iterations": 3, "judged": [2, 3], **values}),
                          setting(dtype))  # fmt: skip
    else:
        model = ForwardForward(
            Parameters.model_validate({"label": "extra_units", **values}), setting(dtype)
        )
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(60, PIXELS, generator=generator, dtype=dtype)
    labels = torch.randint(CLASSES, (60,), generator=generator)
    index = torch.randperm(60, generator=generator).view(5, CASES)
    for sign, separate in (("both", False), ("both", True), ("positive", True), ("negative", True)):
        negatives = None if sign == "positive" else wrong
        chunk = Chunk(sign, images, labels, index, [1.0] * 5, negatives)
        assert model.learn(replace(chunk, separate_states=separate)) is None
    return [its for layer in model.layers for its in (layer.weight, layer.bias, layer.peer_mean)]


@pytest.mark.parametrize("kind", [ForwardForward, Recurrent])
@pytest.mark.parametrize("peer", [0.0, 0.05])
@pytest.mark.parametrize("blocks", [1, 4])
@pytest.mark.parametrize("more", [{}, {"plasticity": "adam"}, {"decay": 0.02}])
def test_leaving_out_cases_without_a_gradient_changes_nothing(
    kind, peer, blocks, more, monkeypatch
):
    left_out = []
    look = rows.of_effect

    def looking(layer, doubt, first):
        index = look(layer, doubt, first)
        left_out.append(0 if index is None else len(doubt) - len(index))
        return index

    monkeypatch.setattr(rows, "of_effect", looking)
    told = {"peer": peer, "blocks": blocks, **more}
    fewer = trained(kind, monkeypatch, 0, **told)
    assert sum(left_out) > 0.2 * 20 * CASES  # or there is nothing to be tested
    left_out.clear()
    whole = trained(kind, monkeypatch, 10**9, **told)
    assert sum(left_out) == 0
    for its, theirs in zip(fewer, whole, strict=True):
        torch.testing.assert_close(its, theirs, rtol=1e-9, atol=1e-12)


def test_layers_with_receptive_fields_and_one_decision_at_every_place(monkeypatch):
    told = {
        "layers": [{"field": 3, "channels": 2}, 8],
        "label": "none",
        "blocks": 1,
    }

    def other(model, images, labels):
        return images.flip(1), labels

    monkeypatch.setitem(globals(), "wrong", other)
    fewer = trained(ForwardForward, monkeypatch, 0, **told)
    whole = trained(ForwardForward, monkeypatch, 10**9, **told)
    for its, theirs in zip(fewer, whole, strict=True):
        torch.testing.assert_close(its, theirs, rtol=1e-9, atol=1e-12)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    bound=st.floats(0, 0.9),
    blocks=st.sampled_from([1, 2, 4]),
    least=st.sampled_from([0, 10**9]),
    peer=st.sampled_from([0.0, 0.1]),
)
def test_a_bound_leaves_out_what_does_not_exceed_it(seed, bound, blocks, least, peer):
    """Beside it: the sum over all cases, those below the bound set to zero by hand."""
    p = Parameters(layers=(8,), blocks=blocks, skip_below=bound, peer=peer, label="none")
    network = ForwardForward(p, setting())
    layer, pieces = network.layers[0], network.pieces
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(CASES, PIXELS, generator=generator, dtype=torch.float64)
    z = layer.connection.drive(x, 2 * layer.weight)
    y = z.relu()
    goodness = block_goodness(layer, y, pieces)
    real = 5
    sign = torch.tensor([1.0] * real + [-1.0] * (CASES - real)).double()
    same: Layer = replace(layer, peer_mean=layer.peer_mean.clone())

    wrong = torch.sigmoid(-sign[:, None] * (goodness - 8 / blocks))
    wanted = delta(layer, z, y, wrong, sign, pieces)
    wanted = wanted.view(CASES, blocks, -1) * (wrong > bound)[:, :, None]
    wanted = wanted.view(CASES, 8)
    if peer:
        wanted[:real] += peer_term(same, y[:real], pieces)

    before, rows.LEAST_WEIGHTS = rows.LEAST_WEIGHTS, least
    try:
        parts = {"positive": slice(0, real), "negative": slice(real, CASES)}
        found = rows.rows_that_move(layer, x, z, y, goodness, sign, parts, real, pieces)
    finally:
        rows.LEAST_WEIGHTS = before
    for name, part in parts.items():
        its = found[name]
        torch.testing.assert_close(its.left.T @ its.right, wanted[part].T @ x[part])
        torch.testing.assert_close(its.left.sum(0), wanted[part].sum(0))


@pytest.mark.parametrize("bound", [1.0, -1e-9, 2, float("nan")])
def test_a_bound_outside_of_0_to_1_is_refused(bound):
    with pytest.raises(ValidationError, match="skip_below"):
        Parameters(layers=(8,), skip_below=bound)


def test_a_bound_outside_of_0_to_1_is_one_line(wakesleep, tmp_path):
    out = tmp_path / "out.zarr"
    code, _, err = wakesleep(
        "run", "interleaved", "ff_digits", "-p", "model.skip_below=1", "-o", out
    )
    assert code == 2
    assert "skip_below" in err
    assert err.count("\n") == 1
    assert not out.exists()


def test_weights_move_by_parts_as_they_do_at_once(monkeypatch):
    at_once = trained(ForwardForward, monkeypatch, 10**9, sure=False, dtype=torch.float64)
    by_parts = trained(ForwardForward, monkeypatch, 0, sure=False, dtype=torch.float64)
    for its, theirs in zip(at_once, by_parts, strict=True):
        torch.testing.assert_close(its, theirs, rtol=1e-9, atol=1e-12)


def test_a_run_without_the_parameter_is_the_run_it_was():
    """The name of a run of a shipped study is made of what decides the run."""
    from wakesleep.studies import grid

    assert "ff-phase_separation-phase_steps=1-4a28c142-seed0" in grid.load("nights").jobs


def test_a_network_with_a_bound_learns(tmp_path):
    inputs = {"sweeps": 3, "probe_cases": 200}
    model = {"layers": [500, 500], "skip_below": 1e-4, "rate": 0.01}
    result = ws.run("interleaved", "ff_digits", inputs=inputs, parameters=model)
    assert float(result["validation_error"].sel(readout="softmax")) < 0.15
