"""Memory of a process that does nothing but run networks."""

from __future__ import annotations

import ctypes
import sys

# Options of mallopt, as in glibc's malloc.h.
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
AHEAD = 64 * 1024**2  # bytes asked of the system beyond what is needed


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
