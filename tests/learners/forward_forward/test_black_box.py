"""Black boxes between layers, and learning from single cases."""

from __future__ import annotations

import pytest
import torch

import wakesleep as ws
from wakesleep.errors import InputError
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward.black_box import Box, boxes, perturb
from wakesleep.learners.forward_forward.network import ForwardForward
from wakesleep.learners.forward_forward.online import Online
from wakesleep.learners.forward_forward.online_parameters import Parameters as OnlineParameters
from wakesleep.learners.forward_forward.parameters import Parameters
from wakesleep.runtime.randomness import Streams

KINDS = ["quantised", "random", "stochastic", "learning"]


def setting():
    return Setting(12, 3, torch.device("cpu"), torch.float64, Streams(3))


def some(cases=6):
    generator = torch.Generator().manual_seed(4)
    images = torch.rand(cases, 12, generator=generator, dtype=torch.float64)
    return images, torch.randint(3, (cases,), generator=generator)


def wrong(model, images, labels):
    return images, (labels + 1) % 3


def test_activity_perturbation_goes_down_the_gradient():
    """The mean over many draws of noise is the gradient that autograd finds."""
    generator = torch.Generator().manual_seed(0)
    like = torch.zeros((), dtype=torch.float64)
    made = boxes("learning", [5, 4, 3], generator, like)
    one, two = (box.weight.abs_().clone() for box in made)  # so that no unit is silent
    x = torch.rand(1, 5, dtype=torch.float64, generator=generator) + 0.2
    aim = torch.rand(1, 4, dtype=torch.float64, generator=generator)

    def cost_of(first, second, noise_one, noise_two):
        below = torch.relu(x @ first.T + noise_one)
        above = torch.relu(below[:, :4] @ second.T + noise_two)
        return (above - aim).square().sum(1) + below.square().sum(1)

    first, second = one.clone().requires_grad_(), two.clone().requires_grad_()
    wanted = torch.autograd.grad(cost_of(first, second, 0.0, 0.0).sum(), (first, second))
    rows = 200_000
    inputs = [x.expand(rows, -1), torch.relu(x @ one.T)[:, :4].expand(rows, -1)]

    def cost(noise):
        return cost_of(one, two, *(noise or (torch.zeros(rows, 1, dtype=torch.float64),) * 2))

    perturb(made, inputs, cost, size=0.01, rate=1.0, generator=generator)
    for box, before, grad in zip(made, (one, two), wanted, strict=True):
        found = before - box.weight
        assert torch.linalg.vector_norm(found - grad) < 0.03 * torch.linalg.vector_norm(grad)


