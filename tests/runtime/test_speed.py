"""What a process frees is its own; what is almost nothing is nothing."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest
import torch

from wakesleep.runtime import speed

PROGRAM = """
import resource, sys
import torch
from wakesleep.runtime import speed

if sys.argv[1] == "keep":
    speed.keep_freed()
for _ in range(30):  # it takes a while until there is a place for every size
    torch.ones(10_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(10_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(what: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, what], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="for the GNU C library alone")
def test_freed_memory_is_used_again():
    assert faults("keep") < faults("give back") / 10


@pytest.mark.parametrize("before", [False, True])
def test_numbers_that_are_almost_nothing_are_nothing_and_then_as_before(before):
    def decayed() -> float:
        return float(torch.tensor(1e-30) * torch.tensor(1e-10))

    torch.set_flush_denormal(before)
    try:
        assert (decayed() == 0) is before
        with speed.denormals_flushed():
            assert decayed() == 0
        assert (decayed() == 0) is before
    finally:
        torch.set_flush_denormal(False)


@pytest.mark.skipif(sys.platform != "linux", reason="as GNU OpenMP tells it")
@pytest.mark.parametrize(("given", "found"), [({}, "1000"), ({"GOMP_SPINCOUNT": "77"}, "77")])
def test_threads_wait_briefly_unless_told_otherwise(given, found):
    told = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    kept = {name: value for name, value in os.environ.items() if name not in told}
    done = subprocess.run(
        [sys.executable, "-m", "wakesleep", "info"],
        capture_output=True,
        text=True,
        check=True,
        env={**kept, "OMP_DISPLAY_ENV": "VERBOSE", **given},
    )
    assert f"GOMP_SPINCOUNT = '{found}'" in done.stderr
