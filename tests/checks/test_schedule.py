"""The schedule of a protocol that has not been run."""

from __future__ import annotations

import numpy as np
import pytest

import wakesleep as ws
from wakesleep.checks.schedule import planned
from wakesleep.results.phases import hypnogram


def test_it_is_the_schedule_of_the_run():
    inputs = {"nights": 2, "lost_nights": 1, "recovery_nights": 1, "updates_per_hour": 1.0}
    its = planned("total_sleep_deprivation", inputs)
    result = ws.run(
        "total_sleep_deprivation", "ff_digits", inputs=inputs, parameters={"layers": [6, 6]}
    )
    assert its.probes == result.sizes["probe"]
    before, after = hypnogram(its.events), hypnogram(result)
    for name in ("onset", "offset", "phase", "stage", "block", "cycle"):
        np.testing.assert_array_equal(before[name], after[name])
    assert its.updates == {"WAKE": 5 * 12, "REM": 3 * 12}
    assert its.hours == {"WAKE": 60.0, "REM": 36.0}
    assert its.seconds is None


def test_a_model_gives_an_estimate_and_turns_sweeps_into_updates():
    its = planned(
        "interleaved",
        {"sweeps": 3, "batch": 100},
        model="ff_digits",
        parameters={"layers": [6, 6], "top_down": False},
    )
    assert its.updates == {"UNS": 36}
    assert 0 < its.seconds < 60
    with pytest.raises(ws.InputError, match=r"is stated in sweeps.*name a model"):
        planned("interleaved")
    assert planned("interleaved", {"sweeps": 3}, data="digits").updates == {"UNS": 36}


def test_the_command(tmp_path, monkeypatch, wakesleep):
    monkeypatch.chdir(tmp_path)
    code, out, _ = wakesleep("plot", "total_sleep_deprivation", "-p", "night_hours=8")
    assert code == 0
    assert "1,560.0" in out
    assert (tmp_path / "total_sleep_deprivation-schedule.png").stat().st_size > 5000
    assert list(tmp_path.iterdir()) == [tmp_path / "total_sleep_deprivation-schedule.png"]
    code, out, _ = wakesleep("plot", "two_process", "-o", "two.svg")
    assert "counted at their longest" in out
    code, _, err = wakesleep("plot", "total_sleep_deprivaton")
    assert code == 2
    assert "did you mean 'total_sleep_deprivation'" in err
    code, _, err = wakesleep("plot", "interleaved", "-p", "model.rate=1")
    assert code == 2
    assert "name the model too" in err


def test_stages_are_shown_as_such():
    from matplotlib.figure import Figure

    from wakesleep.files import documents
    from wakesleep.protocols import protocol_file

    text = (
        "protocol: p\nphases: [{phase: rest, steps: 3}, {phase: rest, steps: 3, stage: ART}, "
        "{phase: wake, steps: 3}, {phase: interleaved, steps: 3}, "
        "{phase: interleaved, steps: 3, stage: N2}]\n"
    )
    its = planned(protocol_file.from_document(documents.parse(text, "p"), {}))
    ax = ws.plots.hypnogram(its.events, Figure().subplots())
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "BOTH",
        "WAKE",
        "N2",
        "ART",
        "UNS",
    ]
