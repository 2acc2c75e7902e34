"""Noisy images of a ring or of a disc."""

from __future__ import annotations

import numpy as np


def rings(cases: int = 600, side: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images (cases, side, side) in [0, 1] and their labels, ``disc`` or ``ring``."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, cases)
    row, column = np.mgrid[:side, :side]
    middle = random.uniform(side / 2 - 1, side / 2, (2, cases, 1, 1))
    distance = np.hypot(row - middle[0], column - middle[1])
    inner = np.where(labels == 1, side / 4, 0.0)[:, None, None]
    images = ((distance <= side / 2.2) & (distance >= inner)).astype(float)
    noisy = np.clip(0.8 * images + 0.2 * random.random(images.shape), 0, 1)
    return noisy, np.array(["disc", "ring"])[labels]
