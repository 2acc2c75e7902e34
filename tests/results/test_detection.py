"""Signal detection against a published example, the normal integral, and scikit-learn."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from wakesleep.results import detection


def called(count: int, cases: int) -> np.ndarray:
    return np.arange(cases)[None] < count


def test_d_prime_and_criterion_of_a_textbook_example():
    """Macmillan & Creelman's 20 hits and 10 false alarms of 25: z(.8) - z(.4) = 1.095."""
    real, negative = called(20_000, 25_000), called(10_000, 25_000)
    assert detection.d_prime(real, negative)[0] == pytest.approx(1.095, abs=1e-3)
    assert detection.criterion(real, negative)[0] == pytest.approx(-0.294, abs=1e-3)


@given(hits=st.integers(0, 50), alarms=st.integers(0, 50))
def test_log_linear_correction(hits, alarms):
    z = NormalDist().inv_cdf
    h, f = z((hits + 0.5) / 51), z((alarms + 0.5) / 51)
    real, negative = called(hits, 50), called(alarms, 50)
    assert detection.d_prime(real, negative)[0] == pytest.approx(h - f, abs=1e-9)
    assert detection.criterion(real, negative)[0] == pytest.approx(-(h + f) / 2, abs=1e-9)
    assert detection.rate(real)[0] == hits / 50


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), ties=st.booleans())
def test_auc_is_scikit_learns(seed, ties):
    random = np.random.default_rng(seed)
    real, negative = random.normal(0.5, 1, (2, 40)), random.normal(0, 1, (2, 30))
    if ties:
        real, negative = real.round(), negative.round()
    wanted = [
        roc_auc_score(np.r_[np.ones(40), np.zeros(30)], np.r_[above, below])
        for above, below in zip(real, negative, strict=True)
    ]
    np.testing.assert_allclose(detection.auc(real, negative), wanted, rtol=1e-12)
