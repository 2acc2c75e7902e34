"""The two-process model: closed form against integration, and the textbook's day."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep.files import documents
from wakesleep.protocols import protocol_file
from wakesleep.protocols.pressure import process_c, process_s


@given(
    start=st.floats(0, 1),
    hours=st.floats(0.01, 40),
    awake=st.booleans(),
    rise=st.floats(1, 40),
    fall=st.floats(1, 40),
)
def test_process_s_solves_its_differential_equation(start, hours, awake, rise, fall):
    """dS/dt = (1 - S)/rise awake and -S/fall asleep, by a fourth-order integration."""
    slope = (lambda s: (1 - s) / rise) if awake else (lambda s: -s / fall)
    value, steps = start, 400
    h = hours / steps
    for _ in range(steps):
        a = slope(value)
        b = slope(value + h * a / 2)
        c = slope(value + h * b / 2)
        d = slope(value + h * c)
        value += h * (a + 2 * b + 2 * c + d) / 6
    assert process_s(start, hours, awake, rise, fall) == pytest.approx(value, abs=1e-8)


def test_process_c_is_a_day_long():
    assert process_c(21, 21) == pytest.approx(1)
    assert process_c(9, 21) == pytest.approx(-1)
    assert process_c(3.7, 21) == pytest.approx(process_c(27.7, 21))


def two_process(**inputs):
    return ws.run(
        "two_process",
        "ff_digits",
        inputs={"days": 12, "probe_cases": 20, **inputs},
        parameters={"layers": [8], "top_down": False},
    )


def test_the_textbooks_sleeper_sleeps_by_night():
    """Daan, Beersma & Borbely: entrained to 24 h, about a third of it asleep."""
    result = two_process()
    events = ws.statistics.hypnogram(result)
    hour = 10  # steps in an hour
    asleep = events["phase"].values == "sleep"
    onset = 7 + events["onset"].values[asleep][5:] / hour
    lengths = ((events["offset"] - events["onset"]).values / hour)[asleep][5:]
    assert np.diff(onset) == pytest.approx(24, abs=0.6)  # probes are taken every half hour
    assert lengths == pytest.approx(8, abs=1.5)
    assert ((onset % 24 > 20) | (onset % 24 < 3)).all()


def test_pressure_is_recorded_between_its_thresholds():
    result = two_process(circadian=0.0)
    pressure = result["sleep_pressure"].values
    ends = result["phase_end"].values
    awake = result["phase"].values == "wake"
    per_probe = 0.5 / 4.2  # the most that S can move from one probe to the next
    assert (pressure[ends & awake] > 0.60).all()
    assert (pressure[ends & awake] < 0.60 + 0.5 / 18.2).all()
    assert (pressure[ends & ~awake] < 0.17).all()
    assert (pressure[ends & ~awake] > 0.17 - per_probe * 0.2).all()


def test_pressure_is_the_closed_form_of_the_whole_run():
    result = two_process(circadian=0.0)
    value, step = 0.17, 0
    for awake, to in zip(
        result["phase"].values[1:] == "wake", result["step"].values[1:], strict=True
    ):
        value = process_s(value, (to - step) / 10, awake, 18.2, 4.2)
        step = to
    assert result["sleep_pressure"].values[-1] == pytest.approx(value, abs=1e-6)
    assert math.isfinite(value)


def test_sleep_need_can_be_the_networks_own():
    result = two_process(sleep_need="false_positive_rate", days=3)
    ends = ws.statistics.phase_ends(result)
    need = result["false_positive_rate"].mean("layer").values[result["phase_end"].values]
    swing = [0.1 * process_c(hour, 17) for hour in ends["time_h"].values]
    for phase, value, up, length in zip(
        ends["phase"].values, need, swing, np.diff(ends["step"].values, prepend=0), strict=True
    ):
        if phase == "wake":
            assert value > 0.60 + up or length == 480
        else:
            assert value < 0.17 + up or length == 240


@pytest.mark.parametrize(
    ("phase", "more", "message"),
    [
        (
            "until: {quantity: sleep_pressure, above: 0.5}",
            "clock: {steps_per_hour: 2}",
            "needs the key 'sleep_pressure'",
        ),
        ("until: {quantity: auc, above: 0.5, circadian: 0.1}", "", "'circadian' needs a 'clock'"),
        ("until: {quantity: auc, above: 0.5}", "sleep_pressure: {}", "needs a 'clock'"),
    ],
)
def test_what_a_clock_is_needed_for(phase, more, message):
    text = (
        f"protocol: p\nphases: [{{phase: wake, {phase}, at_most: 9}}]\nrecord: {{every: 3}}\n{more}"
    )
    with pytest.raises(ws.InputError, match=message):
        protocol_file.from_document(documents.parse(text, "test"), {})


@pytest.mark.filterwarnings("ignore:two_process on ff_digits")  # eight units learn little
def test_two_process_looks_at_its_thresholds_as_often_as_it_is_told():
    """Phases that wait for a threshold end at the first update at which it is passed."""
    inputs = {"days": 2, "look_every": 1, "updates_per_hour": 4.0, "probe_cases": 20}
    model = {"layers": [8]}
    fine = ws.run("two_process", "ff_digits", inputs=inputs, parameters=model)
    coarse = ws.run(
        "two_process", "ff_digits", inputs={**inputs, "look_every": 12}, parameters=model
    )
    for result, every in ((fine, 1), (coarse, 12)):
        steps = result["step"].values
        assert set(np.diff(steps).tolist()) == {every}
    first = [ws.statistics.phase_ends(its)["step"].values[1] for its in (fine, coarse)]
    assert first[0] < first[1] <= first[0] + 12
