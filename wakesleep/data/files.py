"""The files of data sets: downloaded through pooch and checked by their hash, or read from disk."""

from __future__ import annotations

import sys
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from wakesleep.errors import InputError


class _Progress:
    """The few methods of a progress bar that pooch asks for, drawn by rich on stderr."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(name, total=None)
        self._bar.start()

    @property
    def total(self) -> int:
        return int(self._bar.tasks[0].total or 0)

    @total.setter
    def total(self, size: int) -> None:
        self._bar.update(self._task, total=size)

    def update(self, amount: int) -> None:
        self._bar.advance(self._task, amount)

    def reset(self) -> None:
        self._bar.reset(self._task, total=self.total)

    def close(self) -> None:
        self._bar.stop()


def fetch(name: str, url: str, digest: str | None, folder: Path) -> Path:
    """Return a file in the folder, downloaded if it is not there yet.

    ``digest`` is its sha256; None for a text whose publisher may correct it.

    Raises
    ------
    InputError
        If it cannot be downloaded, is not what it should be, or the folder cannot be written.
    """
    import logging

    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)  # pooch would report every download on stderr
    bar: Any = _Progress(f"{name}: {url.rsplit('/', 1)[-1]}") if sys.stderr.isatty() else False
    try:
        return Path(
            pooch.retrieve(
                url,
                known_hash=digest,
                fname=url.rsplit("/", 1)[-1],
                path=folder,
                downloader=pooch.HTTPDownloader(progressbar=bar, timeout=30),
            )
        )
    except (requests.RequestException, OSError, ValueError) as error:
        reason = str(error) if isinstance(error, ValueError) else type(error).__name__
        raise InputError(
            f"data set '{name}' is not in {folder} and cannot be downloaded from {url} ({reason}); "
            "set WAKESLEEP_DATA_DIR to a folder that has it"
        ) from None
    finally:
        if bar:
            bar.close()


def read_npz(name: str, path: Path, arrays: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the named arrays of a data set's ``.npz`` file.

    Raises
    ------
    InputError
        If the file cannot be read or lacks one of them.
    """
    try:
        with np.load(path, allow_pickle=False) as loaded:
            return {array: loaded[array] for array in arrays}
    except (
        OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise InputError(f"data set '{name}': {path} cannot be read ({error})") from None
