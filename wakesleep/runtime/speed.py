"""What a process is told so that it does not wait while networks run."""

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
    """Let numbers that are too small for a float of full precision be zero.

    Processors are many times slower at them than at others. What decays ends there for good, such
    as the momentum of a unit that has fallen silent: 0.9 times the smallest float is rounded to the
    smallest float.
    """
    import torch

    before = not bool(torch.tensor(1e-30) * torch.tensor(1e-10))
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def spin_briefly() -> None:
    """Let the threads of one operation wait on the spot for a moment only; before torch comes in.

    By default GNU OpenMP's threads run on the spot for milliseconds. Where another process has a
    core, each of the many small operations of a run then waits until that process is made to give
    way: on two cores, one of them busy, a run took ten times as long. Sleeping at once would cost
    an idle machine half its speed, this a tenth. What the environment says is left alone.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def keep_freed() -> None:
    """Let this process keep the memory that it frees, instead of handing it back at once.

    The GNU C library gives large blocks back to the system as soon as they are free. A step of
    learning frees and asks for the same ones again, and waits while the system clears every page:
    of a recurrent net with local fields, for more than a third of its time. The price is that the
    process stays as large as it has ever been. Does nothing with other libraries.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_MAX, 0)  # mapped blocks are always given back
        mallopt(TRIM_THRESHOLD, 2**31 - 1)
        mallopt(TOP_PAD, AHEAD)
