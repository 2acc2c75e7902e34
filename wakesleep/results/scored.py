"""Scored nights of people and animals: read from the files that scorers write, and in numbers.

Read are tables of events (BIDS ``events.tsv`` and ``_hypnogram.tsv``: onset, duration, stage),
tables of one stage per epoch (YASA's CSV), and plain text with one stage per line.
"""

from __future__ import annotations

import csv
import io
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from wakesleep.errors import InputError

Numbers = Literal["yasa", "rk"]
WORDS = {
    **dict.fromkeys(("w", "wake", "awake", "sleep stage w"), "WAKE"),
    **dict.fromkeys(("n1", "s1", "sleep stage 1", "sleep stage n1"), "N1"),
    **dict.fromkeys(("n2", "s2", "sleep stage 2", "sleep stage n2"), "N2"),
    **dict.fromkeys(("n3", "s3", "s4", "n4", "sleep stage 3", "sleep stage 4"), "N3"),
    **dict.fromkeys(("sleep stage n3",), "N3"),
    **dict.fromkeys(("r", "rem", "sleep stage r"), "REM"),
    **dict.fromkeys(("nrem", "light", "deep"), "NREM"),
    **dict.fromkeys(("art", "artefact", "artifact", "mt", "movement time"), "ART"),
    **dict.fromkeys(("uns", "unscored", "?", "sleep stage ?"), "UNS"),
}
NUMBERS: dict[str, dict[int, str]] = {
    "yasa": {-2: "UNS", -1: "ART", 0: "WAKE", 1: "N1", 2: "N2", 3: "N3", 4: "REM"},
    "rk": {0: "WAKE", 1: "N1", 2: "N2", 3: "N3", 4: "N3", 5: "REM"},
}
NUMBER = re.compile(r"-?[0-9]+(\.0*)?", re.ASCII)
STAGE_COLUMNS = ("stage", "value", "trial_type", "sleep_stage", "hypnogram", "description")
ASLEEP = ("N1", "N2", "N3", "NREM", "REM")
TOLERANCE = 1e-6  # seconds


@dataclass(frozen=True)
class Scored:
    """A scored night: stages one after another, without gaps.

    Attributes
    ----------
    stages
        Words.
    onsets, durations
        Seconds from the first.
    """

    stages: tuple[str, ...]
    onsets: tuple[float, ...]
    durations: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Length of the whole."""
        return float(sum(self.durations))


def read(path: str | Path, epoch_s: float = 30.0, numbers: Numbers | None = None) -> Scored:
    """Read a scored night; neighbours of one stage become one, and gaps are unscored (UNS).

    Parameters
    ----------
    path
        A table with columns for onset, duration and stage; a table with a column for the stage
        alone, or a text with one stage per line, which then is one epoch each.
    epoch_s
        Length of an epoch in seconds, where the file says none.
    numbers
        What stages as numbers mean: ``yasa`` (4 is REM) or ``rk`` (Rechtschaffen & Kales: 3 and 4
        are N3, 5 is REM). Default ``rk`` where there is a 5.

    Raises
    ------
    InputError
        Naming the row of an unknown stage, an overlap or a number that is none.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        what = getattr(error, "strerror", None) or "is no text; EDF+ annotations must be exported"
        raise InputError(f"{path}: {what}") from None
    if not 0 < epoch_s < math.inf:
        raise InputError(f"an epoch must last longer than {epoch_s:g} s")
    rows = _rows(text, path)
    if not rows:
        raise InputError(f"{path}: holds no stage")
    header = [cell.strip().lower() for cell in rows[0][1]]
    column = next((header.index(its) for its in STAGE_COLUMNS if its in header), None)
    timed = {"onset", "duration"} <= set(header)
    if column is None:
        if timed or len(header) > 1:
            raise InputError(f"{path}: has no column {', '.join(STAGE_COLUMNS[:3])}")
        column = 0
    else:
        rows = rows[1:]
    if not rows:
        raise InputError(f"{path}: holds no stage")
    cells = [(number, row[column].strip() if column < len(row) else "") for number, row in rows]
    stages = _stages(cells, numbers, path)
    if timed:
        onsets = _seconds(rows, header.index("onset"), "onset", path)
        durations = _seconds(rows, header.index("duration"), "duration", path)
    else:
        onsets = [place * epoch_s for place in range(len(rows))]
        durations = [epoch_s] * len(rows)
    return _joined(stages, onsets, durations, [number for number, _ in rows], path)


def _rows(text: str, path: Path) -> list[tuple[int, list[str]]]:
    """Return the number (from 1) and the cells of every line that is not empty."""
    lines = [line for line in text.splitlines() if line.strip() and line[0] != "#"]
    mark = next((its for its in "\t;," if lines and its in lines[0]), None)
    if mark is None:
        every = enumerate(text.splitlines(), 1)
        return [(number, [line]) for number, line in every if line.strip() and line[0] != "#"]
    try:
        found = [
            (number, row)
            for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=mark), 1)
        ]
    except csv.Error as error:
        raise InputError(f"{path}: is no table ({error})") from None
    return [
        (number, row)
        for number, row in found
        if any(cell.strip() for cell in row) and not row[0].startswith("#")
    ]


def _stages(cells: Sequence[tuple[int, str]], numbers: Numbers | None, path: Path) -> list[str]:
    """Return the word of every stage."""
    written = {text for _, text in cells}
    digits = {int(float(its)) for its in written if NUMBER.fullmatch(its)}
    if numbers is None and 4 in digits and 5 not in digits:
        raise InputError(
            f"{path}: stage 4 is REM as YASA numbers it, and deep sleep as Rechtschaffen & Kales "
            "do; say '--numbers yasa' or '--numbers rk'"
        )
    named = NUMBERS[numbers or ("rk" if 5 in digits else "yasa")]
    found = []
    for number, text in cells:
        word = named.get(int(float(text))) if NUMBER.fullmatch(text) else WORDS.get(text.lower())
        if word is None:
            raise InputError(
                f"{path}:{number}: '{text}' is no sleep stage; allowed are W, N1, N2, N3, NREM, "
                "REM, ART, UNS, and numbers"
            )
        found.append(word)
    return found


