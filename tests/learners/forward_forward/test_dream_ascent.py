"""Dreams that climb the goodness of the first layer, and those that begin from mixed memories."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import wakesleep as ws
from tests.learners.forward_forward.test_generator import network
from wakesleep.learners.forward_forward.dream_ascent import goodness_slope
from wakesleep.learners.parts.generator import Generator


def cases(seed: int, features: int = 6, classes: int = 3, count: int = 5):
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(count, features, generator=random, dtype=torch.float64)
    return 0.2 + 0.6 * images, torch.randint(classes, (count,), generator=random)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    label=st.sampled_from(["extra_units", "first_pixels", "none"]),
    normalisation=st.sampled_from(["rms", "length", "mean", "none"]),
    goodness=st.sampled_from(["sum_of_squares", "minus_sum_of_squares"]),
)
def test_slope_is_that_of_finite_differences(seed, label, normalisation, goodness):
    its = network(
        seed=seed, label=label, normalisation=normalisation, goodness=goodness,
        activation="minus_log_t",  # smooth, so that differences converge
        **({"readout_rate": 0.1, "top_down": False} if label == "none" else {}),
    )  # fmt: skip
    images, labels = cases(seed)
    found = goodness_slope(its, images, labels)
    step = 1e-6
    for pixel in range(images.shape[1]):
        moved = images.clone()
        moved[:, pixel] += step
        up = its.goodness(moved, labels)[0]
        moved[:, pixel] -= 2 * step
        down = its.goodness(moved, labels)[0]
        expected = (up - down) / (2 * step)
        torch.testing.assert_close(found[:, pixel], expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("size", [0.001, 0.05])
def test_steps_have_their_size_and_raise_goodness(size):
    its = network()
    images, labels = cases(1)
    moved = its.climb_goodness(images, labels, 1, size)
    change = (moved - images).square().mean(1).sqrt()
    torch.testing.assert_close(change, torch.full_like(change, size))
    assert (its.goodness(moved, labels)[0] > its.goodness(images, labels)[0]).all()
    many = its.climb_goodness(images, labels, 100, 0.05)
    assert many.min() >= 0
    assert many.max() <= 1


def test_a_run_learns_from_dreams_that_climb(tmp_path):
    inputs = {"dreams": 1.0, "nights": 3, "phase_steps": 20}
    found = []
    for steps in (0, 2):
        its = {**inputs, "ascent": steps}
        run = ws.run("dream_diet", "ff_digits", inputs=its, out=tmp_path / f"{steps}.zarr")
        found.append(run["goodness"].sel(sign="negative").values)
    assert found[0].shape == found[1].shape
    assert (found[0] != found[1]).any()


@pytest.mark.parametrize(
    ("model", "parameters", "message"),
    [
        ("ff_digits", {"hardware": {}, "decay": 0.0}, "no 'ascent' on analog devices"),
        ("ff_reber", {}, "'ascent' for images; these data are strings"),
    ],
)
def test_networks_that_cannot_climb_are_refused(model, parameters, message):
    inputs = {"nights": 1, "ascent": 1}
    with pytest.raises(ws.InputError, match=message):
        ws.run("dream_diet", model, inputs=inputs, parameters=parameters)


def test_mixed_dreams_are_a_quarter_each_of_two_memories_and_half_noise():
    path = Generator([5, 2], 2, 0, 0.1, torch.zeros(1, dtype=torch.float64))
    stream = torch.Generator().manual_seed(0)
    patterns = torch.tensor([[0.0, 8.0], [4.0, 0.0]], dtype=torch.float64)
    for place in range(500):
        path.memory.keep(patterns[[place % 2]], torch.tensor([0]), 0.1)
    nothing = torch.zeros(20_000, dtype=torch.long)
    still = path.start("mixed", nothing, 0.0, stream)
    wanted = torch.tensor([[0.0, 4.0], [1.0, 2.0], [2.0, 0.0]], dtype=torch.float64)
    kinds, share = still.unique(dim=0, return_counts=True)
    torch.testing.assert_close(kinds, wanted)
    torch.testing.assert_close(share / 20_000, torch.tensor([0.25, 0.5, 0.25]), atol=0.02, rtol=0)
    # A quarter each of two draws has a variance of 1/8; noise of half the deviation has 1/4.
    noisy = path.start("mixed", nothing, 1.0, stream)
    torch.testing.assert_close(
        noisy.std(0), patterns.std(0, correction=0) * (0.125 + 0.25) ** 0.5, rtol=0.03, atol=0
    )
