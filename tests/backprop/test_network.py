"""The backpropagation baseline against scikit-learn and torch's own layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import wakesleep as ws
from wakesleep.backprop.network import Backprop
from wakesleep.backprop.parameters import Parameters
from wakesleep.model import Chunk, Setting
from wakesleep.randomness import Streams


def network(**parameters) -> Backprop:
    return Backprop(
        Parameters(**{"layers": (7, 6), **parameters}),
        Setting(5, 3, torch.device("cpu"), torch.float64, Streams(0)),
    )


def some(cases=12):
    random = torch.Generator().manual_seed(0)
    images = torch.rand(cases, 5, generator=random, dtype=torch.float64)
    return images, torch.randint(3, (cases,), generator=random)


def chunk(sign, steps=4, gains=None):
    images, labels = some()
    return Chunk(sign, images, labels, torch.arange(12).repeat(steps, 1), gains or [1.0] * steps)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_are_those_of_torchs_own_layers_and_optimiser(decay):
    its = network(rate=0.01, decay=decay)
    layers = [torch.nn.Linear(a, b).double() for a, b in ((5, 7), (7, 6), (6, 3))]
    for layer, weight in zip(layers, its.weights, strict=True):
        layer.weight.data.copy_(weight)
        layer.bias.data.zero_()
    theirs = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    optimiser = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=decay)
    images, labels = some()
    for _ in range(4):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(theirs(images), labels).backward()
        optimiser.step()
    its.learn(chunk("positive"))
    torch.testing.assert_close(its.label_probabilities(images), theirs(images).softmax(1).detach())


def test_asleep_it_rests():
    its = network()
    before = [weight.detach().clone() for weight in its.weights]
    assert its.learn(chunk("negative")) is None
    assert all(torch.equal(a, b) for a, b in zip(before, its.weights, strict=True))


def test_a_gain_of_nothing_changes_nothing():
    its = network()
    before = its.weights[0].detach().clone()
    its.learn(chunk("both", 2, [0.0, 0.0]))
    assert torch.equal(before, its.weights[0])


def test_what_is_no_longer_finite_is_told():
    its = network()
    with torch.no_grad():
        its.weights[0][0, 0] = float("nan")
    assert its.learn(chunk("positive")) == 0


def test_it_goes_on_from_its_state():
    whole, first, second = network(), network(), network()
    whole.learn(chunk("positive", 6))
    first.learn(chunk("positive", 3))
    second.load_state_dict(first.state_dict())
    second.learn(chunk("positive", 3))
    assert torch.equal(whole.weights[1], second.weights[1])


def test_digits_are_learnt_as_well_as_scikit_learn_does():
    from sklearn.neural_network import MLPClassifier

    from wakesleep import data

    digits = data.load("digits")
    judge = MLPClassifier((128, 128, 128), max_iter=40, random_state=0, batch_size=50, tol=0.0)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        judge.fit(digits.train.images, digits.train.labels)
    theirs = 1 - judge.score(digits.validation.images, digits.validation.labels)
    ours = ws.run(
        "interleaved",
        "backprop_digits",
        inputs={"sweeps": 40, "batch": 50, "negatives": "wrong_label"},
    )
    assert ours["validation_error"].item() < theirs + 0.02
    assert np.isfinite(ours["bits"]).all()
