"""A little of what ``python -m tests.campaign`` does, and all of it."""

import pytest

from tests.conftest import printed


@pytest.mark.long
@pytest.mark.parametrize(
    "size",
    [
        pytest.param(
            ("--runs", "1", "--studies", "1", "--seed", "3"), id="a little", marks=pytest.mark.long
        ),
        pytest.param(("--runs", "50", "--studies", "10"), id="all", marks=pytest.mark.long),
    ],
)
def test_nothing_is_found(size):
    shown = printed("tests.campaign", *size)
    assert "\n0 findings" in shown
