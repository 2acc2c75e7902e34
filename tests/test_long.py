"""Minutes, not seconds: run with ``make long``."""

from __future__ import annotations

import pytest

import wakesleep as ws

pytestmark = pytest.mark.long


def test_the_authors_program_learns_mnist(mnist_folder):
    """Five sweeps with cooling; the published program's 1.4 % takes a hundred."""
    result = ws.run("interleaved", "ff_mnist_1000x3", inputs={"sweeps": 5})
    assert (result["validation_error"] < 0.035).all()
    assert (result["d_prime"].isel(probe=-1) > 2).all()


def test_separated_phases_learn_the_digits():
    """Wake and sleep a hundred updates apart: the network learns, against the first expectation."""
    result = ws.run("phase_separation", "ff_digits", inputs={"nights": 100})
    assert (result["validation_error"] < 0.07).all()
