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
        ws.InputError, match=r"cannot be resumed, because its protocol_resolved .*moved.npz@"
    ):
        run(tmp_path, tasks, out=out, resume=True)


def test_a_folder_of_images_is_a_task_with_a_name(tmp_path):
    from PIL import Image

    its = data.load("digits")
    for name in ("train", "validation", "test"):
        part = getattr(its, name)
        for label in range(10):
            folder = tmp_path / "photos" / name / str(label)
            folder.mkdir(parents=True)
            chosen = part.images[part.labels == label][:8].reshape(-1, 8, 8)
            for number, image in enumerate(chosen):
                Image.fromarray((255 * image).astype("uint8")).save(folder / f"{number}.png")
    result = run(tmp_path, "{rotate: 0}, {data: ./photos/}")
    assert list(result["view"].values) == ["plain", "photos"]
    assert ws.statistics.accuracy_matrix(result, "tasks").sizes == {
        "after": 2, "task": 2, "readout": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("tasks", "file"),
    [
        ("{rotate: 0}, {data: ./plain.npz}", "plain"),
        ("{rotate: 90}, {data: ./rotate_90.npz}", "rotate_90"),
    ],
)
def test_tasks_of_the_same_name_are_refused(tasks, file, tmp_path):
    np.savez(tmp_path / f"{file}.npz", **arrays())
    with pytest.raises(ws.InputError, match=f"two tasks with different images .* name '{file}'"):
        run(tmp_path, tasks)


def test_other_data_must_suit_the_model(tmp_path):
    np.savez(tmp_path / "grey.npz", **arrays())
    np.savez(tmp_path / "bits.npz", **arrays(lambda x, y: (1.0 * (x > 0.5), y)))
    file = protocol(tmp_path, "{rotate: 0}, {data: ./grey.npz}")
    file.write_text(file.read_text() + "negatives: {source: usual}\n")
    with pytest.raises(ws.InputError, match="binary"):
        ws.run(file, "rbm_digits", parameters={"binarise": "none"}, data=tmp_path / "bits.npz")


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"cases": slice(0, 40)}, "batch is 50, but a task's data 'other.npz' have 40"),
        ({"change": lambda x, y: (x[:, :32].repeat(4, 1), y)}, "images of 8 x 16 pixels, but"),
        ({"change": lambda x, y: (x, y % 5)}, "have 5 classes, but 'digits' has 10"),
    ],
)
def test_data_that_do_not_fit_are_refused(made, message, tmp_path):
    its = arrays(**made)
    if "pixels" in message:
        its = {n: a.reshape(-1, 8, 16) if n.startswith("x") else a for n, a in its.items()}
    np.savez(tmp_path / "other.npz", **its)
    with pytest.raises(ws.InputError, match=message):
        run(tmp_path, "{rotate: 0}, {data: ./other.npz}")
    with pytest.raises(ws.InputError, match=r"nowhere\.npz: there is no such"):
        run(tmp_path, "{rotate: 0}, {data: ./nowhere.npz}")
