"""Negative data: drawn from the distribution they should be drawn from, and from nothing else."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wakesleep.negatives import Context, bind
from wakesleep.negatives.hybrid import masks


class Proposer:
    """A model whose softmax says the same of every case."""

    def __init__(self, probabilities):
        self.row = torch.tensor(probabilities, dtype=torch.float64)

    def label_probabilities(self, images):
        return self.row.expand(len(images), -1)


def context(classes: int, generator: torch.Generator, shape=(1, 3), **options) -> Context:
    return Context(classes, shape, generator, options)


@pytest.mark.parametrize("source", ["wrong_label", "hard_label"])
@given(seed=st.integers(0, 2**32), classes=st.integers(2, 12))
def test_labels_are_never_right_and_images_untouched(source, seed, classes):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(50, 3, generator=generator)
    labels = torch.randint(classes, (50,), generator=generator)
    certain = torch.eye(classes)[0].tolist()  # as overconfident as a softmax can be
    shown, wrong = bind(source, context(classes, generator))(Proposer(certain), images, labels)
    assert shown is images
    assert (wrong != labels).all()
    assert ((wrong >= 0) & (wrong < classes)).all()


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("wrong_label", [1 / 3, 0, 1 / 3, 1 / 3]),
        ("hard_label", [0.1 / 0.4, 0, 0.3 / 0.4, 0]),
        ("own_label", [0.1, 0.6, 0.3, 0]),
    ],
)
def test_distribution(source, wanted):
    generator, cases = torch.Generator().manual_seed(0), 40_000
    labels = torch.full((cases,), 1)
    draw = bind(source, context(4, generator))
    _, drawn = draw(Proposer([0.1, 0.6, 0.3, 0.0]), torch.zeros(cases, 1), labels)
    share = torch.bincount(drawn, minlength=4) / cases
    torch.testing.assert_close(share, torch.tensor(wanted), rtol=0, atol=4 * (0.25 / cases) ** 0.5)


@given(
    seed=st.integers(0, 2**32),
    cases=st.integers(1, 9),
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    blurs=st.integers(0, 8),
    label=st.sampled_from(["first", "wrong"]),
    classes=st.integers(2, 5),
)
def test_a_hybrid_is_made_of_two_images(seed, cases, height, width, blurs, label, classes):
    generator = torch.Generator().manual_seed(seed)
    # Every image has a brightness of its own, so that each pixel tells where it is from.
    images = torch.arange(cases, dtype=torch.float32).unsqueeze(1).repeat(1, height * width)
    labels = torch.randint(classes, (cases,), generator=generator)
    draw = bind(
        "hybrid", context(classes, generator, shape=(height, width), blurs=blurs, label=label)
    )
    mixed, given_labels = draw(None, images, labels)
    assert mixed.shape == images.shape
    for row in range(cases):
        sources = set(mixed[row].int().tolist())
        assert len(sources | {row}) <= 2
        if label == "wrong":
            assert given_labels[row] != labels[row]
            if classes > 2:
                assert given_labels[row] not in labels[list(sources)]
    if label == "first":
        assert torch.equal(given_labels, labels)


def test_masks_are_blurred_as_the_paper_says():
    """Against a plain loop: [1/4 1/2 1/4] both ways, reflected edges, cut at a half or mean."""
    shape, blurs = (5, 6), 3
    made = masks(4, shape, blurs, torch.zeros(1), torch.Generator().manual_seed(7))
    bits = torch.randint(0, 2, (4, *shape), generator=torch.Generator().manual_seed(7)).double()
    reflected = lambda place, size: -place if place < 0 else min(place, 2 * size - 2 - place)  # noqa: E731
    for _ in range(blurs):
        for axis in (1, 2):
            blurred = torch.zeros_like(bits)
            for place in range(bits.shape[axis]):
                before, after = (reflected(place + step, bits.shape[axis]) for step in (-1, 1))
                blurred.select(axis, place).copy_(
                    0.25 * bits.select(axis, before)
                    + 0.5 * bits.select(axis, place)
                    + 0.25 * bits.select(axis, after)
                )
            bits = blurred
    for mask, grey in zip(made, bits.flatten(1), strict=True):
        wanted = grey > 0.5
        if bool(wanted.all()) or not bool(wanted.any()):  # nothing of one of the images: ours
            wanted = grey > grey.mean()
        assert torch.equal(mask, wanted)


def test_more_blur_makes_larger_regions():
    edges = []
    for blurs in (0, 4, 12):
        mask = masks(200, (28, 28), blurs, torch.zeros(1), torch.Generator().manual_seed(0))
        view = mask.view(-1, 28, 28)
        edges.append((view[:, :, 1:] != view[:, :, :-1]).double().mean().item())
    assert edges[0] == pytest.approx(0.5, abs=0.02)
    assert edges[0] > 1.5 * edges[1] > 1.5 * edges[2]


class NextOne:
    """A model that is certain that symbol k is followed by k + 1."""

    def __init__(self, symbols):
        self.symbols = symbols

    def label_probabilities(self, images):
        last = images.view(len(images), -1, self.symbols)[:, -1].argmax(1)
        return torch.nn.functional.one_hot((last + 1) % self.symbols, self.symbols).double()


def one_of_k(rows, symbols):
    return torch.nn.functional.one_hot(torch.tensor(rows), symbols).flatten(1).double()


def test_a_rollout_goes_on_from_a_real_window():
    symbols, model = 5, NextOne(5)
    images = one_of_k([[0, 3, 1], [2, 2, 4]], symbols)
    generator = torch.Generator().manual_seed(0)
    its = context(symbols, generator, length=6)
    draw = bind("rollout", its)
    found = []
    for _ in range(6):  # 2 strings of 6 symbols, 2 at a time
        windows, following = draw(model, images, torch.zeros(2, dtype=torch.long))
        codes = windows.view(2, 3, symbols)
        assert (codes.sum(2) == 1).all()
        found += [
            (*before, after)
            for before, after in zip(codes.argmax(2).tolist(), following.tolist(), strict=True)
        ]
    strings = [[0, 3, 1, 2, 3, 4, 0, 1, 2], [2, 2, 4, 0, 1, 2, 3, 4, 0]]
    expected = [tuple(its[place : place + 4]) for its in strings for place in range(6)]
    assert sorted((tuple(a), b) for *a, b in found) == sorted((e[:3], e[3]) for e in expected)


def test_a_rollout_is_made_in_advance():
    """What is dreamt is the network's as it was when the phase began."""
    symbols = 4
    its = context(symbols, torch.Generator().manual_seed(0), length=50)
    draw = bind("rollout", its)
    images, labels = one_of_k([[0, 1]] * 10, symbols), torch.zeros(10, dtype=torch.long)
    draw(NextOne(symbols), images, labels)
    windows, following = draw(Proposer([1.0, 0, 0, 0]), images, labels)
    last = windows.view(10, 2, symbols)[:, -1].argmax(1)
    assert torch.equal(following, (last + 1) % symbols)
    its.memory.clear()  # a new phase
    _, following = draw(Proposer([1.0, 0, 0, 0]), images, labels)
    assert not following.any()


