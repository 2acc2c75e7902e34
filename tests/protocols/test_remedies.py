"""Phases 'spontaneous' and 'consolidate' in runs: what they need, and that runs can be resumed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import wakesleep as ws
from wakesleep.networks.kept import kept_network
from wakesleep.simulation import loop

PROTOCOL = """\
protocol: life
data: {batch: 20, train: 200}
phases:
  - tasks: [[0, 1], [2, 3]]
    block: tasks
    phases:
      - {phase: wake, steps: 20}
      - {phase: spontaneous, steps: 250, spontaneous: {threshold: .3, gain: .01}}
      - {phase: consolidate, steps: 4}
record: {cases: 20}
"""
TINY = {"layers": [12, 8], "ewc": 10.0}


@pytest.fixture
def life(tmp_path):
    path = tmp_path / "life.yaml"
    path.write_text(PROTOCOL)
    return path


def test_a_run_that_is_stopped_within_the_phases_ends_in_the_same_weights(
    life, tmp_path, monkeypatch
):
    whole, parts = tmp_path / "whole.zarr", tmp_path / "parts.zarr"
    ws.run(life, "backprop_digits", out=whole, parameters=TINY)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    saved = loop.Run._save
    for stop_at in (120, 271, 390, 545):

        def save(self, stop, stop_at=stop_at):
            saved(self, [2] if self.place.step >= stop_at else stop)

        monkeypatch.setattr(loop.Run, "_save", save)
        resume = parts.exists()
        with pytest.raises(ws.RunError, match="interrupted"):
            ws.run(life, "backprop_digits", out=parts, parameters=TINY, resume=resume)
    monkeypatch.setattr(loop.Run, "_save", saved)
    ws.run(life, "backprop_digits", out=parts, parameters=TINY, resume=True)
    for one, other in zip(
        kept_network(whole)[0].synapses(), kept_network(parts)[0].synapses(), strict=True
    ):
        assert torch.equal(one, other)


def test_spontaneous_activity_changes_weights_and_is_scored_as_sleep(life):
    result = ws.run(life, "backprop_digits", parameters=TINY)
    phase = result["phase"].values
    norm = result["weight_norm"].values
    (at,) = np.flatnonzero((phase == "spontaneous") & (result["cycle"].values == 0))
    assert (norm[at] != norm[at - 1]).all()
    assert result["stage"].values[at] == "NREM"
    (after,) = np.flatnonzero((phase == "consolidate") & (result["cycle"].values == 0))
    np.testing.assert_array_equal(norm[after], norm[at])  # it only estimates


@pytest.mark.parametrize(
    ("old", "new", "model", "told"),
    [
        ("", "", "ff_digits", "needs a stack of dense layers of which the first sees the pixels"),
        ("threshold: .3", "threshold: [1, 2]", "backprop_digits", "2 thresholds, .* 3 layers"),
        ("threshold: .3", "threshold: 0", "backprop_digits", "threshold"),
        ("gain: .01", "gain: -1", "backprop_digits", "'gain' must be greater than or equal to 0"),
        ("phase: wake, steps: 20", "phase: wake, steps: 1, spontaneous: {}", "backprop_digits",
         "'spontaneous' is for phase 'spontaneous', not for 'wake'"),
        ("consolidate, steps: 4", "consolidate, until: {quantity: error, below: .5}, at_most: 9",
         "backprop_digits", "'consolidate' has a fixed length"),
        ("[[0, 1], [2, 3]]", "[{rotate: 0}, {rotate: 9}]", "backprop_digits",
         "fires as the mean image of all known classes"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told(life, old, new, model, told):
    text = PROTOCOL.replace(old, new) if old else PROTOCOL
    if model == "ff_digits":
        text = text.replace("      - {phase: consolidate, steps: 4}\n", "")
    life.write_text(text)
    with pytest.raises(ws.InputError, match=told):
        ws.run(life, model, parameters=TINY if model == "backprop_digits" else {"layers": [8]})


def test_a_strength_of_nothing_is_a_control(life):
    off = ws.run(life, "backprop_digits", parameters={**TINY, "ewc": 0.0})
    life.write_text(PROTOCOL.replace("consolidate, steps: 4", "rest, steps: 4"))
    plain = ws.run(life, "backprop_digits", parameters={"layers": [12, 8]})
    np.testing.assert_array_equal(off["validation_error"], plain["validation_error"])


def test_a_model_that_cannot_consolidate_is_refused(life):
    with pytest.raises(ws.InputError, match="consolidate"):
        ws.run(life, "backprop_digits", parameters={"layers": [12, 8]})
