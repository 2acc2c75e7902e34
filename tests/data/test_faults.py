"""Every fault of the user's data is one line, and nothing is written."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

import wakesleep as ws
from tests.data.test_outside import loaded

X = np.random.default_rng(0).random((40, 6))
Y = np.arange(40) % 2
HOLES = np.where(np.arange(240).reshape(40, 6) == 31, np.nan, X)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X, "y": Y[:39]}, "there are 39 labels for 40 cases"),
        (
            {"x": HOLES, "y": Y},
            "1 of 40 cases have missing or infinite values; the first is case 5",
        ),
        ({"x": 3 * X, "y": Y}, r"values go from .* to 2\.9.*'scale: minmax'"),
        ({"x": -X, "y": Y}, "allowed are 0 to 1"),
        ({"x": (300 * X).astype(int), "y": Y}, "whole numbers go from 0 to 29"),
        ({"x": X, "y": np.zeros(40)}, "all labels are '0'; at least two classes"),
        ({"x": X, "y": Y + 0.5}, "the labels are fractions, such as 0.5"),
        ({"x": X, "y": np.where(Y, np.nan, 1.0)}, "labels are missing: 20"),
        ({"x": X, "y": np.stack([Y, Y], 1)}, r"labels have shape \(40, 2\)"),
        ({"x": X[:, 0], "y": Y}, r"the cases have shape \(40,\)"),
        ({"x": X.astype(str), "y": Y}, "expected numbers"),
        ({"x": X.astype(object), "y": Y}, "Python objects"),
        ({"x": X[:0], "y": Y[:0]}, "there are no cases"),
        ({"x": X[:3], "y": Y[:3]}, "too few to cut validation, test from"),
        ({"x_test": X, "y_test": Y}, "no 'x_train'"),
        ({"x": X, "x_test": X, "y": Y, "y_test": Y}, "keep one"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "the cases of 'test' have no labels"),
        ({"x": X, "y_tset": Y}, r"'y_tset' is not used"),
        (
            {"x_train": X, "y_train": Y, "x_test": X, "y_test": Y + 1},
            "no training case is of class 2, which the validation or test",
        ),
        (
            {"x_train": X, "y_train": Y, "x_test": X[:, :5], "y_test": Y},
            "cases have different shapes",
        ),
        ({"x_val": X, "x_valid": X, "x_train": X}, "two arrays are the x of 'validation'"),
        ({"x": [[1, 2], [3]], "y": [0, 1]}, "'x' is not an array"),
        ({"x": X, "y": Y, "shape": (2, 2)}, "shape: 2 x 2 is not 6, the number of features"),
    ],
)
def test_faults_of_arrays(arrays, message):
    with pytest.raises(ws.InputError, match=message):
        loaded(**arrays)


def broken(folder) -> str:
    """Write 10,000 files of images of which three are broken."""
    image = Image.fromarray(np.zeros((2, 2), np.uint8))
    for name in ("one", "two"):
        (folder / "many" / name).mkdir(parents=True)
    image.save(folder / "dot.png")
    dot = (folder / "dot.png").read_bytes()
    for number in range(10_000):
        path = folder / "many" / ("one", "two")[number % 2] / f"{number}.png"
        path.write_bytes(dot if number not in (7, 70, 700) else dot[:40])
    return "./many"


FILES = {
    "missing file": (lambda folder: "./nothing.npz", r"nothing\.npz: there is no such file"),
    "missing folder": (lambda folder: "./nothing/", "there is no such file or folder"),
    "object array": (
        lambda folder: np.savez(folder / "o.npz", x=np.array([{}, {}]), y=[0, 1]) or "o.npz",
        "holds Python objects",
    ),
    "no archive": (
        lambda folder: (folder / "t.npz").write_text("text") and "t.npz",
        "t.npz: is not a NumPy file, or is damaged",
    ),
    "labels of another length": (
        lambda folder: np.savez(folder / "l.npz", x=X, y=Y[:9]) or "l.npz",
        "there are 9 labels for 40 cases",
    ),
    "not a number": (
        lambda folder: np.savez(folder / "n.npz", x=HOLES, y=Y) or "n.npz",
        "missing or infinite values",
    ),
    "values without a scale": (
        lambda folder: np.savez(folder / "v.npz", x=9 * X, y=Y) or "v.npz",
        "'scale: minmax'",
    ),
    "single class": (
        lambda folder: np.savez(folder / "s.npz", x=X, y=0 * Y) or "s.npz",
        "at least two classes",
    ),
    "a class that training lacks": (
        lambda folder: (
            np.savez(folder / "c.npz", x_train=X, y_train=Y, x_test=X, y_test=Y + 1) or "c.npz"
        ),
        "no training case is of class 2",
    ),
    "broken images": (
        broken,
        r"3 of 10,000 files cannot be read as images: one/70\.png, one/700\.png, two/7\.png",
    ),
    "a function that raises": (
        lambda folder: (
            (folder / "f.py").write_text("def f():\n    raise OSError('no disk')\n") and "./f.py:f"
        ),
        "the function raises OSError: no disk",
    ),
    "a function that is not there": (
        lambda folder: (folder / "f.py").write_text("x = 1\n") and "./f.py:f",
        "there is no 'f' in it",
    ),
    "two folders of one part": (
        lambda folder: (
            [(folder / "two" / part / "cat").mkdir(parents=True) for part in ("val", "validation")]
            and "./two"
        ),
        "two folders hold the cases of 'validation'",
    ),
    "no such user": (lambda folder: "~nobody_of_this_name/x.npz", "no such user's folder"),
    "three files": (lambda folder: "a.npy,b.npy,c.npy", "no such file"),
    "no size": (
        lambda folder: (folder / "i" / "cat").mkdir(parents=True) or "./i -p data.resize=[0,4]",
        "must be greater than or equal to 1",
    ),
    "an option of another format": (
        lambda folder: np.savez(folder / "w.npz", x=X, y=Y) or "w.npz -p data.label=kind",
        r"'label' is for \.csv",
    ),
    "an empty archive": (lambda folder: np.savez(folder / "e.npz") or "e.npz", "it is empty"),
    "a table without rows": (
        lambda folder: (folder / "h.csv").write_text("a,label\n") and "h.csv",
        "h.csv: the table has no rows",
    ),
    "an array called an archive": (
        lambda folder: (
            np.save(folder / "a.npy", X)
            or ((folder / "a.npy").rename(folder / "b.npz") and "b.npz")
        ),
        "b.npz: is a single array; call it b.npy",
    ),
    "no name": (lambda folder: "", "the name of the data is empty"),
    "a folder without images": (
        lambda folder: (
            (folder / "n" / "cat").mkdir(parents=True)
            or ((folder / "n" / "cat" / "a.txt").write_text("text") and "./n")
        ),
        "n: there are no images",
    ),
    "labels that are not text": (
        lambda folder: np.savez(folder / "l.npz", x=X, y=np.array([b"\xff", b"a"] * 20)) or "l.npz",
        "labels are bytes that are not UTF-8",
    ),
    "huge labels": (
        lambda folder: np.savez(folder / "l.npz", x=X, y=Y * 1e30) or "l.npz",
        "a label is 1e[+]30, which is too large",
    ),
    "values beyond all scales": (
        lambda folder: (
            np.savez(folder / "v.npz", x=X * 1e308, y=Y) or "v.npz -p data.scale=standardise"
        ),
        "too far to be scaled",
    ),
    "a label for a function": (
        lambda folder: (
            (folder / "f.py").write_text("def f():\n    return 1\n") and "./f.py:f -p data.label=k"
        ),
        "'label' is for .csv",
    ),
    "an option of a shipped data set": (
        lambda folder: "digits -p data.scale=minmax",
        "comes with the package",
    ),
}


@pytest.mark.parametrize("fault", FILES)
def test_faults_of_files_are_one_line_and_nothing_is_written(
    fault, tmp_path, monkeypatch, wakesleep
):
    monkeypatch.chdir(tmp_path)
    make, message = FILES[fault]
    name, *more = make(tmp_path).split(" ")
    before = set(tmp_path.iterdir())
    code, out, err = wakesleep("run", "interleaved", "ff_digits", "--data", name, *more)
    assert code == 2
    assert not out
    assert err.count("\n") == 1, err
    assert re.search(message, err), err
    assert set(tmp_path.iterdir()) - {tmp_path / "__pycache__"} == before


@pytest.mark.parametrize(
    ("options", "message"),
    [({"label": "kind"}, "'label' is for"), ({"resize": (4, 4)}, "'resize' is for folders")],
)
def test_options_mean_nothing_to_arrays(options, message):
    with pytest.raises(ws.InputError, match=message):
        ws.run("interleaved", "ff_digits", data=(X, Y), data_options=options)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("check interleaved --data nope.npz", "data are checked with a model"),
        ("data digits -p model.rate=3", "there is no model here"),
        ("plot interleaved -p data.scale=minmax", "needs the data"),
        ("look hybrids digits --data digits", "--data does not apply to 'look hybrids'"),
    ],
)
def test_options_without_a_use_are_refused(command, message, tmp_path, monkeypatch, wakesleep):
    monkeypatch.chdir(tmp_path)
    code, _, err = wakesleep(*command.split())
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_shape_that_fields_do_not_fit(tmp_path, monkeypatch, wakesleep):
    monkeypatch.chdir(tmp_path)
    np.savez("flat.npz", x=X, y=Y)
    (tmp_path / "eyes.yaml").write_text(
        "model: eyes\nkind: forward_forward\ndata: ./flat.npz\n"
        "parameters: {label: none, layers: [{field: 3, channels: 4}]}\n"
    )
    for command in (
        ["check", "eyes.yaml"],
        ["run", "interleaved", "eyes.yaml", "-p", "negatives=hybrid", "-p", "batch=9"],
    ):
        code, _, err = wakesleep(*command)
        assert code == 2
        assert "a field of 3 places does not fit into a map of 1" in err
