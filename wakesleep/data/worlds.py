"""Small worlds of binary patterns, known in full: the first data of Boltzmann machines.

Every world is a population: training, validation and test cases are the same, namely all cases,
and their frequencies are their probabilities. There is no generalisation to new cases, so a model's
distribution can be compared with the true one exactly.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np

from wakesleep.data import Cases, DataSet


def _world(
    name: str, images: list[list[int]], labels: list[int], shape: tuple[int, int]
) -> DataSet:
    cases = Cases(np.array(images, dtype=np.float32), np.array(labels, dtype=np.int64))
    return DataSet(name, cases, cases, cases, shape, max(labels) + 1, population=True)


def bars_and_stripes(side: int) -> DataSet:
    """Return the distinct images of ``side`` x ``side`` pixels made of whole rows or whole columns.

    6, 14 and 30 images for sides of 2, 3 and 4 (MacKay 2003, section 43). Label 0 is rows (and the
    empty and the full image), 1 is columns.
    """
    images, labels = [], []
    for bits in itertools.product((0, 1), repeat=side):
        images.append([bit for bit in bits for _ in range(side)])
        labels.append(0)
        if 0 < sum(bits) < side:
            images.append(list(bits) * side)
            labels.append(1)
    return _world(f"bars_and_stripes_{side}", images, labels, (side, side))


def encoder(side: int) -> DataSet:
    """Return the encoder problem: one of ``side`` units on, and the same one on the other side.

    Ackley, Hinton & Sejnowski 1985, section 4. Every pattern is there twice, as each was clamped
    twice in a learning cycle: a batch of 2 ``side`` cases is one cycle. The label is the unit.
    """
    eye = np.eye(side, dtype=int)
    rows = [[*eye[unit], *eye[unit]] for unit in range(side) for _ in range(2)]
    labels = [unit for unit in range(side) for _ in range(2)]
    return _world(f"encoder_{side}", rows, labels, (2, side))


def shifter(side: int = 8) -> DataSet:
    """Return all patterns of ``side`` bits beside themselves shifted, around the end, by one.

    Hinton & Sejnowski 1986. Label 0 is shifted left, 1 not at all, 2 right.
    """
    images, labels = [], []
    for bits in itertools.product((0, 1), repeat=side):
        for label, shift in enumerate((-1, 0, 1)):
            images.append([*bits, *np.roll(bits, shift).tolist()])
            labels.append(label)
    return _world("shifter", images, labels, (2, side))


def parity(bits: int = 3) -> DataSet:
    """Return all patterns with an even number of bits on; no pair of bits tells anything."""
    images = [list(its) for its in itertools.product((0, 1), repeat=bits) if sum(its) % 2 == 0]
    return _world(f"parity_{bits}", images, [0] * len(images), (1, bits))


# Functions for the names of data sets.
bars_and_stripes_2 = functools.partial(bars_and_stripes, 2)
bars_and_stripes_3 = functools.partial(bars_and_stripes, 3)
bars_and_stripes_4 = functools.partial(bars_and_stripes, 4)
encoder_4 = functools.partial(encoder, 4)
encoder_8 = functools.partial(encoder, 8)
encoder_40 = functools.partial(encoder, 40)
