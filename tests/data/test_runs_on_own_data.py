"""Networks learn from the user's data, and results know them again."""

from __future__ import annotations

import numpy as np
import pytest

import wakesleep as ws
from tests.data.shapes import shapes, write

NETWORKS = {
    "ff_digits": {"sweeps": 12, "negatives": "hard_label"},
    "rbm_digits": {"sweeps": 10, "negatives": "usual"},
    "spiking_digits": {"sweeps": 5, "negatives": "hard_label", "train": 250},
}
PARAMETERS = {
    "ff_digits": {"layers": [64, 64], "top_down": False},
    "rbm_digits": {"hidden": [32]},
    "spiking_digits": {"target": "twin", "layers": [60], "rate": 0.001},
}
CHANCE = 0.75


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("form", ["images", "csv", "npz"])
def test_every_family_learns_from_every_format(form, model, tmp_path, monkeypatch, wakesleep):
    monkeypatch.chdir(tmp_path)
    path = write(form, tmp_path)
    inputs = {"batch": 20, "train": 400, "probe_cases": 40, **NETWORKS[model]}
    words = [f"{name}={value}" for name, value in inputs.items()]
    words += [f"model.{name}={value}" for name, value in PARAMETERS[model].items()]
    options = {"label": "shape"} if form == "csv" else {}
    words += [f"data.{name}={value}" for name, value in options.items()]
    settings = [its for word in words for its in ("-p", word)]
    code, _, err = wakesleep(
        "run", "interleaved", model, "--data", path, *settings, "-o", "out.zarr", "--quiet"
    )
    assert code == 0, err
    result = ws.open("out.zarr")
    assert float(result["validation_error"].sel(readout="goodness")) < CHANCE / 2
    if model == "spiking_digits" and form != "npz":
        return  # slow; the other networks compare every form
    # In Python the same run gives the same numbers.
    again = ws.run(
        "interleaved",
        model,
        data=path,
        data_options=options,
        inputs=inputs,
        parameters=PARAMETERS[model],
    )
    np.testing.assert_array_equal(again["error"], result["error"])


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("helmholtz_digits", {}),
        ("backprop_digits", {"layers": [32]}),
        ("ff_mnist_recurrent", {"layers": [30, 30], "iterations": 5}),
    ],
)
def test_other_families_take_outside_data_too(model, parameters):
    inputs = {"sweeps": 4, "batch": 20, "train": 200, "negatives": "usual"}
    result = ws.run("interleaved", model, data=shapes(400), inputs=inputs, parameters=parameters)
    assert float(result["error"].isel(probe=-1).min()) < CHANCE


def test_a_result_names_its_data_and_is_repeated_from_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("npz", tmp_path, 200)
    kept = {"inputs": {"sweeps": 1, "batch": 20}, "parameters": {"layers": [8], "top_down": False}}
    first = ws.run("interleaved", "ff_digits", data="shapes.npz", out="one.zarr", **kept)
    assert first.attrs["data"].startswith("shapes.npz@")
    assert len(first.attrs["data_sha256"]) == 64
    monkeypatch.chdir("/")
    ws.networks.receptive_fields(tmp_path / "one.zarr", units=4)
    one = tmp_path / "one.zarr"
    again = ws.run(one, one)
    assert again.attrs["data_sha256"] == first.attrs["data_sha256"]
    assert (again["validation_error"] == first["validation_error"]).all()
    # So does a run that continues from its network, but not one whose model is named.
    more = ws.run("interleaved", start=one, inputs=kept["inputs"])
    assert more.attrs["data_sha256"] == first.attrs["data_sha256"]
    other = ws.run("interleaved", "ff_digits", **kept)
    assert other.attrs["data"] == "digits"
    # Other data under the same name are another run.
    np.savez(tmp_path / "shapes.npz", x=shapes(200, seed=1)[0], y=shapes(200)[1])
    with pytest.raises(ws.InputError, match=r"its data, 'shapes.npz', have changed since the run"):
        ws.networks.receptive_fields(tmp_path / "one.zarr", units=4)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ws.InputError, match=r"cannot be resumed, because its data was shapes.npz@"):
        ws.run("interleaved", "ff_digits", data="shapes.npz", out="one.zarr", resume=True, **kept)


def test_data_given_in_python_are_asked_for_again(tmp_path):
    its = shapes(200)
    store = tmp_path / "one.zarr"
    ws.run(
        "interleaved",
        "ff_digits",
        data=its,
        out=store,
        inputs={"sweeps": 1, "batch": 20},
        parameters={"layers": [8]},
    )
    with pytest.raises(ws.InputError, match=r"given in Python, and are not in the result"):
        ws.dreams(store)
    assert ws.dreams(store, each=1, data=its).sizes["dream"] == 4
    with pytest.raises(ws.InputError, match=r"given in Python, and are not in the result"):
        ws.run(store, store)
    assert ws.run(store, store, data=its).attrs["status"] == "finished"
