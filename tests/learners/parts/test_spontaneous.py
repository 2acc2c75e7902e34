"""Spontaneous activity, beside a plain loop over units and synapses."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from wakesleep.learners.parts.spontaneous import SpontaneousActivity, scales

GAIN, LOSS, LEAK, RATE = 0.05, 0.02, 0.2, 0.6


def stack(seed=0):
    random = torch.Generator().manual_seed(seed)
    sizes = [6, 5, 4, 3]
    weights = [
        torch.randn(above, below, generator=random, dtype=torch.float64)
        for below, above in itertools.pairwise(sizes)
    ]
    return weights, torch.rand(6, generator=random, dtype=torch.float64)


def by_hand(weights, bright, thresholds, factors, steps, generator):
    """The same rule, one unit and one synapse at a time."""
    weights = [its.numpy().copy() for its in weights]
    potentials = [np.zeros(len(its)) for its in weights]
    fired = 0
    for _ in range(steps):
        drawn = torch.rand(6, generator=generator, dtype=torch.float64).numpy()
        below = [drawn[j] < RATE * bright[j] for j in range(6)]
        for layer, weight in enumerate(weights):
            above = []
            for i in range(len(weight)):
                total = sum(weight[i, j] for j in range(len(below)) if below[j])
                v = (1 - LEAK) * potentials[layer][i] + factors[layer] * total
                above.append(v >= thresholds[layer])
                potentials[layer][i] = 0.0 if above[-1] else v
            for i, j in np.ndindex(weight.shape):
                if above[i]:
                    size = 1 / (1 + math.exp(-weight[i, j]))
                    weight[i, j] += GAIN * size if below[j] else -LOSS * size
            fired += sum(above)
            below = above
    return weights, fired


@pytest.mark.parametrize("seed", range(5))
def test_each_step_is_that_of_a_loop_over_synapses(seed):
    weights, bright = stack(seed)
    thresholds = [0.5, 0.4, 0.3]
    mine = [its.clone() for its in weights]
    activity = SpontaneousActivity(mine, bright, thresholds, GAIN, LOSS, LEAK, RATE)
    activity.go_on(40, torch.Generator().manual_seed(1))
    shown = (bright / bright.max()).numpy()
    theirs, fired = by_hand(
        weights, shown, thresholds, activity.scales, 40, torch.Generator().manual_seed(1)
    )
    assert fired > 20  # else nothing was compared
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(one.numpy(), other, atol=1e-12)


def test_the_most_driven_unit_of_each_layer_has_a_total_input_of_one():
    weights, bright = stack()
    y = bright.numpy()
    for weight, factor in zip(weights, scales(weights, bright), strict=True):
        y = np.maximum(factor * (weight.numpy() @ y), 0)
        assert y.max() == pytest.approx(1)


def test_a_silent_layer_changes_nothing():
    weights, bright = stack()
    before = [its.clone() for its in weights]
    activity = SpontaneousActivity(weights, bright, [1e9] * 3, GAIN, LOSS, LEAK, RATE)
    activity.go_on(20, torch.Generator().manual_seed(0))
    assert all(torch.equal(one, other) for one, other in zip(weights, before, strict=True))
