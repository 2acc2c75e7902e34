"""Annealed importance sampling and pseudo-likelihood against enumeration."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import softplus

import wakesleep as ws
from tests.learners.boltzmann.test_exact import (
    LIKE,
    as_general,
    random_general,
    random_restricted,
    stream,
)
from wakesleep.learners.boltzmann import exact
from wakesleep.learners.boltzmann.deep import Deep
from wakesleep.learners.boltzmann.layout import Layout
from wakesleep.learners.boltzmann.likelihood import (
    ais,
    base_log_z,
    base_rates,
    log_probability,
    pseudo_likelihood,
    summary,
)


@pytest.mark.parametrize("labels", [0, 3])
@pytest.mark.parametrize("kind", ["restricted", "general", "deep"])
def test_ais_finds_log_z(kind, labels):
    """Inside its own interval, for five machines of each kind, of which one may miss."""
    inside = 0
    for seed in range(5):
        if kind == "deep":
            machine = Deep(Layout(4, labels, (3, 2)), settle=5)
            theta = machine.start(1.0, LIKE, stream(seed))
            layers = machine.widths
            units = exact.all_states(machine.layout, LIKE)
            from wakesleep.learners.boltzmann.deep import Rows

            rows = Rows(tuple(units.split(layers, 1)))
            truth = float(machine.log_weight(theta, rows).logsumexp(0))
        else:
            make = random_restricted if kind == "restricted" else random_general
            machine, theta = make(seed, pixels=5, labels=labels, hidden=4)
            truth = exact.log_z(machine, theta)
        visible = machine.layout.random(50, LIKE.expand(1), stream(seed))
        found = ais(
            machine,
            theta,
            base_rates(visible, labels),
            temperatures=300,
            runs=200,
            generator=stream(seed + 1),
        )
        assert found.upper - found.lower < 0.6
        inside += found.lower < truth < found.upper
    assert inside >= 4


def test_ais_is_exact_without_weights():
    machine, theta = random_restricted(0)
    theta["weight"].zero_()
    closed = softplus(theta["visible_bias"]).sum() + softplus(theta["hidden_bias"]).sum()
    assert exact.log_z(machine, theta) == pytest.approx(float(closed))
    base = theta["visible_bias"]
    assert base_log_z(machine.layout, base) == pytest.approx(
        float(softplus(base).sum()) + 3 * math.log(2)
    )
    theta["hidden_bias"].zero_()  # then base and target are the same
    found = ais(machine, theta, base, temperatures=10, runs=7, generator=stream())
    assert found.value == pytest.approx(float(softplus(base).sum()) + 3 * math.log(2), abs=1e-12)
    assert found.effective == pytest.approx(7)


def test_too_few_temperatures_widen_the_interval():
    machine, theta = random_restricted(1, pixels=6, hidden=5)
    theta["weight"] *= 4
    base = torch.zeros(6, dtype=torch.float64)
    few, many = (
        ais(machine, theta, base, temperatures=count, runs=100, generator=stream(2))
        for count in (3, 1000)
    )
    assert few.effective < many.effective
    assert few.upper - few.value > many.upper - many.value


def test_interval_of_weights_by_hand():
    found = summary(torch.tensor([0.0, 0.0, math.log(4.0)], dtype=torch.float64))
    assert found.value == pytest.approx(math.log(2))
    error = math.sqrt(3) / math.sqrt(3)
    assert found.lower == -math.inf  # 2 - 3 errors is below nothing
    assert found.upper == pytest.approx(math.log(2 + 3 * error))
    assert found.effective == pytest.approx(36 / 18)


def test_base_rates_are_those_of_the_data():
    visible = torch.tensor([[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0]])
    base = base_rates(visible, labels=2, smoothing=0.0)
    torch.testing.assert_close(torch.sigmoid(base[1]), torch.tensor(0.5))
    torch.testing.assert_close(base[2:].softmax(0), torch.tensor([0.5, 0.5]))


@pytest.mark.parametrize("labels", [0, 2])
def test_pseudo_likelihood_by_enumeration(labels):
    machine, theta = random_restricted(4, labels=labels)
    same, other = as_general(machine, theta)
    visible = exact.visible_states(machine.layout, LIKE)
    log_p = log_probability(machine, theta, visible, exact.log_z(machine, theta))
    assert float(log_p.exp().sum()) == pytest.approx(1)
    table = {tuple(row.tolist()): float(p) for row, p in zip(visible, log_p.exp(), strict=True)}
    expected = []
    for row in visible:
        total = 0.0
        for pixel in range(machine.layout.pixels):
            flipped = row.clone()
            flipped[pixel] = 1 - flipped[pixel]
            mine, its = table[tuple(row.tolist())], table[tuple(flipped.tolist())]
            total += math.log(mine / (mine + its))
        expected.append(total)
    for its, parameters in ((machine, theta), (same, other)):
        found = pseudo_likelihood(its, parameters, visible)
        torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_grey_images_are_made_binary(tmp_path, wakesleep):
    out = tmp_path / "grey.zarr"
    inputs = {"sweeps": 1, "batch": 200, "negatives": "usual"}
    its = {"inputs": inputs, "parameters": {"hidden": [5]}, "data": "digits", "out": out}
    ws.run("interleaved", "rbm_digits", **its)
    code, said, told = wakesleep("likelihood", out, "--temperatures", 20, "--runs", 5)
    assert code == 0, told
    assert "made binary at 0.5" in said
