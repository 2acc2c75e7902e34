"""Confidence intervals, against scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from wakesleep.results.intervals import wilson


@given(cases=st.integers(1, 2000), level=st.sampled_from([0.9, 0.95]), data=st.data())
def test_the_interval_of_a_share_is_scipys(cases, level, data):
    wrong = data.draw(st.integers(0, cases))
    low, high = wilson(wrong / cases, cases, level)
    theirs = binomtest(wrong, cases).proportion_ci(level, "wilson")
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_a_share_that_is_not_known_has_no_interval():
    low, high = wilson(np.array([np.nan, 0.5]), 10)
    assert np.isnan(low[0])
    assert np.isnan(high[0])
    assert low[1] < 0.5 < high[1]
