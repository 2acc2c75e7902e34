"""Comparisons of results, beside scipy's intervals and a published example."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binomtest

import wakesleep as ws
from wakesleep.reports.compare import newcombe

TINY = {"nights": 2, "phase_steps": 20}


@pytest.fixture(scope="module")
def outs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, layers in (("small", [4]), ("large", [32])):
        ws.run("phase_separation", "ff_digits", inputs=TINY, out=folder / f"{name}.zarr",
               parameters={"layers": layers, "top_down": False})  # fmt: skip
    return [folder / "small.zarr", folder / "large.zarr"]


def test_the_interval_of_a_difference_is_the_published_one():
    """Newcombe 1998, table II, (a) 56/70 - 48/80, method 10."""
    apart, low, high = newcombe(56 / 70, 70, 48 / 80, 80)
    assert (apart, low, high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_errors_and_differences_are_those_of_the_runs(outs):
    table = ws.compare(outs)
    assert list(table["result"].values) == ["small", "large"]
    for place, out in enumerate(outs):
        run = ws.open(out)
        for readout in ("goodness", "softmax"):
            its = table.isel(result=place).sel(readout=readout)
            assert float(its["error"]) == float(run["validation_error"].sel(readout=readout))
            wrong = round(float(its["error"]) * 297)
            theirs = binomtest(wrong, 297).proportion_ci(0.95, "wilson")
            assert float(its["low"]) == pytest.approx(theirs.low, abs=1e-6)
    apart = table["error"].isel(result=1) - table["error"].isel(result=0)
    np.testing.assert_allclose(table["difference"].isel(result=1), apart)
    assert (table["difference"].isel(result=0) == 0).all()
    assert list(table["cases"].values) == [297, 297]


def test_what_the_runs_were_given_is_told(outs, wakesleep):
    told = json.loads(ws.compare(outs).attrs["differing"])
    assert told == {"model.layers": [[4], [32]]}
    printed = wakesleep("compare", *map(str, outs))[1]
    assert "The runs differ in model.layers ([4], [32])." in printed
    printed = wakesleep("compare", str(outs[0]), str(outs[0]))[1]
    assert "The runs have the same inputs, parameters and seed." in printed


def test_of_a_group_of_settings_only_what_differs_is_told(tmp_path):
    for noise in (1.0, 2.0):
        parameters = {"layers": [4], "top_down": False, "decay": 0.0}
        parameters["hardware"] = {"device": "resistive", "noise": noise}
        ws.run("phase_separation", "ff_digits", inputs=TINY, out=tmp_path / f"{noise:g}.zarr",
               parameters=parameters)  # fmt: skip
    found = ws.compare([tmp_path / "1.zarr", tmp_path / "2.zarr"])
    assert json.loads(found.attrs["differing"]) == {"model.hardware.noise": [1.0, 2.0]}


def test_what_only_one_of_two_kinds_has_is_left_out(outs, tmp_path):
    ws.run("phase_separation", "rbm_digits", inputs=TINY, out=tmp_path / "rbm.zarr",
           parameters={"hidden": [8]})  # fmt: skip
    told = json.loads(ws.compare([outs[0], tmp_path / "rbm.zarr"]).attrs["differing"])
    assert told["model"] == ["ff_digits", "rbm_digits"]
    assert "model.layers" not in told
    assert "model.hidden" not in told
    assert "model.rate" in told


def test_results_as_netcdf_are_compared_too(outs, tmp_path, wakesleep):
    files = []
    for seed, out in enumerate(outs):
        files.append(str(tmp_path / f"{seed}.nc"))
        its = ws.open(out)
        its.attrs["seed"] = seed
        ws.results.store.to_netcdf(its, files[-1])
    code, printed, err = wakesleep("compare", *files)
    assert code == 0, err
    assert "seed (0, 1)" in printed


def test_a_table_and_figures_are_written(outs, tmp_path, wakesleep):
    for name in ("all.png", "all.svg", "all.csv", "all.nc"):
        code, printed, err = wakesleep("compare", *map(str, outs), "-o", str(tmp_path / name))
        assert code == 0, err
        assert "small" in printed
        assert (tmp_path / name).stat().st_size > 500
    table = xr.load_dataset(tmp_path / "all.nc", engine="scipy")
    np.testing.assert_allclose(table["error"], ws.compare(outs)["error"])


def test_what_cannot_be_compared_is_told(outs, tmp_path, wakesleep):
    with pytest.raises(ws.InputError, match="two results or more"):
        ws.compare(outs[:1])
    other = ws.open(outs[0]).assign_attrs(data_sha256="0" * 64)
    with pytest.raises(ws.InputError, match="are of different data"):
        ws.compare([other, outs[1]])
    with pytest.raises(ws.InputError, match="2 results and 1 names"):
        ws.compare(outs, ["one"])
    blank = ws.open(outs[0]).drop_vars("validation_error")
    with pytest.raises(ws.InputError, match="its validation error was not measured"):
        ws.compare([blank, outs[1]], ["blank", "other"])
    code, _, err = wakesleep("compare", *map(str, outs), "-o", str(tmp_path / "all.xls"))
    assert code == 2
    assert len(err.strip().splitlines()) == 1
