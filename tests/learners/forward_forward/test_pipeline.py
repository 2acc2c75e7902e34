"""Layers in several processes: the numbers of one process, whoever dies on the way."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep.learners.forward_forward.pipeline import shares

PROTOCOL = """\
protocol: short
record: {every: 30}
data: {batch: 50}
negatives: {source: SOURCE}
phases:
  - {phase: interleaved, steps: STEPS}
  - {phase: wake, steps: 20}
  - {phase: sleep, steps: 20, layers: [2, 3]}
"""
SECONDS = 240


def command(processes: int, *options: object) -> list[str]:
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    start += ["--nproc-per-node", str(processes), "-m", "wakesleep"]
    return [*start, *map(str, options), "--parallel", "layers", "--quiet"]


def set_by(parameters: dict[str, object]) -> list[str]:
    """Return the options that set parameters of a model."""
    told = [f"model.{name}={json.dumps(its)}" for name, its in parameters.items()]
    return [word for its in told for word in ("-p", its)]


def protocol(folder, steps=60, source="wrong_label"):
    path = folder / "short.yaml"
    path.write_text(PROTOCOL.replace("STEPS", str(steps)).replace("SOURCE", source))
    return path


@given(st.lists(st.integers(1, 50), min_size=1, max_size=7), st.data())
def test_the_busiest_process_has_as_little_as_can_be(costs, data):
    parts = data.draw(st.integers(1, len(costs)))
    found = shares(costs, parts)
    assert [depth for its in found for depth in its] == list(range(len(costs)))
    assert len(found) == parts
    assert all(len(its) for its in found)
    busiest = max(sum(costs[depth] for depth in its) for its in found)
    for cuts in itertools.combinations(range(1, len(costs)), parts - 1):
        edges = (0, *cuts, len(costs))
        other = max(sum(costs[a:b]) for a, b in itertools.pairwise(edges))
        assert busiest <= other


CASES = [
    (2, {"top_down": False}),
    pytest.param(3, {"top_down": False}, marks=pytest.mark.long),
    pytest.param(
        2, {"top_down": False, "readout_layers": [1, 3], "peer": 0.1}, marks=pytest.mark.long
    ),
    pytest.param(2, {"top_down": False, "label": "none"}, marks=pytest.mark.long),
]


@pytest.mark.parametrize(("processes", "parameters"), CASES)
def test_every_number_is_that_of_one_process(processes, parameters, tmp_path):
    if parameters.get("label") == "none":
        file, model = protocol(tmp_path, source="hybrid"), "ff_mnist_unsupervised"
        parameters = {"layers": [30, 20, 10], "readout_layers": [2, 3]}
    else:
        file, model = protocol(tmp_path), "ff_digits"
        parameters = parameters | {"layers": [30, 20, 10]}
    one = ws.run(file, model, parameters=parameters, data="digits")
    told = set_by(parameters)
    out = tmp_path / "run.zarr"
    options = ("run", file, model, *told, "--data", "digits", "-o", out)
    done = subprocess.run(
        command(processes, *options), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(out)]  # told once
    xr.testing.assert_equal(ws.open(out), one)
    # The checkpoint holds all layers.
    images = ws.data.load("digits").validation.images[:5]
    whole = tmp_path / "whole.zarr"
    ws.run(file, model, parameters=parameters, data="digits", out=whole)
    theirs, ours = ws.trained(whole), ws.trained(out)
    for name, weights in theirs.weights.items():
        xr.testing.assert_equal(ours.weights[name], weights)
    assert ours.classify(images, "softmax").equals(theirs.classify(images, "softmax"))


def kill_one(started: list[str], out: Path) -> None:
    """Kill process 1 of a run that has begun; the others end with one line."""
    process = subprocess.Popen(started, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + SECONDS
    while not out.exists() or ws.open(out).sizes["probe"] < 3:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    os.kill(_rank(process.pid, 1), signal.SIGKILL)
    _, told = process.communicate(timeout=SECONDS)
    assert process.returncode != 0
    ours = [line for line in told.splitlines() if line.startswith("wakesleep: ")]
    # torchrun ends the other processes as soon as it sees that one is gone.
    lost = "wakesleep: another process of this run was lost; --resume continues"
    assert len(ours) == 1
    assert ours[0] == lost or ours[0].startswith("wakesleep: interrupted by SIGTERM"), ours


@pytest.mark.long
def test_a_killed_process_ends_the_run_and_it_goes_on(tmp_path):
    file, out = protocol(tmp_path, steps=4000), tmp_path / "run.zarr"
    small = set_by({"top_down": False, "layers": [30, 20, 10]})
    options = ("run", file, "ff_digits", *small, "-o", out, "--resume")
    whole = ws.run(file, "ff_digits", parameters={"top_down": False, "layers": [30, 20, 10]})
    kill_one(command(2, *options), out)
    subprocess.run(command(2, *options), check=True, timeout=SECONDS, capture_output=True)
    xr.testing.assert_equal(ws.open(out), whole)


@pytest.mark.long
def test_several_processes_that_divide_nothing_are_refused(tmp_path):
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    options = ["run", protocol(tmp_path), "ff_digits", "-o", tmp_path / "run.zarr"]
    done = subprocess.run([*start, "-m", "wakesleep", *map(str, options)],
                          capture_output=True, text=True, timeout=SECONDS, check=False)  # fmt: skip
    assert done.returncode != 0
    told = [its for its in done.stderr.splitlines() if its.startswith("wakesleep: ")]
    assert len(told) == 1
    assert "torchrun has started 2 processes; say what they divide" in told[0]
    assert not (tmp_path / "run.zarr").exists()


def test_many_layers_are_divided_at_once():
    found = shares([1.0] * 60, 30)
    assert {len(its) for its in found} == {2}


def _rank(parent: int, rank: int) -> int:
    """Return the process of a rank."""
    told = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=True)
    for child in told.stdout.split():
        if f"RANK={rank}".encode() in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
            return int(child)
    raise AssertionError(f"there is no process of rank {rank}")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "needs several processes; start them by: torchrun"),
        pytest.param({"processes": 2, "top_down": True}, "without a path down",
                     marks=pytest.mark.long),
        pytest.param({"processes": 2, "layers": [8]}, "there are 2 processes and 1 layers",
                     marks=pytest.mark.long),
        pytest.param({"processes": 2, "source": "hard_label"}, "passes nothing down",
                     marks=pytest.mark.long),
        pytest.param({"processes": 2, "model": "rbm_digits"}, "feed-forward Forward-Forward",
                     marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_what_cannot_be_divided_is_refused(changes, told, tmp_path, wakesleep, monkeypatch):
    monkeypatch.setenv("RANK", "1")  # set by others than torchrun, which changes nothing
    file = protocol(tmp_path, source=changes.get("source", "wrong_label"))
    file.write_text(file.read_text().replace(", layers: [2, 3]", ""))
    out, model = tmp_path / "run.zarr", changes.get("model", "ff_digits")
    top_down, layers = changes.get("top_down", False), changes.get("layers", [8, 8])
    options = ["run", str(file), model, "-o", str(out)]
    if model == "ff_digits":
        options += set_by({"top_down": top_down, "layers": layers})
    else:
        file.write_text(file.read_text().replace("wrong_label", "usual"))
    if "processes" not in changes:
        code, _, said = wakesleep(*options, "--parallel", "layers")
        assert code == 2
    else:
        done = subprocess.run(command(changes["processes"], *options), capture_output=True,
                              text=True, timeout=SECONDS, check=False)  # fmt: skip
        assert done.returncode != 0
        said = "\n".join(its for its in done.stderr.splitlines() if its.startswith("wakesleep: "))
        assert said.count("wakesleep: ") == 1
    assert told in said
    assert not out.exists()
