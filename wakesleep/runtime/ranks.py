"""Several processes that make one run together, as ``torchrun`` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from wakesleep.errors import InputError

WAYS = ("layers", "data")
BY_TORCHRUN = "TORCHELASTIC_RUN_ID"  # a variable that only torchrun sets
START = "torchrun --nproc-per-node 2 -m wakesleep run ..."
LONGEST_SILENCE = timedelta(minutes=30)  # the first process may need long to load data


@dataclass(frozen=True)
class Ranks:
    """The processes of a run.

    Attributes
    ----------
    rank
        Number of this process, from 0. Process 0 writes the result.
    size
        How many there are.
    way
        How they divide the work.
    """

    rank: int
    size: int
    way: str

    def any(self, said: bool) -> bool:
        """Return whether ``said`` is true in any process."""
        return bool(self._reduced(int(said), "MAX"))

    def first(self, number: int) -> int:
        """Return the smallest of all processes' numbers."""
        return self._reduced(number, "MIN")

    def wait(self) -> None:
        """Wait until all processes are here."""
        self.any(False)

    def _reduced(self, number: int, how: str) -> int:
        import torch
        from torch import distributed

        its = torch.tensor([number])
        distributed.all_reduce(its, getattr(distributed.ReduceOp, how))
        return int(its)


@contextmanager
def joined(way: str | None) -> Iterator[Ranks | None]:
    """Join the processes of a run, by gloo; None for a run in one process.

    Parameters
    ----------
    way
        How they divide the work: ``layers`` or ``data``; None for a run in one process.

    Raises
    ------
    InputError
        If there is no such way, or the process was not started by ``torchrun``.
    """
    if way is None:
        yield None
        return
    if way not in WAYS:
        raise InputError(f"parallel is one of {', '.join(WAYS)}, not '{way}'")
    if BY_TORCHRUN not in os.environ:
        raise InputError(f"parallel '{way}' needs several processes; start them by: {START}")
    from torch import distributed

    distributed.init_process_group("gloo", timeout=LONGEST_SILENCE)
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size(), way)
    finally:
        distributed.destroy_process_group()


def rank_here() -> int:
    """Return the number of this process among those that ``torchrun`` started; 0 without it."""
    # Other programs set RANK as well.
    return int(os.environ.get("RANK", 0)) if BY_TORCHRUN in os.environ else 0


def size_here() -> int:
    """Return how many processes ``torchrun`` started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", 1)) if BY_TORCHRUN in os.environ else 1


def lost(error: BaseException) -> bool:
    """Return whether an error means that the connection to another process is lost."""
    told = str(error).lower()
    return isinstance(error, RuntimeError) and any(its in told for its in ("gloo", "connection"))
