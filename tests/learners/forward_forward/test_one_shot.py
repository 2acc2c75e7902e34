"""Eq. 4: one step takes every layer to its wanted goodness, and changes no direction."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.learners.forward_forward.test_layer import LAYERS, cases, network
from wakesleep.errors import InputError
from wakesleep.learners.forward_forward.one_shot import one_shot


def passed(net, images, labels):
    done = net.forward(*net.first_product(images), labels)
    return torch.stack([(y * y).sum() for y in done.activities]), done.normalised


@pytest.mark.parametrize("normalisation", ["rms", "length"])
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    wanted=st.lists(st.floats(0.01, 100), min_size=len(LAYERS), max_size=len(LAYERS)),
)
def test_every_layer_at_once(normalisation, seed, wanted):
    net = network(seed, normalisation=normalisation)
    images, labels = cases(seed, 1.0, number=1)
    before, directions = passed(net, images, labels)
    assume(bool((before > 1e-3).all()))
    target = torch.tensor(wanted, dtype=torch.float64)
    one_shot(net, images[0], int(labels), target)
    after, new_directions = passed(net, images, labels)
    torch.testing.assert_close(after, target, rtol=1e-10, atol=0)
    for old, new in zip(directions, new_directions, strict=True):
        torch.testing.assert_close(new, old, rtol=1e-10, atol=1e-12)


def test_what_it_refuses():
    net, (images, _) = network(0), cases(0, 1.0, number=1)
    wanted = torch.ones(len(LAYERS), dtype=torch.float64)
    with pytest.raises(InputError, match="positive wanted"):
        one_shot(net, images[0], 0, -wanted)
    with pytest.raises(InputError, match="sum_of_squares"):
        one_shot(network(0, goodness="mean_of_squares"), images[0], 0, wanted)
    with pytest.raises(InputError, match="rectified"):
        one_shot(network(0, activation="leaky_relu"), images[0], 0, wanted)
    with pytest.raises(InputError, match="needs a normalisation"):
        one_shot(network(0, normalisation="none"), images[0], 0, wanted)
    with pytest.raises(InputError, match="label 4 is not one of 0 to 3"):
        one_shot(net, images[0], 4, wanted)
    with pytest.raises(InputError, match="images of 9 pixels, not of shape"):
        one_shot(net, images[0, :5], 0, wanted)
    net.layers[1].weight.zero_()
    net.layers[1].bias.fill_(-1)
    with pytest.raises(InputError, match="layer 2 is silent"):
        one_shot(net, images[0], None, wanted)
