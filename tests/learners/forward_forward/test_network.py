"""Whole steps against the author's program written out in plain numpy, one case at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward.network import ForwardForward
from wakesleep.learners.forward_forward.parameters import Parameters
from wakesleep.negatives import Context, bind
from wakesleep.runtime.randomness import Streams

FEATURES, CLASSES, LAYERS, BATCH, STEPS = 12, 3, (8, 7, 6), 5, 4


class AuthorsProgram:
    """The published supervised program, constant by constant, in loops over cases and units."""

    def __init__(self, weights, classes):
        self.w = [w.copy() for w in weights]
        self.b = [np.zeros(len(w)) for w in weights]
        self.vw = [np.zeros_like(w) for w in weights]
        self.vb = [np.zeros(len(w)) for w in weights]
        self.mean = [np.full(len(w), 0.5) for w in weights]
        inputs = sum(len(w) for w in weights[1:])
        self.sw, self.sb = np.zeros((inputs, classes)), np.zeros(classes)
        self.svw, self.svb = np.zeros_like(self.sw), np.zeros_like(self.sb)
        self.classes = classes

    def rms(self, v):
        return v / (np.sqrt(np.mean(v**2)) + np.exp(-50))

    def run(self, image, label_part):
        x = image.copy()
        x[: self.classes] = label_part
        states, normed = [], [self.rms(x)]
        for w, b in zip(self.w, self.b, strict=True):
            states.append(np.maximum(0, w @ normed[-1] + b))
            normed.append(self.rms(states[-1]))
        return states, normed

    def step(self, images, labels, wrong, gain):
        n = len(images)
        one_of = np.eye(self.classes)
        positive = [self.run(x, one_of[c]) for x, c in zip(images, labels, strict=True)]
        negative = [self.run(x, one_of[c]) for x, c in zip(images, wrong, strict=True)]
        neutral = [self.run(x, np.full(self.classes, 0.1)) for x in images]
        for layer, w in enumerate(self.w):
            width = len(w)
            self.mean[layer] = 0.9 * self.mean[layer] + 0.1 * np.mean(
                [s[layer] for s, _ in positive], axis=0
            )
            dw, db = np.zeros_like(w), np.zeros(width)
            for states, normed in positive:
                p = 1 / (1 + np.exp(-(np.sum(states[layer] ** 2) - width)))
                d = (1 - p) * states[layer] + 0.03 * (np.mean(self.mean[layer]) - self.mean[layer])
                dw, db = dw + np.outer(d, normed[layer]), db + d
            for states, normed in negative:
                p = 1 / (1 + np.exp(-(np.sum(states[layer] ** 2) - width)))
                d = -p * states[layer]
                dw, db = dw + np.outer(d, normed[layer]), db + d
            self.vw[layer] = 0.9 * self.vw[layer] + 0.1 * dw / n
            self.vb[layer] = 0.9 * self.vb[layer] + 0.1 * db / n
            self.w[layer] = w + gain * 0.01 * (self.vw[layer] - 0.001 * w)
            self.b[layer] = self.b[layer] + gain * 0.01 * self.vb[layer]
        dsw, dsb = np.zeros_like(self.sw), np.zeros_like(self.sb)
        for (_, normed), c in zip(neutral, labels, strict=True):
            v = np.concatenate(normed[2:])
            p = np.exp(v @ self.sw + self.sb)
            error = one_of[c] - p / p.sum()
            dsw, dsb = dsw + np.outer(v, error), dsb + error
        self.svw = 0.9 * self.svw + 0.1 * dsw / n
        self.svb = 0.9 * self.svb + 0.1 * dsb / n
        self.sw = self.sw + gain * 0.1 * (self.svw - 0.003 * self.sw)
        self.sb = self.sb + gain * 0.1 * self.svb

    def goodness(self, image, label):
        states, _ = self.run(image, np.eye(self.classes)[label])
        return np.array([np.sum(s**2) for s in states])


def build(seed=0, dtype=torch.float64, **parameters):
    streams = Streams(seed)
    net = ForwardForward(
        Parameters(layers=LAYERS, **parameters),
        Setting(FEATURES, CLASSES, torch.device("cpu"), dtype, streams),
    )
    return net, streams


def some_data(seed=0, cases=BATCH * STEPS):
    random = np.random.default_rng(seed)
    return random.random((cases, FEATURES)), random.integers(0, CLASSES, cases)


def interleaved(images, labels, wrong, gains, batch=BATCH):
    queue = list(torch.tensor(wrong).split(batch))
    index = torch.arange(len(labels)).view(-1, batch)
    return Chunk(
        "both",
        torch.tensor(images),
        torch.tensor(labels),
        index,
        gains,
        lambda model, shown, right: (shown, queue.pop(0)),
    )


def test_interleaved_steps_are_the_authors():
    net, _ = build()
    theirs = AuthorsProgram([layer.weight.numpy() for layer in net.layers], CLASSES)
    images, labels = some_data()
    wrong = (labels + 1) % CLASSES
    gains = [1.0, 0.7, 0.4, 0.1]
    for step, gain in enumerate(gains):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        theirs.step(images[rows], labels[rows], wrong[rows], gain)
    assert net.learn(interleaved(images, labels, wrong, gains)) is None
    for layer, w, b, mean in zip(net.layers, theirs.w, theirs.b, theirs.mean, strict=True):
        np.testing.assert_allclose(layer.weight, w, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(layer.bias, b, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(layer.peer_mean, mean, rtol=1e-11)
    np.testing.assert_allclose(net.softmax.weight.T, theirs.sw, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(net.softmax.bias, theirs.sb, rtol=1e-10, atol=1e-13)

    goodness = np.array([[theirs.goodness(x, c) for c in range(CLASSES)] for x in images])
    ours = net.label_goodness(torch.tensor(images))
    np.testing.assert_allclose(ours.permute(1, 2, 0), goodness, rtol=1e-10)
    picked = net.classify(torch.tensor(images), "goodness")
    np.testing.assert_array_equal(picked, goodness[:, :, 1:].sum(2).argmax(1))


def test_initial_weights_have_variance_one_over_fan_in():
    net = ForwardForward(
        Parameters(layers=(400, 300)),
        Setting(500, 10, torch.device("cpu"), torch.float64, Streams(0)),
    )
    for layer in net.layers:
        assert layer.weight.std().item() * layer.weight.shape[1] ** 0.5 == pytest.approx(
            1, abs=0.01
        )
        assert not layer.bias.any()
    torch.testing.assert_close(net.weight_norms(), torch.ones(2).double(), rtol=0.01, atol=0)


@pytest.mark.parametrize("source", ["wrong_label", "hard_label"])
def test_separate_states_of_momentum_add_up_to_the_shared_one(source):
    """The mean of a sum is the sum of the means, and weights decay once a step."""
    images, labels = some_data(1)
    nets = []
    for separate in (False, True):
        net, streams = build(decay=0.5)
        chunk = Chunk(
            "both",
            torch.tensor(images),
            torch.tensor(labels),
            torch.arange(len(labels)).view(-1, BATCH),
            [1.0] * STEPS,
            bind(source, Context(CLASSES, (1, 1), streams("negatives"))),
            separate,
        )
        net.learn(chunk)
        nets.append(net)
    for one, other in zip(nets[0].layers, nets[1].layers, strict=True):
        torch.testing.assert_close(one.weight, other.weight, rtol=1e-11, atol=1e-13)
        assert set(one.states) == {"shared"}
        assert set(other.states) == {"positive", "negative"}


def test_signs_push_goodness_their_own_way():
    images, labels = some_data(2)
    for sign, better in (("positive", 1), ("negative", -1)):
        net, _ = build(peer=0.0, decay=0.0)
        shown = torch.tensor(images), torch.tensor(labels)
        before = net.goodness(*shown)
        net.learn(
            Chunk(
                sign,
                *shown,
                torch.arange(len(labels)).repeat(100, 1),
                [1.0] * 100,
                lambda model, its, right: (its, right),
            )
        )
        change = net.goodness(*shown) - before
        assert (better * change.mean(1) > 0).all()


def test_sleep_teaches_the_softmax_nothing():
    images, labels = some_data(3)
    net, streams = build()
    net.softmax.weight += 1.0
    before = net.softmax.weight.clone()
    net.learn(
        Chunk(
            "negative",
            torch.tensor(images),
            torch.tensor(labels),
            torch.arange(len(labels)).view(-1, BATCH),
            [1.0] * STEPS,
            bind("hard_label", Context(CLASSES, (1, 1), streams("negatives"))),
        )
    )
    assert torch.equal(net.softmax.weight, before)


@pytest.mark.parametrize("label", ["first_pixels", "extra_units"])
def test_label_places(label):
    net, _ = build(label=label)
    images = torch.tensor(some_data(6, cases=4)[0])
    x = net.forward(*net.first_product(images), torch.tensor([0, 2, CLASSES, 1])).inputs[0]
    assert x.shape[1] == FEATURES + (CLASSES if label == "extra_units" else 0)
    parts = x[:, :CLASSES] / x.abs().sum(1, keepdim=True)
    assert (parts[[0, 1, 3], [0, 2, 1]] > 0).all()
    assert torch.count_nonzero(parts[[0, 1, 3]]) == 3
    assert (parts[2] == parts[2, 0]).all()
    if label == "first_pixels":
        images[:, :CLASSES] = 9  # what stood there is overwritten
        again = net.forward(*net.first_product(images), torch.tensor([0, 2, CLASSES, 1]))
        torch.testing.assert_close(again.inputs[0], x)


def test_evaluation_in_parts_is_evaluation_at_once(monkeypatch):
    from wakesleep.learners.forward_forward import network as module

    net, _ = build()
    images, labels = (torch.tensor(part) for part in some_data(4))
    whole = net.goodness(images, labels), net.label_goodness(images)
    net.softmax.weight += torch.randn(
        net.softmax.weight.shape, generator=torch.Generator().manual_seed(0)
    )
    softmax = net.label_probabilities(images)
    monkeypatch.setattr(module, "EVALUATION_ROWS", 3)
    torch.testing.assert_close(net.goodness(images, labels), whole[0])
    torch.testing.assert_close(net.label_goodness(images), whole[1])
    torch.testing.assert_close(net.label_probabilities(images), softmax)


def test_weights_gone_astray_are_noticed():
    images, labels = some_data(5)
    net, _ = build()
    net.layers[1].weight[2, 3] = float("nan")
    assert net.learn(interleaved(images, labels, (labels + 1) % CLASSES, [1.0] * STEPS)) == 0
    net, _ = build()
    net.layers[1].weight[2] = -float("inf")  # a silent unit: no activity shows it
    assert net.learn(interleaved(images, labels, (labels + 1) % CLASSES, [1.0] * STEPS)) is not None
