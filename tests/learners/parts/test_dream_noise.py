"""Noise of dreams below the top layer: its size is what the way down failed to predict awake."""

import numpy as np
import pytest
import torch

import wakesleep as ws
from wakesleep.learners.parts.generator import Generator

CLASSES, PIXELS, UNITS = 2, 5, 3
SPREAD = torch.tensor([0.0, 0.02, 0.05, 0.1, 0.03], dtype=torch.float64)


def as_it_is(y):
    return y.new_ones(())


@pytest.fixture
def path():
    """A path that has seen images whose pixels vary by themselves, each by another amount."""
    stream = torch.Generator().manual_seed(0)
    path = Generator(
        [CLASSES + PIXELS, UNITS], CLASSES, 0, 0.02, torch.zeros(1, dtype=torch.float64)
    )
    for _ in range(2000):
        labels = torch.randint(CLASSES, (40,), generator=stream)
        top = torch.nn.functional.one_hot(labels, UNITS).double()
        drawn = torch.randn(40, PIXELS, generator=stream, dtype=torch.float64)
        path.learn(0.5 + SPREAD * drawn, [top], labels)
    return path


@pytest.mark.parametrize("noise", [0.0, 1.0, 2.0])
def test_pixels_vary_as_much_as_awake(path, noise):
    top = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64).repeat(20_000, 1)
    dreams, _ = path.down(top, lambda y: y, as_it_is, torch.Generator().manual_seed(1), noise)
    assert np.allclose(dreams.std(0), noise * SPREAD, atol=0.003 + 0.03 * noise * 0.1)


def test_without_noise_no_number_is_drawn(path):
    stream = torch.Generator().manual_seed(1)
    before = stream.get_state()
    path.down(torch.ones(4, UNITS, dtype=torch.float64), lambda y: y, as_it_is, stream)
    assert torch.equal(stream.get_state(), before)


@pytest.mark.parametrize("model", ["ff_digits", "backprop_digits"])
def test_dreams_of_a_network_vary_more_with_noise(model, tmp_path):
    ws.run(
        "interleaved",
        model,
        inputs={"sweeps": 2, "probe_cases": 50},
        parameters={"top_down": True},
        out=tmp_path / "run.zarr",
    )
    still, moved = (
        ws.dreams(tmp_path / "run.zarr", spread=0.0, settle=0, noise=noise, each=30)
        for noise in (0.0, 1.0)
    )
    varied = [
        its["image"].sel(dream=its["label"] == 3).std("dream").mean() for its in (still, moved)
    ]
    assert varied[0] < 1e-6 < 0.02 < varied[1]
    assert moved.attrs["noise"] == 1.0
