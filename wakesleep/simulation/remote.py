"""Runs and studies at an address: made in a local copy, which is sent there as it grows.

One process at a time works for an address. Its lease is a numbered object, and the highest number
holds. Whoever takes over creates the next number, and only one can: object stores create an object
only if there is none of that name (``If-None-Match`` on S3).
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wakesleep.errors import InputError, RunError
from wakesleep.files import remote
from wakesleep.results.store import attributes
from wakesleep.simulation import along, checkpoint, lease

SENT_EVERY = 30.0  # seconds
HELD = ".held"  # not ".lease": that is a file beside the local copy
ATTEMPTS = 5  # at a lease that others take at the same moment


@dataclass
class Holder:
    """A lease at an address.

    Attributes
    ----------
    folder
        The address of its numbered objects.
    number
        The object of this process.
    """

    folder: str
    number: int
    system: Any = field(repr=False)
    path: str = field(repr=False)

    def mine(self) -> bool:
        """Say whether no other process has taken over."""
        return max(_numbers(self.folder), default=self.number) == self.number

    def renew(self) -> None:
        """Show that this process is alive."""
        path = _object(self.path, self.number)
        self.system.pipe_file(path, self.system.cat_file(path))

    def release(self) -> None:
        """Let others in."""
        self.system.rm(self.path, recursive=True)


def take(address: str) -> Holder:
    """Take the lease of an address.

    Raises
    ------
    InputError
        If another process has it, or the address cannot be reached.
    """
    folder, token = address + HELD, secrets.token_hex(8)
    system, path = remote.system(folder)
    with remote.reached(address):
        if address.startswith("file:"):
            system.makedirs(path, exist_ok=True)
        for _ in range(ATTEMPTS):
            last = max(_numbers(folder), default=0)
            before = _read(system, path, last)
            if _lives(system, path, last, before):
                raise InputError(f"{address}: another process is writing it{lease.who(before)}")
            try:
                system.pipe_file(_object(path, last + 1), _content(token), mode="create")
            except FileExistsError:
                continue
            # In the meantime the dead one may have been removed and another process have begun.
            numbers = _numbers(folder)
            if max(numbers) == last + 1 and _read(system, path, last) == before:
                for number in numbers[:-1]:
                    system.rm_file(_object(path, number))
                return Holder(folder, last + 1, system, path)
            system.rm_file(_object(path, last + 1))
    raise InputError(f"{address}: another process is writing it")


def held(address: str) -> bool:
    """Say whether a process is working for an address right now."""
    folder = address + HELD
    system, path = remote.system(folder)
    with remote.reached(address):
        last = max(_numbers(folder), default=0)
        return _lives(system, path, last, _read(system, path, last))


def _numbers(folder: str) -> list[int]:
    return [int(name[:-5]) for name in remote.names(folder) if name[:-5].isdigit()]


def _object(path: str, number: int) -> str:
    return f"{path}/{number:08d}.json"


def _content(token: str) -> bytes:
    return json.dumps({"token": token, **lease.here()}).encode()


def _read(system: Any, path: str, number: int) -> dict[str, Any]:
    """Return the holder of a lease; empty if there is none."""
    try:
        holder: dict[str, Any] = json.loads(system.cat_file(_object(path, number)))
    except (FileNotFoundError, ValueError):
        return {}
    return holder


def _lives(system: Any, path: str, number: int, holder: dict[str, Any]) -> bool:
    """Say whether the holder of a lease may still be working."""
    if not holder:
        return False
    seen = lease.seen_here(holder)
    if seen is not None:
        return seen
    # Both times are by the clock of the service.
    clock = f"{path}/clock-{secrets.token_hex(4)}"
    system.pipe_file(clock, b"")
    try:
        age = system.modified(clock) - system.modified(_object(path, number))
    except FileNotFoundError:
        return False
    finally:
        system.rm_file(clock)
    return bool(age.total_seconds() < lease.EXPIRES_AFTER)


@contextmanager
def at_work(address: str, send: Callable[[], None]) -> Iterator[None]:
    """Hold the lease of an address, and send what is made from time to time and at the end.

    Parameters
    ----------
    address
        The address.
    send
        Sends what there is so far.

    Raises
    ------
    InputError
        If another process is at work there, or the address cannot be reached.
    RunError
        If what was made could not be sent, or another process took over.
    """
    its = take(address)
    ended, lost = threading.Event(), threading.Event()

    def follow() -> None:
        seconds = 0.0
        while not ended.wait(lease.RENEWED_EVERY):
            seconds += lease.RENEWED_EVERY
            with suppress(Exception):  # a network may fail for a moment; the end is not suppressed
                if not its.mine():
                    lost.set()
                    return
                its.renew()
                if seconds >= SENT_EVERY:
                    seconds = 0.0
                    send()

    following = threading.Thread(target=follow, daemon=True)
    following.start()
    try:
        yield
    finally:
        ended.set()
        following.join()
        try:
            if lost.is_set() or not its.mine():
                raise RunError(
                    f"{address}: another process has taken it over, because this one did not "
                    "respond for too long"
                )
            send()
            its.release()
        except RunError:
            raise
        except Exception as error:
            raise RunError(
                f"{error}; what was made is kept in {remote.local_copy(address)}"
            ) from error


@contextmanager
def copied(address: str, resume: bool) -> Iterator[Path]:
    """Work on the local copy of a run's store.

    Yields the path of the copy. It is brought in line with the address first, and sent there every
    half minute and at the end.

    Parameters
    ----------
    address
        The address of the store.
    resume
        Whether a run that is there is continued.

    Raises
    ------
    InputError
        If there is a run already and ``resume`` is not set, or the address cannot be used.
    RunError
        If the result could not be sent.
    """
    local = remote.local_copy(address)
    if not resume and remote.exists(address):
        raise InputError(
            f"{address}: exists already; choose another -o, continue it by --resume, or delete it"
        )
    parent = address.rpartition("/")[0]
    sender = remote.Sender(parent, local.parent)
    kept = checkpoint.path_for(local), along.folder_of(local)

    def send() -> None:
        # First the checkpoint is read, then the store, which so has all that the checkpoint lists.
        state = [(kept[0], kept[0].read_bytes())] if kept[0].exists() else []
        folders = [its for its in (local, kept[1]) if its.is_dir()]
        files = sorted(file for its in folders for file in its.rglob("*") if file.is_file())
        sender.send(files, state)
        if not state and (attributes(local) or {}).get("status") == "finished":
            sender.remove(kept[0].name)

    with at_work(address, send):
        for its in (local, *kept):
            remote.fetch(f"{parent}/{its.name}", its)
        try:
            yield local
        except (InputError, RunError) as error:  # the user knows the address, not the copy
            error.args = (str(error).replace(str(local), address),)
            raise
