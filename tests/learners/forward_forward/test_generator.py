"""The top-down path: its delta rule against autograd, what it learns, and what it dreams."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep import data
from wakesleep.learners.capabilities import DreamSettings
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward.network import ForwardForward
from wakesleep.learners.forward_forward.parameters import Parameters
from wakesleep.learners.parts.generator import Generator, Map
from wakesleep.runtime.randomness import Streams


def network(features=6, classes=3, places=0, seed=0, **parameters) -> ForwardForward:
    setting = Setting(features, classes, torch.device("cpu"), torch.float64, Streams(seed), places)
    return ForwardForward(
        Parameters(**{"layers": (7, 5), "label": "extra_units", "top_down": True, **parameters}),
        setting,
    )


@given(seed=st.integers(0, 2**32), places=st.sampled_from([0, 2]))
def test_a_step_goes_down_the_gradient_of_the_prediction_error(seed, places):
    """Squared error for pixels, cross-entropy for the label and for symbols, by autograd."""
    random = torch.Generator().manual_seed(seed)
    classes, rest, units, cases = 3, 6, 5, 4
    its = Generator([classes + rest, units], classes, places, 0.3, torch.zeros(1).double())
    weight = torch.randn(classes + rest, units, generator=random).double()
    bias = torch.randn(classes + rest, generator=random).double()
    its.maps = [Map(weight.clone(), bias.clone())]
    above = torch.randn(cases, units, generator=random).double()
    labels = torch.randint(classes, (cases,), generator=random)
    image = torch.rand(cases, rest, generator=random).double()
    if places:
        symbols = torch.randint(classes, (cases, places), generator=random)
        image = torch.nn.functional.one_hot(symbols, classes).flatten(1).double()
    weight.requires_grad_(True)
    bias.requires_grad_(True)
    total = above @ weight.T + bias
    loss = torch.nn.functional.cross_entropy(total[:, :classes], labels)
    if places:
        for place in range(places):
            logits = total[:, classes * (place + 1) : classes * (place + 2)]
            loss = loss + torch.nn.functional.cross_entropy(logits, symbols[:, place])
    else:
        loss = loss + (total[:, classes:] - image).square().sum() / (2 * cases)
    loss.backward()
    its.learn(image, [above], labels)
    step = 0.3 / (above.square().sum(1).mean() + 1)
    torch.testing.assert_close(its.maps[0].weight, weight.detach() - step * weight.grad)
    torch.testing.assert_close(its.maps[0].bias, bias.detach() - step * bias.grad)


def test_a_single_case_learnt_at_rate_one_is_predicted_exactly():
    its = Map(torch.zeros(3, 4).double(), torch.zeros(3).double())
    above, below = torch.rand(1, 4).double(), torch.rand(1, 3).double()
    its.learn(above, below - its(above), 1.0)
    torch.testing.assert_close(its(above), below, rtol=1e-7, atol=1e-7)


def learnt(steps: int = 300, **parameters) -> tuple[ForwardForward, torch.Tensor, torch.Tensor]:
    """A small network awake on three images, one of each class."""
    its = network(**parameters)
    images = torch.tensor(
        [[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]], dtype=torch.float64
    )
    labels = torch.arange(3)
    index = torch.arange(3).repeat(steps, 1)
    assert its.learn(Chunk("positive", images, labels, index, [1.0] * steps)) is None
    return its, images, labels


def test_dreams_of_a_label_are_what_went_with_it_awake():
    its, images, labels = learnt(2000, top_down_rate=0.5, fixed=True)  # three cases, seven units
    dreams, chances = its.dream(labels, DreamSettings("label", 0, 0.0), torch.Generator())
    torch.testing.assert_close(dreams, images, rtol=0, atol=1e-3)
    assert torch.equal(chances.argmax(1), labels)


@pytest.mark.parametrize("start", ["label", "last_waking", "stored", "noise"])
@pytest.mark.parametrize("settle", [0, 3])
def test_every_start_dreams_within_bounds_and_by_its_random_stream_alone(start, settle):
    its, _, labels = learnt(20)
    state = torch.get_rng_state()
    made = [
        its.dream(
            labels.repeat(9),
            DreamSettings(start, settle),
            torch.Generator().manual_seed(seed),
        )
        for seed in (1, 1, 2)
    ]
    images, chances = made[0]
    assert images.shape == (27, 6)
    assert ((images >= 0) & (images <= 1)).all()
    torch.testing.assert_close(chances.sum(1), torch.ones(27).double())
    assert torch.equal(images, made[1][0])
    assert not torch.equal(images, made[2][0])
    assert torch.equal(torch.get_rng_state(), state)


def test_a_dream_of_symbols_is_one_of_k():
    its = network(features=12, classes=3, places=4)
    images, _ = its.dream(
        torch.zeros(8, dtype=torch.long), DreamSettings("noise", 1), torch.Generator()
    )
    codes = images.view(8, 4, 3)
    assert ((codes == 0) | (codes == 1)).all()
    assert (codes.sum(2) == 1).all()


def test_a_net_that_is_asleep_learns_no_top_down_path():
    its, images, labels = learnt(5)
    before = [one.weight.clone() for one in its.generator.maps]
    its.learn(
        Chunk(
            "negative",
            images,
            labels,
            torch.arange(3).repeat(4, 1),
            [1.0] * 4,
            negatives=lambda model, images, labels: (images, (labels + 1) % 3),
        )
    )
    for old, now in zip(before, its.generator.maps, strict=True):
        assert torch.equal(old, now.weight)


def test_the_top_down_path_changes_nothing_in_the_others():
    with_it, _, _ = learnt(20)
    without, _, _ = learnt(20, top_down=False)
    for one, other in zip(with_it.layers, without.layers, strict=True):
        assert torch.equal(one.weight, other.weight)


def test_digits_are_dreamt_as_a_classifier_trained_apart_reads_them():
    """An independent judge: logistic regression on the real images names the dreamt class."""
    from sklearn.linear_model import LogisticRegression

    digits = data.load("digits")
    judge = LogisticRegression(max_iter=2000).fit(digits.train.images, digits.train.labels)
    setting = Setting(64, 10, torch.device("cpu"), torch.float32, Streams(0))
    its = ForwardForward(
        Parameters(layers=(64, 64), label="extra_units", top_down=True, rate=0.005), setting
    )
    images, labels = torch.tensor(digits.train.images), torch.tensor(digits.train.labels)
    index = torch.randint(1200, (2000, 50), generator=torch.Generator().manual_seed(0))
    wrong = lambda model, images, labels: (images, (labels + 3) % 10)  # noqa: E731
    its.learn(Chunk("both", images, labels, index, [1.0] * 2000, negatives=wrong))
    wanted = torch.arange(10).repeat(20)
    dreams, _ = its.dream(wanted, DreamSettings("label", 0), torch.Generator())
    agreement = (judge.predict(dreams.numpy()) == wanted.numpy()).mean()
    assert agreement > 0.8  # chance is 0.1


def test_a_model_without_a_top_down_path_does_not_offer_dreams():
    with pytest.raises(ws.InputError, match="does not offer 'dream'"):
        ws.run("total_sleep_deprivation", "ff_digits", parameters={"top_down": False})
