"""Cases that are kept: the first of each class, and no others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep.errors import InputError
from wakesleep.negatives import Context, bind
from wakesleep.protocols.negatives import Negatives
from wakesleep.simulation.streams import stored_cases

LIFE = """\
protocol: life
data: {{batch: 20}}
negatives: {{source: wrong_label}}
phases:
  - tasks: 2
    block: tasks
    phases:
      - repeat: 3
        phases:
          - {{phase: wake, steps: 5}}
          - {{phase: replay, steps: 5, dream_of: others, replay: {replay}}}
          - {{phase: sleep, steps: 5, dream_of: known, negatives: {{source: stored, per_class: 2}}}}
record: {{cases: 50}}
"""


def bound(seed, labels, among=None, **options):
    generator = torch.Generator().manual_seed(seed)
    every = torch.arange(len(labels), dtype=torch.float32).unsqueeze(1)  # a case is its number
    cases = stored_cases(Negatives(source="stored", **options), every, labels, 4)
    context = Context(4, (1, 1), generator, options, cases=cases, dream_of=among)
    return bind("stored", context)


@given(seed=st.integers(0, 2**32), count=st.integers(1, 5))
def test_the_first_cases_of_the_classes_that_are_asked_for(seed, count):
    labels = torch.randint(4, (200,), generator=torch.Generator().manual_seed(seed))
    draw = bound(seed, labels, (1, 3), per_class=count, label="own")
    found, named = draw(None, torch.zeros(300, 1), torch.zeros(300, dtype=torch.int64))
    kept = {
        int(number) for each in (1, 3) for number in np.flatnonzero(labels.numpy() == each)[:count]
    }
    drawn = found.squeeze(1).long()
    assert set(drawn.tolist()) == kept
    assert torch.equal(labels[drawn], named)


def test_by_default_the_batch_says_the_classes_and_labels_are_wrong():
    labels = torch.tensor([0, 1, 2, 3] * 5)
    batch = torch.tensor([2, 2, 0])
    found, named = bound(1, labels, per_class=1)(None, torch.zeros(3, 1), batch)
    assert found.squeeze(1).tolist() == [2, 2, 0]
    assert bool((named != batch).all())


def test_a_class_without_cases_is_told(tmp_path):
    path = tmp_path / "life.yaml"
    text = LIFE.format(replay="{source: stored, per_class: 2}")
    path.write_text(text.replace("batch: 20", "batch: 2, train: 8"))
    with pytest.raises(InputError, match=r"'replay' needs stored cases of class \d, of which"):
        ws.run(path, "ff_digits", out=tmp_path / "run.zarr")
    assert not (tmp_path / "run.zarr").exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{source: wrong_label}", "{source: stored}", "cannot be the protocol's negative data"),
        ("{source: stored, per_class: 2}}", "{source: stored, label: own}}", "are real: replay"),
        ("per_class: 2}}", "per_class: 0}}", "must be at least 1"),
    ],
)
def test_where_stored_cases_do_not_belong(tmp_path, old, new, told):
    path = tmp_path / "life.yaml"
    path.write_text(LIFE.format(replay="{source: stored}").replace(old, new))
    with pytest.raises(InputError, match=told):
        ws.run(path, "ff_digits")


def test_a_network_without_labels_learns_nothing_from_wrong_ones(tmp_path):
    path = tmp_path / "life.yaml"
    text = LIFE.format(replay="{source: stored}")
    path.write_text(text.replace("{source: wrong_label}", "{source: hybrid}"))
    with pytest.raises(InputError, match="by their label alone"):
        ws.run(path, "ff_digits", parameters={"label": "none", "top_down": False})


def test_replay_of_stored_cases_keeps_old_classes(tmp_path):
    path = tmp_path / "life.yaml"
    found = {}
    for name, phase in (("replay", "replay"), ("nothing", "rest")):
        text = LIFE.format(replay="{source: stored, per_class: 20}")
        text = text.replace("phase: replay", f"phase: {phase}").replace("repeat: 3", "repeat: 20")
        path.write_text(text)
        result = ws.run(path, "ff_digits", parameters={"layers": [64], "rate": 0.01})
        matrix = ws.statistics.accuracy_matrix(result, "tasks").sel(readout="softmax")
        found[name] = float(matrix.isel(after=1, task=0))
    assert found["replay"] > 0.5 > 0.1 > found["nothing"]


def test_kinds_that_do_not_dream_replay_stored_cases(tmp_path):
    path = tmp_path / "life.yaml"
    path.write_text(LIFE.format(replay="{source: stored, per_class: 2}"))
    for model in ("ff_digits", "rbm_digits", "backprop_digits"):
        kept = {"layers": [12]} if model != "rbm_digits" else {"hidden": [12]}
        if model == "backprop_digits":
            path.write_text(path.read_text().replace("phase: sleep", "phase: rest"))
        result = ws.run(path, model, parameters=kept)
        again = ws.run(path, model, parameters=kept)
        assert result.drop_attrs().identical(again.drop_attrs())
        assert int(result["step"][-1]) == 90


def test_replay_learns_no_wrong_label(tmp_path):
    path = tmp_path / "life.yaml"
    path.write_text(LIFE.format(replay="{source: stored, label: wrong}"))
    with pytest.raises(InputError, match="'label' cannot be 'wrong'"):
        ws.run(path, "ff_digits")
