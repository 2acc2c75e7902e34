"""Addresses such as ``s3://bucket/study``: copies on this machine, and what fsspec says of them.

Everything is made and read on a local disk, in a copy below the user's cache (or the folder that
``WAKESLEEP_REMOTE_DIR`` names). The address holds the truth: a copy is brought in line with it
before it is used.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from wakesleep.errors import InputError, one_line
from wakesleep.files import outputs

# A path object has one slash where an address has two. Two letters at least: C:/ is a disk.
ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):/+(?P<rest>.*)", re.DOTALL)
LOCAL = ("file", "local")


def address_of(given: object) -> str | None:
    """Return the address that a text or path names, or None if it names a local path.

    Parameters
    ----------
    given
        What a user gave, such as ``s3://bucket/run.zarr``.

    Raises
    ------
    InputError
        If it is an address without a name behind it, or with ``..`` in it.
    """
    found = ADDRESS.fullmatch(str(given)) if isinstance(given, str | Path) else None
    if found is None:
        return None
    scheme, rest = found["scheme"], found["rest"].rstrip("/")
    parts = PurePosixPath(rest).parts
    if len(parts) < 2 or ".." in parts:
        raise InputError(f"'{given}': expected an address such as s3://bucket/name, without '..'")
    return f"{scheme}://{'/' if scheme in LOCAL else ''}{rest}"


def local_copy(address: str, use: str = "work") -> Path:
    """Return the path of an address's copy on this machine, which need not exist.

    ``use`` is ``work`` for the copy of a process that writes, and ``read`` for that of readers.
    """
    import pooch

    scheme, _, rest = address.partition("://")
    said = os.environ.get("WAKESLEEP_REMOTE_DIR")
    base = Path(said) if said else Path(pooch.os_cache("wakesleep")) / "remote"
    return base.absolute() / use / scheme / rest.lstrip("/")


def system(address: str) -> tuple[Any, str]:
    """Return the fsspec file system of an address, and the path in it.

    Raises
    ------
    InputError
        If the scheme is unknown, or the package that serves it is not installed.
    """
    import fsspec

    scheme = address.partition("://")[0]
    try:
        # What others write must be seen at once.
        its, path = fsspec.url_to_fs(address, use_listings_cache=False)
    except ImportError as error:
        hint = "pip install 'wakesleep[s3]'" if scheme == "s3" else one_line(error)
        raise InputError(f"{address}: a package is missing; {hint}") from None
    except ValueError as error:
        raise InputError(f"{address}: {one_line(error)}") from None
    return its, path


@contextmanager
def reached(address: str) -> Iterator[None]:
    """Turn errors of the network or the service into a one-line error."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # each service has errors of its own
        raise InputError(
            f"{address}: cannot be reached ({type(error).__name__}: {one_line(error)})"
        ) from error


def exists(address: str) -> bool:
    """Say whether there is a file or folder at an address."""
    its, path = system(address)
    with reached(address):
        return bool(its.exists(path))


def names(address: str) -> list[str]:
    """Return the names directly below an address, sorted; none if there is no such folder."""
    its, path = system(address)
    with reached(address):
        try:
            found = its.ls(path, detail=False)
        except FileNotFoundError:
            return []
    below = (one.rstrip("/").rpartition("/") for one in found)
    return sorted(name for _, _, name in below if name)


def read(address: str) -> bytes:
    """Return the content of a file at an address.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If the address cannot be reached.
    """
    its, path = system(address)
    with reached(address):
        try:
            return bytes(its.cat_file(path))
        except FileNotFoundError:
            pass  # raised below, where it is not taken for a failure of the service
    raise FileNotFoundError(address)


def fetch(address: str, target: Path) -> bool:
    """Bring a file or folder to this machine, in place of what is there.

    Returns
    -------
    bool
        Whether there is anything at the address. If there is not, nothing is left at the target.
    """
    its, path = system(address)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    _remove(partial)
    with reached(address):
        there = its.exists(path)
        if there:
            target.parent.mkdir(parents=True, exist_ok=True)
            if its.isdir(path):
                its.get(path, str(partial), recursive=True)
            else:
                its.get_file(path, str(partial))
    _remove(target)
    if there:
        partial.rename(target)
    return bool(there)


def _remove(target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    if target.is_file():
        target.unlink(missing_ok=True)


def fetched(given: str | Path) -> Path:
    """Return a local path as it is, and for an address the path of a fresh copy.

    With a run's store come its checkpoint and the networks kept along it.

    Raises
    ------
    InputError
        If it is an address with nothing behind it, or it cannot be reached.
    """
    address = address_of(given)
    if address is None:
        return Path(given)
    target = local_copy(address, "read")
    if not fetch_store(address, target):
        raise InputError(f"{address}: there is no such result")
    return target


def fetch_store(address: str, target: Path) -> bool:
    """Bring a run's store to this machine with what lies beside it; see :func:`fetch`."""
    for beside in (outputs.CHECKPOINT, outputs.NETWORKS):
        fetch(address + beside, target.with_name(target.name + beside))
    return fetch(address, target)


def put(system: Any, path: str, content: bytes, mode: str = "overwrite") -> None:
    """Write an object; ``mode`` ``create`` raises ``FileExistsError`` if there is one."""
    from fsspec.implementations.local import LocalFileSystem

    if isinstance(system, LocalFileSystem):  # object stores have no folders
        system.makedirs(path.rpartition("/")[0], exist_ok=True)
    system.pipe_file(path, content, mode=mode)


class Sender:
    """Sends the files of a local folder to an address, and only those that have changed."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder = address, folder
        self.system, self.path = system(address)
        self._sent: dict[str, tuple[int, int]] = {}

    def send(self, files: list[Path], last: list[tuple[Path, bytes]] | None = None) -> None:
        """Send files of the folder.

        Parameters
        ----------
        files
            The files; those that have vanished in the meantime are left out.
        last
            Contents of files that were read before, and are sent when all others are there.
        """
        with reached(self.address):
            for file in files:
                try:
                    its = file.stat()
                    state = its.st_mtime_ns, its.st_size
                    name = file.relative_to(self.folder).as_posix()
                    if self._sent.get(name) == state:
                        continue
                    content = file.read_bytes()
                except FileNotFoundError:
                    continue
                put(self.system, f"{self.path}/{name}", content)
                self._sent[name] = state
            for file, content in last or ():  # in this order
                name, digest = file.relative_to(self.folder).as_posix(), hash(content)
                if self._sent.get(name) != (digest, len(content)):
                    put(self.system, f"{self.path}/{name}", content)
                    self._sent[name] = digest, len(content)

    def remove(self, name: str) -> None:
        """Remove a file or folder at the address, if it is there."""
        with reached(self.address):
            if self.system.exists(f"{self.path}/{name}"):
                self.system.rm(f"{self.path}/{name}", recursive=True)
