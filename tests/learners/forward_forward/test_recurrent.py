"""Recurrent networks: each step's update is autograd's, with what came before held fixed."""

from __future__ import annotations

import pytest
import torch

import wakesleep as ws
from wakesleep.errors import InputError
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward.recurrent import Recurrent
from wakesleep.learners.forward_forward.recurrent_parameters import Parameters
from wakesleep.learners.parts.connections import Local
from wakesleep.runtime.randomness import Streams

CLASSES, BATCH, RATE = 3, 4, 0.05
DENSE = [7, 6, 5]
LOCAL = [{"field": 3, "channels": 2, "edges": "cut"}, {"field": 2, "channels": 3, "edges": "cut"}]


def build(layers=DENSE, **told):
    parameters = {
        "layers": layers,
        "rate": RATE,
        "momentum": 0.0,
        "decay": 0.0,
        "peer": 0.0,
        "iterations": 3,
        "judged": [2, 3],
        **told,
    }
    setting = Setting(20, CLASSES, torch.device("cpu"), torch.float64, Streams(2), 0, (5, 4))
    return Recurrent(Parameters.model_validate(parameters), setting)


def some():
    generator = torch.Generator().manual_seed(4)
    images = torch.rand(BATCH, 20, generator=generator, dtype=torch.float64)
    return images, torch.randint(CLASSES, (BATCH,), generator=generator)


def wrong(model, images, labels):
    return images, (labels + 1) % CLASSES


def both(images, labels, steps=1):
    index = torch.arange(BATCH).repeat(steps, 1)
    return Chunk("both", images, labels, index, [1.0] * steps, wrong)


def matrix(layer):
    wires = layer.connection
    return wires.as_dense(layer.weight) if isinstance(wires, Local) else layer.weight


def rms(y):
    return y / y.square().mean(1, keepdim=True).sqrt()


class Slow:
    """The same network written anew, with autograd for each layer's own goodness."""

    def __init__(self, net, damping, alternating=False):
        self.weights = [matrix(layer).clone() for layer in net.layers]
        self.masks = [weight != 0 for weight in self.weights]
        self.biases = [layer.bias.clone() for layer in net.layers]
        self.damping, self.alternating = damping, alternating

    def bottom_up(self, image):
        below, states = rms(image), []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            states.append(torch.relu(below @ weight[:, : below.shape[1]].T + bias))
            below = rms(states[-1])
        return states

    def step(self, image, states, label):
        """New states, and what each layer was given."""
        states, givens = list(states), [None] * len(states)
        hot = rms(torch.nn.functional.one_hot(label, CLASSES).double())
        every = list(range(len(states)))
        for turn in [every[0::2], every[1::2]] if self.alternating else [every]:
            around = [rms(image), *(rms(y) for y in states), hot]
            for depth in turn:
                givens[depth] = torch.cat((around[depth], around[depth + 2]), 1)
                z = givens[depth] @ self.weights[depth].T + self.biases[depth]
                states[depth] = self.damping * states[depth] + (1 - self.damping) * torch.relu(z)
        return states, givens

    def learn(self, image, states, label, sign):
        after, givens = self.step(image, states, label)
        for depth, given in enumerate(givens):
            weight = self.weights[depth].clone().requires_grad_()
            bias = self.biases[depth].clone().requires_grad_()
            new = torch.relu(given @ weight.T + bias)
            y = self.damping * states[depth] + (1 - self.damping) * new
            odds = y.square().sum(1) - y.shape[1]
            right = torch.nn.functional.logsigmoid(sign * odds).sum() / 2 / BATCH
            grads = torch.autograd.grad(right, (weight, bias))
            self.weights[depth] = (weight + RATE * grads[0] * self.masks[depth]).detach()
            self.biases[depth] = (bias + RATE * grads[1]).detach()
        return after


