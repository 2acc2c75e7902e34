"""Measures of dreams, on cases whose values are known."""

from __future__ import annotations

import numpy as np
import pytest

import wakesleep as ws
from wakesleep import data
from wakesleep.errors import InputError
from wakesleep.networks import quality


def test_variance_within_classes():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 4000)
    images = rng.normal(scale=[1.0, 2.0], size=(8000, 2)) + 10 * labels[:, None]
    assert quality.within(images, labels) == pytest.approx(1 + 4, rel=0.05)
    assert quality.within(np.repeat([[1.0, 2.0], [5.0, 0.0]], 4000, axis=0), labels) == 0


def test_cover_by_hand():
    """On a line the radii are 1, 1 and 9: the balls reach from -1 to 2, and from 1 to 19."""
    others = np.array([[0.0], [1.0], [10.0]])
    cases = np.array([[-1.5], [-0.5], [1.9], [18.5], [19.5]])
    assert quality.covered(cases, others, 1) == pytest.approx(3 / 5)
    assert quality.covered(others, others, 1) == 1


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    out = tmp_path_factory.mktemp("quality") / "run.zarr"
    inputs = {"phase_steps": 100, "nights": 15, "negatives": "wrong_label"}
    ws.run("phase_separation", "ff_digits", inputs=inputs, out=out, parameters={"layers": [64]})
    return out


def test_dreams_of_a_trained_network(store):
    found = ws.dream_quality(store, settle=0, each=40)
    digits = data.load("digits")
    dreamt = ws.dreams(store, settle=0, each=40)
    flat = dreamt["image"].values.reshape(400, -1)
    images, labels = digits.validation.images, digits.validation.labels
    real = np.mean([images[labels == its].var(0).sum() for its in range(10)])
    ours = np.mean([flat[dreamt["label"].values == its].var(0).sum() for its in range(10)])
    assert float(found["variance_ratio"]) == pytest.approx(ours / real, rel=1e-5)
    assert float(found["accuracy"]) > 0.5
    assert float(found["accuracy_real"]) > 0.85
    assert all(0 <= float(found[name]) <= 1 for name in ("precision", "recall", "accuracy_means"))
    more = ws.dream_quality(store, settle=0, each=40, spread=3.0)
    assert float(more["variance_ratio"]) > float(found["variance_ratio"])


def test_what_cannot_be_compared(store):
    with pytest.raises(InputError, match="neighbours must be from 1 to 9"):
        ws.dream_quality(store, each=1, neighbours=10)
