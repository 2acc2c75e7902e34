"""Statistics of a small result made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from wakesleep.results import phases


def result(cycles: int = 2) -> xr.Dataset:
    phases, blocks, numbers, steps, ends, index = [], [], [], [0], [False], [0]
    for cycle in range(cycles + 1):
        for phase in ("wake", "sleep"):
            for end in (False, True):
                phases.append(phase)
                blocks.append("baseline" if cycle < cycles else "after")
                numbers.append(cycle if cycle < cycles else 0)
                steps.append(steps[-1] + 5)
                ends.append(end)
                index.append(2 * cycle + (phase == "sleep"))
    return xr.Dataset(
        {
            "error": (("probe", "readout"), np.arange(2.0 * len(steps)).reshape(-1, 2)),
            "d_prime": (
                ("probe", "layer"),
                np.arange(2.0 * len(steps)).reshape(-1, 2),
                {"units": "1"},
            ),
        },
        {
            "step": ("probe", steps),
            "phase_end": ("probe", ends),
            "phase_index": ("probe", index),
            "phase": ("probe", ["wake", *phases]),
            "block": ("probe", ["baseline", *blocks]),
            "cycle": ("probe", [0, *numbers]),
        },
    )


def test_phase_table():
    table = phases.phase_table(result())
    np.testing.assert_array_equal(table["step"], [10, 20, 30, 40, 50, 60])
    np.testing.assert_array_equal(table["d_prime"], [4.5, 8.5, 12.5, 16.5, 20.5, 24.5])
    assert table["d_prime"].attrs["units"] == "1"
    assert table["error"].dims == ("probe", "readout")


def test_shortened_keeps_the_last_of_many_cycles():
    table = phases.phase_table(result(cycles=20))
    short = phases.shortened(table)
    assert list(short["block"].values) == ["baseline"] * 2 + ["after"] * 2
    assert list(short["cycle"].values) == [19, 19, 0, 0]
    assert phases.shortened(table, longest=100) is table


def test_hypnogram():
    events = phases.hypnogram(result())
    assert list(events["phase"].values) == ["wake", "sleep"] * 3
    np.testing.assert_array_equal(events["onset"], [0, 10, 20, 30, 40, 50])
    np.testing.assert_array_equal(events["offset"], [10, 20, 30, 40, 50, 60])


@pytest.mark.parametrize("probes", [6, 7])
def test_hypnogram_of_an_unfinished_run(probes):
    events = phases.hypnogram(result().isel(probe=slice(probes)))
    assert events["offset"].values[-1] == 5 * (probes - 1)
