"""Schedules of human experiments: whole days, the hours of sleep that they promise, and when."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wakesleep.files import documents, library
from wakesleep.protocols import protocol_file
from wakesleep.protocols.timetable import Entry, timetable

PER_HOUR, START = 60.0, 7
CLOSE = 0.05  # hours; phases end at whole updates


def phases(name: str, **inputs) -> list[tuple[Entry, float, float]]:
    """Return every phase with its onset and end, in hours since the midnight before the start."""
    document = documents.read(library.find(name, ("protocols",)))
    its = protocol_file.from_document(document, {**inputs, "updates_per_hour": PER_HOUR})
    found, at = [], 0
    for entry in timetable(its.spec, 1000):
        found.append((entry, START + at / PER_HOUR, START + (at + entry.steps) / PER_HOUR))
        at += entry.steps
    return found


def asleep(found: list[tuple[Entry, float, float]]) -> float:
    return sum(end - onset for entry, onset, end in found if entry.phase != "wake")


@given(
    night=st.floats(2, 12), naps=st.integers(0, 3), nap=st.floats(0.1, 2.5), days=st.integers(1, 4)
)
def test_split_sleep_has_its_hours_in_every_day(night, naps, nap, days):
    found = phases(
        "split_sleep",
        nights=1,
        split_days=days,
        recovery_nights=1,
        night_hours=night,
        naps=naps,
        nap_hours=nap,
    )
    assert found[-1][2] == pytest.approx(START + 24 * (days + 2), abs=CLOSE)
    assert asleep(found) == pytest.approx(16 + days * (night + naps * nap), abs=CLOSE * days)
    awake = [end - onset for entry, onset, end in found if entry.phase == "wake"][1:-1]
    assert max(awake) - min(awake) < CLOSE  # naps divide the day evenly


def apart(one: float, other: float) -> float:
    """Return how far apart two times of day are, in hours; 24 is as good as 0."""
    return abs((one - other + 12) % 24 - 12)


@example(shifts=2, rotations=1, day_sleep=2.0, delay=0.9921875, days_off=1)
@given(
    shifts=st.integers(2, 5),
    rotations=st.integers(1, 3),
    day_sleep=st.floats(2, 8),
    delay=st.floats(0, 9),
    days_off=st.integers(1, 3),
)
def test_shift_work_comes_back_to_nights(shifts, rotations, day_sleep, delay, days_off):
    found = phases(
        "shift_work",
        nights=1,
        shifts=shifts,
        rotations=rotations,
        day_sleep=day_sleep,
        delay=delay,
        days_off=days_off,
    )
    every = shifts + days_off
    assert found[-1][2] == pytest.approx(START + 24 * (1 + rotations * every), abs=CLOSE)
    assert asleep(found) == pytest.approx(
        8 + rotations * (shifts * day_sleep + 8 * days_off), abs=CLOSE * every
    )
    for entry, onset, _ in found:
        if entry.phase == "sleep" and entry is not found[1][0]:
            assert apart(onset, 23 + delay) < CLOSE
        if entry.phase == "recovery":
            assert apart(onset, 23) < CLOSE


def test_times_on_both_sides_of_midnight_are_close():
    assert apart(24, 23.99) == pytest.approx(0.01)
    assert apart(23.99, 48) == pytest.approx(0.01)
    assert apart(6, 18) == 12


@pytest.mark.parametrize("instead", ["rest", "replay"])
@pytest.mark.parametrize("rebound", [1.0, 1.5])
def test_rem_is_taken_away_and_comes_back_longer(instead, rebound):
    inputs = {"nights": 2, "deprived_nights": 3, "recovery_nights": 2}
    found = phases("rem_deprivation", instead=instead, rebound=rebound, rem_hours=0.5, **inputs)
    assert found[-1][2] == pytest.approx(START + 24 * 7, abs=CLOSE)
    rem = [0.0] * 7
    for entry, onset, end in found:
        if entry.stage == "REM":
            rem[int((onset - START) // 24)] += end - onset
    wanted = [2, 2, 0, 0, 0, 2 * rebound, 2 * rebound]
    assert rem == pytest.approx(wanted, abs=CLOSE)
