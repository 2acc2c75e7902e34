"""Scored nights from EDF+ annotations (files written here byte by byte) and from YASA's objects."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

import wakesleep as ws
from wakesleep.errors import InputError

pytest.importorskip("pyedflib")


def edf(path, annotations, record_s=0):
    """Write an EDF+ file that has annotations alone (edfplus.info, sections 2.1 and 2.2)."""
    tals = b"+0\x14\x14\x00"  # the first tells when the record begins
    for onset, duration, text in annotations:
        held = b"" if duration is None else b"\x15" + f"{duration:g}".encode()
        tals += f"+{onset:g}".encode() + held + b"\x14" + text.encode() + b"\x14\x00"
    tals += b"\x00" * (len(tals) % 2)
    header = [
        ("0", 8), ("X X X X", 80), ("Startdate 01-JAN-2020 X X X", 80), ("01.01.20", 8),
        ("23.00.00", 8), (512, 8), ("EDF+C", 44), (1, 8), (record_s, 8), (1, 4),
        ("EDF Annotations", 16), ("", 80), ("", 8), (-1, 8), (1, 8), (-32768, 8), (32767, 8),
        ("", 80), (len(tals) // 2, 8), ("", 32),
    ]  # fmt: skip
    path.write_bytes(b"".join(str(its).ljust(size).encode() for its, size in header) + tals)
    return path


def test_annotations_become_stages(tmp_path):
    file = edf(
        tmp_path / "night.edf",
        [
            (0, 600, "Sleep stage W"),
            (120, 0, "Lights off"),
            (130, 30, "Artifact"),
            (600, 90, "Sleep stage 1"),
            (690, 900, "Sleep stage 2"),
            (1590, 300, "Sleep stage 4"),
            (1890, 600, "Sleep stage R"),
            (2490, 30, "Movement time"),
            (2520, 30, "Sleep stage ?"),
        ],
    )
    with pytest.warns(UserWarning, match="left out: Artifact, Lights off"):
        night = ws.read_night(file)
    assert night.stages == ("WAKE", "N1", "N2", "N3", "REM", "ART", "UNS")
    assert night.durations == (600, 90, 900, 300, 600, 30, 30)
    assert ws.statistics.sleep_statistics(night)["TST"] == pytest.approx(31.5)


def test_annotations_of_epochs_need_no_duration_and_no_order(tmp_path):
    night = ws.read_night(
        edf(tmp_path / "n.edf", [(20, None, "Sleep stage N2"), (0, None, "Sleep stage W")]),
        epoch_s=20,
    )
    assert night.stages == ("WAKE", "N2")
    assert night.durations == (20, 20)


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ([(0, 30, "Lights off")], "has no annotation such as 'Sleep stage N2'; it has Lights off"),
        ([(0, 30, "Sleep stage X")], "'Sleep stage X' is not a sleep stage"),
        (
            [(0, 60, "Sleep stage W"), (30, 30, "Sleep stage R")],
            ":2: begins at 30 s, before the row above ends",
        ),
    ],
)
def test_annotations_that_make_no_night(tmp_path, annotations, told):
    with pytest.raises(InputError, match=told):
        ws.read_night(edf(tmp_path / "n.edf", annotations))


def test_what_is_no_edf_file(tmp_path):
    (tmp_path / "n.edf").write_text("W\nN1\n")
    with pytest.raises(InputError, match="is not an EDF"):
        ws.read_night(tmp_path / "n.edf")
    with pytest.raises(InputError, match="there is no such file"):
        ws.read_night(tmp_path / "missing.edf")
    (tmp_path / "folder.edf").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        ws.read_night(tmp_path / "folder.edf")


def test_a_protocol_of_an_edf_file(tmp_path, wakesleep):
    night = edf(tmp_path / "n.edf", [(0, 600, "Sleep stage W"), (600, 900, "Sleep stage N2")])
    out = tmp_path / "night.yaml"
    code, told, _ = wakesleep("hypnogram", "--import", night, "-o", out)
    assert code == 0
    assert "TST 15.0" in told
    assert wakesleep("check", out)[0] == 0


def test_a_hypnogram_of_yasa():
    words = ["WAKE", "N1", "N2", "N2", "REM"]
    night = ws.read_night(SimpleNamespace(hypno=pd.Series(words), sampling_frequency=1 / 30))
    assert night.stages == ("WAKE", "N1", "N2", "REM")
    assert night.durations == pytest.approx((30, 30, 60, 30))
    with pytest.raises(InputError, match="is a file or a yasa"):
        ws.read_night(42)
