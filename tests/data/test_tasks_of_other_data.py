"""Tasks that are other data sets: what is learned in them, what is probed, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import wakesleep as ws
from wakesleep import data

PROTOCOL = """protocol: two
data: {{batch: {batch}}}
phases:
  - tasks: [{tasks}]
    block: tasks
    phases:
      - {{phase: interleaved, steps: 100}}
record: {{cases: 100}}
"""


def arrays(change=lambda images, labels: (images, labels), cases=slice(None)) -> dict:
    its, found = data.load("digits"), {}
    for name in ("train", "validation", "test"):
        part = getattr(its, name)
        x, y = change(part.images[cases], part.labels[cases])
        found |= {f"x_{name}": x.reshape(-1, 8, 8), f"y_{name}": y}
    return found


def protocol(folder, tasks: str, batch: int = 50):
    file = folder / "two.yaml"
    file.write_text(PROTOCOL.format(tasks=tasks, batch=batch))
    return file


def run(folder, tasks, **more):
    parameters = {"layers": [20], "top_down": False}
    return ws.run(protocol(folder, tasks), "ff_digits", parameters=parameters, **more)


def test_a_copy_of_the_data_is_as_good_as_the_data(tmp_path):
    """The same images and labels in a file: only the order of the batches is another."""
    np.savez(tmp_path / "same.npz", **arrays())
    its = run(tmp_path, "{rotate: 0}, {data: ./same.npz}")
    assert list(its["view"].values) == ["plain", "same"]
    error = its["view_error"]
    np.testing.assert_array_equal(error.sel(view="same"), error.sel(view="plain"))
    assert float(error.sel(readout="softmax", view="same")[-1]) < 0.5


def test_another_task_has_its_own_labels(tmp_path):
    """Labels are moved on by one: what one task teaches is wrong in the other."""
    np.savez(tmp_path / "moved.npz", **arrays(lambda x, y: (x, (y + 1) % 10)))
    matrix = ws.statistics.accuracy_matrix(
        run(tmp_path, "{rotate: 0}, {data: ./moved.npz}"), "tasks"
    ).sel(readout="softmax")
    assert float(matrix.sel(after=0, task=0)) > 0.5 > float(matrix.sel(after=0, task=1))
    assert float(matrix.sel(after=1, task=1)) > 0.5 > float(matrix.sel(after=1, task=0))


def test_a_run_goes_on_where_it_stopped_and_not_with_other_data(tmp_path, wakesleep):
    np.savez(tmp_path / "moved.npz", **arrays(lambda x, y: (x, (y + 1) % 10)))
    tasks = "{data: ./moved.npz, rotate: 90}, {rotate: 0}, {data: ./moved.npz}"
    whole = run(tmp_path, tasks)
    calls = []

    def stop(step, steps):
        calls.append(step)
        return len(calls) > 2

    with pytest.raises(ws.RunError):
        run(tmp_path, tasks, out=tmp_path / "part.zarr", progress=stop)
    again = run(tmp_path, tasks, out=tmp_path / "part.zarr", resume=True)
    np.testing.assert_array_equal(again["view_error"], whole["view_error"])
    out = tmp_path / "other.zarr"
    calls.clear()
    with pytest.raises(ws.RunError):
        run(tmp_path, tasks, out=out, progress=stop)
    np.savez(tmp_path / "moved.npz", **arrays(lambda x, y: (x, (y + 2) % 10)))
    with pytest.raises(
        ws.InputError, match=r"cannot be resumed, for its protocol_resolved .*moved.npz@"
    ):
        run(tmp_path, tasks, out=out, resume=True)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"cases": slice(0, 40)}, "batch is 50, but a task has 40 cases"),
        ({"change": lambda x, y: (x[:, :32].repeat(4, 1), y)}, "images of shape|different shapes"),
        ({"change": lambda x, y: (x, y % 5)}, "this number of classes: 5, but those of 'digits'"),
    ],
)
def test_data_that_do_not_fit_are_refused(made, message, tmp_path):
    its = arrays(**made)
    if "repeat" in message or "shape" in message:
        its = {n: a.reshape(-1, 8, 16) if n.startswith("x") else a for n, a in its.items()}
    np.savez(tmp_path / "other.npz", **its)
    with pytest.raises(ws.InputError, match=message):
        run(tmp_path, "{rotate: 0}, {data: ./other.npz}")
    with pytest.raises(ws.InputError, match=r"nowhere\.npz: there is no such"):
        run(tmp_path, "{rotate: 0}, {data: ./nowhere.npz}")
