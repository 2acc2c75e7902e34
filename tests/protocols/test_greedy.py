"""One layer after the other: what learns when, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import wakesleep as ws
from wakesleep.errors import InputError
from wakesleep.networks.kept import kept_network

TOLD = {"steps": 4, "batch": 50, "probe_every": 4, "data": "digits"}


def test_each_layer_learns_in_its_own_phase(tmp_path):
    result = ws.run("greedy", "ff_tutorial", inputs=TOLD, out=tmp_path / "run.zarr")
    norms = result.weight_norm.values  # before, after the first phase, after the second
    assert norms[0, 0] != norms[1, 0] == norms[2, 0]
    assert norms[0, 1] == norms[1, 1] != norms[2, 1]
    assert list(result.readout.values) == ["goodness"]


def test_the_tutorials_recipe_learns():
    result = ws.run("greedy", "ff_tutorial", inputs={**TOLD, "steps": 300, "batch": 400})
    errors = result.error.isel(probe=[0, -1]).values.ravel()
    assert errors[0] > 0.8
    assert errors[1] < 0.3


def test_training_the_first_layer_alone_is_training_it_with_the_second(tmp_path):
    """What lies above a layer does not reach it."""
    alone = {"layers": [30, 20], "label": "extra_units", "rate": 0.05}
    told = {**TOLD, "steps": 6}
    ws.run("greedy", "ff_digits", inputs=told, parameters=alone, out=tmp_path / "greedy.zarr")
    file = tmp_path / "together.yaml"
    file.write_text(
        "protocol: together\ndata: {batch: 50}\nnegatives: {source: wrong_label}\n"
        "phases: [{phase: interleaved, steps: 6}]\n"
    )
    ws.run(file, "ff_digits", parameters=alone, out=tmp_path / "together.zarr")
    first = [
        kept_network(tmp_path / name)[0].layers[0].weight.numpy()
        for name in ("greedy.zarr", "together.zarr")
    ]
    assert np.array_equal(*first)


def test_refusals(tmp_path):
    with pytest.raises(InputError, match="trains layer 2, but model 'ff_digits' has 1 layers"):
        ws.run("greedy", "ff_digits", inputs=TOLD, parameters={"layers": [9]})
    with pytest.raises(InputError, match="does not offer 'layerwise'"):
        ws.run("greedy", "backprop_digits", inputs=TOLD)


def test_a_batch_is_all_that_there_is_unless_told():
    result = ws.run("greedy", "ff_tutorial", inputs={"steps": 2, "data": "digits", "train": 300})
    whole = ws.run(
        "greedy", "ff_tutorial", inputs={"steps": 2, "data": "digits", "train": 300, "batch": 300}
    )
    assert np.array_equal(result.error, whole.error)


def test_a_layer_that_no_phase_trains_is_told_of():
    with pytest.warns(UserWarning, match="never trains layer 3 of model 'ff_digits'"):
        ws.run("greedy", "ff_digits", inputs=TOLD)
