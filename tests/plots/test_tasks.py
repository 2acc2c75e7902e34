"""The accuracy matrix as a figure."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

import wakesleep as ws
from wakesleep.errors import InputError


def matrix(*more):
    rng = np.random.default_rng(0)
    dims = ("task", "after", *more)
    return xr.DataArray(rng.random((3, 2, *(2 for _ in more))), dims=dims)


def test_every_cell_says_its_accuracy():
    its = matrix()
    ax = ws.plots.accuracy_matrix(its, Figure().subplots())
    for text in ax.texts:
        column, row = (int(number) for number in text.get_position())
        assert text.get_text() == f"{100 * float(its.isel(task=column, after=row)):.0f}"
    assert len(ax.texts) == its.size
    assert [its.get_text() for its in ax.get_xticklabels()] == ["1", "2", "3"]


def test_one_readout_is_to_be_selected():
    with pytest.raises(InputError, match="select one of readout"):
        ws.plots.accuracy_matrix(matrix("readout"), Figure().subplots())
