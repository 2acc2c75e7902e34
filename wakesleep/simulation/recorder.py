"""Writes probes into the rows of a store, a few at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from wakesleep.results import store
from wakesleep.results.schema import COORDINATES

if TYPE_CHECKING:
    from wakesleep.simulation.prepare import Prepared


BUFFERED_ROWS = 64


class Recorder:
    """Writes probes into the rows of a store, a few at a time.

    Parameters
    ----------
    group
        The store's zarr group, opened for writing.
    row
        The next row to be written.
    """

    def __init__(self, group: Any, row: int = 0) -> None:
        import zarr

        # Chunks without values are written too, so that a missing chunk means lost data.
        with zarr.config.set({"array.write_empty_chunks": True}):
            self._arrays = dict(group.arrays())
        self._first = row
        self._rows: list[dict[str, Any]] = []

    @property
    def row(self) -> int:
        """Number of probes so far, whether written or waiting."""
        return self._first + len(self._rows)

    def add(self, place: Mapping[str, Any], measured: Mapping[str, np.ndarray]) -> None:
        """Add one probe; it is written at the latest after a few dozen others."""
        self._rows.append({**place, **measured})
        if len(self._rows) >= BUFFERED_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if not self._rows:
            return
        rows = slice(self._first, self.row)
        # ``step`` comes last: a reader takes a row for complete once its step is there.
        names = sorted(self._rows[0], key=lambda name: (name == "step", name in COORDINATES))
        for name in names:
            if name not in self._arrays:
                continue  # a coordinate or quantity that stores of older versions do not have
            self._arrays[name][rows] = np.stack([row[name] for row in self._rows])
        self._first += len(self._rows)
        self._rows.clear()


def write_error(group: Any, prepared: Prepared, split: str) -> None:
    """Write the error on every case of a split, once, with the weights the run ends with.

    Parameters
    ----------
    group
        The store's zarr group, opened for writing.
    prepared
        The run.
    split
        ``validation`` or ``test``.
    """
    from wakesleep.simulation.probes import error

    values = error(prepared.learner, *prepared.placed(getattr(prepared.data, split)))
    array = group.create_array(
        f"{split}_error",
        shape=values.shape,
        dtype="float32",
        dimension_names=("readout",),
        compressors=store.codecs(),
        overwrite=True,
    )
    array[:] = values
    array.attrs.update(
        {"long_name": f"classification error on all {split} data at the end", "units": "1"}
    )
