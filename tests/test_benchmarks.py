"""Benchmarks run, whatever they measure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).resolve().parent.parent / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_benchmark_runs(path):
    done = subprocess.run(
        [sys.executable, path, "--rounds", "1", "--threads", "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ratio" in done.stdout
