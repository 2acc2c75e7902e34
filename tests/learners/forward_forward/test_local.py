"""Local, blockwise and unsupervised networks, against autograd on one masked matrix a layer."""

from __future__ import annotations

import pytest
import torch

from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward.network import ForwardForward
from wakesleep.learners.forward_forward.parameters import Parameters
from wakesleep.negatives import Context, bind
from wakesleep.runtime.randomness import Streams

LOCAL = [
    {"field": 3, "stride": 1, "channels": 2, "edges": "cut"},
    {"field": 2, "stride": 2, "channels": 4},
    6,
]
RATE, CLASSES, BATCH = 0.05, 3, 5


def build(**told):
    parameters = {"layers": LOCAL, "label": "none", "rate": RATE, "momentum": 0.0, "decay": 0.0}
    setting = Setting(36, CLASSES, torch.device("cpu"), torch.float64, Streams(0), 0, (6, 6))
    return ForwardForward(Parameters.model_validate({**parameters, **told}), setting)


def some():
    generator = torch.Generator().manual_seed(4)
    images = torch.rand(BATCH, 36, generator=generator, dtype=torch.float64)
    return images, torch.randint(CLASSES, (BATCH,), generator=generator)


def hybrids():
    context = Context(CLASSES, (6, 6), torch.Generator().manual_seed(1), {"blurs": 1})
    return bind("hybrid", context)


def dense(layer):
    return layer.weight if layer.weight.dim() == 2 else layer.connection.as_dense(layer.weight)


@pytest.mark.parametrize(
    ("blocks", "counts"), [(1, (1, 1, 1)), (2, (2, 2, 2)), ("places", (36, 9, 1))]
)
def test_a_step_is_the_gradient_of_every_blocks_decision(blocks, counts):
    net = build(blocks=blocks, peer=0.0)
    images, labels = some()
    fakes, _ = hybrids()(net, images, labels)
    wanted, x = [], torch.cat((images, fakes))
    sign = torch.tensor([1.0] * BATCH + [-1.0] * BATCH, dtype=torch.float64)
    x = x / x.square().mean(1, keepdim=True).sqrt()
    for layer, number in zip(net.layers, counts, strict=True):
        weight = dense(layer).clone().requires_grad_()
        y = torch.relu(x @ weight.T)
        # Units of one place lie together, whatever the order of places.
        odds = (y * y).view(len(y), number, -1).sum(2) - layer.units / number
        right = torch.nn.functional.logsigmoid(sign.unsqueeze(1) * odds).sum() / 2 / BATCH
        (grad,) = torch.autograd.grad(right, weight)
        wanted.append((weight + RATE * grad * (weight != 0)).detach())
        x = (y / y.square().mean(1, keepdim=True).sqrt()).detach()
    chunk = Chunk("both", images, labels, torch.arange(BATCH).view(1, -1), [1.0], hybrids())
    assert net.learn(chunk) is None
    for layer, its in zip(net.layers, wanted, strict=True):
        torch.testing.assert_close(dense(layer), its, rtol=1e-9, atol=1e-12)


def test_without_a_label_the_softmax_alone_reads_out():
    net = build(readout_layers=[1, 3])
    assert net.readouts == ("softmax",)
    images, labels = some()
    chunk = Chunk("both", images, labels, torch.arange(BATCH).repeat(60, 1), [1.0] * 60, hybrids())
    net.learn(chunk)
    done = net.forward(*net.first_product(images), labels)
    voters = torch.cat((done.normalised[0], done.normalised[2]), 1)
    odds = voters @ net.softmax.weight.T + net.softmax.bias
    torch.testing.assert_close(net.label_probabilities(images), odds.softmax(1))
    assert torch.equal(net.goodness(images, labels), net.goodness(images, (labels + 1) % CLASSES))
    assert (net.classify(images, "softmax") == labels).double().mean() > 0.5


def test_a_stored_state_brings_local_layers_back():
    net, again = build(), build()
    images, labels = some()
    net.learn(Chunk("both", images, labels, torch.arange(BATCH).view(1, -1), [1.0], hybrids()))
    again.load_state_dict(net.state_dict())
    assert torch.equal(again.goodness(images, labels), net.goodness(images, labels))


def test_candidates_are_the_best_of_those_proposed():
    setting = Setting(36, 5, torch.device("cpu"), torch.float64, Streams(0), 0, (6, 6))
    net = ForwardForward(Parameters(layers=[8, 8], candidates=2, label="extra_units"), setting)
    net.softmax.weight.normal_(generator=torch.Generator().manual_seed(0))
    images = some()[0]
    assert net.readouts == ("goodness", "softmax", "candidates")
    proposed = net.label_probabilities(images).topk(2).indices
    every = net.label_goodness(images)[1]
    for picked, two, its in zip(net.classify(images, "candidates"), proposed, every, strict=True):
        assert picked in two
        assert its[picked] == its[two].max()
    torch.testing.assert_close(net.label_goodness(images, proposed)[1], every.gather(1, proposed))
