"""Phases in hours, days that are not 24 h, nested repeats and their counters."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep.files import documents, library
from wakesleep.protocols import protocol_file
from wakesleep.protocols.timetable import timetable
from wakesleep.simulation.loading import load_protocol

WEEKS = """\
protocol: weeks
inputs: {speed: {default: 1.0}}
data: {batch: 10, train: 100}
clock: {steps_per_hour: $speed, start_h: 7}
phases:
  - repeat: 2
    block: weeks
    phases:
      - repeat: 3
        block: workday
        phases:
          - {phase: wake, hours: 16}
          - {phase: sleep, minutes: 480}
      - {phase: rest, hours: 1}
record: {cases: 20, quantities: [weight_norm]}
"""


def loaded(text: str, **values):
    return protocol_file.from_document(documents.parse(text, "test"), values)


def run(text: str, **values) -> xr.Dataset:
    return ws.run(loaded(text, **values), "ff_digits", parameters={"layers": [6]})


@given(
    wake=st.floats(0.5, 30),
    sleep=st.floats(0.5, 30),
    speed=st.floats(2, 40),
    days=st.integers(1, 60),
)
def test_a_day_stays_as_long_as_the_clock_says(wake, sleep, speed, days):
    text = (
        f"protocol: p\nclock: {{steps_per_hour: {speed}, day_h: {wake + sleep}}}\nphases:\n"
        f"  - repeat: {days}\n    phases:\n      - {{phase: wake, hours: {wake}}}\n"
        f"      - {{phase: sleep, hours: {sleep}}}\n"
    )
    steps = np.cumsum([its.steps for its in timetable(loaded(text).spec, 100)])
    exact = speed * np.cumsum([wake, sleep] * days)
    assert np.abs(steps - exact).max() <= 0.5 + 1e-6 * exact[-1]


@pytest.mark.parametrize(
    "name", ["total_sleep_deprivation", "sleep_restriction", "selective_deprivation"]
)
def test_shipped_protocols_have_days_of_24_hours_whatever_the_night(name):
    document = documents.read(library.find(name, ("protocols",)))
    for values in ({}, {"night_hours": 7.2}, {"updates_per_hour": 2.0}, {"night_hours": 7.5}):
        its = protocol_file.from_document(document, values)
        assert its.spec.warnings() == []
        entries = timetable(its.spec, 1200)
        hours = sum(entry.steps for entry in entries) / its.spec.clock.steps_per_hour
        days = sum(entry.phase == "wake" for entry in entries)
        assert hours == pytest.approx(24 * days, abs=0.5 / its.spec.clock.steps_per_hour + 1e-3)


def test_the_shipped_protocol_comes_to_the_updates_it_always_had():
    its = protocol_file.from_document(documents.read(library.find("total_sleep_deprivation")), {})
    assert {entry.steps for entry in timetable(its.spec, 1200)} == {100}


@pytest.mark.parametrize(
    ("phases", "more", "warned"),
    [
        ("{phase: wake, steps: 32}, {phase: sleep, steps: 16}", "", False),
        ("{phase: wake, steps: 22}, {phase: sleep, steps: 16}", "", True),
        ("{phase: wake, steps: 22}, {phase: sleep, steps: 16}", ", day_h: 19", False),
        ("{phase: wake, hours: 11}, {phase: sleep, minutes: 480}", "", True),
        ("{phase: wake, hours: 16}, {phase: deprivation, hours: 8}", "", False),
        ("{phase: wake, hours: 9}, {phase: deprivation, hours: 8}", "", True),
        ("{phase: wake, sweeps: 1}, {phase: sleep, steps: 16}", "", False),  # of unknown length
        ("{phase: wake, steps: 5}, {phase: rest, steps: 5}", "", False),  # no cycle of sleep
    ],
)
def test_a_day_that_is_not_24_hours_is_warned_of(phases, more, warned):
    text = (
        f"protocol: p\nclock: {{steps_per_hour: 2{more}}}\n"
        f"phases: [{{repeat: 3, block: days, phases: [{phases}]}}]\n"
    )
    told = loaded(text).spec.warnings()
    assert bool(told) == warned
    if warned:
        assert "a day and night of block 'days' last" in told[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("phases: [{phase: wake, hours: 3}]", "a phase with 'hours' needs a 'clock'"),
        (
            "phases: [{phase: wake, steps: 3}, {repeat: 2, phases: [{phase: wake, hours: 3}]}]",
            r":2:70: a phase with 'hours' needs a 'clock'",
        ),
        (
            "inputs: {hours: {default: 3}}\nphases: [{phase: wake, hours: $hours}]",
            r":3:24: a phase with 'hours' needs a 'clock'",
        ),
        ("phases: [{phase: wake, minutes: 3}]", "a phase with 'minutes' needs a 'clock'"),
        (
            "clock: {steps_per_hour: 1}\nphases: [{phase: wake, hours: 3, steps: 3}]",
            "it has steps and hours",
        ),
        ("clock: {steps_per_hour: 1}\nphases: [{phase: wake, hours: -3}]", "greater than 0"),
        (
            "clock: {steps_per_hour: 1}\nphases: [{phase: wake, hours: 0.2}]",
            "is rounded to no update",
        ),
        (
            "phases: [{repeat: 2, block: nights, phases: [{phase: wake, at_most: 9, "
            "until: {quantity: error, below: 1, cycles: {night: 1}}}]}]\nrecord: {every: 3}",
            "is in no repeat of that name.*did you mean 'nights'",
        ),
        (
            "phases: [{repeat: 2, block: n, phases: [{phase: wake, at_most: 9, "
            "until: {quantity: error, below: 1, cycles: {n: [0, 2]}}}]}]\nrecord: {every: 3}",
            "cycle 2 of 'n', whose last one is 1",
        ),
        (
            "phases: [{repeat: 2, block: n, phases: [{phase: wake, steps: 1}]}, "
            "{phase: wake, at_most: 9, until: {quantity: error, below: 1, cycles: {n: 0}}}]\n"
            "record: {every: 3}",
            "is in no repeat of that name",
        ),
        (
            "phases: [{repeat: 2, block: n, phases: [{repeat: 3, block: n, "
            "phases: [{phase: wake, steps: 1}]}]}]",
            "'n' is inside another of that name",
        ),
    ],
)
def test_faults_of_hours_and_cycles(text, message):
    with pytest.raises(ws.InputError, match=message):
        timetable(loaded(f"protocol: p\n{text}").spec, 100)


def test_every_named_repeat_is_a_coordinate():
    result = run(WEEKS)
    ends = ws.statistics.phase_ends(result)
    np.testing.assert_array_equal(ends["cycle_weeks"], [0] * 7 + [1] * 7)
    np.testing.assert_array_equal(ends["cycle_workday"], [0, 0, 1, 1, 2, 2, -1] * 2)
    second = ws.statistics.in_cycles(ends, {"weeks": 1, "workday": 0})
    np.testing.assert_array_equal(second["step"], [73 + 16, 73 + 24])
    np.testing.assert_array_equal(second["time_h"], [7 + 73 + 16, 7 + 73 + 24])
    with pytest.raises(ws.InputError, match=r"no repeat is called 'week'.*did you mean 'weeks'"):
        ws.statistics.in_cycles(result, {"week": 1})


def test_counters_survive_the_store(tmp_path):
    kept = ws.run(loaded(WEEKS), "ff_digits", parameters={"layers": [6]}, out=tmp_path / "w.zarr")
    ws.to_netcdf(kept, tmp_path / "w.nc")
    for path in ("w.zarr", "w.nc"):
        np.testing.assert_array_equal(
            ws.open(tmp_path / path)["cycle_workday"], kept["cycle_workday"]
        )


def test_a_condition_is_looked_at_in_its_cycles_alone():
    text = """\
