"""The written form of a result, read back as a user reads it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

import wakesleep as ws
from wakesleep.results import schema, store
from wakesleep.simulation import checkpoint, loop


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    out = tmp_path_factory.mktemp("stored") / "run.zarr"
    returned = ws.run(
        "total_sleep_deprivation",
        "ff_digits",
        seed=2,
        out=out,
        inputs={"nights": 2, "night_hours": 9.0, "updates_per_hour": 2 / 3, "probe_every": 4},
        parameters={"layers": [12, 12]},
    )
    return out, returned


def test_what_is_returned_is_what_is_stored(stored):
    out, returned = stored
    assert ws.open(out).identical(returned)


def test_schema(stored):
    result = ws.open(stored[0])
    assert dict(result.sizes) == {"probe": len(result["step"]), "layer": 2, "sign": 2, "readout": 2}
    assert list(result["layer"].values) == ["1", "2"]
    assert list(result["sign"].values) == ["positive", "negative"]
    assert list(result["readout"].values) == ["goodness", "softmax"]
    # Nothing of the kind in this protocol, model and data set.
    absent = {
        "class_error",
        "threshold_rise",
        "pulses",
        "view_error",
        "kl",
        "sleep_pressure",
        "log_likelihood",
        "divergence",
        "distinct_codes",
        "completion",
        "stable_fraction",
    }
    assert not absent & set(result)
    for name, quantity in schema.QUANTITIES.items():
        if name in absent:
            continue
        assert result[name].dims == ("probe", *quantity.dims)
        assert np.isfinite(result[name]).all(), name
    for name, variable in result.variables.items():
        assert {"long_name", "units"} <= set(variable.attrs), name
    assert set(result["phase"].values) == {"wake", "sleep", "deprivation", "recovery"}
    assert set(result["block"].values) == {"baseline", "lost", "recovery"}
    assert result["cycle"].sel(probe=result["block"] == "recovery").max() == 3
    assert result["phase_end"].dtype == bool
    assert result["phase_end"].sum() == 2 * (2 + 1 + 4)
    assert result["threshold"].values.tolist() == [12, 12]


def test_plain_xarray_and_zarr_read_it_too(stored):
    plain = xr.open_zarr(stored[0], consolidated=False, decode_times=False)
    assert plain["phase"].attrs["flag_meanings"].split()[1] == "wake"
    assert zarr.open_group(stored[0], mode="r")["goodness"].shape[1:] == (2, 2)


def test_provenance(stored):
    said = store.provenance(ws.open(stored[0]))
    assert said["inputs"]["nights"] == 2
    assert said["parameters"]["layers"] == [12, 12]
    assert said["parameters"]["rate"] == 0.005
    assert said["protocol_text"] == Path("protocols/total_sleep_deprivation.yaml").read_text()
    assert len(said["data_sha256"]) == 64
    assert said["started"] <= said["ended"]
    assert json.loads(ws.open(stored[0]).attrs["protocol_resolved"])["phases"][0]["repeat"] == 2


def test_provenance_of_an_installed_package_and_flow_style(stored):
    plain = ws.open(stored[0])
    plain.attrs.update(git_commit="", protocol_text="{protocol: x}")
    assert store.provenance(plain)["git_commit"] == ""
    assert store.provenance(plain)["protocol_text"] == "{protocol: x}"


@pytest.mark.parametrize("harm", ["chunk", "array", "schema"])
def test_damaged_stores_are_named(stored, tmp_path, harm):
    import shutil

    damaged = tmp_path / "damaged.zarr"
    shutil.copytree(stored[0], damaged)
    if harm == "chunk":
        chunk = next(path for path in (damaged / "goodness" / "c").rglob("*") if path.is_file())
        chunk.write_bytes(chunk.read_bytes()[:10])
    elif harm == "array":
        shutil.rmtree(damaged / "step")
    else:
        zarr.open_group(damaged, mode="r+").attrs["wakesleep_schema"] = "one"
    with pytest.raises(ws.InputError, match=r"damaged.zarr: .*it is damaged"):
        ws.open(damaged)


@pytest.mark.parametrize("lost", ["goodness", "weight_norm", "d_prime"])
def test_a_variable_that_was_removed_is_missed(stored, tmp_path, lost):
    import shutil

    copied = tmp_path / "copied.zarr"
    shutil.copytree(stored[0], copied)
    shutil.rmtree(copied / lost)
    with pytest.raises(ws.InputError, match=f"copied.zarr: is damaged .'{lost}' is missing"):
        ws.open(copied)


@pytest.mark.parametrize("lost", ["goodness", "d_prime", "error", "step", "phase"])
def test_a_variable_without_its_chunks_is_not_taken_for_blank(stored, tmp_path, lost):
    import shutil

    copied = tmp_path / "copied.zarr"
    shutil.copytree(stored[0], copied)
    ws.open(copied)
    for chunk in [path for path in (copied / lost / "c").rglob("*") if path.is_file()]:
        chunk.unlink()
    with pytest.raises(ws.InputError, match=f"copied.zarr: is damaged .a part of '{lost}'"):
        ws.open(copied)


def test_a_copy_that_xarray_writes_is_a_result_too(stored, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr warns of texts of fixed length
        ws.open(stored[0]).drop_encoding().to_zarr(tmp_path / "again.zarr", consolidated=False)
    assert ws.open(tmp_path / "again.zarr").sizes == ws.open(stored[0]).sizes


def test_netcdf_and_back(stored, tmp_path):
    path = tmp_path / "part.nc"
    part = ws.open(stored[0])[["error", "d_prime"]]
    store.to_netcdf(part, path)
    with xr.open_dataset(path) as again:
        np.testing.assert_array_equal(again["error"], part["error"])
        assert list(again["phase"].values) == list(part["phase"].values)
        assert again.attrs["seed"] == 2
    opened = ws.open(path)
    assert opened.drop_attrs().identical(part.drop_attrs())
    with pytest.raises(ws.InputError, match="exists already"):
        store.to_netcdf(part, path)


def test_newer_schemas_are_refused(stored, tmp_path):
    import shutil

    copied = tmp_path / "newer.zarr"
    shutil.copytree(stored[0], copied)
    zarr.open_group(copied, mode="r+").attrs["wakesleep_schema"] = 99
    with pytest.raises(ws.InputError, match="written by a newer wakesleep"):
        ws.open(copied)


@pytest.mark.parametrize("command", ["plot", "hypnogram", "dream"])
@pytest.mark.parametrize("lost", ["step", "phase", "block", "layer", "title", "inputs"])
def test_a_store_without_a_part_is_told(command, lost, stored, wakesleep, tmp_path):
    import shutil

    out = tmp_path / "out.zarr"
    shutil.copytree(stored[0], out)
    shutil.copy(checkpoint.path_for(stored[0]), checkpoint.path_for(out))
    if (out / lost).is_dir():
        shutil.rmtree(out / lost)
    else:
        del zarr.open_group(out, mode="r+").attrs[lost]
    ending = "tsv" if command == "hypnogram" else "png"
    code, _, told = wakesleep(command, out, "-o", tmp_path / f"x.{ending}")
    assert code == 2
    assert told.count("\n") == 1
    assert f"'{lost}' is missing" in told
    assert "damaged" in told


KEPT = sorted((Path(__file__).parents[2] / "docs" / "results").glob("*.nc"))


def test_results_of_every_version_are_opened():
    """Those that are kept with the documentation were written by many."""
    opened = 0
    for path in KEPT:
        with xr.open_dataset(path, engine="scipy", decode_times=False) as its:
            of_a_run = "wakesleep_schema" in its.attrs and "phase" in its.variables
        if of_a_run:
            assert ws.open(path).sizes["probe"] > 0
            opened += 1
    assert opened > 10


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_a_second_store_of_one_kind_holds_nothing_of_the_first(tmp_path, where):
    both = [
        ws.run(
            "phase_separation",
            "ff_digits",
            seed=seed,
            inputs={"phase_steps": steps, "nights": 1},
            parameters={"layers": [12, 12]},
            out=None if where == "memory" else tmp_path / f"{seed}.zarr",
        )
        for seed, steps in ((1, 10), (2, 10), (3, 12))
    ]
    assert [its.attrs["seed"] for its in both] == [1, 2, 3]
    assert [int(its["step"][-1]) for its in both] == [20, 20, 24]
    assert not both[0]["goodness"].identical(both[1]["goodness"])
    if where == "disk":
        assert ws.open(tmp_path / "1.zarr").identical(both[0])


def test_the_trained_network_is_kept_unless_it_is_not_wanted(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)  # one at every chunk
    results = {}
    for network in (True, False):
        out = tmp_path / f"{network}.zarr"
        inputs = {"phase_steps": 10, "nights": 1}
        results[network] = ws.run(
            "phase_separation", "ff_digits", out=out, inputs=inputs, network=network
        )
        assert checkpoint.path_for(out).exists() == network
    assert results[True].drop_attrs().identical(results[False].drop_attrs())