def _seconds(
    rows: Sequence[tuple[int, list[str]]], column: int, name: str, path: Path
) -> list[float]:
    found = []
    for number, row in rows:
        text = row[column].strip() if column < len(row) else ""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or (name == "duration" and value < 0):
            raise InputError(f"{path}:{number}: the {name} '{text}' is no number of seconds")
        found.append(value)
    return found


def _joined(
    stages: Sequence[str],
    onsets: Sequence[float],
    durations: Sequence[float],
    numbers: Sequence[int],
    path: Path,
) -> Scored:
    """Return the night without gaps; those are told by a warning, overlaps by an error."""
    words: list[str] = []
    begins: list[float] = []
    lengths: list[float] = []
    end = onsets[0]
    for stage, onset, duration, number in zip(stages, onsets, durations, numbers, strict=True):
        if onset < end - TOLERANCE:
            raise InputError(
                f"{path}:{number}: begins at {onset:g} s, before the row above ends ({end:g} s)"
            )
        pieces = [(stage, onset, duration)]
        if onset > end + TOLERANCE:
            warnings.warn(
                f"{path}:{number}: nothing is scored from {end:g} to {onset:g} s; it is UNS",
                stacklevel=3,
            )
            pieces.insert(0, ("UNS", end, onset - end))
        for word, begin, length in pieces:
            if words and words[-1] == word:
                lengths[-1] += length
            elif length > 0:
                words.append(word)
                begins.append(begin - onsets[0])
                lengths.append(length)
        end = onset + duration
    if not words:
        raise InputError(f"{path}: all stages last 0 s")
    return Scored(tuple(words), tuple(begins), tuple(lengths))


def sleep_statistics(night: Scored) -> dict[str, float]:
    """Return the usual numbers of a night, in minutes and per cent, as YASA defines them.

    Vallat & Walker 2021, eLife 10, e70092. They do not depend on the length of an epoch.

    Returns
    -------
    dict
        ``TIB`` (time in bed: the whole), ``SPT`` (first to last sleep), ``WASO`` (wake within
        SPT), ``TST`` (sleep), ``SE`` (TST of TIB, %), ``SME`` (TST of SPT, %), ``SOL`` (until the
        first sleep), ``SOL_5min`` (until the first five minutes of unbroken sleep), ``Lat_REM``
        (until the first REM), minutes of each stage and ``%`` of TST, and ``SFI``, changes from
        sleep to wake in an hour of sleep. What never comes is NaN.
    """
    minutes = np.array(night.durations) / 60
    stages = np.array(night.stages)
    onsets = np.array(night.onsets) / 60
    asleep = np.isin(stages, ASLEEP)
    found = {"TIB": float(minutes.sum())}
    first, last = (int(asleep.argmax()), len(asleep) - 1 - int(asleep[::-1].argmax()))
    nothing = not asleep.any()
    within = np.zeros(len(stages), bool) if nothing else np.arange(len(stages)) >= first
    within &= np.arange(len(stages)) <= last
    found["SPT"] = float(minutes[within].sum())
    found["WASO"] = float(minutes[within & (stages == "WAKE")].sum())
    found["TST"] = float(minutes[asleep].sum())
    for name in ("N1", "N2", "N3", "NREM", "REM"):
        some = stages == name
        if name == "NREM":
            some = np.isin(stages, ("N1", "N2", "N3", "NREM"))
        found[name] = float(minutes[some].sum())
        found[f"%{name}"] = _share(found[name], found["TST"])
    for name in ("WAKE", "ART", "UNS"):
        if name in night.stages:
            found[name] = float(minutes[stages == name].sum())
    found["SE"] = _share(found["TST"], found["TIB"])
    found["SME"] = _share(found["TST"], found["SPT"])
    found["SOL"] = math.nan if nothing else float(onsets[first])
    found["SOL_5min"] = _first_unbroken(asleep, onsets, minutes, 5.0)
    rem = np.flatnonzero(stages == "REM")
    found["Lat_REM"] = float(onsets[rem[0]]) if len(rem) else math.nan
    breaks = int((asleep[:-1] & (stages[1:] == "WAKE")).sum())
    found["SFI"] = breaks / (found["TST"] / 60) if found["TST"] else math.nan
    return found


def _share(part: float, whole: float) -> float:
    return 100 * part / whole if whole else math.nan


def _first_unbroken(asleep: Any, onsets: Any, minutes: Any, least: float) -> float:
    begin, length = math.nan, 0.0
    for its, onset, minute in zip(asleep, onsets, minutes, strict=True):
        if not its:
            begin, length = math.nan, 0.0
            continue
        begin = float(onset) if math.isnan(begin) else begin
        length += float(minute)
        if length >= least - TOLERANCE:
            return begin
    return math.nan


def transitions(night: Scored) -> xr.DataArray:
    """Return how often each stage (``before``) gave way to each other stage (``after``)."""
    order = [its for its in ("WAKE", *ASLEEP, "ART", "UNS") if its in night.stages]
    counts = np.zeros((len(order), len(order)), int)
    for one, other in zip(night.stages, night.stages[1:], strict=False):
        counts[order.index(one), order.index(other)] += 1
    return xr.DataArray(counts, {"before": order, "after": order}, ("before", "after"))
