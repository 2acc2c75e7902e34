"""Negative data: never right, and drawn from the distribution they should be drawn from."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wakesleep.negatives import SOURCES, negatives


class Proposer:
    """A model whose softmax says the same of every case."""

    def __init__(self, probabilities):
        self.row = torch.tensor(probabilities, dtype=torch.float64)

    def label_probabilities(self, images):
        return self.row.expand(len(images), -1)


@pytest.mark.parametrize("source", sorted(SOURCES))
@given(seed=st.integers(0, 2**32), classes=st.integers(2, 12))
def test_labels_are_never_right_and_images_untouched(source, seed, classes):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(50, 3, generator=generator)
    labels = torch.randint(classes, (50,), generator=generator)
    certain = torch.eye(classes)[0].tolist()  # as overconfident as a softmax can be
    shown, wrong = negatives(source, classes, generator)(Proposer(certain), images, labels)
    assert shown is images
    assert (wrong != labels).all()
    assert ((wrong >= 0) & (wrong < classes)).all()


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("wrong_label", [1 / 3, 0, 1 / 3, 1 / 3]),
        ("hard_label", [0.1 / 0.4, 0, 0.3 / 0.4, 0]),
    ],
)
def test_distribution(source, wanted):
    generator, cases = torch.Generator().manual_seed(0), 40_000
    labels = torch.full((cases,), 1)
    draw = negatives(source, 4, generator)
    _, wrong = draw(Proposer([0.1, 0.6, 0.3, 0.0]), torch.zeros(cases, 1), labels)
    share = torch.bincount(wrong, minlength=4) / cases
    torch.testing.assert_close(share, torch.tensor(wanted), rtol=0, atol=4 * (0.25 / cases) ** 0.5)
