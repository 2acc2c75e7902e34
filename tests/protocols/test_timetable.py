"""A protocol unrolled by hand, and the author's cooling."""

from __future__ import annotations

import pytest

from wakesleep.errors import InputError
from wakesleep.files import documents
from wakesleep.protocols import protocol_file
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.timetable import timetable
from wakesleep.results.schema import ASLEEP

NESTED = """\
protocol: nested
data: {batch: 30}
phases:
  - {phase: rest, steps: 2}
  - repeat: 2
    block: weeks
    phases:
      - repeat: 2
        phases: [{phase: wake, steps: 3}]
      - repeat: 1
        block: nights
        phases: [{phase: sleep, sweeps: 2}]
  - {phase: sleep, until: {quantity: d_prime, above: 1}, at_most: 7}
record: {every: 2}
"""


def entries(text: str, cases: int = 100):
    return timetable(protocol_file.from_document(documents.parse(text, "test"), {}).spec, cases)


def test_unrolled_by_hand():
    found = [(its.phase, its.block, its.cycle, its.steps, its.probes) for its in entries(NESTED)]
    week = [("wake", "weeks", 0, 3, 2)] * 2
    assert found == [
        ("rest", "", 0, 2, 1),
        *week,
        ("sleep", "nights", 0, 8, 4),  # two sweeps of 100 cases by 30: 4 steps each
        *[("wake", "weeks", 1, 3, 2)] * 2,
        ("sleep", "nights", 0, 8, 4),
        ("sleep", "", 0, 7, 4),
    ]


def test_cooling_is_the_authors():
    """REFERENCE: 1 in the first half of E epochs, then (1 + 2(E - epoch))/E."""
    text = (
        "protocol: cool\ndata: {batch: 50}\n"
        "phases: [{phase: interleaved, sweeps: 6, cooling: second_half}]"
    )
    (entry,) = entries(text)
    gains = entry.gains(0, entry.steps)
    by_sweep = [1, 1, 1, (1 + 2 * 2) / 6, (1 + 2 * 1) / 6, 1 / 6]
    assert gains == pytest.approx([gain for gain in by_sweep for _ in range(2)])
    assert entry.gains(5, 4) == gains[5:9]  # however the steps are cut into chunks


def test_no_cooling():
    (entry,) = entries("protocol: warm\nphases: [{phase: wake, steps: 5}]")
    assert entry.gains(0, 5) == [1.0] * 5


@pytest.mark.parametrize(
    ("repeat", "message"), [(0, "has 0 phases"), (2_000_000, "2,000,000 phases")]
)
def test_too_few_or_too_many_phases(repeat, message):
    text = f"protocol: odd\nphases: [{{repeat: {repeat}, phases: [{{phase: wake, steps: 1}}]}}]"
    with pytest.raises(InputError, match=message):
        entries(text)


def test_huge_nested_repeats_are_refused_without_unrolling():
    text = "{phase: wake, steps: 1}"
    for _ in range(8):
        text = f"{{repeat: 1000000, phases: [{text}]}}"
    with pytest.raises(InputError, match="allowed are 1 to 1,000,000"):
        entries(f"protocol: huge\nphases: [{text}]")


@pytest.mark.parametrize(
    ("repeats", "most", "wanted"),
    [
        (5, 10, [0, 1, 2, 3, 4]),
        (1000, 4, [0, 9, 99, 999]),
        (1000, 1, [999]),
        (100, 3, [0, 9, 99]),
    ],
)
def test_recorded_cycles(repeats, most, wanted):
    text = (
        f"protocol: long\nphases:\n  - repeat: {repeats}\n    phases: [{{phase: wake, steps: 2}},"
        f" {{phase: sleep, steps: 2}}]\nrecord: {{cycles: {most}}}"
    )
    kept = [its.cycle for its in entries(text) if its.recorded]
    assert kept == [cycle for cycle in wanted for _ in range(2)]
    assert sum(its.steps for its in entries(text)) == 4 * repeats


def test_a_phase_that_waits_is_always_recorded():
    text = (
        "protocol: long\nphases:\n  - repeat: 50\n    phases: [{phase: wake, until: {quantity: auc,"
        " above: 1}, at_most: 4}]\nrecord: {cycles: 2, every: 2}"
    )
    assert all(its.recorded for its in entries(text))


