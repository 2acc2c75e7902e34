"""How intensities become spikes."""

from __future__ import annotations

import hypothesis.strategies as some
import pytest
import torch
from hypothesis import given
from pydantic import ValidationError

from wakesleep.learners.spiking import codes
from wakesleep.learners.spiking.parameters import Parameters


def stream():
    return torch.Generator().manual_seed(0)


@given(some.lists(some.floats(0, 1), min_size=1, max_size=8), some.integers(5, 60))
def test_regular_spikes_are_evenly_spaced(values, steps):
    """An integrator that fires above 1 and is reset by subtraction, in a plain loop."""
    p = Parameters(layers=(2,), presentation=float(steps))
    found = codes.image_spikes(p, torch.tensor([values], dtype=torch.float64), stream())
    for pixel, value in enumerate(values):
        u, fired = 0.0, []
        for _ in range(steps):
            u += value * 0.9
            fired.append(float(u > 1 + 1e-9))
            u -= fired[-1]
        # A sum of floating-point numbers may reach a whole number a step late.
        assert abs(sum(fired) - float(found[:, 0, pixel].sum())) <= 1
        gaps = found[:, 0, pixel].nonzero().squeeze(1).diff()
        assert len(gaps) == 0 or int(gaps.max() - gaps.min()) <= 1
        assert abs(float(found[:, 0, pixel].sum()) - steps * value * 0.9) <= 1 + 1e-6


def test_random_spikes_have_their_rate():
    p = Parameters(layers=(2,), code="poisson", presentation=2000.0)
    found = codes.image_spikes(p, torch.tensor([[0.0, 0.3, 1.0]]), stream())
    rates = found.mean((0, 1))
    assert float(rates[0]) == 0
    assert torch.allclose(rates, torch.tensor([0.0, 0.27, 0.9]), atol=0.03)


def test_the_brightest_fires_first():
    p = Parameters(layers=(2,), code="latency", label_time=7.0)
    images = torch.tensor([[1.0, 0.7, 0.4, 0.11, 0.05]])
    found = codes.image_spikes(p, images, stream())[:, 0]
    assert found.sum(0).tolist() == [1, 1, 1, 1, 0]
    when = found.argmax(0)[:4]
    assert when[0] == 0
    assert (when.diff() > 0).all()
    assert when[3] == 29
    assert codes.label_spikes(p, 3, images, stream()).nonzero()[:, 0].tolist() == [7, 7, 7]


def test_volleys_come_again():
    p = Parameters(layers=(2,), code="latency", label_time=12.0, cycle="15 ms", window="10 ms")
    images = torch.tensor([[1.0, 0.5, 0.11, 0.05]])
    found = codes.image_spikes(p, images, stream())[:, 0]
    assert found.sum(0).tolist() == [2, 2, 2, 0]
    assert torch.equal(found[:15], found[15:])
    assert float(found[10:15].sum()) == 0  # the gap between volleys
    assert codes.label_spikes(p, 1, images, stream()).nonzero()[:, 0].tolist() == [12, 27]


@pytest.mark.parametrize("code", ["latency", "regular"])
def test_darkness_excites_off_cells_as_light_does_the_others(code):
    images = torch.rand(4, 6, generator=stream())
    p, plain = (Parameters(layers=(2,), code=code, off_cells=its) for its in (True, False))
    light, dark = codes.image_spikes(p, images, stream()).split(6, dim=2)
    assert torch.equal(light, codes.image_spikes(plain, images, stream()))
    assert torch.equal(dark, codes.image_spikes(plain, 1 - images, stream()))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"presentation": 10.5}, "not a whole number of time steps"),
        ({"pixel_rate": 1.2}, "more than one in a time step"),
        ({"label_rate": 0.9, "dt": 2.0, "pixel_rate": 0.1}, "label_rate: 0.9 spikes per ms"),
        ({"spontaneous": 2000.0}, "spontaneous: 2000 spikes per second"),
        ({"code": "latency", "label_time": 30.0}, "is after the end of a cycle"),
        ({"code": "latency", "cycle": 10.0, "window": 11.0}, "does not fit into a cycle of 10 ms"),
        ({"code": "latency", "cycle": 20.0}, "no whole number of cycles of 20 ms"),
        ({"code": "latency", "cycle": 60.0, "label_time": 40.0}, "no whole number of cycles"),
        ({"code": "latency", "window": 9.4}, "window: 9.4 ms is not a whole number of time steps"),
        ({"cycle": 10.0}, "are for code 'latency'"),
        ({"code": "latency", "top_down": True}, "'top_down' learns from spike counts"),
        ({"off_cells": True, "top_down": True}, "goes without 'off_cells'"),
    ],
)
def test_times_that_do_not_fit(more, told):
    with pytest.raises(ValidationError, match=told):
        Parameters.model_validate({"layers": [5], **more})
