"""Process settings that avoid waiting times while networks run."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Options of mallopt, as in glibc's malloc.h.
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
AHEAD = 64 * 1024**2  # bytes asked of the system beyond what is needed


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Set denormal numbers (too small for a float of full precision) to zero within the block.

    Processors are many times slower with denormal numbers than with others. Values that decay, such
    as the momentum of a silent unit, stay denormal forever: 0.9 times the smallest float is rounded
    to the smallest float.
    """
    import torch

    before = not bool(torch.tensor(1e-30) * torch.tensor(1e-10))
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def spin_briefly() -> None:
    """Limit how long OpenMP threads wait actively (spin); call this before torch is imported.

    By default GNU OpenMP's threads spin for milliseconds. If another process uses a core, each of
    the many small operations of a run then waits until that process is preempted: on two cores, one
    of them busy, a run took ten times as long. Without any spinning, an idle machine would lose
    half its speed; with this limit it loses a tenth. Settings in the environment are not changed.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def keep_freed() -> None:
    """Let this process keep the memory that it frees, instead of returning it at once.

    The GNU C library returns large blocks to the system as soon as they are free. A step of
    learning frees blocks and allocates them again, and waits while the system clears every page.
    For a recurrent net with local fields this takes more than a third of the time. The price is
    that the process never becomes smaller. Other C libraries are not affected.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_MAX, 0)  # mapped blocks are always given back
        mallopt(TRIM_THRESHOLD, 2**31 - 1)
        mallopt(TOP_PAD, AHEAD)
