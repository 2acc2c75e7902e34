"""A data set in numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tests.data.shapes import write
from tests.data.test_outside import loaded
from wakesleep.data.describe import describe

Y = np.arange(40) % 2


def test_description_counts_what_is_there():
    x = np.random.default_rng(0).random((40, 6)).round(2)
    its = loaded(x_train=x[:20], y_train=Y[:20], x_val=x[:10], y_val=Y[:10],
                 x_test=np.repeat(x[30:31], 10, 0), y_test=Y[:10])  # fmt: skip
    found = describe(its)
    assert found.cases == {"train": 20, "validation": 10, "test": 10}
    assert found.shared[("train", "validation")] == 10
    assert found.shared[("train", "test")] == 0
    assert found.repeated == {"train": 0, "validation": 0, "test": 9}
    assert found.classes["0"] == {"train": 10, "validation": 5, "test": 5}
    assert found.low == pytest.approx(float(np.float32(x[[*range(20), 30]].min())))


def test_the_command_data(tmp_path, monkeypatch, wakesleep):
    monkeypatch.chdir(tmp_path)
    write("csv", tmp_path, 120)
    code, out, _ = wakesleep("data", "shapes.csv", "-p", "label=shape", "-o", "sheet.png")
    assert code == 0
    assert "88 train, 16 validation, 16 test" in out
    assert "diagonal" in out
    assert (tmp_path / "sheet.png").stat().st_size > 5000
    with warnings.catch_warnings():
        assert wakesleep("data", "digits")[0] == 0
    assert wakesleep("data", "didgits")[0] == 2
