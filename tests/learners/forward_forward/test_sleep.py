"""What a chunk can ask of sleep: the stored baseline, momentum, a fresh state, drilled batches."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.learners.forward_forward.test_network import build
from wakesleep.learners.chunks import Chunk

RATE, MU = 0.01, 0.6
PLAIN = {"rate": RATE, "momentum": 0.0, "decay": 0.0, "peer": 0.0}


def some(seed=0, cases=12):
    random = torch.Generator().manual_seed(seed)
    net, _ = build(**PLAIN)
    features, classes = 12, net.classes
    features = net.layers[0].weight.shape[1]
    images = torch.rand(cases, features, generator=random, dtype=torch.float64)
    return images, torch.randint(classes, (cases,), generator=random)


def wrong(model, images, labels):
    return images, (labels + 1) % model.classes


def chunk(sign, data, steps=1, **told):
    images, labels = data
    index = torch.arange(len(labels)).repeat(steps, 1)
    negatives = None if sign == "positive" else wrong
    return Chunk(sign, images, labels, index, [1.0] * steps, negatives, **told)


def weights(net):
    return [layer.weight.clone() for layer in net.layers]


def gradient(net, data, sign):
    """Each layer's mean gradient of half the log probability of being right, by autograd."""
    images, labels = data if sign == "positive" else wrong(net, *data)
    below = net.forward(*net.first_product(images), labels).inputs[0]
    found = []
    for layer in net.layers:
        weight = layer.weight.detach().clone().requires_grad_(True)
        y = torch.relu(below @ weight.T + layer.bias)
        odds = y.square().sum(1) - layer.units
        right = torch.nn.functional.logsigmoid(odds if sign == "positive" else -odds)
        (grad,) = torch.autograd.grad(right.mean() / 2, weight)
        found.append(grad)
        below = (y / y.square().mean(1, keepdim=True).add(1e-16).sqrt()).detach()
    return found


def test_measuring_changes_no_weight_and_keeps_the_mean_negative_gradient():
    net, _ = build(**PLAIN)
    before = weights(net)
    net.learn(chunk("negative", some(), 5, mode="measure"))
    for layer, old, wanted in zip(
        net.layers, before, gradient(net, some(), "negative"), strict=True
    ):
        assert torch.equal(layer.weight, old)
        torch.testing.assert_close(layer.measured["weight"], wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("momentum", [0.0, MU])
def test_waking_subtracts_what_sleep_stored(momentum):
    """The baseline is the mean *ascent* direction of sleep, so that it is added to waking's."""
    nets = [build(**{**PLAIN, "momentum": momentum})[0] for _ in range(2)]
    stored = gradient(nets[0], some(), "negative")
    for net, subtract in zip(nets, (True, False), strict=True):
        net.learn(chunk("negative", some(), mode="measure"))
        net.learn(chunk("positive", some(), subtract_baseline=subtract))
    for one, other, baseline in zip(weights(nets[0]), weights(nets[1]), stored, strict=True):
        share = RATE * (1 - momentum)
        torch.testing.assert_close(one - other, share * baseline, rtol=1e-6, atol=1e-10)


def test_centred_sleep_is_sleep_less_the_last_night():
    nets = [build(**PLAIN)[0] for _ in range(2)]
    stored = gradient(nets[0], some(), "negative")
    for net, mode in zip(nets, ("centred", "negative"), strict=True):
        net.learn(chunk("negative", some(), mode="measure"))
        # A wake phase takes the baseline over; this one has a rate of nothing.
        still = chunk("positive", some(), subtract_baseline=True)
        net.learn(Chunk(**{**vars(still), "gains": [0.0]}))
        net.learn(chunk("negative", some(1), mode=mode))
    for one, other, baseline in zip(weights(nets[0]), weights(nets[1]), stored, strict=True):
        torch.testing.assert_close(one - other, -RATE * baseline, rtol=1e-6, atol=1e-10)


def test_the_baseline_is_a_running_mean_of_several_nights_steps():
    net, _ = build(**{**PLAIN, "baseline_memory": 0.75})
    first, second = (gradient(net, some(seed), "negative") for seed in (0, 1))
    net.learn(chunk("negative", some(0), mode="measure"))
    net.learn(chunk("negative", some(1), mode="measure"))
    for layer, one, other in zip(net.layers, first, second, strict=True):
        torch.testing.assert_close(
            layer.measured["weight"], 0.75 * one + 0.25 * other, rtol=1e-6, atol=1e-9
        )


@given(momentum=st.floats(0, 0.99), seed=st.integers(0, 1000))
def test_a_chunks_momentum_is_the_models(momentum, seed):
    told, own = build(**{**PLAIN, "momentum": 0.3})[0], build(**{**PLAIN, "momentum": momentum})[0]
    told.learn(chunk("both", some(seed), 3, momentum=momentum))
    own.learn(chunk("both", some(seed), 3))
    for one, other in zip(weights(told), weights(own), strict=True):
        assert torch.equal(one, other)


def test_a_fresh_state_forgets_the_velocity():
    nets = [build(**{**PLAIN, "momentum": MU})[0] for _ in range(2)]
    before = []
    for net, fresh in zip(nets, (True, False), strict=True):
        net.learn(chunk("positive", some()))
        before.append(weights(net))
        net.learn(chunk("negative", some(), fresh_state=fresh))
    moved = [
        [now - old for now, old in zip(weights(net), its, strict=True)]
        for net, its in zip(nets, before, strict=True)
    ]
    net, _ = build(**{**PLAIN, "momentum": MU})
    net.learn(chunk("positive", some()))
    for one, other, alone in zip(*moved, gradient(net, some(), "negative"), strict=True):
        torch.testing.assert_close(one, RATE * (1 - MU) * alone, rtol=1e-6, atol=1e-10)
        assert not torch.allclose(one, other)


@pytest.mark.parametrize("sign", ["positive", "negative", "both"])
def test_a_drilled_batch_trains_one_layer_after_the_other(sign):
    """Against autograd: each layer makes all its updates before the next one's turn."""
    net, _ = build(**PLAIN)
    theirs, drills = [layer.weight.clone() for layer in net.layers], 4
    data = some()
    shown = {"positive": [(data, 1)], "negative": [(wrong(net, *data), -1)]}
    shown["both"] = shown["positive"] + shown["negative"]
    below = [
        net.forward(*net.first_product(images), labels).inputs[0]
        for (images, labels), _ in shown[sign]
    ]
    biases = [layer.bias.clone() for layer in net.layers]
    for depth, start in enumerate(theirs):
        weight, bias = start.clone(), biases[depth]
        for _ in range(drills):
            weight.requires_grad_(True)
            bias.requires_grad_(True)
            objective = torch.zeros(())
            for x, (_, one) in zip(below, shown[sign], strict=True):
                odds = torch.relu(x @ weight.T + bias).square().sum(1) - len(weight)
                objective = objective + torch.nn.functional.logsigmoid(one * odds).mean() / 2
            grads = torch.autograd.grad(objective, (weight, bias))
            weight = (weight + RATE * grads[0]).detach()
            bias = (bias + RATE * grads[1]).detach()
        theirs[depth] = weight
        for number, x in enumerate(below):
            y = torch.relu(x @ weight.T + bias)
            below[number] = y / y.square().mean(1, keepdim=True).add(1e-16).sqrt()
    net.learn(chunk(sign, data, updates_per_batch=drills))
    for layer, wanted in zip(net.layers, theirs, strict=True):
        torch.testing.assert_close(layer.weight, wanted, rtol=1e-6, atol=1e-9)
