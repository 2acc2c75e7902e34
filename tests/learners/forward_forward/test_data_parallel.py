"""Every process takes a part of each batch: the numbers of one process, up to rounding."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

import wakesleep as ws
from tests.learners.forward_forward.test_pipeline import SECONDS, kill_one, protocol, set_by
from tests.learners.forward_forward.test_pipeline import command as divided

MODEL = {"top_down": False, "layers": [30, 20, 10], "peer": 0.1}
LONG = pytest.mark.long


def command(processes, *options):
    return [word if word != "layers" else "data" for word in divided(processes, *options)]


@pytest.mark.parametrize(
    ("processes", "source", "more"),
    [
        (2, "hard_label", {}),
        pytest.param(4, "wrong_label", {"plasticity": "adam", "rate": 0.001, "decay": 0.0},
                     marks=LONG),
        pytest.param(2, "hybrid", {"adaptation": 0.01, "adaptation_recovery": 0.1}, marks=LONG),
    ],
)  # fmt: skip
def test_every_number_is_that_of_one_process(processes, source, more, tmp_path):
    file, parameters = protocol(tmp_path, source=source), MODEL | more
    text = file.read_text().replace("batch: 50", "batch: 48")
    file.write_text(
        text.replace("{phase: sleep,", "{phase: sleep, mode: centred,") + "baseline_awake: false\n"
    )
    one = ws.run(file, "ff_digits", parameters=parameters, dtype="float64", out=tmp_path / "1.zarr")
    out = tmp_path / "run.zarr"
    told = ("run", file, "ff_digits", *set_by(parameters), "--dtype", "float64", "-o", out)
    done = subprocess.run(
        command(processes, *told), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(out)]
    np.testing.assert_allclose(ws.open(out)["goodness"], one["goodness"], rtol=1e-4)
    theirs, ours = ws.trained(tmp_path / "1.zarr"), ws.trained(out)
    for name, weights in theirs.weights.items():
        np.testing.assert_allclose(ours.weights[name], weights, rtol=1e-6, atol=1e-9)


@LONG
def test_a_killed_process_ends_the_run_and_it_goes_on(tmp_path):
    file, out = protocol(tmp_path, steps=4000), tmp_path / "run.zarr"
    told = ("run", file, "ff_digits", *set_by(MODEL), "--dtype", "float64", "-o", out, "--resume")
    kill_one(command(2, *told), out)
    subprocess.run(command(2, *told), check=True, timeout=SECONDS, capture_output=True)
    assert ws.open(out).attrs["status"] == "finished"


@LONG
@pytest.mark.parametrize(
    ("processes", "model", "said"),
    [
        (3, "ff_digits", "a batch of 50 cases cannot be divided into 3 equal parts"),
        (2, "rbm_digits", "parallel 'data' is for feed-forward Forward-Forward networks"),
    ],
)
def test_what_cannot_be_divided_is_refused(processes, model, said, tmp_path):
    file, out = protocol(tmp_path), tmp_path / "run.zarr"
    file.write_text(file.read_text().replace(", layers: [2, 3]", ""))
    options = set_by(MODEL) if model == "ff_digits" else []
    if not options:
        file.write_text(file.read_text().replace("wrong_label", "usual"))
    done = subprocess.run(command(processes, "run", file, model, *options, "-o", out),
                          capture_output=True, text=True, timeout=SECONDS, check=False)  # fmt: skip
    told = [its for its in done.stderr.splitlines() if its.startswith("wakesleep: ")]
    assert len(told) == 1
    assert said in told[0]
    assert not out.exists()
