"""The wake-sleep algorithm: its gradients by autograd, its likelihood by enumeration."""

from __future__ import annotations

import math

import pytest
import torch

import wakesleep as ws
from wakesleep.learners.boltzmann.exact import states
from wakesleep.learners.chunks import Setting
from wakesleep.learners.helmholtz.network import Helmholtz
from wakesleep.learners.helmholtz.parameters import Parameters
from wakesleep.runtime.randomness import Streams


def made(**parameters):
    values = {"hidden": [3, 2], "binarise": "none", "start_scale": 1.0, **parameters}
    return Helmholtz(
        Parameters.model_validate(values),
        Setting(4, 2, torch.device("cpu"), torch.float64, Streams(0)),
    )


@pytest.mark.parametrize("labels", [False, True])
def test_both_phases_follow_their_gradient(labels):
    """Wake climbs log p of recognised states, sleep climbs log q of dreamt ones."""
    for phase in ("wake", "sleep"):
        its = made(label_units=labels)
        images = states(4, its.theta["top"])[:6]
        choice = torch.tensor([0, 1, 1, 0, 0, 1])
        twin = made(label_units=labels)
        if phase == "wake":
            layers = twin.recognised(twin.layout.clamped(images, choice), twin.generator)
        else:
            layers = twin.fantasy(6, twin.generator)
        for tensor in twin.theta.values():
            tensor.requires_grad_(True)
        value = twin.log_generated(layers) if phase == "wake" else twin.log_recognised(layers)
        value.mean().backward()
        before = {name: tensor.clone() for name, tensor in its.theta.items()}
        if phase == "wake":
            its.wake(images, choice, 0.3)
        else:
            its.sleep(layers, 0.3)
        for name, tensor in its.theta.items():
            slope = twin.theta[name].grad
            expected = before[name] if slope is None else before[name] + 0.3 * slope
            torch.testing.assert_close(tensor, expected)


@pytest.mark.parametrize("labels", [False, True])
def test_the_likelihood_sums_to_one_and_the_bound_stays_below(labels):
    its = made(label_units=labels)
    images = states(4, its.theta["top"])
    total, gap = 0.0, []
    for label in range(2 if labels else 1):
        choice = torch.full((16,), label)
        exactly = its.log_likelihood(images, choice)
        total += float(exactly.exp().sum())
        gap.append(float((exactly - its.goodness(images, choice)[0]).mean()))
    assert total == pytest.approx(1)
    assert min(gap) > 0


def test_fantasies_come_as_often_as_the_likelihood_says():
    its = made()
    images = states(4, its.theta["top"])
    p = its.log_likelihood(images, torch.zeros(16, dtype=torch.long)).exp()
    count = 20_000
    seen, _ = its.sample(torch.zeros(count, 4), torch.zeros(count), Streams(1)("x"))
    code = torch.tensor([8.0, 4.0, 2.0, 1.0], dtype=torch.float64)
    found = torch.bincount((seen @ code).long(), minlength=16) / count
    assert bool(((found - p).abs() < 4.5 * (p * (1 - p) / count).sqrt()).all())


def test_bars_and_stripes_are_learnt():
    result = ws.run(
        "phase_separation",
        "helmholtz_bars",
        inputs={"phase_steps": 1, "nights": 8000, "batch": 14, "probed_nights": 3},
    )
    start, end = float(result.divergence[0]), float(result.divergence[-1])
    assert start > 3
    assert end < 1.2
    assert float(result.log_likelihood[-1]) == pytest.approx(-math.log(14) - end, abs=1e-5)


def test_phases_apart(tmp_path):
    result = ws.run(
        "phase_separation",
        "helmholtz_digits",
        inputs={"phase_steps": 50, "nights": 5},
        out=tmp_path / "run.zarr",
    )
    assert bool(result.goodness.notnull().all())
    gained = result.goodness.sel(sign="positive", layer="machine")
    assert float(gained[-1]) > float(gained[0]) + 5
