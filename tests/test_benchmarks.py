"""Benchmarks run, whatever they measure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from tests.conftest import printed

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
ROOT = BENCHMARKS.parent
ONCE = ["--rounds", "1", "--threads", "1"]
COMMANDS = {
    "boltzmann": ONCE,
    "local_fields": ONCE,
    "spiking": ONCE,
    "forward_forward": ["--layers", "30", "20", "--steps", "200"],
    "overheads": [*ONCE, "--runs", "2", "--steps", "200"],
    "growth": [*ONCE, "--warm", "2", "--only", "width", "--most", "500"],
}


@pytest.mark.parametrize(
    "name", ["boltzmann", "local_fields", pytest.param("spiking", marks=pytest.mark.long)]
)
def test_a_benchmark_runs(name):
    assert "ratio" in printed(f"benchmarks.{name}", *COMMANDS[name])


@pytest.mark.parametrize(
    "name",
    [
        "forward_forward",
        pytest.param("growth", marks=pytest.mark.long),
        pytest.param("overheads", marks=pytest.mark.long),
    ],
)
def test_a_benchmark_with_mnist_runs(mnist_folder, name):
    shown = printed(f"benchmarks.{name}", *COMMANDS[name])
    assert "backpropagation" in shown or "ratio" in shown


@pytest.mark.long
def test_the_benchmark_of_layers_in_several_processes_runs(mnist_folder):
    small = ["--layers", "30", "20", "--steps", "5", "--warm", "5", "--rounds", "1"]
    start = ["--standalone", "--nproc-per-node", "2", "-m", "benchmarks.layers"]
    assert "ratio" in printed("torch.distributed.run", *start, *small)


def test_every_benchmark_is_tried():
    names = {path.stem for path in BENCHMARKS.glob("*.py")} - {"__init__"}
    assert names == {*COMMANDS, "gpu", "layers", "rivals", "report"}


def test_the_report_says_what_was_printed(tmp_path):
    (tmp_path / "Local_fields.txt").write_text("ratio 4.3 (4.1 to 4.4)\n")
    doc = tmp_path / "benchmarks.md"
    printed("benchmarks.report", "--outputs", tmp_path, "--doc", doc, "--only", "Receptive")
    text = doc.read_text()
    assert "    python benchmarks/local_fields.py --threads 1" in text
    assert "    ratio 4.3 (4.1 to 4.4)" in text


def test_the_benchmark_of_gpus_runs_on_a_cpu(mnist_folder, tmp_path):
    command = [sys.executable, BENCHMARKS / "gpu.py", "--tiny", "--device", "cpu"]
    parts = ["--parts", "agreement,step,kernels,run", "--out", tmp_path / "gpu.nc"]
    done = subprocess.run([*command, *parts], capture_output=True, text=True, check=True)
    assert "failed" not in done.stdout
    kept = xr.open_dataset(tmp_path / "gpu.nc")
    rows = dict(zip(kept["what"].values.tolist(), kept["value"].values.tolist(), strict=True))
    assert rows["ff_mnist_1000x3, float32, 10 steps, against CPU"] == 0
    assert 0 < rows["4x2000, float32: test error, softmax"] < 100
