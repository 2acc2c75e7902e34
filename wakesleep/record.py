"""Probes: what is measured of a model at one moment, and how it reaches the store.

A probe changes nothing: no weight, no random stream of the run. It sees the same validation cases
with the same random numbers every time, so that a difference between two probes is the network's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wakesleep import detection
from wakesleep.results import COORDINATES, QUANTITIES, as_numpy

if TYPE_CHECKING:
    from torch import Tensor

    from wakesleep.model import Negatives

BUFFERED_ROWS = 64


@dataclass(frozen=True)
class Probe:
    """The cases that a model is measured on.

    Attributes
    ----------
    images, labels
        Validation cases (cases, features) and (cases,), on the model's device.
    fresh_negatives
        Called without arguments, returns a source of negative data at the start of its random
        stream.
    quantities
        Names in :data:`wakesleep.results.QUANTITIES`.
    """

    images: Tensor
    labels: Tensor
    fresh_negatives: Any
    quantities: Sequence[str]

    def measure(self, model: Any) -> dict[str, np.ndarray]:
        """Return each quantity as an array of the dimensions the schema gives it."""
        needed = {QUANTITIES[name].needs for name in self.quantities}
        found: dict[str, np.ndarray] = {}
        if "classify" in needed:
            found["error"] = error(model, self.images, self.labels)
        if "goodness" in needed:
            negatives: Negatives = self.fresh_negatives()
            found |= _goodness(
                model, (self.images, self.labels), negatives(model, self.images, self.labels)
            )
        if "weight_norms" in needed:
            found["weight_norm"] = as_numpy(model.weight_norms())
        return {name: found[name] for name in self.quantities}


def error(model: Any, images: Tensor, labels: Tensor) -> np.ndarray:
    """Return the fraction of cases that each read-out gets wrong (readouts,)."""
    return np.array(
        [
            float((model.classify(images, readout) != labels).double().mean())
            for readout in model.readouts
        ]
    )


def _goodness(
    model: Any, real: tuple[Tensor, Tensor], negative: tuple[Tensor, Tensor]
) -> dict[str, np.ndarray]:
    goodness = [model.goodness(*real), model.goodness(*negative)]
    log_odds = [as_numpy(model.log_odds(values).double()) for values in goodness]
    values = [as_numpy(its.double()) for its in goodness]
    called = [its > 0 for its in log_odds]
    with np.errstate(over="ignore"):
        p_positive = [1 / (1 + np.exp(-its)) for its in log_odds]
    return {
        "goodness": np.stack([its.mean(-1) for its in values], axis=-1),
        "p_positive": np.stack([its.mean(-1) for its in p_positive], axis=-1),
        "hit_rate": detection.rate(called[0]),
        "false_positive_rate": detection.rate(called[1]),
        "d_prime": detection.d_prime(*called),
        "criterion": detection.criterion(*called),
        "auc": detection.auc(*values),
    }


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
        self._group = group
        self._first = row
        self._rows: list[dict[str, Any]] = []

    @property
    def row(self) -> int:
        """Number of probes so far, whether written or waiting."""
        return self._first + len(self._rows)

    def add(self, place: Mapping[str, Any], measured: Mapping[str, np.ndarray]) -> None:
        """Take one probe; it is written at the latest after a few dozen others."""
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
            self._group[name][rows] = np.stack([row[name] for row in self._rows])
        self._first += len(self._rows)
        self._rows.clear()
