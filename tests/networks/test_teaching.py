"""Lessons: what a trained network tells a pupil."""

from __future__ import annotations

import numpy as np
import pytest

import wakesleep as ws


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    out = tmp_path_factory.mktemp("teacher") / "run.zarr"
    ws.run("interleaved", "ff_digits", parameters={"layers": [40, 40]},
           inputs={"sweeps": 8, "batch": 50}, out=out)  # fmt: skip
    return out


def test_labels_are_those_that_the_teacher_gives(teacher):
    digits = ws.data.load("digits")
    for readout in ("goodness", "softmax"):
        given = ws.lessons(teacher, readout=readout)
        named = ws.trained(teacher).classify(digits.train.images, readout)
        np.testing.assert_array_equal(given["y_train"], named)
        assert (given["y_train"] != digits.train.labels).any()
    np.testing.assert_array_equal(given["x_train"].reshape(-1, 64), digits.train.images)
    np.testing.assert_array_equal(given["y_test"], digits.test.labels)


def test_drawn_labels_have_the_teachers_probabilities(teacher):
    images = ws.data.load("digits").validation.images[:20]
    given = ws.lessons(teacher, images=images, draws=100, seed=1)
    drawn = given["y_train"].reshape(100, 20)
    found = (drawn[..., None] == np.arange(10)).mean(0)
    wanted = ws.trained(teacher).label_probabilities(images).values
    np.testing.assert_allclose(wanted.sum(1), 1, rtol=1e-5)
    # 200 shares of 100 draws: five standard errors.
    assert (abs(found - wanted) <= 5 * np.sqrt(wanted * (1 - wanted) / 100) + 0.011).all()


def test_a_pupil_learns_from_lessons_and_dreams(teacher, tmp_path, wakesleep):
    for what in ("--draws 2", "--dreams 40"):
        lessons = tmp_path / "new folder" / f"{what.replace(' ', '')}.npz"
        code, told, _ = wakesleep("teach", teacher, "-o", lessons, *what.split())
        assert code == 0
        cases = 2 * len(ws.data.load("digits").train) if "draws" in what else 400
        assert f"({cases} training images)" in told
        with np.load(lessons) as its:
            assert len(its["x_train"]) == len(its["y_train"]) == cases
        out = tmp_path / f"{lessons.stem}.zarr"
        options = ("-p", "sweeps=8", "-p", "batch=50", "-p", "model.top_down=false")
        code, _, told = wakesleep(
            "run", "interleaved", "ff_digits", "--data", lessons, *options, "-o", out
        )
        assert code == 0, told
    errors = [float(ws.open(its)["test_error"].sel(readout="softmax"))
              for its in (teacher, tmp_path / "--draws2.zarr")]  # fmt: skip
    assert errors[1] < errors[0] + 0.15  # chance is .9


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--readout", "softmix"), "there is no read-out 'softmix' (did you mean 'softmax'?)"),
        (("--draws", "3", "--readout", "goodness"), "'goodness' gives no probabilities"),
        (("--draws", "-1"), "Invalid value for '--draws'"),
        (("--draws", "101"), "draws: 0 to 100"),
        (("--dreams", "5", "--draws", "2"), "dreams go with neither"),
        (("--images", "aesop"), "images have the shape"),
    ],
)  # fmt: skip
def test_what_cannot_be_taught_is_refused(options, told, teacher, tmp_path, wakesleep):
    out = tmp_path / "lessons.npz"
    code, _, said = wakesleep("teach", teacher, "-o", out, *options)
    assert code == 2
    assert said.count("\n") == 1
    assert told in said
    assert not out.exists()


def test_a_teacher_that_knows_too_little_is_told(tmp_path):
    """A network that has learned nothing names one class for everything."""
    (tmp_path / "rest.yaml").write_text("protocol: rest\nphases: [{phase: rest, steps: 1}]\n")
    out = tmp_path / "run.zarr"
    ws.run(tmp_path / "rest.yaml", "ff_digits", parameters={"layers": [8]}, out=out)
    with pytest.warns(UserWarning, match=r"never answers 1, 2, 3, 4, 5, 6, 7, 8, 9, and a pupil"):
        given = ws.lessons(out)
    assert set(given["y_train"].tolist()) == {0}


def test_a_teacher_without_readouts_is_refused(tmp_path, wakesleep):
    run = tmp_path / "run.zarr"
    wakesleep("run", "unlearning", "hopfield_100", "-p", "nights=1", "-o", run)
    code, _, said = wakesleep("teach", run, "-o", tmp_path / "lessons.npz")
    assert code == 2
    assert "has no read-outs" in said
    code, _, said = wakesleep("teach", run, "-o", tmp_path / "lessons.txt")
    assert code == 2
    assert "lessons are written to FILE.npz" in said
