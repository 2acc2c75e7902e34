"""Data sets: the right cases, disjoint, in the right range; damaged files are named."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

import wakesleep as ws
from wakesleep import data
from wakesleep.data.batches import BatchStream


def assert_well_formed(its: data.DataSet) -> None:
    for cases in (its.train, its.validation, its.test):
        assert cases.images.dtype == np.float32
        assert cases.labels.dtype == np.int64
        assert cases.images.min() == 0
        assert cases.images.max() == 1
        assert set(cases.labels) == set(range(its.classes))
    assert its.features == its.shape[0] * its.shape[1]


def test_digits_are_scikit_learns_each_once():
    its = data.load("digits")
    assert_well_formed(its)
    assert [len(part) for part in (its.train, its.validation, its.test)] == [1200, 297, 300]
    ours = np.concatenate(
        [np.c_[part.images * 16, part.labels] for part in (its.train, its.validation, its.test)]
    )
    theirs = np.c_[load_digits().data, load_digits().target]
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_mnist(mnist_folder):
    its = data.load("mnist")
    assert_well_formed(its)
    assert [len(part) for part in (its.train, its.validation, its.test)] == [50000, 10000, 10000]
    with np.load(mnist_folder / "mnist.npz") as raw:
        np.testing.assert_array_equal(its.validation.labels, raw["y_train"][50000:])
        np.testing.assert_allclose(its.test.images[7] * 255, raw["x_test"][7].ravel(), rtol=1e-6)


@pytest.mark.parametrize("zipped", [False, True])
def test_mnist_from_the_canonical_files(mnist_folder, tmp_path, monkeypatch, zipped):
    """Files in the IDX format, written here byte by byte, are the same data set."""
    expected = data.load("mnist").digest
    names = {
        "x_train": "train-images-idx3-ubyte",
        "y_train": "train-labels-idx1-ubyte",
        "x_test": "t10k-images-idx3-ubyte",
        "y_test": "t10k-labels-idx1-ubyte",
    }
    with np.load(mnist_folder / "mnist.npz") as raw:
        for key, name in names.items():
            header = struct.pack(f">BBBB{raw[key].ndim}I", 0, 0, 8, raw[key].ndim, *raw[key].shape)
            content = header + raw[key].tobytes()
            path = tmp_path / (name + (".gz" if zipped else ""))
            path.write_bytes(gzip.compress(content, 1) if zipped else content)
    monkeypatch.setenv("WAKESLEEP_DATA_DIR", str(tmp_path))
    assert data.load("mnist").digest == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mnist.npz", b"not a zip file", "cannot be read"),
        ("train-images-idx3-ubyte", b"\0\0\x08\x03", "x_train .* is not that of MNIST"),
        ("train-images-idx3-ubyte.gz", b"not gzip", "cannot be read"),
        (
            "train-images-idx3-ubyte.gz",
            gzip.compress(b"x" * 9, mtime=0)[:-9] + b"!",
            "cannot be read",
        ),
    ],
)
def test_damaged_files_are_named(tmp_path, monkeypatch, name, content, message):
    for other in (
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ):
        if not name.startswith(other):
            (tmp_path / other).write_bytes(b"")
    (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("WAKESLEEP_DATA_DIR", str(tmp_path))
    with pytest.raises(ws.InputError, match=message):
        data.load("mnist")


def test_other_arrays_are_not_mnist(tmp_path, monkeypatch):
    shapes = {
        "x_train": (60000, 28, 28),
        "y_train": (60000,),
        "x_test": (10000, 28, 28),
        "y_test": (10000,),
    }
    np.savez_compressed(
        tmp_path / "mnist.npz", **{key: np.zeros(shape, np.uint8) for key, shape in shapes.items()}
    )
    monkeypatch.setenv("WAKESLEEP_DATA_DIR", str(tmp_path))
    with pytest.raises(ws.InputError, match=r"x_train .* is not that of MNIST"):
        data.load("mnist")


def test_unknown_data_set():
    with pytest.raises(ws.InputError, match="did you mean 'mnist'"):
        data.load("mnits")


def test_data_folder(monkeypatch):
    monkeypatch.delenv("WAKESLEEP_DATA_DIR", raising=False)
    assert data.folder().name == "wakesleep"
    monkeypatch.setenv("WAKESLEEP_DATA_DIR", "~/here")
    assert data.folder() == Path.home() / "here"


@settings(max_examples=60)
@given(
    cases=st.integers(1, 40),
    batch=st.integers(1, 50),
    cuts=st.lists(st.integers(1, 9), min_size=1, max_size=6),
)
def test_every_case_once_per_sweep_however_it_is_cut(cases, batch, cuts):
    def stream() -> BatchStream:
        return BatchStream(cases, batch, torch.Generator().manual_seed(1))

    whole = stream().take(sum(cuts))
    other = stream()
    np.testing.assert_array_equal(torch.cat([other.take(cut) for cut in cuts]), whole)
    flat = whole.flatten().numpy()
    for sweep in range(len(flat) // cases):
        assert sorted(flat[sweep * cases : (sweep + 1) * cases]) == list(range(cases))


def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    from wakesleep.data import digits

    theirs, table = load_digits(), digits.table()
    np.testing.assert_array_equal(table[:, :-1], theirs.data)
    np.testing.assert_array_equal(table[:, -1], theirs.target)