protocol: p
data: {batch: 10, train: 100}
phases:
  - repeat: 4
    block: nights
    phases:
      - phase: wake
        until: {quantity: weight_norm, above: 0, cycles: {nights: [1, 3]}}
        at_most: 9
record: {every: 3, cases: 20, quantities: [weight_norm]}
"""
    ends = ws.statistics.phase_ends(run(text))
    np.testing.assert_array_equal(np.diff(ends["step"], prepend=0), [9, 3, 9, 3])


def test_an_outcome_selects_by_any_repeat(tmp_path):
    (tmp_path / "weeks.yaml").write_text(WEEKS)
    (tmp_path / "s.yaml").write_text(
        "study: s\nmodels: [{name: m, use: ff_digits, set: {layers: [6]}}]\n"
        "protocols: [./weeks.yaml]\nseeds: 1\noutcomes:\n"
        "  second: {quantity: weight_norm, layer: '1', at: wake, cycles: {weeks: 1, workday: 0}}\n"
        "  last: {quantity: weight_norm, layer: '1', at: wake}\n"
        "  beyond: {quantity: weight_norm, layer: '1', cycles: {weeks: 9}}\n"
    )
    with pytest.warns(UserWarning, match=r"outcome 'beyond'.*has no value in any run"):
        study = ws.study(tmp_path / "s.yaml", tmp_path / "out", workers=1)
    assert np.isnan(study.tree["outcomes"]["beyond"].item())
    run_itself = study.tree["runs/0000"].to_dataset().isel(seed=0)
    its = ws.statistics.in_cycles(run_itself, {"weeks": 1, "workday": 0})
    wanted = its["weight_norm"].sel(layer="1")[its["phase"].values == "wake"]
    outcomes = study.tree["outcomes"]
    assert outcomes["second"].item() == wanted[-1].item()
    assert outcomes["second"].item() != outcomes["last"].item()
    text = (tmp_path / "s.yaml").read_text().replace("{weeks: 1,", "{week: 1,")
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(ws.InputError, match=r"no protocol of this study has a repeat 'week'"):
        ws.check(tmp_path / "s.yaml")


def test_what_is_repeated_within_a_day_is_no_day():
    """Naps are cycles of wake and sleep, and parts of a day of 24 hours."""
    for naps, hours in ((1, 2.0), (2, 1.5)):
        inputs = {"naps": naps, "nap_hours": hours}
        assert load_protocol("split_sleep", inputs).spec.warnings() == []
    text = Path(load_protocol("split_sleep").document.source).read_text()
    changed = documents.parse(text.replace("hours: $night_hours,", "hours: 9,"), "changed", None)
    told = protocol_file.from_document(changed, {}).spec.warnings()
    assert any("block 'naps' last" in its for its in told)


def test_a_run_warns_before_it_starts(tmp_path):
    text = WEEKS.replace("hours: 16", "hours: 15")
    with pytest.warns(UserWarning, match=r"a day and night of block 'workday' last 23 h"):
        run(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(text.replace("start_h: 7", "start_h: 7, day_h: 23"))


def test_a_day_with_cycles_of_sleep_in_it_is_measured_too():
    text = """
protocol: nights
clock: {steps_per_hour: 10}
phases:
  - repeat: 2
    block: weeks
    phases:
      - repeat: 3
        block: days
        phases:
          - {phase: wake, hours: 16}
          - repeat: 4
            phases:
              - {phase: replay, hours: 2, shares: [0.9, 0.7, 0.5, 0.3]}
              - {phase: sleep, hours: 2, shares: [0.1, 0.3, 0.5, 0.7]}
"""
    assert protocol_file.from_document(documents.parse(text, "test"), {}).spec.warnings() == []
    (told,) = protocol_file.from_document(
        documents.parse(text.replace("hours: 16", "hours: 20"), "test"), {}
    ).spec.warnings()
    assert "block 'days' last 28 h" in told
