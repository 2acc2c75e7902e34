"""A little of what ``make fuzz`` does, with one seed."""

from tests.conftest import printed


def test_nothing_is_found():
    few = ["--files", "60", "--commands", "40", "--damaged", "10", "--runs", "5", "--workers", "1"]
    assert "0 findings, seed 3" in printed("tests.fuzz", "--seed", "3", *few)
