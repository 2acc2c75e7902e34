"""Changed images, beside scipy's rotation and numpy's reordering."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from wakesleep.data.views import View


@given(
    degrees=st.floats(-360, 360).filter(lambda its: abs(its) > 1e-3),
    rows=st.integers(3, 9),
    columns=st.integers(3, 9),
    seed=st.integers(0, 100),
)
def test_a_rotation_is_that_of_scipy(degrees, rows, columns, seed):
    images = torch.rand(2, rows * columns, dtype=torch.float64, generator=fixed(seed))
    turned = View(rotate=degrees)(images, (rows, columns)).reshape(2, rows, columns)
    stack = images.reshape(2, rows, columns).numpy()
    for mine, its in zip(turned.numpy(), stack, strict=True):
        # A frame of zeros: scipy interpolates towards its constant outside the image.
        framed = np.pad(its, 2)
        theirs = ndimage.rotate(framed, degrees, reshape=False, order=1, prefilter=False)
        np.testing.assert_allclose(mine, theirs[2:-2, 2:-2], atol=1e-9)


def fixed(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("degrees", [90, -90, 180, 270, 360])
def test_quarter_turns_are_exact(degrees):
    images = torch.rand(3, 5 * 5 * 2, generator=fixed(0))
    turned = View(rotate=degrees)(images, (5, 5)).reshape(3, 5, 5, 2)
    theirs = np.rot90(images.reshape(3, 5, 5, 2).numpy(), degrees // 90, (1, 2))
    np.testing.assert_array_equal(turned, theirs)


def test_a_permutation_moves_whole_pixels_and_is_the_same_for_all_images():
    images = torch.arange(2 * 4 * 3 * 3).reshape(2, 36).float()
    seen = View(permute=7)(images, (4, 3)).reshape(2, 12, 3)
    pixels = images.reshape(2, 12, 3)
    order = [int((pixels[0] == its).all(1).nonzero()) for its in seen[0]]
    assert sorted(order) == list(range(12))
    assert order != list(range(12))
    np.testing.assert_array_equal(seen[1], pixels[1][order])
    again = View(permute=7)(images, (4, 3))
    assert torch.equal(again, seen.reshape(2, 36))
    assert not torch.equal(View(permute=8)(images, (4, 3)), again)
    assert torch.equal(View(permute=0)(images, (4, 3)), images)