def test_stages_and_negatives_of_phases():
    text = """\
protocol: night
negatives: {source: hard_label}
phases:
  - {phase: wake, steps: 1}
  - {phase: sleep, steps: 1}
  - {phase: sleep, steps: 1, negatives: {source: dream, settle: 5}}
  - {phase: sleep, steps: 1, stage: N3}
  - {phase: deprivation, steps: 1}
  - {phase: interleaved, steps: 1}
  - {phase: rest, steps: 1}
"""
    found = entries(text)
    assert [its.stage for its in found] == ["WAKE", "NREM", "REM", "N3", "WAKE", "UNS", "UNS"]
    assert found[1].negatives.source == "hard_label"
    assert found[2].negatives.options == {"settle": 5}


def test_a_protocol_says_what_it_needs_of_its_parts():
    text = """\
protocol: parts
momentum: 0.9
data: {updates_per_batch: 3}
phases:
  - {phase: wake, steps: 1}
  - {phase: sleep, steps: 1, negatives: {source: dream}}
  - {phase: sleep, steps: 1, mode: centred}
"""
    spec = protocol_file.from_document(documents.parse(text, "test"), {}).spec
    assert set(spec.needs()) == {
        "wake",
        "sleep",
        "dream",
        "baseline",
        "momentum",
        "updates_per_batch",
    }
    assert spec.subtracts_baseline
    assert len(spec.warnings()) == 1  # the dreams make the full negative updates as well


@pytest.mark.parametrize(
    ("phases", "more", "twice"),
    [
        ("{phase: sleep, steps: 1}", "", False),
        ("{phase: sleep, steps: 1}", "baseline_awake: true", True),
        ("{phase: sleep, steps: 1, mode: centred}", "", False),
        ("{phase: sleep, steps: 1, mode: measure}", "", False),
        ("{phase: sleep, steps: 1, mode: measure}", "baseline_awake: false", False),
    ],
)
def test_a_baseline_counted_twice_is_warned_of(phases, more, twice):
    text = f"protocol: p\nphases: [{{phase: wake, steps: 1}}, {phases}]\n{more}"
    spec = protocol_file.from_document(documents.parse(text, "test"), {}).spec
    assert [("counted twice" in its) for its in spec.warnings()] == [True] * twice


def test_results_know_which_phases_are_sleep():
    assert {name for name, kind in PHASES.items() if kind.asleep} == set(ASLEEP)


NIGHT = """\
protocol: night
clock: {steps_per_hour: 10}
phases:
  - repeat: 2
    block: nights
    phases:
      - {phase: wake, hours: 16}
      - repeat: 4
        block: cycles_of_sleep
        phases:
          - {phase: replay, hours: 2, shares: [0.9, 0.75, 0.4, 0.0]}
          - {phase: sleep, hours: 2, negatives: {source: dream}, shares: [0.1, 0.25, 0.6, 1.0]}
"""


def test_shares_of_a_night_change_from_cycle_to_cycle():
    found = entries(NIGHT)
    night = [(its.stage, its.steps) for its in found if its.counters["nights"] == 1]
    assert night == [
        ("WAKE", 160),
        *[("NREM", 18), ("REM", 2), ("NREM", 15), ("REM", 5), ("NREM", 8), ("REM", 12)],
        ("REM", 20),
    ]
    assert sum(its.steps for its in found) == 2 * 240


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[0.9, 0.75, 0.4, 0.0]", "[0.9, 0.75]", "'shares' has 2 numbers, but its repeat has 4"),
        ("[0.9, 0.75, 0.4, 0.0]", "[0, 0, 0, 0]", "'shares' are all 0"),
        ("[0.9, 0.75, 0.4, 0.0]", "[1.5, 0, 0, 0]", "less than or equal to 1"),
        ("{phase: wake, hours: 16}", "{phase: wake, hours: 16, shares: [1]}", "has 1 numbers"),
    ],
)
def test_shares_that_do_not_fit_are_refused(old, new, told):
    with pytest.raises(InputError, match=told):
        entries(NIGHT.replace(old, new))


def test_shares_need_a_repeat():
    with pytest.raises(InputError, match="in a repeat"):
        entries("protocol: a\nphases:\n  - {phase: wake, steps: 4, shares: [0.5]}\n")
