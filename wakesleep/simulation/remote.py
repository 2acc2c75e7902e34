"""Runs and studies at an address: made in a local copy, which is sent there as it grows.

One process at a time works for an address. Its lease is a numbered object, and the highest number
holds. Whoever takes over creates the next number, and only one can: object stores create an object
only if there is none of that name (``If-None-Match`` on S3).
"""

from __future__ import annotations

import json
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wakesleep.errors import InputError, RunError
from wakesleep.files import remote
from wakesleep.results.store import finished
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
    content
        What it holds, which no other process writes.
    """

    folder: str
    number: int
    content: bytes = field(repr=False)
    system: Any = field(repr=False)
    path: str = field(repr=False)

    def mine(self) -> bool:
        """Say whether no other process has taken over."""
        if max(_numbers(self.folder), default=0) != self.number:
            return False
        try:
            return bool(self.system.cat_file(_object(self.path, self.number)) == self.content)
        except FileNotFoundError:
            return False

    def renew(self) -> None:
        """Show that this process is alive."""
        self.system.pipe_file(_object(self.path, self.number), self.content)

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
    folder, content = address + HELD, _content(secrets.token_hex(8))
    system, path = remote.system(folder)
    with remote.reached(address):
        for _ in range(ATTEMPTS):
            last = max(_numbers(folder), default=0)
            before = _read(system, path, last)
            if _lives(system, path, last, before):
                raise InputError(f"{address}: another process is writing it{lease.who(before)}")
            try:
                remote.put(system, _object(path, last + 1), content, "create")
            except FileExistsError:
                continue
            # In the meantime the dead one may have been removed and another process have begun.
            numbers = _numbers(folder)
            if max(numbers) == last + 1 and _read(system, path, last) == before:
                for number in numbers[:-1]:
                    system.rm_file(_object(path, number))
                return Holder(folder, last + 1, content, system, path)
            system.rm_file(_object(path, last + 1))
    raise InputError(f"{address}: another process is writing it")


def held(address: str) -> bool:
    """Say whether a process is working for an address right now."""
    folder = address + HELD
    system, path = remote.system(folder)
    with remote.reached(address):
        last = max(_numbers(folder), default=0)
        return _lives(system, path, last, _read(system, path, last))


def is_held(out: str | Path) -> bool:
    """Say whether a process is writing a store right now, at a path or at an address."""
    address = remote.address_of(out)
    return lease.held(Path(out)) if address is None else held(address)


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
def at_work(
    address: str, copies: Sequence[Path], fetch: Callable[[], object], send: Callable[[], None]
) -> Iterator[None]:
    """Hold the lease of an address, and send what is made from time to time and at the end.

    Parameters
    ----------
    address
        The address.
    copies
        What is made on this machine, the store or folder first. If it cannot be sent at the end, it
        is set aside. Errors name the address in place of the first.
    fetch
        Brings the copies in line with the address.
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
    try:
        fetch()  # nothing is sent before this is complete
    except BaseException:
        with suppress(Exception):
            its.release()
        raise
    lost, sent, over = threading.Event(), threading.Event(), threading.Event()

    def renew() -> None:  # also during a long upload
        while not over.wait(lease.RENEWED_EVERY):
            with suppress(Exception):  # a network may fail for a moment
                if not its.mine():
                    lost.set()
                    return
                its.renew()

    def send_now_and_then() -> None:
        while not sent.wait(SENT_EVERY) and not lost.is_set():
            with suppress(Exception):  # the last sending is not suppressed
                send()

    renewing = threading.Thread(target=renew, daemon=True)
    sending = threading.Thread(target=send_now_and_then, daemon=True)
    renewing.start()
    sending.start()
    try:
        yield
    except (InputError, RunError) as error:  # the user knows the address, not the copy
        error.args = (str(error).replace(str(copies[0]), address),)
        raise
    finally:
        sent.set()
        sending.join()
        try:
            if lost.is_set() or not its.mine():
                lost.set()
                raise RunError(
                    f"{address}: another process has taken it over, because this one did not "
                    "respond for too long"
                )
            send()
        except RunError:
            raise
        except Exception as error:
            raise RunError(f"{error}; what was made is kept in {_set_aside(copies)}") from error
        finally:
            over.set()
            renewing.join()  # first, for it could put back what is released
            if not lost.is_set():
                with suppress(Exception):  # a lease that stays expires
                    its.release()


def _set_aside(copies: Sequence[Path]) -> str:
    """Move copies to where no later run removes them; return the place of the first."""
    aside = [its.with_name(f"unsent-{secrets.token_hex(4)}-{its.name}") for its in copies]
    for its, place in zip(copies, aside, strict=True):
        if its.exists():
            its.rename(place)
    return str(aside[0])


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

    def fetch() -> None:
        remote.fetch_store(address, local)
        if local.exists() and not (local / "zarr.json").exists():
            shutil.rmtree(local)  # its first sending was cut

    def send() -> None:
        # The checkpoint is read first and sent after the store, which so has all that it lists.
        # The steps, which tell complete rows, are read before other chunks; the status goes last.
        steps = sorted(local.glob("step/c/*"))
        first = [*kept[:1], *steps, local / "zarr.json"]
        read = {its: its.read_bytes() for its in first if its.exists()}
        folders = [its for its in (local, kept[1]) if its.is_dir()]
        files = (file for its in folders for file in sorted(its.rglob("*")) if file.is_file())
        last = [(its, read[its]) for its in (*steps, *kept[:1], local / "zarr.json") if its in read]
        sender.send([file for file in files if file not in read], last)
        if kept[0] not in read and finished(local):
            sender.remove(kept[0].name)

    with at_work(address, (local, *kept), fetch, send):
        yield local
