"""The closed-form update is the gradient: autograd and formulas written anew are the oracle."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wakesleep.learners.chunks import Setting
from wakesleep.learners.forward_forward.layer import block_goodness, delta, doubt, peer_term
from wakesleep.learners.forward_forward.network import ForwardForward
from wakesleep.learners.forward_forward.parameters import Parameters
from wakesleep.runtime.randomness import Streams

# Written without a look at the package's own definitions.
GOODNESS = {
    "sum_of_squares": (lambda y: (y * y).sum(1), lambda per_unit, n: per_unit * n),
    "mean_of_squares": (lambda y: (y * y).sum(1) / y.shape[1], lambda per_unit, n: per_unit),
    "minus_sum_of_squares": (lambda y: -(y * y).sum(1), lambda per_unit, n: -per_unit * n),
    "minus_sum": (lambda y: -y.sum(1), lambda per_unit, n: -per_unit * n),
    "features_minus_violations": (
        lambda y: (y * y)[:, : y.shape[1] // 2].sum(1) - (y * y)[:, y.shape[1] // 2 :].sum(1),
        lambda per_unit, n: -per_unit * (n % 2),
    ),
}
NORMALISED = {
    "rms": lambda y: y / (y * y).mean(1, keepdim=True).sqrt(),
    "length": lambda y: y / (y * y).sum(1, keepdim=True).sqrt(),
    "mean": lambda y: y / y.mean(1, keepdim=True),
    "none": lambda y: y,
}
ACTIVATION = {
    "relu": lambda z: z.clamp(min=0),
    "leaky_relu": lambda z: torch.where(z > 0, z, 0.01 * z),
    "minus_log_t": lambda z: torch.log(1 + z * z),
}
LAYERS = (7, 5, 6)
FEATURES, CLASSES = 9, 4


def network(seed: int, **parameters: object) -> ForwardForward:
    built = ForwardForward(
        Parameters(layers=LAYERS, label="extra_units", **parameters),
        Setting(FEATURES, CLASSES, torch.device("cpu"), torch.float64, Streams(seed)),
    )
    generator = torch.Generator().manual_seed(seed)
    for layer in built.layers:  # biases start at 0, where an error in them would not show
        layer.bias += 0.3 * torch.randn(layer.units, generator=generator, dtype=torch.float64)
    return built


def cases(seed: int, scale: float, number: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed + 1)
    images = scale * torch.rand(number, FEATURES, generator=generator, dtype=torch.float64)
    return images, torch.randint(CLASSES, (number,), generator=generator)


def assert_same(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert torch.linalg.vector_norm(ours - theirs) <= 1e-10 * torch.linalg.vector_norm(theirs)


@pytest.mark.parametrize(
    ("goodness", "normalisation", "activation", "depth"),
    [
        (goodness, normalisation, activation, depth)
        for goodness, normalisation, activation, depth in itertools.product(
            GOODNESS, NORMALISED, ACTIVATION, (0, len(LAYERS) - 1)
        )
        if (normalisation, activation) != ("mean", "leaky_relu")  # refused: its mean may be 0
    ],
)
@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**32),
    scale=st.floats(0.05, 20),
    temperature=st.floats(0.1, 30),
    threshold=st.floats(0, 3),
    signs=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_closed_form_is_autograd(
    goodness, normalisation, activation, depth, seed, scale, temperature, threshold, signs
):
    net = network(
        seed,
        goodness=goodness,
        normalisation=normalisation,
        activation=activation,
        temperature=temperature,
        threshold=threshold,
    )
    images, labels = cases(seed, scale)
    one_hot = torch.nn.functional.one_hot(labels, CLASSES).double()
    below = NORMALISED[normalisation](torch.cat((one_hot, images), 1))
    for layer in net.layers[:depth]:
        below = NORMALISED[normalisation](
            ACTIVATION[activation](below @ layer.weight.T + layer.bias)
        )
    if not torch.isfinite(below).all():
        return  # a layer below is silent on some case: it has no direction
    layer = net.layers[depth]
    sign = torch.tensor(signs).double() * 2 - 1

    weight = layer.weight.clone().requires_grad_()
    bias = layer.bias.clone().requires_grad_()
    y = ACTIVATION[activation](below @ weight.T + bias)
    value, theta = GOODNESS[goodness]
    odds = (value(y) - theta(threshold, LAYERS[depth])) / temperature
    objective = 0.5 * torch.nn.functional.logsigmoid(sign * odds).mean()
    wanted = torch.autograd.grad(objective, (weight, bias))

    done = net.forward(*net.first_product(images), labels)
    z, y = done.totals[depth], done.activities[depth]
    wrong = doubt(layer, block_goodness(layer, y, net.pieces), sign, net.pieces)
    left = delta(layer, z, y, wrong, sign, net.pieces)
    assert_same(left.T @ done.inputs[depth] / len(images), wanted[0])
    assert_same(left.mean(0), wanted[1])


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), strength=st.floats(0.001, 1), momentum=st.floats(0, 0.99))
def test_peer_term_is_the_gradient_of_a_linear_pull(seed, strength, momentum):
    net = network(seed, peer=strength, peer_momentum=momentum)
    layer, generator = net.layers[0], torch.Generator().manual_seed(seed)
    y = torch.rand(6, layer.units, generator=generator, dtype=torch.float64)
    means = momentum * layer.peer_mean + (1 - momentum) * y.mean(0)

    z = torch.randn(6, layer.units, generator=generator, dtype=torch.float64, requires_grad=True)
    # Not gated by the activation: the pull is on the total input itself.
    pull = strength * ((means.mean() - means) * z).sum()
    (wanted,) = torch.autograd.grad(pull, z)

    ours = peer_term(layer, y, net.pieces)
    assert_same(ours.expand_as(wanted), wanted)
    assert_same(layer.peer_mean, means)


def test_update_keeps_the_normalised_output():
    """For one case, eq. 3 scales a layer's activities alike, so the direction stays."""
    net = network(3, peer=0.0)
    images, labels = cases(3, 1.0, number=1)
    layer = net.layers[0]
    before = net.forward(*net.first_product(images), labels)
    z, y = before.totals[0], before.activities[0]
    good = block_goodness(layer, y, net.pieces)
    sign = torch.ones(1).double()
    change = delta(layer, z, y, doubt(layer, good, sign, net.pieces), sign, net.pieces)
    layer.weight += 0.1 * change.T @ before.inputs[0]
    after = net.forward(*net.first_product(images), labels)
    assert after.activities[0].sum() > y.sum()
    torch.testing.assert_close(after.normalised[0], before.normalised[0], rtol=1e-12, atol=1e-12)
