"""Exact machines: finite differences, enumeration, detailed balance, three ways to log Z."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wakesleep import data
from wakesleep.errors import InputError
from wakesleep.learners.boltzmann import connections, exact
from wakesleep.learners.boltzmann.deep import Deep, layerwise
from wakesleep.learners.boltzmann.deep import Rows as DeepRows
from wakesleep.learners.boltzmann.general import General, Rows
from wakesleep.learners.boltzmann.layout import Layout
from wakesleep.learners.boltzmann.restricted import Restricted

LIKE = torch.zeros((), dtype=torch.float64)
seeds = st.integers(0, 10**6)


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def random_general(seed, pixels=3, labels=0, hidden=2, mask=None):
    layout = Layout(pixels, labels, (hidden,) if hidden else ())
    mask = connections.full(layout.units) if mask is None else mask
    machine = General.of(layout, mask, settle=5)
    theta = machine.start(0.8, LIKE, stream(seed))
    theta["bias"] = torch.randn(layout.units, generator=stream(seed + 1), dtype=torch.float64)
    return machine, theta


def random_restricted(seed, pixels=4, labels=0, hidden=3):
    machine = Restricted(Layout(pixels, labels, (hidden,)))
    theta = machine.start(0.8, LIKE, stream(seed))
    for number, name in enumerate(("visible_bias", "hidden_bias")):
        theta[name] = torch.randn(
            theta[name].shape, generator=stream(seed + 1 + number), dtype=torch.float64
        )
    return machine, theta


def as_general(machine, theta):
    """Return a restricted machine as one of general connections."""
    layout = machine.layout
    widths = (layout.visible, *layout.hidden)
    same = General.of(layout, connections.layered(widths), settle=1)
    weight = torch.zeros(layout.units, layout.units, dtype=torch.float64)
    weight[: widths[0], widths[0] :] = theta["weight"]
    bias = torch.cat([theta["visible_bias"], theta["hidden_bias"]])
    return same, {"weight": weight + weight.T, "bias": bias}


@given(seeds, st.sampled_from([0, 3]))
def test_learning_climbs_the_log_likelihood(seed, labels):
    """The statistics awake less those asleep are the gradient, by finite differences to 1e-6."""
    for machine, theta in (
        random_general(seed, labels=labels),
        random_restricted(seed, labels=labels),
    ):
        layout = machine.layout
        visible = layout.random(4, LIKE.expand(1), stream(seed + 5)).double()

        found = {name: torch.zeros_like(its) for name, its in theta.items()}
        parts = [
            (exact.clamped(machine, theta, visible), 1.0),
            (exact.model(machine, theta), -1.0),
        ]
        machine.add(found, parts, 0.0)
        step = 1e-6
        for name, its in theta.items():
            place = tuple(int(size) // 2 for size in its.shape)
            places = [place]
            if isinstance(machine, General) and name == "weight":
                place = (0, layout.units - 1)
                places = [place, place[::-1]]  # one weight stands in two places
            moved = []
            for sign in (1, -1):
                for where in places:
                    its[where] += sign * step
                fit = exact.goodness(machine, theta, visible).mean()
                moved.append(float(fit) - exact.log_z(machine, theta))
                for where in places:
                    its[where] -= sign * step
            slope = (moved[0] - moved[1]) / (2 * step)
            assert slope == pytest.approx(float(found[name][place]), abs=1e-6)


@given(seeds)
def test_every_update_of_a_sweep_is_in_detailed_balance(seed):
    """One unit at a time, all others held: the flow between two states is the same both ways.

    Chances come from the machine's own sweep: a thousand copies of every state, of which one unit
    is free.
    """
    machine, theta = random_general(seed, pixels=2, hidden=1)
    units = exact.all_states(machine.layout, LIKE)
    p = torch.softmax(-machine.energy(theta, units), 0)
    code = 2 ** torch.arange(machine.layout.units - 1, -1, -1, dtype=torch.float64)
    copies = 2000
    for unit in range(machine.layout.units):
        held = torch.arange(machine.layout.units) != unit
        start = Rows(units.repeat_interleave(copies, 0))
        after = machine.sweep(theta, start, stream(seed + unit), held).units
        assert torch.equal(after[:, held], start.units[:, held])
        moved = torch.zeros(len(units), len(units), dtype=torch.float64)
        came = (after @ code).long().view(len(units), copies)
        for number in range(len(units)):
            moved[number] = torch.bincount(came[number], minlength=len(units)) / copies
        flow = p.unsqueeze(1) * moved
        error = 5 * (p.max() ** 2 / copies).sqrt()
        assert float((flow - flow.T).abs().max()) < float(error)
        assert float((p @ moved - p).abs().max()) < float(error)


@pytest.mark.parametrize("kind", ["full", "restricted", "labels", "deep"])
def test_many_chains_reach_the_enumerated_distribution(kind):
    """Sampled marginals of pairs against enumeration, within four standard errors."""
    chains, sweeps = 4000, 60
    if kind == "deep":
        layout = Layout(3, 0, (2, 2))
        machine = Deep(layout, settle=5)
        theta = machine.start(1.0, LIKE, stream(3))
        mask = connections.layered(machine.widths)
        same = General.of(layout, mask, settle=1)
        weight = torch.zeros(7, 7, dtype=torch.float64)
        weight[:3, 3:5], weight[3:5, 5:] = theta["weight0"], theta["weight1"]
        other = {
            "weight": weight + weight.T,
            "bias": torch.cat([theta[f"bias{number}"] for number in range(3)]),
        }
    elif kind == "restricted":
        machine, theta = random_restricted(3, labels=3)
        same, other = as_general(machine, theta)
    else:
        machine, theta = random_general(3, labels=3 if kind == "labels" else 0)
        same, other = machine, theta
    generator = stream(7)
    rows = machine.random(theta, chains, generator)
    for _ in range(sweeps):
        rows = machine.sweep(theta, rows, generator)
    units = exact.all_states(same.layout, LIKE)
    p = torch.softmax(-same.energy(other, units), 0)
    if isinstance(rows, DeepRows):
        drawn = torch.cat(rows.layers, 1)
    elif isinstance(rows, Rows):
        drawn = rows.units
    else:
        drawn, units = rows.visible, units[:, : same.layout.visible]
    expected = (units * p.unsqueeze(1)).T @ units
    found = drawn.T @ drawn / chains
    error = (expected * (1 - expected) / chains).sqrt() + 1e-9
    assert float(((found - expected) / error).abs().max()) < 4.5


@given(seeds, st.sampled_from([0, 3]))
def test_three_ways_to_log_z(seed, labels):
    machine, theta = random_restricted(seed, labels=labels)
    everything = exact.log_z(*as_general(machine, theta))
    assert float(exact.log_z_over_hidden(machine, theta)) == pytest.approx(everything)
    assert float(exact.log_z_over_visible(machine, theta)) == pytest.approx(everything)


@given(seeds)
def test_goodness_is_minus_the_free_energy(seed):
    """The sum over hidden states by brute force; the mean-field bound stays below it."""
    machine, theta = random_restricted(seed, labels=2)
    same, other = as_general(machine, theta)
    visible = exact.visible_states(machine.layout, LIKE)
    by_sum = exact.clamped(same, other, visible).units
    brute = (-same.energy(other, by_sum)).view(len(visible), -1).logsumexp(1)
    torch.testing.assert_close(machine.goodness(theta, visible), brute)
    torch.testing.assert_close(same.goodness(other, visible), brute)
    images = visible[:: machine.layout.labels, : machine.layout.pixels]
    torch.testing.assert_close(machine.label_goodness(theta, images), brute.view(-1, 2))
    full, its = random_general(seed, hidden=3)
    visible = exact.visible_states(full.layout, LIKE)
    assert bool((full.goodness(its, visible) <= exact.goodness(full, its, visible) + 1e-9).all())


@given(seeds)
def test_the_deep_machine_is_a_layered_one(seed):
    layout = Layout(3, 0, (2, 2))
    deep = Deep(layout, settle=20)
    theta = deep.start(0.5, LIKE, stream(seed))
    weight = torch.zeros(7, 7, dtype=torch.float64)
    weight[:3, 3:5], weight[3:5, 5:] = theta["weight0"], theta["weight1"]
    same = General.of(layout, connections.layered((3, 2, 2)), settle=1)
    other = {"weight": weight + weight.T, "bias": torch.zeros(7, dtype=torch.float64)}
    units = exact.all_states(layout, LIKE)
    rows = DeepRows(tuple(units.split((3, 2, 2), 1)))
    torch.testing.assert_close(deep.energy(theta, rows), same.energy(other, units))
    visible = exact.visible_states(layout, LIKE)
    exactly = exact.goodness(same, other, visible)
    assert bool((deep.goodness(theta, visible) <= exactly + 1e-9).all())
    # One sweep's statistics have the same form.
    found = {name: torch.zeros_like(its) for name, its in theta.items()}
    deep.add(found, [(rows, 1.0)], 0.0)
    general = {name: torch.zeros_like(its) for name, its in other.items()}
    same.add(general, [(Rows(units), 1.0)], 0.0)
    torch.testing.assert_close(found["weight1"], general["weight"][3:5, 5:])


def test_layers_of_a_stack_fit_together():
    """Trained layer by layer, a machine of three hidden layers finds data more probable.

    Exactly, by enumeration of the same machine with general connections.
    """
    layout = Layout(4, 0, (3, 3, 2))
    deep = Deep(layout, settle=5)
    theta = deep.start(0.01, LIKE, stream(1))
    data_ = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1]], dtype=torch.float64).repeat(20, 1)

    def likelihood():
        same = General.of(layout, connections.layered(deep.widths), settle=1)
        ends = [0, 4, 7, 10, 12]
        weight = torch.zeros(12, 12, dtype=torch.float64)
        for number in range(3):
            rows = slice(ends[number], ends[number + 1])
            columns = slice(ends[number + 1], ends[number + 2])
            weight[rows, columns] = theta[f"weight{number}"]
        bias = torch.cat([theta[f"bias{number}"] for number in range(4)])
        other = {"weight": weight + weight.T, "bias": bias}
        fit = exact.goodness(same, other, data_) - exact.log_z(same, other)
        return float(fit.mean())

    before = likelihood()
    layerwise(deep, theta, data_, 800, 20, 0.1, True, stream(2))
    assert before == pytest.approx(-4 * math.log(2), abs=0.05)
    assert likelihood() > -1.9  # two patterns of equal probability would be -0.69


@given(seeds)
def test_plus_and_minus_one(seed):
    machine, theta = random_general(seed)
    units = exact.all_states(machine.layout, LIKE)
    weight, bias, constant = connections.to_plus_minus(theta["weight"], theta["bias"])
    signs = 2 * units - 1
    energy = -((signs @ weight) * signs).sum(1) / 2 - signs @ bias - constant
    torch.testing.assert_close(machine.energy(theta, units), energy)


@given(seeds)
def test_centred_statistics_move_the_same_machine(seed):
    """Centring by hand: weights between s - mu, biases corrected; differences of two phases."""
    for machine, theta in (random_general(seed), random_restricted(seed)):
        found = {}
        for name, rows in (
            ("one", machine.random(theta, 6, stream(seed))),
            ("other", machine.random(theta, 6, stream(seed + 1))),
        ):
            found[name] = {key: torch.zeros_like(its) for key, its in theta.items()}
            machine.add(found[name], [(rows, 1.0)], 0.0)
            if name == "one":
                offsets = {key: its * 0.7 for key, its in machine.means(rows).items()}
                one = rows
            other = rows
        for its in found.values():
            machine.centre(its, offsets)
        if isinstance(machine, General):
            left = [rows.units - offsets["units"] for rows in (one, other)]
            right = left
        else:
            left = [rows.visible - offsets["visible"] for rows in (one, other)]
            right = [rows.hidden - offsets["hidden"] for rows in (one, other)]
        by_hand = [a.T @ b / 6 for a, b in zip(left, right, strict=True)]
        weight = found["one"]["weight"] - found["other"]["weight"]
        expected = by_hand[0] - by_hand[1]
        if isinstance(machine, General):
            expected = expected * machine.mask
            pairs = [("bias", offsets["units"], left)]
        else:
            pairs = [
                ("visible_bias", offsets["hidden"], left),
                ("hidden_bias", offsets["visible"], right),
            ]
        torch.testing.assert_close(weight, expected)
        # With biases a machine has in centred form, their change is that of plain means; in plain
        # form the weights' change takes its share.
        for name, other, side in pairs:
            means = side[0].mean(0) - side[1].mean(0)
            share = expected.T @ other if name == "hidden_bias" else expected @ other
            found_bias = found["one"][name] - found["other"][name]
            torch.testing.assert_close(found_bias, means - share)


@pytest.mark.parametrize(("side", "count"), [(2, 6), (3, 14), (4, 30)])
def test_bars_and_stripes_ceiling(side, count):
    """Patterns, entropy, and the best total log likelihood of the images counted twice."""
    its = data.load(f"bars_and_stripes_{side}")
    assert len(its.train) == count
    assert len(np.unique(its.train.images, axis=0)) == count
    assert its.train.entropy() == pytest.approx(math.log(count))
    if side == 4:
        # Made as 2 * 2**4 images, the empty and the full one are there twice; the sum over the 30
        # distinct ones of the log of these frequencies is the figure in the literature.
        whole = its.train.images.mean(1)
        twice = (whole == 0) | (whole == 1)
        best = np.log(np.where(twice, 2, 1) / 32).sum()
        assert best == pytest.approx(-102.586, abs=5e-4)


def test_parity_is_beyond_pairs():
    """Three visible units with exact gradients come to KL = ln 2 and not below."""
    import wakesleep as ws

    result = ws.run(
        "phase_separation",
        "bm_bars_exact",
        inputs={"data": "parity_3", "phase_steps": 1, "nights": 200, "batch": 4},
    )
    assert float(result.divergence[-1]) == pytest.approx(math.log(2), abs=1e-3)


def test_the_shifter_and_the_encoder():
    its = data.load("shifter")
    assert len(its.train) == 3 * 256
    for image, label in zip(its.train.images, its.train.labels, strict=True):
        np.testing.assert_array_equal(np.roll(image[:8], (-1, 0, 1)[label]), image[8:])
    its = data.load("encoder_8")
    assert its.train.images.sum() == 2 * len(its.train) == 32


def test_binary_images_have_their_grey_level_on_average():
    grey, binary = data.load("digits").train.images, data.load("digits_binary").train.images
    assert set(np.unique(binary)) == {0, 1}
    error = np.sqrt((grey * (1 - grey)).sum()) / grey.size
    assert abs(binary.mean() - grey.mean()) < 4 * error


def test_masks():
    with pytest.raises(InputError, match="symmetric, but it connects unit 0 with 1"):
        connections.checked([[0, 1], [0, 0]], 2)
    with pytest.raises(InputError, match="connects unit 1 with itself"):
        connections.checked([[0, 1], [1, 1]], 2)
    with pytest.raises(InputError, match="3 rows of 3"):
        connections.checked([[0, 1], [1, 0]], 3)
    assert connections.blocks(connections.layered((3, 2, 2))) == [[0, 1, 2, 5, 6], [3, 4]]
    assert len(connections.blocks(connections.full(5))) == 5


def test_the_encoder_s_connections_are_those_of_the_file_that_lists_them():
    from wakesleep.simulation.loading import load_model

    listed = connections.checked(load_model("encoder_4_2_4").parameters.mask, 10)
    assert torch.equal(connections.encoder(8, 2), listed)


def test_too_many_units_to_enumerate():
    with pytest.raises(InputError, match="enumeration of 21 units; at most 20"):
        exact.states(21, LIKE)
