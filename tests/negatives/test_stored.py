"""Cases that are kept: the first of each class, and no others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep.errors import InputError, RunError
from wakesleep.negatives import Context, bind

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
    context = Context(4, (1, 1), generator, options, cases=(every, labels), dream_of=among)
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


def test_a_class_without_cases_is_told():
    with pytest.raises(RunError, match="no case of class 3 is stored"):
        bound(0, torch.tensor([0, 1, 2]), (3,))(None, torch.zeros(1, 1), torch.tensor([0]))


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
