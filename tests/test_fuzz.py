"""A little of what ``make fuzz`` does, with one seed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_nothing_is_found():
    few = ["--files", "60", "--commands", "40", "--damaged", "10", "--runs", "5", "--workers", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--seed", "3", *few],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "0 findings, seed 3" in done.stdout
