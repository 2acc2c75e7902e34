"""What a trained network sees: against the network's own tensors, and as figures that exist."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

import wakesleep as ws
from wakesleep.cli.main import app
from wakesleep.errors import InputError
from wakesleep.networks import views
from wakesleep.networks.kept import kept_network

SHORT = {"sweeps": 2, "batch": 100, "negatives": "wrong_label"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("look") / "run.zarr"
    ws.run("interleaved", "ff_digits", inputs=SHORT, out=path)
    return path


@pytest.fixture(scope="module")
def in_time(tmp_path_factory):
    folder = tmp_path_factory.mktemp("look")
    file = folder / "net.yaml"
    file.write_text(
        "model: net\nkind: recurrent\ndata: digits\n"
        "parameters: {layers: [12, 10], iterations: 4, judged: [2, 3], readout_layers: [1, 2]}\n"
    )
    ws.run("interleaved", file, inputs=SHORT, out=folder / "run.zarr")
    return folder / "run.zarr"


def test_receptive_fields_are_the_first_weights_without_the_labels(run):
    fields = views.receptive_fields(run, units=5)
    weights = kept_network(run)[0].layers[0].weight[:, 10:].numpy()
    for unit in fields.unit.values:
        its = fields.weight.sel(unit=unit).values
        assert np.array_equal(its, weights[unit].reshape(8, 8, 1))


def test_activities_with_the_right_and_the_best_wrong_label(run):
    seen = views.activities(run, case=3)
    found = views.label_goodness(run, first=3, cases=1)
    right, wrong = (int(its) for its in seen.label)
    assert right == int(found.label_of_case[0])
    total = found.goodness[0].sel(layer=["2", "3"]).sum("layer")[0]  # those that vote
    assert wrong == int(total.where(total.label != right).argmax("label"))
    for layer in ("1", "2", "3"):
        for label in (right, wrong):
            squares = float((seen[f"activity_{layer}"].sel(label=label) ** 2).sum())
            its = float(found.goodness.sel(layer=layer, label=label)[0, 0])
            assert squares == pytest.approx(its, rel=1e-4)


def test_the_judged_steps_in_time_are_what_picks_the_label(in_time):
    found = views.label_goodness(in_time, cases=30)
    learner, its = kept_network(in_time)
    assert found.sizes["time"] == 4
    judged = found.goodness.sel(time=slice(2, 3)).mean("time").sum("layer")
    images = learner.layers[0].bias.new_tensor(its.validation.images[:30])
    picked = learner.classify(images, "goodness").numpy()
    assert np.array_equal(judged.argmax("label"), picked)


@pytest.mark.parametrize("data", ["digits", "digits_binary"])
def test_hybrids_are_made_of_their_parts(data):
    found = views.hybrids(data, cases=4, blurs=1)
    one, two, mask, mixed = (
        found.image.sel(part=part).values for part in ("first", "second", "mask", "hybrid")
    )
    assert np.array_equal(mixed, one * mask + two * (1 - mask))
    assert 0 < mask.mean() < 1


def test_every_look_becomes_a_figure(run, in_time, tmp_path):
    told = [
        ["fields", str(run)],
        ["activity", str(run)],
        ["labels", str(run), "-n", "2"],
        ["labels", str(in_time), "-n", "2"],
        ["fields", str(in_time)],
        ["activity", str(in_time)],
        ["hybrids", "digits", "--blurs", "2"],
    ]
    for number, its in enumerate(told):
        out = tmp_path / f"{number}.png"
        done = CliRunner().invoke(app, ["look", *its, "-o", str(out)])
        assert done.exit_code == 0, done.output
        assert out.stat().st_size > 1000


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (lambda run: views.activities(run, case=999), "there is no case 999"),
        (lambda run: views.activities(run, wrong=10), "label 10 is not a wrong label"),
        (lambda run: views.receptive_fields(run, units=0), "at least one to look at"),
        (lambda run: views.label_goodness(run, cases=5000), "at most 40 can be looked at"),
        (lambda run: views.hybrids("reber"), "hybrids are made of images"),
    ],
)
def test_what_cannot_be_looked_at(run, told, message):
    with pytest.raises(InputError, match=message):
        told(run)


@pytest.mark.parametrize(
    "told", [["activity", "x.zarr", "-n", "5"], ["fields", "x.zarr", "--first", "3"]]
)
def test_options_that_mean_nothing(told):
    done = CliRunner().invoke(app, ["look", *told])
    assert isinstance(done.exception, InputError)
    assert "does not apply to 'look" in str(done.exception)


def test_a_model_without_labels_has_no_goodness_of_labels(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(
        "model: net\nkind: forward_forward\ndata: digits\nparameters: {layers: [8], label: none}\n"
    )
    out = tmp_path / "run.zarr"
    ws.run("interleaved", file, inputs={**SHORT, "negatives": "hybrid"}, out=out)
    with pytest.raises(
        InputError, match="of kind 'forward_forward', has no goodness of every label"
    ):
        views.label_goodness(out)
    with pytest.raises(InputError, match="does not see; choose others, such as 'hybrid'"):
        ws.run("interleaved", file, inputs=SHORT)


def test_a_raster_of_too_many_cases_is_refused():
    done = CliRunner().invoke(app, ["look", "spikes", "x.zarr", "-n", "41"])
    assert isinstance(done.exception, InputError)
    assert "at most 40 can be looked at" in str(done.exception)
