"""The backpropagation baseline against scikit-learn and torch's own layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import wakesleep as ws
from wakesleep.learners.backprop.gradients import perturbed
from wakesleep.learners.backprop.network import Backprop
from wakesleep.learners.backprop.parameters import Parameters
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.runtime.randomness import Streams


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


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_perturbations_estimate_the_gradient_of_autograd(smoothing):
    its = network(layers=(4,), backward="perturbed", label_smoothing=smoothing)
    images, labels = some()
    loss = torch.nn.functional.cross_entropy(its.logits(images), labels, label_smoothing=smoothing)
    exactly = torch.cat([one.flatten() for one in torch.autograd.grad(loss, its.learnt)])
    before = [one.detach().clone() for one in its.learnt]
    trials = 4000
    told = perturbed(its, images, labels, trials, torch.Generator().manual_seed(1), 1e-5)
    found = torch.cat([one.grad.flatten() for one in its.learnt])
    # The variance of each component is the sum of the squares of the others (Spall 1992).
    error = exactly.norm() / trials**0.5
    assert float((found - exactly).abs().max()) < 4.5 * float(error)
    assert float(told) == pytest.approx(loss.item(), rel=1e-6)
    assert all(torch.equal(a, b) for a, b in zip(before, its.learnt, strict=True))


def test_a_network_learns_by_perturbations_alone():
    result = ws.run(
        "interleaved",
        "backprop_digits",
        inputs={"sweeps": 8},
        parameters={"layers": [8], "backward": "perturbed", "perturbations": 30, "rate": 0.01},
    )
    assert float(result["error"][-1, 0]) < 0.6  # chance is .9


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"backward": "true"}, "backward: 'true' needs devices; set hardware too"),
        ({"backward": True}, "backward: 'true' needs devices; set hardware too"),
        ({"backward": "simulated"}, "backward: 'simulated' needs devices; set hardware too"),
        (
            {"backward": "simulated", "hardware": {}, "top_down": True},
            "'simulated' measures no activities, and top_down needs them",
        ),
        ({"perturbations": 3}, "perturbations: they are for 'backward: perturbed'"),
        ({"backward": "perturbed", "dropout": 0.1}, "goes with neither dropout nor ewc"),
        ({"backward": "perturbed", "perturbations": 0}, "perturbations"),
    ],
)
def test_impossible_ways_of_learning_are_refused(given, said):
    with pytest.raises(ws.InputError, match=said):
        ws.run("interleaved", "backprop_digits", parameters=given)


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


def test_local_layers_stay_within_their_fields_and_learn_what_autograd_says():
    layers = [{"field": 2, "channels": 3, "edges": "cut"}, 4]
    setting = Setting(12, 3, torch.device("cpu"), torch.float64, Streams(0), 0, (4, 3))
    told = {"layers": layers, "rate": 0.01, "label_smoothing": 0.1}
    net = Backprop(Parameters.model_validate(told), setting)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(6, 12, generator=generator, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    dense = net.connections[0].as_dense(net.weights[0].detach())
    seen = dense != 0
    hidden = torch.relu(images @ dense.T)
    for weight in net.weights[1:-1]:
        hidden = torch.relu(hidden @ weight.T)
    torch.testing.assert_close(net.logits(images), hidden @ net.weights[-1].T)
    target = torch.full((6, 3), 0.1 / 3, dtype=torch.float64)
    target[torch.arange(6), labels] += 0.9

    def loss():
        return -(target * net.logits(images).log_softmax(1)).sum(1).mean()

    before = float(loss().detach())
    wanted = torch.autograd.grad(loss(), net.weights)
    index = torch.arange(6).view(1, -1)
    old = [its.detach().clone() for its in net.weights]
    net.learn(Chunk("positive", images, labels, index, [1.0]))
    for weight, its, grad in zip(net.weights, old, wanted, strict=True):
        moved = (weight - its).detach()
        # Adam's first step goes against the sign of the gradient, a step's length each.
        inside = (grad.abs() > 1e-6) & (its != 0)
        torch.testing.assert_close(moved[inside], -0.01 * grad[inside].sign(), rtol=1e-2, atol=0)
    assert float(loss().detach()) < before
    assert not net.connections[0].as_dense(net.weights[0].detach())[~seen].any()


def test_a_state_of_another_net_is_refused():
    setting = Setting(5, 3, torch.device("cpu"), torch.float64, Streams(0))
    net, other = (Backprop(Parameters(layers=(width,)), setting) for width in (4, 6))
    with pytest.raises(ValueError, match="weights of shape"):
        net.load_state_dict(other.state_dict())


def test_dropout_leaves_the_mean_as_it_is_and_only_learning_has_it():
    setting = Setting(5, 3, torch.device("cpu"), torch.float64, Streams(0))
    net = Backprop(Parameters(layers=(400,), dropout=0.25), setting)
    x = torch.linspace(0.1, 0.9, 5, dtype=torch.float64).unsqueeze(0)
    drawn = net.logits(x.expand(20_000, -1), learning=True).detach()
    error = drawn.std(0) / 20_000**0.5
    assert bool((error > 0).all())
    assert bool(((drawn.mean(0) - net.logits(x).detach()[0]).abs() < 5 * error).all())
    assert torch.equal(net.logits(x), net.logits(x))


def test_centred_images_are_told_apart_by_form_alone():
    its, (images, _) = network(centre=True), some()
    torch.testing.assert_close(its.label_probabilities(images + 3), its.label_probabilities(images))
    its.centre = False
    assert not torch.allclose(its.label_probabilities(images + 3), its.label_probabilities(images))


def test_importance_is_the_fisher_information_summed_over_labels():
    """Drawn labels give the exact expectation over labels when there are many draws."""
    its = network(ewc=2.0)
    images, _ = some(cases=2)
    generator = torch.Generator().manual_seed(0)
    draws = 1000
    for draw in range(draws):
        its.consolidate(images, generator, last=draw == draws - 1)
    exact = [torch.zeros_like(one) for one in its.learnt]
    fourth = [torch.zeros_like(one) for one in its.learnt]
    for image in images.split(1):
        chances = its.label_probabilities(image)[0]
        for label, chance in enumerate(chances):
            log_p = its.logits(image).log_softmax(1)[0, label]
            slopes = torch.autograd.grad(log_p, its.learnt)
            for total, high, slope in zip(exact, fourth, slopes, strict=True):
                total += chance * slope.square() / len(images)
                high += chance * slope**4 / len(images)
    for mine, theirs, high in zip(its.importance, exact, fourth, strict=True):
        # The variance of a draw is at most its mean square.
        error = (high / (draws * len(images))).sqrt()
        assert ((mine - theirs).abs() <= 5 * error + 1e-12).all()
        assert theirs.max() > 0


def test_the_penalty_has_the_gradient_of_its_formula():
    its = network(ewc=3.0)
    images, _ = some()
    its.consolidate(images, torch.Generator().manual_seed(0), last=True)
    assert its._penalty().item() == 0.0
    with torch.no_grad():
        for one in its.learnt:
            one += 0.1
    slopes = torch.autograd.grad(its._penalty(), its.learnt)
    for slope, weighs in zip(slopes, its.importance, strict=True):
        torch.testing.assert_close(slope, 3.0 * weighs * 0.1)
    assert max(float(one.abs().max()) for one in slopes) > 0


def test_dreams_are_of_the_class_that_was_asked_for():
    """Read by another classifier, which has seen real images alone."""
    from sklearn.linear_model import LogisticRegression

    from wakesleep.learners.capabilities import DreamSettings

    data = ws.data.load("digits")
    its = Backprop(
        Parameters(layers=(64,), top_down=True),
        Setting(64, 10, torch.device("cpu"), torch.float32, Streams(0)),
    )
    images, labels = torch.tensor(data.train.images), torch.tensor(data.train.labels)
    random = torch.Generator().manual_seed(0)
    index = torch.randint(len(labels), (600, 50), generator=random)
    its.learn(Chunk("positive", images, labels, index, [1.0] * 600))
    asked = torch.arange(10).repeat(20)
    dreams, _ = its.dream(asked, DreamSettings("label", 0, 1.0), random)
    reader = LogisticRegression(max_iter=500).fit(data.train.images, data.train.labels)
    assert reader.score(dreams.numpy(), asked.numpy()) > 0.8
