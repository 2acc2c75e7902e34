"""Shifted images against numpy's roll, and their way from a protocol into a learner."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import wakesleep as ws
from wakesleep.data.jitter import Jitter, shifted
from wakesleep.errors import InputError


@pytest.mark.parametrize("channels", [1, 3])
def test_shifts_move_pixels_and_bring_in_zeros(channels):
    rng = np.random.default_rng(0)
    images = rng.random((25, 5, 4, channels))
    by = np.array([(down, right) for down in range(-2, 3) for right in range(-2, 3)])
    wanted = np.zeros_like(images)
    for number, (down, right) in enumerate(by):
        moved = np.roll(images[number], (down, right), axis=(0, 1))
        keep = np.zeros((5, 4, 1))
        keep[max(down, 0) : 5 + min(down, 0), max(right, 0) : 4 + min(right, 0)] = 1
        wanted[number] = moved * keep
    flat = torch.tensor(images.reshape(25, -1))
    found = shifted(flat, (5, 4), torch.tensor(by), 2)
    assert np.array_equal(found.numpy(), wanted.reshape(25, -1))


def test_every_shift_comes_up_equally_often():
    image = torch.zeros(1, 49)
    image[0, 24] = 1  # the middle of 7 x 7
    jitter = Jitter((7, 7), 2, torch.Generator().manual_seed(0))
    mean = jitter(image.expand(25_000, -1)).mean(0).view(7, 7)
    assert torch.count_nonzero(mean) == 25
    assert (mean[1:6, 1:6] - 1 / 25).abs().max() < 5 * (1 / 25 / 25_000) ** 0.5


def test_the_label_is_written_after_the_shift():
    told = {"sweeps": 2, "batch": 100, "jitter": 2}
    still = ws.run("interleaved", "ff_digits", inputs={**told, "jitter": 0}, seed=1)
    moved = ws.run("interleaved", "ff_digits", inputs=told, seed=1)
    assert not np.array_equal(still.goodness, moved.goodness)
    # at the start, before anything has moved, the two are the same network
    assert np.array_equal(still.goodness[0], moved.goodness[0])


def test_jitter_that_leaves_nothing_of_the_image():
    with pytest.raises(InputError, match="images of 'digits' have 8 pixels a side"):
        ws.run("interleaved", "ff_digits", inputs={"sweeps": 1, "jitter": 8})
    with pytest.raises(InputError, match="has strings"):
        ws.run("interleaved", "ff_reber", inputs={"sweeps": 1, "jitter": 1})
