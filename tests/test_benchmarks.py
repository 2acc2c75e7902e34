"""Benchmarks run, whatever they measure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
FILES = [path for path in sorted(BENCHMARKS.glob("*.py")) if path.stem != "gpu"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_benchmark_runs(path):
    done = subprocess.run(
        [sys.executable, path, "--rounds", "1", "--threads", "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ratio" in done.stdout


def test_the_benchmark_of_gpus_runs_on_a_cpu(mnist_folder, tmp_path):
    command = [sys.executable, BENCHMARKS / "gpu.py", "--tiny", "--device", "cpu"]
    parts = ["--parts", "agreement,step,kernels,run", "--out", tmp_path / "gpu.nc"]
    done = subprocess.run([*command, *parts], capture_output=True, text=True, check=True)
    assert "failed" not in done.stdout
    kept = xr.open_dataset(tmp_path / "gpu.nc")
    rows = dict(zip(kept["what"].values.tolist(), kept["value"].values.tolist(), strict=True))
    assert rows["ff_mnist_1000x3, float32, 10 steps, against CPU"] == 0
    assert 0 < rows["4x2000, float32: test error, softmax"] < 100
