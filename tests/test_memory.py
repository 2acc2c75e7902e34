"""What a process frees is its own: fewer pages are asked of the system again and again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import torch
from wakesleep import memory

if sys.argv[1] == "keep":
    memory.keep_freed()
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
