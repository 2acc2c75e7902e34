"""Random patterns of 100 bits, each bit on with probability 1/2, for tests of memories."""

from __future__ import annotations

import numpy as np

from wakesleep.data import Cases, DataSet

SIDE, SEED = 10, 1982
TRAIN, OTHERS = 5000, 500


def load() -> DataSet:
    """Return 5000 training patterns, of which a run stores some, and 500 + 500 other patterns.

    There are no classes: every label is 0.
    """
    random = np.random.Generator(np.random.PCG64(SEED))

    def drawn(count: int) -> Cases:
        bits = random.integers(0, 2, (count, SIDE * SIDE)).astype(np.float32)
        return Cases(bits, np.zeros(count, dtype=np.int64))

    return DataSet(
        name="patterns_100",
        train=drawn(TRAIN),
        validation=drawn(OTHERS),
        test=drawn(OTHERS),
        shape=(SIDE, SIDE),
        classes=1,
    )
