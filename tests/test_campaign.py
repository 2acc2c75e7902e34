"""A little of what ``python -m tests.campaign`` does, and all of it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(("--runs", "1", "--studies", "1", "--seed", "3"), id="a little"),
        pytest.param(("--runs", "50", "--studies", "10"), id="all", marks=pytest.mark.long),
    ],
)
def test_nothing_is_found(size):
    done = subprocess.run(
        [sys.executable, "-m", "tests.campaign", *size],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "0 findings" in done.stdout
