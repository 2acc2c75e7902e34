"""Scikit-learn's digits: 1797 real handwritten digits of 8x8 pixels, embedded, no download.

They are the test part of Alpaydin & Kaynak's *Optical Recognition of Handwritten Digits* (UCI
Machine Learning Repository, 1998): pixel counts of 0 to 16, here divided by 16.
"""

from __future__ import annotations

import numpy as np

from wakesleep.data import Cases, DataSet

TRAIN, VALIDATION = 1200, 297  # and 300 test cases


def load() -> DataSet:
    """Return the digits, shuffled once by a fixed permutation and split 1200 / 297 / 300."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = (digits.data / 16).astype(np.float32)
    labels = digits.target.astype(np.int64)
    # Neighbours in the file are alike, so a plain cut would not make three samples of one kind.
    order = np.random.Generator(np.random.PCG64(1797)).permutation(len(labels))
    train, validation, test = np.split(order, [TRAIN, TRAIN + VALIDATION])
    return DataSet(
        name="digits",
        train=Cases(images[train], labels[train]),
        validation=Cases(images[validation], labels[validation]),
        test=Cases(images[test], labels[test]),
        shape=(8, 8),
        classes=10,
    )
