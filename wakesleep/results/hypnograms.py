"""Hypnograms in the forms that sleep science uses: an events table, and one stage per epoch.

Stages are words: WAKE, N1, N2, N3, NREM, REM, ART (artefact) and UNS (unscored), as in YASA
(Vallat & Walker 2021). A phase that raises goodness is WAKE, a night of dreams is REM, and any
other night is NREM; a protocol can set another stage with ``stage``. An *epoch* here is a scoring
window of usually 30 s, not a sweep through data.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from wakesleep.errors import InputError
from wakesleep.results.phases import hypnogram

LEVELS = {
    "WAKE": "Wakefulness",
    "N1": "NREM stage 1",
    "N2": "NREM stage 2",
    "N3": "NREM stage 3",
    "NREM": "NREM sleep, stage not distinguished",
    "REM": "REM sleep",
    "ART": "Artefact",
    "UNS": "Not scored",
}

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def seconds_per_step(result: xr.Dataset) -> float:
    """Return how long a step lasts on the protocol's clock, in seconds.

    Raises
    ------
    InputError
        If the protocol has no clock.
    """
    clock = json.loads(result.attrs["protocol_resolved"]).get("clock")
    if clock is None:
        raise InputError(
            f"protocol '{result.attrs['protocol']}' has no clock, so its hypnogram has no seconds; "
            "say by 'seconds' (--seconds) how long a step lasts"
        )
    return 3600 / float(clock["steps_per_hour"])


def events(result: xr.Dataset, seconds: float | None = None) -> pd.DataFrame:
    """Return the phases of a run as an events table in the format of BIDS.

    Parameters
    ----------
    result
        A result of :func:`wakesleep.run` or :func:`wakesleep.open`.
    seconds
        Seconds that a step lasts; default what the protocol's clock says.

    Returns
    -------
    pandas.DataFrame
        ``onset`` and ``duration`` (s, from the first step), ``value`` (stage) and ``description``
        (block, cycle counted from 0, and phase). What was not recorded is UNS.

    Raises
    ------
    InputError
        If the protocol has no clock and no seconds are given.
    """
    import pandas as pd

    per_step = _checked(result, seconds)
    table = hypnogram(result)
    onset, offset = table["onset"].values, table["offset"].values
    return pd.DataFrame(
        {
            "onset": (onset - onset[0]) * per_step if len(onset) else onset.astype(float),
            "duration": (offset - onset) * per_step,
            "value": table["stage"].values.astype(str),
            "description": [
                str(phase) if cycle < 0 else f"{block} {cycle}: {phase}"
                for block, cycle, phase in zip(
                    table["block"].values, table["cycle"].values, table["phase"].values, strict=True
                )
            ],
        }
    )


def epochs(
    result: xr.Dataset, seconds: float | None = None, epoch_s: float = 30.0
) -> np.ndarray[Any, Any]:
    """Return one stage per scoring window, as ``yasa.Hypnogram`` takes them.

    Parameters
    ----------
    result
        A result.
    seconds
        Seconds that a step lasts; default what the protocol's clock says.
    epoch_s
        Length of a window in seconds. Each gets the stage at its middle.

    Returns
    -------
    numpy.ndarray
        Stage names (windows,), for ``yasa.Hypnogram(values, n_stages=3)`` if the stages are WAKE,
        NREM and REM.

    Raises
    ------
    InputError
        If the protocol has no clock and no seconds are given, or a length is not positive.
    """
    if not epoch_s > 0:
        raise InputError(f"an epoch must last longer than {epoch_s:g} s")
    table = events(result, seconds)
    ends = (table["onset"] + table["duration"]).to_numpy()
    total = ends[-1] if len(ends) else 0.0
    middles = np.arange(0.5, total / epoch_s) * epoch_s
    places = np.searchsorted(ends, middles, side="right").clip(max=max(len(ends) - 1, 0))
    return table["value"].to_numpy().astype(str)[places]


def _checked(result: xr.Dataset, seconds: float | None) -> float:
    if seconds is None:
        return seconds_per_step(result)
    if not seconds > 0:
        raise InputError(f"a step must last longer than {seconds:g} s")
    return seconds


def sidecar() -> dict[str, Any]:
    """Return a description of the columns of :func:`events`, for the JSON file of a BIDS table."""
    return {
        "onset": {"Description": "Begin of the phase, from the first step", "Units": "s"},
        "duration": {"Description": "Length of the phase", "Units": "s"},
        "value": {
            "LongName": "Sleep stage",
            "Description": "Stage that the phase is scored as; a hypothesis of the protocol",
            "Levels": LEVELS,
        },
        "description": {
            "Description": "Part of the protocol, its cycle (from 0), and the phase",
        },
    }
