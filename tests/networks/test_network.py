"""Trained networks as objects and files, and runs that begin with one."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import xarray as xr
import zarr
from safetensors.numpy import load_file

import wakesleep as ws
from wakesleep.simulation.loading import load_model, load_protocol
from wakesleep.simulation.prepare import prepare
from wakesleep.simulation.request import Request

TINY = {"layers": [16, 12], "top_down": True}
SHORT = {"nights": 5, "phase_steps": 40}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    path = tmp_path_factory.mktemp("net") / "run.zarr"
    ws.run("phase_separation", "ff_digits", inputs=SHORT, parameters=TINY, out=path)
    return path


@pytest.fixture(scope="module")
def digits():
    from wakesleep import data

    return data.load("digits").validation


def test_it_reads_images_as_the_run_did(out, digits):
    its = ws.trained(out)
    result = ws.open(out)
    for readout in ("goodness", "softmax"):
        read = its.classify(digits.images, readout)
        error = float((read.values != digits.labels).mean())
        assert error == pytest.approx(float(result["validation_error"].sel(readout=readout)))
    square = digits.images.reshape(-1, 8, 8)
    np.testing.assert_array_equal(its.classify(square), its.classify(digits.images))


def test_goodness_is_the_sum_of_squared_activities(out, digits):
    its = ws.trained(out)
    images, labels = digits.images[:20], digits.labels[:20]
    found = its.activities(images, labels)
    goodness = its.goodness(images, labels)
    for layer in ("1", "2"):
        by_hand = (found[f"activity_{layer}"] ** 2).sum(f"unit_{layer}")
        np.testing.assert_allclose(goodness.sel(layer=layer), by_hand, rtol=1e-5)


def test_a_path_and_an_opened_result_are_the_same_network(out):
    one, other = ws.trained(out), ws.trained(ws.open(out))
    xr.testing.assert_identical(one.weights, other.weights)
    assert one.weights["weight_1"].dims == ("unit_1", "input_1")
    assert one.weights["weight_2"].shape == (12, 16)
    assert "ff_digits" in repr(one)


@pytest.mark.parametrize("model", ["ff_digits", "rbm_digits", "hopfield_100"])
def test_every_call_that_a_notebook_shows_works(model, out, tmp_path, digits):
    if model != "ff_digits":
        out, protocol = (
            tmp_path / "run.zarr",
            "unlearning" if "hopfield" in model else "interleaved",
        )
        inputs = {} if "hopfield" in model else {"sweeps": 1}
        ws.run(protocol, model, inputs=inputs, out=out)
    net = ws.trained(out)
    shown = net._repr_html_()
    assert model in shown
    calls = re.findall("<code>(.*?)</code>", shown)
    assert "net.weights" in calls
    assert ("net.dream(labels)" in calls) == (model != "hopfield_100")
    names = {"net": net, "images": digits.images[:5], "labels": digits.labels[:5]}
    if model == "hopfield_100":
        names |= {"images": net.data.train.images[:5], "labels": net.data.train.labels[:5]}
    for call in calls:
        assert eval(call, names) is not None


def test_dreams_are_those_of_their_seed(out):
    its = ws.trained(out)
    labels = np.arange(10)
    dreams = its.dream(labels, settle=0, seed=3)
    assert dreams.shape == (10, 8, 8, 1)
    xr.testing.assert_identical(dreams, its.dream(labels, settle=0, seed=3))
    assert not np.array_equal(dreams, its.dream(labels, settle=0, seed=4))


def test_files_hold_every_tensor(out, tmp_path):
    state = ws.trained(out).state_dict()
    ws.export(out, tmp_path / "net.npz")
    ws.export(out, tmp_path / "net.safetensors")
    ws.export(out, tmp_path / "net.nc")
    with np.load(tmp_path / "net.npz") as plain:
        tensors = load_file(tmp_path / "net.safetensors")
        assert set(plain) == set(tensors) == set(state)
        for name, its in state.items():
            np.testing.assert_array_equal(plain[name], its.numpy())
            np.testing.assert_array_equal(tensors[name], its.numpy())
    weights = xr.load_dataset(tmp_path / "net.nc", engine="scipy")
    np.testing.assert_array_equal(weights["weight_2"], ws.trained(out).weights["weight_2"])
    assert weights.attrs["model"] == "ff_digits"


@pytest.mark.parametrize("model", ["rbm_digits", "helmholtz_digits", "spiking_digits"])
def test_other_kinds_have_weights_and_files_too(model, tmp_path):
    out = tmp_path / "run.zarr"
    inputs = {"nights": 1, "phase_steps": 1}
    parameters = {"target": "twin", "layers": [12]} if model == "spiking_digits" else {}
    ws.run("phase_separation", model, inputs=inputs, parameters=parameters, out=out)
    its = ws.trained(out)
    assert its.weights.data_vars
    ws.export(out, tmp_path / "net.npz")
    assert len(its.classify(np.zeros((2, 64)))) == 2


def test_a_run_begins_with_a_trained_network(out, tmp_path):
    rest = tmp_path / "rest.yaml"
    rest.write_text("protocol: rest\nphases: [{phase: rest, steps: 1}]\n")
    on = tmp_path / "on.zarr"
    result = ws.run(rest, "ff_digits", parameters=TINY, start=out, out=on)
    np.testing.assert_array_equal(result["validation_error"], ws.open(out)["validation_error"])
    xr.testing.assert_identical(ws.trained(on).weights, ws.trained(out).weights)


def test_the_command_goes_on_with_the_model_of_the_result(out, tmp_path, wakesleep):
    on = tmp_path / "on.zarr"
    words = ["-p", "nights=1", "-p", "phase_steps=5", "-o", str(on), "--quiet"]
    code, _, err = wakesleep("run", "phase_separation", "--from", str(out), *words)
    assert code == 0, err
    first = ws.open(on)["error"].isel(probe=0).sel(readout="softmax")
    last = ws.open(out)["error"].isel(probe=-1).sel(readout="softmax")
    assert float(first) == pytest.approx(float(last))
    code, _, err = wakesleep("run", "phase_separation", "--from", str(out), *words, "--resume")
    assert code == 0, err
    on_its_own = ["run", "phase_separation", str(out), *words[:5], str(tmp_path / "new.zarr")]
    code, _, err = wakesleep(*on_its_own)
    assert code == 0, err
    assert float(ws.open(tmp_path / "new.zarr")["error"].isel(probe=0).max()) > 0.5
    code, _, err = wakesleep("run", "phase_separation")
    assert (code, "--from" in err) == (2, True)


def test_what_does_not_fit_is_told(out, tmp_path, digits):
    its = ws.trained(out)
    with pytest.raises(ws.InputError, match=r"shape \(3, 10\); the network takes \(cases, 64\)"):
        its.classify(np.zeros((3, 10)))
    with pytest.raises(ws.InputError, match="outside of 0 to 1"):
        its.classify(np.full((3, 64), 255))
    with pytest.raises(ws.InputError, match="no read-out 'sofmax'"):
        its.classify(digits.images, "sofmax")
    with pytest.raises(ws.InputError, match="labels must be from 0 to 9"):
        its.goodness(digits.images[:1], [10])
    with pytest.raises(ws.InputError, match="3 images and 2 labels"):
        its.goodness(digits.images[:3], [1, 2])
    with pytest.raises(ws.InputError, match="lies beside the store of a run"):
        ws.trained(xr.Dataset())
    with pytest.raises(ws.InputError, match="is written to"):
        ws.export(out, tmp_path / "net.pt")
    with pytest.raises(ws.InputError, match="does not fit model 'ff_digits'"):
        ws.run("phase_separation", "ff_digits", parameters={"layers": [8, 12]}, start=out)
    with pytest.raises(ws.InputError, match="there is no such result"):
        ws.run("phase_separation", "ff_digits", start=tmp_path / "none.zarr")
    backprop = tmp_path / "backprop.zarr"
    ws.run("phase_separation", "ff_digits", out=backprop,
           inputs={"nights": 1, "phase_steps": 1},
           parameters={"layers": [4], "top_down": False})  # fmt: skip
    with pytest.raises(ws.InputError, match="does not offer 'dream'"):
        ws.trained(backprop).dream([1])


def test_a_run_does_not_begin_with_what_does_not_fit(out, tmp_path):
    rbm = tmp_path / "rbm.zarr"
    ws.run("phase_separation", "rbm_digits", inputs={"nights": 1, "phase_steps": 1}, out=rbm)
    short = {"nights": 1, "phase_steps": 2}
    with pytest.raises(ws.InputError, match="does not fit model 'rbm_digits'"):
        ws.run("phase_separation", "rbm_digits", inputs=short, start=rbm,
               parameters={"hidden": [7]})  # fmt: skip
    with pytest.raises(ws.InputError, match="of kind 'boltzmann', the model of kind"):
        ws.run("phase_separation", "ff_digits", inputs=short, start=rbm)
    half = tmp_path / "half.zarr"
    ws.run("phase_separation", "ff_digits", inputs=short, parameters=TINY, out=half)
    zarr.open_group(half, mode="r+").attrs["status"] = "running"
    with pytest.raises(ws.InputError, match="has not ended"):
        ws.run("phase_separation", "ff_digits", inputs=short, parameters=TINY, start=half)


def test_a_run_that_failed_has_no_network(tmp_path):
    out = tmp_path / "failed.zarr"
    with pytest.raises(ws.RunError, match="no longer finite"):
        ws.run("interleaved", "ff_digits", inputs={"sweeps": 1}, out=out,
               parameters={"layers": [4], "rate": 1e30, "top_down": False})  # fmt: skip
    with pytest.raises(ws.InputError, match="its run failed, so it has no trained network"):
        ws.run("phase_separation", "ff_digits", parameters=TINY, start=out)
    with pytest.raises(ws.InputError, match="the run has not ended: stopped: weights are no"):
        ws.trained(out).classify(np.zeros((1, 64)))


@pytest.mark.parametrize(
    ("command", "ending"), [("plot", "png"), ("report", "html"), ("compare", ""), ("teach", "npz")]
)
def test_a_checkpoint_is_not_a_result(command, ending, out, tmp_path, wakesleep):
    given = f"{out}.checkpoint.pt"
    more = ["-o", tmp_path / f"out.{ending}"] if ending else [given]
    code, _, err = wakesleep(command, given, *more)
    assert code == 2
    assert "give the result beside it, without '.checkpoint.pt'" in err


def test_settings_are_those_of_the_new_run_and_so_are_random_numbers(tmp_path):
    donor, short = tmp_path / "donor.zarr", {"nights": 1, "phase_steps": 3}
    ws.run("phase_separation", "ff_digits", inputs=short, parameters=TINY, out=donor)
    plain = tmp_path / "backprop.yaml"
    plain.write_text("protocol: days\nphases: [{phase: wake, steps: 3}]\n")
    first, second = tmp_path / "first.zarr", tmp_path / "second.zarr"
    ws.run(plain, "backprop_digits", out=first, parameters={"layers": [4]})
    ws.run(plain, "backprop_digits", out=second, start=first,
           parameters={"layers": [4], "decay": 0.5, "ewc": 0.0})  # fmt: skip
    group = ws.trained(second).learner.optimiser.param_groups[0]
    assert group["weight_decay"] == 0.5
    runs = [ws.run("phase_separation", "ff_digits", inputs=short, parameters=TINY, start=donor,
                   seed=seed) for seed in (1, 2)]  # fmt: skip
    assert not np.array_equal(runs[0]["goodness"], runs[1]["goodness"])


def test_a_run_that_begins_with_a_network_may_begin_asleep(out, tmp_path):
    night = tmp_path / "night.yaml"
    night.write_text("protocol: night\nphases: [{phase: replay, steps: 2}]\n")
    with pytest.raises(ws.InputError, match="comes before it was shown any"):
        ws.run(night, "ff_digits", parameters=TINY)
    ws.run(night, "ff_digits", parameters=TINY, start=out)
    tasks = tmp_path / "tasks.yaml"
    tasks.write_text(
        "protocol: tasks\ndata: {batch: 20}\nphases: [{phase: wake, steps: 2, classes: [3, 4]}]\n"
    )
    some = tmp_path / "some.zarr"
    ws.run(tasks, "ff_digits", parameters=TINY, out=some)
    request = Request(load_protocol(night), load_model(some), 0, torch.device("cpu"),
                      torch.float32, start=some)  # fmt: skip
    assert prepare(request).entries[0].dreamt == (3, 4)
