"""Results of studies as trees: their order does not depend on the file system."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import xarray as xr

from wakesleep.results.trees import grid_of, in_order

NAMES = ("lost", "final", "final_published")


def a_tree(names, attrs):
    grid = ("rate", "seed")
    its = {
        "lost": xr.DataArray(np.zeros((2, 3)), dims=grid),
        "final": xr.DataArray(np.ones((2, 3, 2)), dims=(*grid, "readout")),
        "final_published": xr.DataArray(np.ones((2, 2)), dims=("rate", "readout")),
    }
    outcomes = xr.Dataset({name: its[name] for name in names})
    outcomes = outcomes.assign_coords(seed=[0, 1, 2], rate=[0.1, 0.2])
    run = xr.Dataset({"error": ("probe", [0.5])})
    groups = {"/": xr.Dataset(attrs=attrs)} | {f"/runs/{n}": run for n in ("10000", "9999", "0000")}
    return xr.DataTree.from_dict({**groups, "/outcomes": outcomes})


@pytest.mark.parametrize("listed", list(itertools.permutations(NAMES)))
def test_outcomes_come_in_the_order_of_the_study_however_a_folder_lists_them(listed):
    told = {"outcomes": json.dumps(NAMES), "title": "t", "failed": "{}"}
    listed_by_folder = a_tree(listed, told)
    tree = in_order(listed_by_folder)
    assert tuple(tree["outcomes"].to_dataset().data_vars) == NAMES
    assert list(tree["runs"].children) == ["0000", "9999", "10000"]
    assert tree.attrs == told
    xr.testing.assert_identical(
        tree["outcomes"].to_dataset(), listed_by_folder["outcomes"].to_dataset()
    )
    assert grid_of(listed_by_folder["outcomes"].to_dataset()) == ["rate"]


def test_an_old_result_has_the_order_of_its_study_file():
    text = "study: t\noutcomes:\n  lost: {quantity: error}\n  final: {quantity: d_prime}\n"
    for listed in itertools.permutations(NAMES):
        tree = in_order(a_tree(listed, {"study_text": text}))
        assert tuple(tree["outcomes"].to_dataset().data_vars) == NAMES
