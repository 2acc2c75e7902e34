"""A study at an address such as ``s3://bucket/study``: its local copy, and what is sent there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wakesleep.files import remote
from wakesleep.results.store import finished
from wakesleep.simulation.remote import at_work


@contextmanager
def copied_study(address: str) -> Iterator[Path]:
    """Work on the local copy of a study's folder.

    Yields the path of the copy. It is brought in line with the address first. Runs are sent by the
    processes that make them; the rest is sent here, every half minute and at the end.

    Parameters
    ----------
    address
        The address of the folder.

    Raises
    ------
    InputError
        If another process works for it, or it cannot be reached.
    RunError
        If the result could not be sent.
    """
    folder = remote.local_copy(address)
    sender = remote.Sender(address, folder)

    def send() -> None:
        if folder.is_dir():
            sender.send([file for file in sorted(folder.rglob("*")) if _is_sent(file, folder)])

    with at_work(address, [folder], lambda: remote.fetch(address, folder), send):
        yield folder


def _is_sent(file: Path, folder: Path) -> bool:
    first = file.relative_to(folder).parts[0]
    return file.is_file() and first != "runs" and not first.startswith(".")


def fetch_runs(address: str, folder: Path, names: Iterable[str]) -> None:
    """Bring the stores of some runs into the local copy, unless they have finished there."""
    for name in names:
        store = folder / "runs" / f"{name}.zarr"
        if not finished(store):
            remote.fetch(f"{address}/runs/{store.name}", store)