class Dreamer:
    """A model that dreams of what it is told to, and says how sure it is of the label."""

    def dream(self, labels, how, generator):
        self.told = (how.start, how.settle, how.spread)
        return labels.double().unsqueeze(1), torch.nn.functional.one_hot(labels, 3).double()

    def label_probabilities(self, images):
        return torch.tensor([[0.0, 0.0, 1.0]]).expand(len(images), -1)


@pytest.mark.parametrize("label", ["dreamt", "start", "own", "wrong", "second_choice"])
def test_the_label_of_a_dream(label):
    generator = torch.Generator().manual_seed(0)
    draw = bind("dream", context(3, generator, label=label, start="noise", settle=4, spread=0.5))
    model, labels = Dreamer(), torch.tensor([0, 1, 2] * 20)
    images, given_labels = draw(model, torch.zeros(60, 1), labels)
    assert model.told == ("noise", 4, 0.5)
    assert torch.equal(images.squeeze(1).long(), labels)
    if label in ("dreamt", "start"):
        assert torch.equal(given_labels, labels)
    elif label == "own":
        assert (given_labels == 2).all()
    elif label == "second_choice":
        assert set(given_labels.tolist()) == {0, 1}
    else:
        assert (given_labels != labels).all()
        pairs = set(zip(labels.tolist(), given_labels.tolist(), strict=True))
        assert pairs == set(itertools.permutations(range(3), 2))


def test_no_mask_of_a_small_image_is_all_of_one_kind():
    """Six blurs leave 6 % of 8 x 8 masks on one side of 0.5 throughout."""
    drawn = masks(4000, (8, 8), 6, torch.zeros(1, 64), torch.Generator().manual_seed(0))
    share = drawn.double().mean(1)
    assert ((share > 0) & (share < 1)).all()
    assert abs(float(share.mean()) - 0.5) < 0.02


def test_noise_has_the_grey_levels_of_its_image_in_another_order():
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(20, 64, generator=generator)
    labels = torch.arange(20)
    seen, its = bind("noise", context(20, generator, shape=(8, 8)))(None, images, labels)
    assert torch.equal(its, labels)
    assert torch.equal(seen.sort(1).values, images.sort(1).values)
    assert not torch.equal(seen, images)
