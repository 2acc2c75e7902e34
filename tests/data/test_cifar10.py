"""CIFAR-10 from a packed file and from the archive, made small: order of pixels, refusals."""

from __future__ import annotations

import io
import pickle
import tarfile

import numpy as np
import pytest

from wakesleep import data
from wakesleep.data import cifar10
from wakesleep.errors import InputError


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A data folder, and images and labels of 50 + 10 cases instead of 60,000."""
    monkeypatch.setattr(cifar10, "SIZES", {"train": 50, "test": 10})
    monkeypatch.setattr(cifar10, "TRAIN", 45)
    monkeypatch.setenv("WAKESLEEP_DATA_DIR", str(tmp_path))
    data._loaded.cache_clear()
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)
    yield tmp_path, images, rng.integers(0, 10, 60)
    data._loaded.cache_clear()


def archive(folder, images, labels, odd=None):
    """The archive for Python: colour planes one after the other, in five batches and a test one."""
    names = [name for names in cifar10.PARTS.values() for name in names]
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as packed:
        for number, name in enumerate(names):
            rows = slice(10 * number, 10 * number + 10)
            planes = images[rows].transpose(0, 3, 1, 2).reshape(10, -1)
            batch = {b"data": planes, b"labels": labels[rows].tolist(), b"extra": odd}
            content = pickle.dumps(batch, protocol=2)
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))


def test_both_forms_are_the_same_data(small):
    folder, images, labels = small
    archive(folder, images, labels)
    from_archive = data.load("cifar10")
    (folder / "cifar-10-python.tar.gz").unlink()
    data._loaded.cache_clear()
    np.savez(
        folder / "cifar10.npz",
        x_train=images[:50],
        y_train=labels[:50],
        x_test=images[50:],
        y_test=labels[50:],
    )
    packed = data.load("cifar10")
    assert packed.digest == from_archive.digest
    assert [len(its) for its in (packed.train, packed.validation, packed.test)] == [45, 5, 10]
    # a pixel's three colours lie together
    first = packed.train.images[0].reshape(32, 32, 3)
    assert np.array_equal(first, images[0].astype(np.float32) / np.float32(255))


class Evil:
    def __reduce__(self):
        return print, ("called",)


def test_an_archive_that_would_run_code_is_refused(small, capsys):
    folder, images, labels = small
    archive(folder, images, labels, odd=Evil())
    with pytest.raises(InputError, match="is not CIFAR-10"):
        data.load("cifar10")
    assert "called" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"x_train": np.zeros((50, 3, 32, 32), np.uint8)}, "should be bytes of shape"),
        ({"y_test": np.full(10, 11)}, "labels beyond 0 to 9"),
        ({"y_test": None}, "cannot be read"),
    ],
)
def test_a_file_that_is_something_else(small, change, told):
    folder, images, labels = small
    arrays = {
        "x_train": images[:50],
        "y_train": labels[:50],
        "x_test": images[50:],
        "y_test": labels[50:],
        **change,
    }
    np.savez(folder / "cifar10.npz", **{k: its for k, its in arrays.items() if its is not None})
    with pytest.raises(InputError, match=told):
        data.load("cifar10")
