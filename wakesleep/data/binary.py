"""Digits and MNIST with fixed binary pixels: each pixel is drawn with its grey level.

The method is that of Salakhutdinov & Murray (2008), but with different draws, from a fixed seed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wakesleep.data import Cases, DataSet, load

SEED = 2008


def digits() -> DataSet:
    """Return the 8x8 digits with binary pixels."""
    return _binary("digits")


def mnist() -> DataSet:
    """Return MNIST with binary pixels."""
    return _binary("mnist")


def _binary(name: str) -> DataSet:
    its = load(name)
    random = np.random.Generator(np.random.PCG64(SEED))

    def drawn(cases: Cases) -> Cases:
        grey = cases.images
        bits = random.random(grey.shape, dtype=np.float32) < grey
        return replace(cases, images=bits.astype(np.float32))

    return replace(
        its,
        name=f"{name}_binary",
        train=drawn(its.train),
        validation=drawn(its.validation),
        test=drawn(its.test),
    )
