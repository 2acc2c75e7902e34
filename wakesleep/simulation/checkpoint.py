"""The whole state of a run in one file beside its store, which is replaced atomically.

The file is kept after the end of the run: it holds the trained network.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wakesleep.errors import InputError
from wakesleep.files import outputs

MAGIC = b"wakesleep checkpoint 1\n"


def path_for(store: Path) -> Path:
    """Return where the checkpoint of a store lies: ``run.zarr`` -> ``run.zarr.checkpoint.pt``."""
    return store.with_name(store.name + outputs.CHECKPOINT)


def save(state: dict[str, Any], path: Path) -> None:
    """Write the state so that a kill at any moment leaves the old file or the new one.

    The file begins with a line that names its format, and a line with the sha256 of the rest.

    Raises
    ------
    OSError
        If it cannot be written; then the old file is as it was.
    """
    import torch

    content = io.BytesIO()
    torch.save(state, content)
    data = content.getbuffer()
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as stream:
            stream.write(MAGIC + hashlib.sha256(data).hexdigest().encode() + b"\n")
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def _content(path: Path, hint: str = "") -> io.BytesIO:
    """Return what a checkpoint holds; one of an older version has no digest.

    Raises
    ------
    InputError
        If it cannot be read, or the digest does not match.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}){hint}") from None
    if not data.startswith(MAGIC):
        if not data.startswith(b"PK"):
            raise _damaged(path, hint)
        return io.BytesIO(data)
    digest, _, rest = data[len(MAGIC) :].partition(b"\n")
    if hashlib.sha256(rest).hexdigest().encode() != digest:
        raise _damaged(path, hint)
    return io.BytesIO(rest)


def _damaged(path: Path, hint: str) -> InputError:
    return InputError(f"{path}: is not a checkpoint, or is damaged{hint}")


def damage(path: Path) -> str | None:
    """Return a message if a checkpoint is damaged; None if it is intact or absent.

    Only the digest of its content is checked.
    """
    try:
        if path.exists():
            _content(path)
    except InputError as error:
        return str(error)
    return None


def load(
    path: Path, device: Any, identity: Mapping[str, Any], hint: str = ""
) -> dict[str, Any] | None:
    """Read a state that :func:`save` wrote; nothing in it is executed.

    Parameters
    ----------
    path
        The file.
    device
        Device of its tensors.
    identity
        Required value of its entry ``identity``.
    hint
        End of the message about a damaged file: what the user can do.

    Returns
    -------
    dict or None
        None if there is no such file.

    Raises
    ------
    InputError
        If the file is damaged, or is the checkpoint of another run.
    """
    import torch

    path.with_name(f"{path.name}.partial").unlink(missing_ok=True)  # of a process that died
    if not path.exists():
        return None
    content = _content(path, hint)
    try:
        state: dict[str, Any] = torch.load(content, map_location=device, weights_only=True)
        same = state["identity"] == dict(identity)
    except Exception:  # a damaged file can fail anywhere in the unpickler
        raise _damaged(path, hint) from None
    if not same:
        raise InputError(f"{path}: is the checkpoint of another run")
    return state


@contextmanager
def understood(path: Path, hint: str = "") -> Iterator[None]:
    """Report in one sentence, followed by ``hint``, that a state lacks a needed part.

    Raises
    ------
    InputError
        If something is missing, or is of another type.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: does not fit this version of wakesleep, or of the model's own code "
            f"({type(error).__name__}: {error}){hint}"
        ) from None
