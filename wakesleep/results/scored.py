"""Scored nights of people and animals, in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

ASLEEP = ("N1", "N2", "N3", "NREM", "REM")
TOLERANCE = 1e-6  # seconds


@dataclass(frozen=True)
class Scored:
    """A scored night: stages one after another, without gaps.

    Attributes
    ----------
    stages
        Names of the stages.
    onsets, durations
        Onsets in seconds from the first stage, and durations in seconds.
    """

    stages: tuple[str, ...]
    onsets: tuple[float, ...]
    durations: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Length of the whole night."""
        return float(sum(self.durations))


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
        sleep to wake per hour of sleep. The latency of a stage that never occurs is NaN.
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
    """Return how often each stage (``before``) was followed by each other one (``after``)."""
    order = [its for its in ("WAKE", *ASLEEP, "ART", "UNS") if its in night.stages]
    counts = np.zeros((len(order), len(order)), int)
    for one, other in zip(night.stages, night.stages[1:], strict=False):
        counts[order.index(one), order.index(other)] += 1
    return xr.DataArray(counts, {"before": order, "after": order}, ("before", "after"))
