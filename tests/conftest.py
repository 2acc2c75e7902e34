"""What several tests share: a tiny data set, tiny files, and the command line as a function."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from wakesleep.cli.main import main as run_command_line

# Tests run side by side: threads of one would wait for those of another.
torch.set_num_threads(1)

# Networks that tests compile are no part of the user's cache.
os.environ.setdefault(
    "WAKESLEEP_BUILD_DIR", str(Path(tempfile.gettempdir()) / "wakesleep-test-builds")
)

# How long an example takes depends on the machine, not on the mathematics.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent

SMALL_PROTOCOL = """\
protocol: small
description: Two short nights, one lost, one recovered.
inputs:
  nights: {default: 2, minimum: 0}
  steps: {default: 12, minimum: 1}
  start: {default: 7.5}
requires: [wake, sleep]
data: {batch: 20, train: 200}
# The clock comes last.
phases:
  - repeat: $nights
    block: baseline
    phases:
      - {phase: wake, steps: $steps}
      - {phase: sleep, steps: $steps}
  - {phase: deprivation, steps: $steps}
  - {phase: recovery, steps: $steps}
clock: {steps_per_hour: 2, start_h: $start, day_h: $steps}
record: {every: 5, cases: 60}
"""

SMALL_MODEL = """\
model: tiny
description: Two layers of 16.
kind: forward_forward
data: digits
parameters:
  layers: [16, 16]
  label: extra_units
"""


def command_line(seconds: float) -> list[str]:
    """Return what starts the command line with a checkpoint every so many seconds."""
    program = (
        "from wakesleep.cli import main\n"
        "from wakesleep.simulation import loop\n"
        f"loop.CHECKPOINT_SECONDS = loop.FLUSH_SECONDS = {seconds}\n"
        "main.main()\n"
    )
    return [sys.executable, "-c", program]


def printed(module: str, *arguments: object) -> str:
    """Run a module of this repository in a process of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture
def protocol_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL_PROTOCOL)
    return path


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(SMALL_MODEL)
    return path


@pytest.fixture
def wakesleep(monkeypatch, capsys):
    """Call the command line in this process; returns (exit code, stdout, stderr)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wakesleep", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            run_command_line()
        out, err = capsys.readouterr()
        return stopped.value.code or 0, out, err

    return call


@pytest.fixture
def mnist_folder() -> Path:
    """The folder that WAKESLEEP_DATA_DIR names, if MNIST is in it."""
    folder = Path(os.environ.get("WAKESLEEP_DATA_DIR", ""))
    if not (folder / "mnist.npz").is_file():
        pytest.skip("needs mnist.npz in the folder that WAKESLEEP_DATA_DIR names")
    return folder
