"""A lease on a store: one process at a time writes it, on this machine or on any other.

The lease is a small file beside the store. It names the machine, the process and a token, and its
writer renews its time of change every few seconds. Nothing depends on locks of the file system,
which network file systems may lack.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wakesleep.errors import InputError

RENEWED_EVERY = 10.0  # seconds
EXPIRES_AFTER = 90.0  # seconds without a renewal, by the clock of the file system
SECONDS_FOR_A_TURN = 0.05
ATTEMPTS = 20  # at a lease that other processes take and drop at the same moment


def lease_of(store: Path) -> Path:
    """Return where the lease of a store lies: ``run.zarr`` -> ``run.zarr.lease``."""
    return store.with_name(f"{store.name}.lease")


@contextmanager
def sole_writer(store: Path | None, path: Path | None = None) -> Iterator[Callable[[], bool]]:
    """Prevent a second process from writing the same store; None needs no lease.

    Yields a function that returns whether this process still holds the lease. It has lost the lease
    if it was suspended for so long that another machine took it over; then it must not write.

    Parameters
    ----------
    store
        The store to write.
    path
        Where its lease lies; default beside it.

    Raises
    ------
    InputError
        If another process is writing it.
    """
    if store is None:
        yield lambda: True
        return
    path = path or lease_of(store)
    token = _take(path, store)
    ended = threading.Event()

    def mine() -> bool:
        return _read(path).get("token") == token

    def renew() -> None:
        while not ended.wait(RENEWED_EVERY):
            with suppress(OSError):  # a network may fail for a moment
                if mine():
                    os.utime(path)

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield mine
    finally:
        ended.set()
        renewing.join()
        with suppress(OSError):
            if mine():
                path.unlink()


def held(store: Path) -> bool:
    """Say whether a process is writing a store right now."""
    path = lease_of(store)
    if not path.exists():
        return False
    holder = _read(path)
    with suppress(OSError):
        return _lives(path, holder, _moment(path))
    return False  # the folder is not writable; writers get their own error


def _take(path: Path, store: Path) -> str:
    """Take a lease, also one whose holder has died; return its token."""
    token = secrets.token_hex(8)
    own = path.with_name(f".{path.name}.{token}")
    try:
        own.write_text(json.dumps({"token": token, **here()}))
        for _ in range(ATTEMPTS):
            if _linked(own, path):
                return token
            holder = _read(path)
            if _lives(path, holder, _moment(path)):
                raise InputError(f"{store}: another process is writing it{who(holder)}")
            _remove_dead(path, holder, own)
        raise InputError(f"{store}: another process is writing it")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        with suppress(OSError):
            own.unlink()


def _linked(own: Path, path: Path) -> bool:
    """Put a file under a name atomically; return whether the name was free."""
    try:
        os.link(own, path)
        return True
    except FileExistsError:
        # A network file system may repeat a link that has already been made.
        return path.exists() and own.samefile(path)
    except OSError:  # a file system without hard links
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w") as stream:
            stream.write(own.read_text())
        return True


def _remove_dead(path: Path, holder: dict[str, Any], own: Path) -> None:
    """Remove the lease of a holder that has died, and no other.

    One process at a time does this: otherwise one could remove a lease that another has just taken.
    """
    turn = path.with_name(f".{path.name}.turn")
    if not _linked(own, turn):
        with suppress(OSError):
            if _moment(path) - turn.stat().st_mtime > EXPIRES_AFTER:
                turn.unlink()  # of a process that died within this function
        time.sleep(SECONDS_FOR_A_TURN)
        return
    try:
        if _read(path) == holder:
            path.unlink(missing_ok=True)
    finally:
        turn.unlink(missing_ok=True)


def _moment(path: Path) -> float:
    """Return the current time by the file system's clock, which also stamps leases."""
    with tempfile.TemporaryFile(dir=path.parent) as its:
        return os.fstat(its.fileno()).st_mtime


def _read(path: Path) -> dict[str, Any]:
    """Return the content of a lease; empty if there is none, or it is being written."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def here() -> dict[str, Any]:
    """Return which process this is, among all machines."""
    return {
        "host": socket.gethostname(),
        "boot": _boot(),
        "pid": os.getpid(),
        "born": _born(os.getpid()),
    }


def _boot() -> str:
    """Return an identifier of the boot and the process namespace (shared by visible processes)."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return socket.gethostname()


def _born(pid: int) -> str:
    """Return the start time of a process, which differs for a later one of the same number."""
    with suppress(OSError, IndexError):
        # The name, in brackets, may contain blanks; the time of the start is field 22.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def seen_here(holder: dict[str, Any]) -> bool | None:
    """Say whether the holder of a lease runs on this machine; None if that cannot be told."""
    if holder.get("boot") == _boot() and isinstance(holder.get("pid"), int):
        if not _runs(holder["pid"]):
            return False
        began = _born(holder["pid"])
        if began:  # of another user's process it may be hidden; then its age decides
            return bool(holder.get("born") == began)
    return None


def _lives(path: Path, holder: dict[str, Any], now: float) -> bool:
    """Say whether the holder of a lease may still be writing."""
    seen = seen_here(holder)
    if seen is not None:
        return seen
    try:
        return now - path.stat().st_mtime < EXPIRES_AFTER
    except FileNotFoundError:
        return False


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        pass
    return not _is_dead(pid)


def _is_dead(pid: int) -> bool:
    """Return whether a process is a zombie: it has ended, but its parent has not collected it."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    return False


def who(holder: dict[str, Any]) -> str:
    """Return in brackets which process holds a lease; empty if it does not say."""
    if "pid" not in holder:
        return ""
    where = "" if holder.get("boot") == _boot() else f" on {holder.get('host')}"
    return f" (process {holder['pid']}{where})"
