"""Scored nights, read from the files that scorers write.

Supported are tables of events (BIDS ``events.tsv``, ``_hypnogram.tsv``: onset, duration, stage),
tables of one stage per epoch (YASA's CSV), plain text with one stage per line, and the annotations
of EDF+ files.
"""

from __future__ import annotations

import csv
import io
import math
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from wakesleep.errors import InputError
from wakesleep.results.scored import TOLERANCE, Scored

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


def read(path: str | Path | Any, epoch_s: float = 30.0, numbers: Numbers | None = None) -> Scored:
    """Read a scored night; adjacent entries of one stage are merged, gaps are unscored (UNS).

    Parameters
    ----------
    path
        A table with columns for onset, duration and stage; a table with a column for the stage
        alone, or a text with one stage per line, which then is one epoch each; an EDF+ file
        (.edf, .bdf) with annotations such as ``Sleep stage N2``; or a ``yasa.Hypnogram``.
    epoch_s
        Length of an epoch in seconds, if the file does not have it.
    numbers
        Meaning of stage numbers: ``yasa`` (4 is REM) or ``rk`` (Rechtschaffen & Kales: 3 and 4
        are N3, 5 is REM). Default ``rk`` if there is a 5.

    Raises
    ------
    InputError
        If a stage is unknown, stages overlap, or a number is invalid; the message names the row
        (in an EDF+ file the annotation).
    """
    if not 0 < epoch_s < math.inf:
        raise InputError(f"an epoch must last longer than {epoch_s:g} s")
    if not isinstance(path, str | Path):
        return _of_object(path, numbers)
    path = Path(path)
    if path.suffix.lower() in (".edf", ".bdf"):
        return _of_edf(path, epoch_s, numbers)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        what = getattr(error, "strerror", None) or "is not text, and its name does not end in .edf"
        raise InputError(f"{path}: {what}") from None
    rows = _rows(text, path)
    if not rows:
        raise InputError(f"{path}: contains no stages")
    header = [cell.strip().lower() for cell in rows[0][1]]
    column = next((header.index(its) for its in STAGE_COLUMNS if its in header), None)
    timed = {"onset", "duration"} <= set(header)
    if column is None:
        if timed or len(header) > 1:
            raise InputError(
                f"{path}: has no column of stages, called {' or '.join(STAGE_COLUMNS[:3])}"
            )
        column = 0
    else:
        rows = rows[1:]
    if not rows:
        raise InputError(f"{path}: contains no stages")
    cells = [(number, row[column].strip() if column < len(row) else "") for number, row in rows]
    stages = _stages(cells, numbers, path)
    if timed:
        onsets = _seconds(rows, header.index("onset"), "onset", path)
        durations = _seconds(rows, header.index("duration"), "duration", path)
    else:
        onsets = [place * epoch_s for place in range(len(rows))]
        durations = [epoch_s] * len(rows)
    return _joined(stages, onsets, durations, [number for number, _ in rows], path)


def _of_object(night: Any, numbers: Numbers | None) -> Scored:
    """Return the night of a ``yasa.Hypnogram``: a series of words, and seconds per epoch."""
    hypno = getattr(night, "hypno", None)
    frequency = getattr(night, "sampling_frequency", None)
    if hypno is None or not frequency:
        raise InputError(
            f"a scored night is a file or a yasa.Hypnogram, not of type {type(night).__name__}"
        )
    epoch_s = 1 / float(frequency)
    cells = [(number, str(its)) for number, its in enumerate(hypno, 1)]
    onsets = [place * epoch_s for place in range(len(cells))]
    stages = _stages(cells, numbers, Path("hypnogram"))
    lengths = [epoch_s] * len(cells)
    return _joined(stages, onsets, lengths, [number for number, _ in cells], Path("hypnogram"))


def _of_edf(path: Path, epoch_s: float, numbers: Numbers | None) -> Scored:
    """Return the night from the stage annotations of an EDF+ file; others are ignored."""
    try:
        import pyedflib
    except ImportError:
        raise InputError(
            f"{path}: to read EDF+ files, install the extra: pip install 'wakesleep[edf]'"
        ) from None
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "there is no such file"
        raise InputError(f"{path}: {what}")
    try:
        with pyedflib.EdfReader(str(path)) as file:
            found = sorted(zip(*file.readAnnotations(), strict=True))
    except (OSError, ValueError) as error:
        told = str(error).splitlines()[0].removeprefix(f"{path}: ")
        raise InputError(f"{path}: is not an EDF+ file ({told})") from None
    texts = [str(text).strip() for _, _, text in found]
    standard = any(its.lower().startswith("sleep stage") for its in texts)

    def scores(text: str) -> bool:
        # If there are standard stages, a word such as "Artifact" is an event and not a stage.
        told = text.lower()
        if standard:
            return told.startswith("sleep stage") or told == "movement time"
        return told in WORDS

    rows = [
        (number, float(onset), float(duration), text)
        for number, ((onset, duration, _), text) in enumerate(zip(found, texts, strict=True), 1)
        if scores(text)
    ]
    left = sorted({its for its in texts if not scores(its)})
    if rows and left:
        warnings.warn(f"{path}: no stages, and left out: {', '.join(left[:8])}", stacklevel=3)
    if not rows:
        others = ", ".join(left[:5]) or "none at all"
        raise InputError(f"{path}: has no annotation such as 'Sleep stage N2'; it has {others}")
    stages = _stages([(number, text) for number, _, _, text in rows], numbers, path)
    onsets = [onset for _, onset, _, _ in rows]
    # An annotation without a duration holds for one epoch.
    durations = [duration if duration > 0 else epoch_s for _, _, duration, _ in rows]
    return _joined(stages, onsets, durations, [number for number, *_ in rows], path)


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
        raise InputError(f"{path}: is not a table ({error})") from None
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
                f"{path}:{number}: '{text}' is not a sleep stage; allowed are W, N1, N2, N3, NREM, "
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
            raise InputError(f"{path}:{number}: the {name} '{text}' is not a number of seconds")
        found.append(value)
    return found


def _joined(
    stages: Sequence[str],
    onsets: Sequence[float],
    durations: Sequence[float],
    numbers: Sequence[int],
    path: Path,
) -> Scored:
    """Return the night without gaps; a gap gives a warning, an overlap an error."""
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