@pytest.mark.parametrize("schedule", ["synchronous", "alternating"])
@pytest.mark.parametrize("layers", [DENSE, LOCAL])
def test_every_step_in_time_is_a_step_up_each_layers_own_objective(layers, schedule):
    net = build(layers, damping=0.3, schedule=schedule)
    slow = Slow(net, 0.3, schedule == "alternating")
    images, labels = some()
    twice = torch.cat((images, images))
    shown = torch.cat((labels, (labels + 1) % CLASSES))
    sign = torch.tensor([1.0] * BATCH + [-1.0] * BATCH, dtype=torch.float64)
    states = slow.bottom_up(twice)
    for _ in range(3):
        states = slow.learn(twice, states, shown, sign)
    assert net.learn(both(images, labels)) is None
    for layer, weight, bias in zip(net.layers, slow.weights, slow.biases, strict=True):
        torch.testing.assert_close(matrix(layer), weight, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(layer.bias, bias, rtol=1e-9, atol=1e-12)


def test_the_label_is_picked_by_goodness_over_the_judged_steps():
    net = build()
    images, labels = some()
    net.learn(both(images, labels, 5))
    slow = Slow(net, 0.3)
    found = torch.zeros(len(DENSE), BATCH, CLASSES, dtype=torch.float64)
    for label in range(CLASSES):
        states = slow.bottom_up(images)
        for time in (1, 2, 3):
            states, _ = slow.step(images, states, torch.full((BATCH,), label))
            if time >= 2:
                found[:, :, label] += torch.stack([y.square().sum(1) for y in states]) / 2
    torch.testing.assert_close(net.label_goodness(images), found)
    picked = found[1:].sum(0).argmax(1)  # by default the first layer does not vote
    assert torch.equal(net.classify(images, "goodness"), picked)
    of_their_own = found[:, torch.arange(BATCH), labels]
    torch.testing.assert_close(net.goodness(images, labels), of_their_own)


def test_it_learns_labels():
    net = build(plasticity="adam", rate=0.01, readout_rate=0.5)
    images, labels = some()
    net.learn(both(images, labels, 150))
    shown, denied = (net.log_odds(net.goodness(images, its)) for its in (labels, (labels + 1) % 3))
    assert bool((shown.sum(0) > 0).all())
    assert bool((denied.sum(0) < 0).all())
    assert torch.equal(net.classify(images, "softmax"), labels)


def test_equal_parts_of_the_first_total_input_come_from_below_and_above():
    for layers, widths in ((DENSE, [20, 7, 6]), (LOCAL, [20, 40])):
        net = build(layers)
        for layer, below in zip(net.layers, widths, strict=True):
            whole = matrix(layer).square()
            if isinstance(layer.connection, Local):
                fan_in = (whole > 0).sum(1)
                assert fan_in.min() > 0
            ratio = whole[:, :below].sum() / whole[:, below:].sum()
            assert 0.4 < float(ratio) < 2.5


def test_a_moving_image_is_another_one_at_every_step():
    net = build(drift=1)
    images, labels = some()
    frames = net.frames(images)
    middle = net.parameters.iterations // 2
    torch.testing.assert_close(frames(middle), rms(images))
    assert not torch.allclose(frames(0), frames(middle))
    again = net.frames(images)
    assert torch.equal(again(0), frames(0))  # what probes see is the same at every probe
    before = net.goodness(images, labels)
    assert net.learn(both(images, labels, 3)) is None
    assert not torch.equal(net.goodness(images, labels), before)


def test_a_stored_state_brings_it_back():
    net, again = build(LOCAL), build(LOCAL)
    images, labels = some()
    net.learn(both(images, labels))
    again.load_state_dict(net.state_dict())
    assert torch.equal(again.label_goodness(images), net.label_goodness(images))
    with pytest.raises(ValueError, match="weights of shape"):
        build().load_state_dict(net.state_dict())


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"judged": [2, 9]}, "judged: steps 2 to 9 are not within 1 to 8"),
        ({"judged": [3, 2]}, "judged: the first step, 3, comes after the last, 2"),
        ({"readout_layers": [3]}, "there is no layer 3, only 2"),
        ({"layers": [{"field": 3, "channels": 2}]}, "needs maps of the same size"),
        ({"layers": [{"field": 3, "channels": 2, "edges": "cut"}, 5]}, "either all layers"),
        ({"layers": [{"field": 9, "channels": 2, "edges": "cut"}]}, "a field of 9 places does not"),
        ({"judged": [3]}, "judged: two numbers"),
        ({"drift": 8}, "drift: 8 pixels a step are too much for an image of 8 x 8"),
        (
            {"layers": [{"field": 3, "channels": 5000, "edges": "cut"}]},
            "64 places with 5000 units each are more than 100,000",
        ),
        ({"blocks": 7}, "blocks: 7 do not divide layer 1, of 20 units"),
        ({"blocks": "places"}, "blocks: no layer has places"),
    ],
)
def test_what_cannot_be(told, message, tmp_path):
    file = tmp_path / "net.yaml"
    import json

    parameters = json.dumps({"layers": [20, 20], **told})
    file.write_text(f"model: net\nkind: recurrent\ndata: digits\nparameters: {parameters}\n")
    with pytest.raises(InputError, match=message):
        ws.run("interleaved", file, inputs={"sweeps": 1})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [("recurrent", "drift", "1"), ("recurrent", "centre", "true"), ("backprop", "centre", "true")],
)
def test_strings_neither_drift_nor_have_a_mean(kind, name, value, tmp_path):
    file = tmp_path / "net.yaml"
    parameters = f"{{layers: [9], {name}: {value}}}"
    file.write_text(f"model: net\nkind: {kind}\ndata: reber\nparameters: {parameters}\n")
    with pytest.raises(InputError, match=f"{name}: it is for images; these data are strings"):
        ws.run("interleaved", file, inputs={"sweeps": 1, "negatives": "wrong_label"})


def test_weights_that_overflow_at_the_very_end_are_told(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(
        "model: net\nkind: recurrent\ndata: digits\nparameters: {layers: [9], rate: 1.0e+30}\n"
    )
    with pytest.raises(ws.RunError, match="no longer finite"):
        ws.run("interleaved", file, inputs={"sweeps": 1, "batch": 1200})


@pytest.mark.parametrize("drift", [0, 1])
def test_centred_images_are_told_apart_by_form_alone(drift):
    images, labels = some()
    centred, plain = build(centre=True, drift=drift), build(drift=drift)
    wanted = centred.goodness(images, labels)
    for same in (2 * images, images + 3):
        torch.testing.assert_close(centred.goodness(same, labels), wanted)
    assert not torch.allclose(plain.goodness(images + 3, labels), plain.goodness(images, labels))
    by_hand = images - images.mean(1, keepdim=True)
    torch.testing.assert_close(plain.goodness(by_hand, labels), wanted)
