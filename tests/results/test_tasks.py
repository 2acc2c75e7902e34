"""Statistics of lives with several tasks, beside numbers worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

import wakesleep as ws

# Accuracy by class (four classes) after each of two tasks.
BY_CLASS = np.array([[[0.9, 0.7, 0.0, 0.2]], [[0.5, 0.3, 1.0, 0.8]]])


@pytest.fixture
def result():
    rows = np.repeat(1 - BY_CLASS, 2, axis=0)
    rows[0], rows[2] = 0.99, 0.98  # in the middle of the tasks: not looked at
    return xr.Dataset(
        {"class_error": (("probe", "readout", "class"), rows)},
        coords={
            "phase_end": ("probe", np.array([False, True, True, True])),
            "cycle_tasks": ("probe", np.array([0, 0, 1, 1])),
            "readout": ["softmax"],
            "class": list("0123"),
        },
    )


def test_the_matrix_is_taken_at_the_ends_of_tasks(result):
    matrix = ws.statistics.accuracy_matrix(result, "tasks").sel(readout="softmax")
    np.testing.assert_allclose(matrix.transpose("after", "task"), [[0.8, 0.1], [0.4, 0.9]])
    named = ws.statistics.accuracy_matrix(result, "tasks", [[3], [0, 2]]).sel(readout="softmax")
    np.testing.assert_allclose(named.transpose("after", "task"), [[0.2, 0.45], [0.8, 0.75]])


def test_the_tasks_are_those_of_the_protocol(result):
    inner = {"block": "tasks", "tasks": [[3], [0, 2]], "phases": []}
    result.attrs["protocol_resolved"] = json.dumps({"phases": [{"phases": [inner]}]})
    matrix = ws.statistics.accuracy_matrix(result, "tasks").sel(readout="softmax")
    np.testing.assert_allclose(matrix.transpose("after", "task"), [[0.2, 0.45], [0.8, 0.75]])
    with pytest.raises(ws.InputError, match="not one of 0 to 3"):
        ws.statistics.accuracy_matrix(result, "tasks", [[4]])


def test_one_task_cannot_be_forgotten(result):
    one = ws.statistics.accuracy_matrix(result.isel(probe=[0, 1]), "tasks", 1)
    assert np.isnan(ws.statistics.forgetting(one)).all()
    assert np.isnan(ws.statistics.backward_transfer(one)).all()


def test_what_is_drawn_from_it(result):
    matrix = ws.statistics.accuracy_matrix(result, "tasks").sel(readout="softmax")
    assert float(ws.statistics.average_accuracy(matrix)) == pytest.approx(0.65)
    assert float(ws.statistics.forgetting(matrix)) == pytest.approx(0.4)
    assert float(ws.statistics.backward_transfer(matrix)) == pytest.approx(-0.4)
    known = ws.statistics.accuracy_of_known(matrix)
    np.testing.assert_allclose(known.values, [0.8, 0.65])


def test_what_is_missing_is_told(result):
    with pytest.raises(ws.InputError, match="no repeat is called 'task'"):
        ws.statistics.accuracy_matrix(result, "task")
    with pytest.raises(ws.InputError, match="no 'class_error'"):
        ws.statistics.accuracy_matrix(result.drop_vars("class_error"), "tasks")
    with pytest.raises(ws.InputError, match="not every cycle of 'tasks' is recorded"):
        ws.statistics.accuracy_matrix(result.isel(probe=[2, 3]), "tasks")


def test_savings_are_the_updates_that_are_not_needed_again(result):
    steps = [0, 10, 20, 30, 40, 50, 60, 70]
    errors = [0.9, 0.5, 0.05, 0.8, 0.9, 0.05, 0.04, 0.03]
    other = [0.9, 0.5, 0.05, 0.8, 0.9, 0.8, 0.7, 0.6]
    ab = np.array([errors, other]).T
    life = xr.Dataset(
        {"class_error": (("probe", "readout", "class"), np.stack([ab, 1 - ab], -1))},
        coords={
            "step": ("probe", np.array(steps)),
            "phase_end": ("probe", np.array([False, False, True, False, True, False, False, True])),
            "cycle_tasks": ("probe", np.array([0, 0, 0, 1, 1, 2, 2, 2])),
            "readout": ["softmax", "goodness"],
            "class": list("01"),
        },
    )
    block = {"block": "tasks", "tasks": [[0], [1], [0]], "phases": []}
    life.attrs["protocol_resolved"] = json.dumps({"phases": [block]})
    found = ws.statistics.savings(life, "tasks", below=0.1)
    # 20 updates the first time, 10 the second (from step 40, where the task before it ended).
    np.testing.assert_allclose(found.sel(readout=["softmax", "goodness"]), [0.5, np.nan])
    with pytest.raises(ws.InputError, match="cycles 0 and 1 of 'tasks' have different tasks"):
        ws.statistics.savings(life, "tasks", below=0.1, again=1)
    kept = life.copy(deep=True)
    kept["class_error"][{"probe": slice(3, 8), "class": 0, "readout": 0}] = 0.05
    nothing = ws.statistics.savings(kept, "tasks", below=0.1)
    assert float(nothing.sel(readout="softmax")) == 1  # it was never forgotten
    with pytest.raises(ws.InputError, match="has the cycles 0 to 2, not 0 and 3"):
        ws.statistics.savings(life, "tasks", below=0.1, again=3)


def test_tasks_that_change_images_have_an_error_each(result):
    life = result.drop_vars("class_error").assign(
        view_error=(
            ("probe", "readout", "view"),
            [[[1, 1]], [[0.2, 0.9]], [[0.5, 0.5]], [[0.6, 0.1]]],
        ),
        view=["plain", "rotate_30_permute_2"],
    )
    tasks = [{"rotate": 0}, {"rotate": 30.0, "permute": 2}]
    matrix = ws.statistics.accuracy_matrix(life, "tasks", tasks).sel(readout="softmax")
    np.testing.assert_allclose(matrix.transpose("after", "task"), [[0.8, 0.1], [0.4, 0.9]])
    with pytest.raises(ws.InputError, match="some tasks have classes and others changed images"):
        ws.statistics.accuracy_matrix(life, "tasks", [[0], {"rotate": 30}])
    with pytest.raises(ws.InputError, match="no 'view_error'"):
        ws.statistics.accuracy_matrix(life.drop_vars("view_error"), "tasks", tasks)
