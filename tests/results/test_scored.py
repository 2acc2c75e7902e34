"""Scored nights: the forms they come in, and their numbers beside those of YASA 0.8.1."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep.results.scored import Scored

# One stage per 30 s.
NIGHT = (
    ["WAKE"] * 35 + ["N1"] * 4 + ["WAKE"] * 3 + ["N1"] * 6 + ["N2"] * 40 + ["N3"] * 50
    + ["N2"] * 10 + ["WAKE"] * 2 + ["REM"] * 20 + ["N2"] * 60 + ["N3"] * 30 + ["N1"] * 3
    + ["REM"] * 45 + ["WAKE"] * 9 + ["N1"] * 5 + ["N2"] * 70 + ["REM"] * 60 + ["ART"] * 2
    + ["N2"] * 8 + ["WAKE"] * 25
)  # fmt: skip
# yasa.Hypnogram(NIGHT, n_stages=5, freq="30s").sleep_statistics() and .transition_matrix()
YASA = {
    "TIB": 243.5, "SPT": 213.5, "WASO": 7.0, "TST": 205.5, "SE": 84.3943, "SME": 96.2529,
    "SFI": 1.1679, "SOL": 17.5, "SOL_5min": 21.0, "Lat_REM": 75.0, "WAKE": 37.0, "N1": 9.0,
    "N2": 94.0, "N3": 40.0, "REM": 62.5, "ART": 1.0, "%N1": 4.3796, "%N2": 45.7421,
    "%N3": 19.4647, "%REM": 30.4136,
}  # fmt: skip
CHANGES = {("N2", "N3"): 2, ("WAKE", "N1"): 3, ("REM", "ART"): 1, ("WAKE", "REM"): 1}


def written(tmp_path, text, name="night.txt"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.fixture
def plain(tmp_path):
    return ws.read_night(written(tmp_path, "\n".join(NIGHT)))


def test_its_numbers_are_those_of_yasa(plain):
    found = ws.statistics.sleep_statistics(plain)
    for name, value in YASA.items():
        assert found[name] == pytest.approx(value, abs=1e-4), name
    counts = ws.statistics.transitions(plain)
    for (before, after), count in CHANGES.items():
        assert int(counts.sel(before=before, after=after)) == count


@given(st.lists(st.sampled_from(["WAKE", "N1", "N2", "N3", "REM"]), min_size=1, max_size=60),
       st.integers(2, 5))  # fmt: skip
def test_its_numbers_do_not_depend_on_the_length_of_an_epoch(stages, parts):
    def scored(seconds, times):
        words = [its for its in stages for _ in range(times)]
        joined = [words[0]]
        lengths = [0.0]
        for its in words:
            if its != joined[-1]:
                joined.append(its)
                lengths.append(0.0)
            lengths[-1] += seconds
        begins = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        return Scored(tuple(joined), tuple(begins), tuple(lengths))

    one = ws.statistics.sleep_statistics(scored(30.0, 1))
    other = ws.statistics.sleep_statistics(scored(30.0 / parts, parts))
    for name, value in one.items():
        np.testing.assert_allclose(other[name], value, rtol=1e-9, err_msg=name)


def test_every_form_is_the_same_night(tmp_path, plain):
    numbers = {"WAKE": 0, "N1": 1, "N2": 2, "N3": 3, "REM": 5, "ART": "ART"}
    forms = {
        "rk.txt": "\n".join(str(numbers[its]) for its in NIGHT),
        "yasa.csv": "Epoch,Stage\n" + "".join(f"{n},{its}\n" for n, its in enumerate(NIGHT)),
        "bids.tsv": "onset\tduration\tstage\n"
        + "".join(
            f"{3600 + begin}\t{length}\t{its}\n"
            for begin, length, its in zip(plain.onsets, plain.durations, plain.stages, strict=True)
        ),
        "notes.txt": "# scored by A, B\n" + "\n".join(NIGHT),
        "semicolons.csv": "epoch;stage\n" + "".join(f"{n};{its}\n" for n, its in enumerate(NIGHT)),
        "short.txt": "\n".join({"WAKE": "W", "REM": "R"}.get(its, its) for its in NIGHT),
    }
    for name, text in forms.items():
        assert ws.read_night(written(tmp_path, text, name)) == plain, name


def test_a_gap_is_unscored_and_told(tmp_path):
    path = written(tmp_path, "onset\tduration\tvalue\n0\t60\tW\n90\t30\tN2\n", "events.tsv")
    with pytest.warns(UserWarning, match=r"events.tsv:3: nothing is scored from 60 to 90 s"):
        night = ws.read_night(path)
    assert night.stages == ("WAKE", "UNS", "N2")
    assert night.durations == (60, 30, 30)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.txt", "W\nN2\nN9\n", "a.txt:3: 'N9' is not a sleep stage"),
        ("a.txt", "0\n2\n4\n", "4 is REM as YASA numbers it"),
        ("a.txt", "", "contains no stages"),
        ("a.txt", "W\n\u00b2\n", "a.txt:2: '\u00b2' is not a sleep stage"),
        ("a.txt", "W\n--1\n", "a.txt:2: '--1' is not a sleep stage"),
        ("a.tsv", "onset\tduration\tvalue\n0\t60\tW\n30\t30\tN2\n", "a.tsv:3: begins at 30 s"),
        ("a.tsv", "onset\tduration\tvalue\n0\tx\tW\n", "a.tsv:2: the duration 'x'"),
        ("a.csv", "time,score\n0,W\n", "has no column of stages, called stage or value"),
    ],
)
def test_faults_are_told_with_their_row(tmp_path, name, text, told):
    with pytest.raises(ws.InputError, match=told):
        ws.read_night(written(tmp_path, text, name))


def test_a_night_becomes_a_protocol_that_runs(tmp_path, wakesleep, plain):
    source = written(tmp_path, "\n".join(NIGHT))
    out = tmp_path / "night.yaml"
    code, printed, err = wakesleep("hypnogram", "--import", str(source), "-o", str(out))
    assert code == 0, err
    assert "TST 205.5" in printed
    result = ws.run(out, "ff_digits", parameters={"layers": [8], "top_down": True},
                    inputs={"day_hours": 1, "n1": "wake"})  # fmt: skip
    events = ws.hypnograms.events(result)
    night = events.iloc[1:]
    assert night["value"].tolist() == list(plain.stages)
    np.testing.assert_allclose(night["duration"], plain.durations)
    phases = [its.rpartition(" ")[2] for its in night["description"]]
    used = dict(zip(plain.stages, phases, strict=True))
    assert used == {"WAKE": "wake", "N1": "wake", "N2": "replay", "N3": "replay", "REM": "sleep",
                    "ART": "rest"}  # fmt: skip
    code, _, err = wakesleep("hypnogram", "--import", str(source), "-o", str(out))
    assert (code, "exists already" in err) == (2, True)
    odd = written(tmp_path, "\n".join(NIGHT), "sub-01: night.txt")
    code, _, err = wakesleep("hypnogram", "--import", str(odd), "-o", str(tmp_path / "odd.yaml"))
    assert code == 0, err
    assert ws.load(tmp_path / "odd.yaml")
    code, _, err = wakesleep("hypnogram", "--import", str(source), "--epoch", "4")
    assert (code, "--steps-per-hour" in err) == (2, True)


def test_a_table_has_a_description_of_its_columns(tmp_path, wakesleep):
    out, table = tmp_path / "run.zarr", tmp_path / "events.tsv"
    ws.run("total_sleep_deprivation", "ff_digits", out=out, parameters={"layers": [8]},
           inputs={"nights": 1, "recovery_nights": 0, "negatives": "wrong_label"})  # fmt: skip
    code, _, err = wakesleep("hypnogram", str(out), "-o", str(table))
    assert code == 0, err
    about = json.loads(table.with_suffix(".json").read_text())
    header, *rows = [line.split("\t") for line in table.read_text().splitlines()]
    assert set(header) == set(about)
    assert {row[header.index("value")] for row in rows} <= set(about["value"]["Levels"])
    code, _, err = wakesleep("hypnogram", str(out), "-o", str(table))
    assert (code, "exists already" in err) == (2, True)
    assert ws.read_night(table).seconds == pytest.approx(72 * 3600, rel=0.4)


@pytest.mark.parametrize("words", [[], ["--import", "a.txt", "b.zarr"], ["--import", "none.txt"]])
def test_wrong_commands_are_told(words, wakesleep):
    code, _, err = wakesleep("hypnogram", *words)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
