"""Hypnograms: what a scorer, YASA and a BIDS reader expect."""

from __future__ import annotations

import io
import json
import os
import subprocess

import numpy as np
import pandas as pd
import pytest

import wakesleep as ws
from wakesleep.files import documents
from wakesleep.protocols import protocol_file
from wakesleep.results import hypnograms
from wakesleep.results.schema import STAGES

YASA = {"WAKE", "N1", "N2", "N3", "NREM", "REM", "LIGHT", "DEEP", "SLEEP", "ART", "UNS"}
TEXT = """\
protocol: night
data: {batch: 10, train: 100}
clock: {steps_per_hour: 120, start_h: 22, day_h: 0.1}      # a step is half a minute
phases:
  - repeat: 2
    block: nights
    phases:
      - {phase: wake, steps: 4}
      - {phase: sleep, steps: 6}
      - {phase: sleep, steps: 2, negatives: {source: dream}}
  - {phase: rest, steps: 3}
  - {phase: deprivation, steps: 1, stage: N1}
record: {cases: 20, quantities: [weight_norm]}
"""


def run(text: str = TEXT):
    return ws.run(
        protocol_file.from_document(documents.parse(text, "test"), {}),
        "ff_digits",
        parameters={"layers": [6]},
    )


def test_events_are_those_of_the_protocol():
    table = hypnograms.events(run())
    assert list(table.columns) == ["onset", "duration", "value", "description"]
    assert table["value"].tolist() == ["WAKE", "NREM", "REM"] * 2 + ["UNS", "N1"]
    assert table["duration"].tolist() == [120, 180, 60] * 2 + [90, 30]
    assert table["onset"].tolist() == [0, 120, 300, 360, 480, 660, 720, 810]
    assert table["description"][1] == "nights 0: sleep"
    assert set(table["value"]) <= YASA
    assert set(STAGES) <= YASA


def test_epochs_are_the_stage_at_each_windows_middle():
    stages = hypnograms.epochs(run())
    assert stages.tolist() == (["WAKE"] * 4 + ["NREM"] * 6 + ["REM"] * 2) * 2 + ["UNS"] * 3 + ["N1"]
    assert len(hypnograms.epochs(run(), epoch_s=60)) == 14
    assert len(hypnograms.epochs(run(), seconds=60.0)) == 56


def test_without_a_clock_the_seconds_must_be_said():
    result = run(TEXT.replace("clock: {steps_per_hour: 120, start_h: 22, day_h: 0.1}", "#"))
    with pytest.raises(ws.InputError, match="has no clock"):
        hypnograms.events(result)
    assert hypnograms.events(result, 2.0)["duration"].tolist()[:2] == [8, 12]
    with pytest.raises(ws.InputError, match="longer than -1 s"):
        hypnograms.events(result, -1.0)
    with pytest.raises(ws.InputError, match="an epoch must last longer"):
        hypnograms.epochs(result, 2.0, 0.0)


def test_cycles_that_were_not_recorded_are_unscored():
    text = TEXT.replace("repeat: 2", "repeat: 40").replace("{cases: 20", "{cycles: 3, cases: 20")
    result = run(text)
    table = hypnograms.events(result)
    assert np.diff(table["onset"]) == pytest.approx(table["duration"][:-1])  # without a gap
    assert table["value"].tolist() == (
        ["WAKE", "NREM", "REM", "UNS"] * 2 + ["WAKE", "NREM", "REM", "UNS", "N1"]
    )
    assert table["onset"].iloc[-1] == 30 * (40 * 12 + 3)
    assert table["description"][3] == "unrecorded"


def test_the_command_prints_what_pandas_reads(wakesleep, tmp_path):
    out = tmp_path / "run.zarr"
    (tmp_path / "night.yaml").write_text(TEXT)
    assert wakesleep("run", tmp_path / "night.yaml", "ff_digits", "-o", out, "--quiet")[0] == 0
    code, printed, _ = wakesleep("hypnogram", out)
    assert code == 0
    pd.testing.assert_frame_equal(
        pd.read_csv(io.StringIO(printed), sep="\t"),
        hypnograms.events(ws.open(out)),
        check_dtype=False,
    )
    assert wakesleep("hypnogram", out, "-o", tmp_path / "events.tsv")[0] == 0
    assert (tmp_path / "events.tsv").read_text() == printed
    assert wakesleep("hypnogram", out, "-o", tmp_path / "events.png")[0] == 0
    assert (tmp_path / "events.png").stat().st_size > 5000
    code, _, told = wakesleep("hypnogram", out, "-o", tmp_path / "events.doc")
    assert code == 2
    assert ".doc" in told


@pytest.mark.skipif("BIDS_VALIDATOR" not in os.environ, reason="it names no BIDS validator")
def test_the_bids_validator_has_no_warning_about_the_tables(tmp_path, wakesleep):
    ws.run(
        "total_sleep_deprivation",
        "ff_digits",
        inputs={"nights": 1, "lost_nights": 1, "recovery_nights": 1, "updates_per_hour": 1.0},
        out=tmp_path / "run.zarr",
    )
    study = tmp_path / "bids"
    (study / "sub-01" / "eeg").mkdir(parents=True)
    table = study / "sub-01" / "eeg" / "sub-01_task-sleep_events.tsv"
    assert wakesleep("hypnogram", tmp_path / "run.zarr", "-o", table)[0] == 0
    about = {"Name": "a night", "BIDSVersion": "1.9.0", "Authors": ["A", "B"], "License": "CC0"}
    (study / "dataset_description.json").write_text(json.dumps(about))
    (study / "README").write_text("A night of a network.")
    done = subprocess.run(
        [os.environ["BIDS_VALIDATOR"], study, "--json"], capture_output=True, text=True, timeout=120
    )
    issues = json.loads(done.stdout)["issues"]
    assert issues["errors"] == []
    assert [its["key"] for its in issues["warnings"] if its["key"] != "README_FILE_SMALL"] == []