def test_what_boxes_do():
    generator = torch.Generator().manual_seed(0)
    x = torch.tensor([[0.2, 0.7, 1.6, 9.0]], dtype=torch.float64)
    nothing = torch.zeros(0)
    assert Box("quantised", nothing)(x, generator).tolist() == [[0, 1, 2, 3]]
    weight = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    assert torch.equal(Box("random", weight)(x, generator), ((x @ weight.T) > 0).double())
    counts = Box("stochastic", nothing)(x.expand(20_000, -1), generator)
    assert torch.equal(counts, counts.round())
    torch.testing.assert_close(counts.mean(0), 4 * x[0], rtol=0.05, atol=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_layers_learn_by_eq_3_whatever_lies_between(kind):
    told = {"rate": 0.05, "momentum": 0.0, "decay": 0.0, "peer": 0.0, "readout_rate": 0}
    net = ForwardForward(
        Parameters(layers=[8, 7, 6], label="extra_units", black_box=kind, box_rate=1e-9, **told),
        setting(),
    )
    images, labels = some()
    before = [layer.weight.clone() for layer in net.layers]
    given = []
    forward = net.forward

    def watched(*what, **more):
        done = forward(*what, **more)
        given.append([its.numpy().copy() for its in done.inputs])
        return done

    net.forward = watched
    net.learn(Chunk("both", images, labels, torch.arange(6).view(1, -1), [1.0], wrong))
    sign = torch.tensor([1.0] * 6 + [-1.0] * 6, dtype=torch.float64)
    for layer, start, seen in zip(net.layers, before, given[0], strict=True):
        x = torch.tensor(seen)
        weight = start.clone().requires_grad_()
        odds = torch.relu(x @ weight.T).square().sum(1) - layer.units
        right = torch.nn.functional.logsigmoid(sign * odds).sum() / 2 / 6
        (grad,) = torch.autograd.grad(right, weight)
        torch.testing.assert_close(layer.weight, start + 0.05 * grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_looking_changes_nothing_and_a_stored_state_brings_it_back(kind):
    def build():
        return ForwardForward(
            Parameters(layers=[8, 7], label="extra_units", black_box=kind), setting()
        )

    net, again = build(), build()
    images, labels = some()
    assert torch.equal(net.goodness(images, labels), net.goodness(images, labels))
    net.learn(Chunk("both", images, labels, torch.arange(6).repeat(3, 1), [1.0] * 3, wrong))
    again.load_state_dict(net.state_dict())
    assert torch.equal(net.goodness(images, labels), again.goodness(images, labels))


@pytest.mark.parametrize("kind", ["quantised", "random", "stochastic"])
def test_a_black_box_does_not_stop_learning(kind):
    """Section 7; 3 seeds on the digits, against the tenth that a guess gets right."""
    for seed in range(3):
        its = ws.run(
            "interleaved",
            "ff_digits_black_box",
            inputs={"sweeps": 12, "batch": 50, "negatives": "wrong_label"},
            parameters={"black_box": kind},
            seed=seed,
        )
        assert float(its.error.isel(probe=-1).sel(readout="softmax")) < 0.2


def online(**told):
    told = {"layers": [8, 7], "label": "extra_units", "certainty": 0.8, **told}
    return Online(OnlineParameters.model_validate(told), setting())


def test_one_case_is_learnt_at_once_by_all_layers():
    net = online(threshold=2.0)
    images, labels = (its[:1] for its in some())
    net.learn(Chunk("positive", images, labels, torch.zeros(1, 1, dtype=torch.long), [1.0]))
    odds = net.log_odds(net.goodness(images, labels))
    # Every layer started below (mean square 1/2, threshold 2) and is now as certain as asked.
    torch.testing.assert_close(odds.sigmoid(), torch.full_like(odds, 0.8))
    net.learn(
        Chunk(
            "negative",
            images,
            labels,
            torch.zeros(1, 1, dtype=torch.long),
            [1.0],
            lambda m, i, c: (i, c),
        )
    )
    odds = net.log_odds(net.goodness(images, labels))
    torch.testing.assert_close(odds.sigmoid(), torch.full_like(odds, 0.2))


def test_single_cases_teach_the_digits():
    its = ws.run(
        "interleaved",
        "ff_digits_one_shot",
        inputs={"sweeps": 3, "batch": 50, "negatives": "wrong_label"},
    )
    errors = its.error.isel(probe=-1)
    assert float(errors.sel(readout="goodness")) < 0.6
    assert float(errors.sel(readout="softmax")) < 0.2


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"certainty": 0.9999999}, "asks for a goodness of -"),
        ({"goodness": "minus_sum_of_squares"}, "eq. 4"),
        ({"normalisation": "none"}, "would change the next"),
        ({"rate": 0.1}, "rate: one-shot learning has none"),
        ({"top_down": True}, "top_down: one-shot learning does not go with True"),
        ({"label": "none", "layers": [{"field": 3, "channels": 2}]}, "dense layers"),
    ],
)
def test_what_one_shot_learning_cannot_do(told, message):
    with pytest.raises((InputError, ValueError), match=message):
        online(**told)


def test_learning_has_fresh_noise_at_every_pass():
    """Probes always see the same spikes; two steps that learn do not."""
    net = online(black_box="stochastic", threshold=2.0)
    seen = []
    forward = net.forward
    net.forward = lambda *what, **more: seen.append(forward(*what, **more)) or seen[-1]
    images, labels = some()
    index = torch.zeros(1, 1, dtype=torch.long)
    before = net.goodness(images, labels)
    assert torch.equal(before, net.goodness(images, labels))
    seen.clear()
    weights = [layer.weight.clone() for layer in net.layers]
    for _ in range(2):
        net.learn(Chunk("positive", images, labels, index, [1.0]))
        for layer, weight in zip(net.layers, weights, strict=True):
            layer.weight.copy_(weight)
    # one case and one neutral pass for the softmax in each chunk
    assert len(seen) == 4
    assert not torch.equal(seen[0].inputs[1], seen[2].inputs[1])
    assert not torch.equal(seen[1].inputs[1], seen[3].inputs[1])


def test_a_box_learns_at_real_steps_alone_and_not_where_all_is_fixed():
    images, labels = some()
    index = torch.arange(6).view(1, -1)
    for fixed, moves in ((False, True), (True, False)):
        net = ForwardForward(
            Parameters(
                layers=[8, 7], label="extra_units", black_box="learning", box_every=2, fixed=fixed
            ),
            setting(),
        )
        weight = net.boxes[0].weight.clone()
        net.learn(Chunk("positive", images, labels, index, [1.0]))
        net.learn(Chunk("negative", images, labels, index, [1.0], wrong))
        assert torch.equal(net.boxes[0].weight, weight)  # one real step of two
        net.learn(Chunk("positive", images, labels, index, [1.0]))
        assert torch.equal(net.boxes[0].weight, weight) != moves
