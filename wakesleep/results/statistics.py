"""Numbers drawn from a result: xarray in, xarray out. Everything here is ``ws.statistics``."""

from wakesleep.results.control import against_control
from wakesleep.results.intervals import interval, slope
from wakesleep.results.phases import (
    check_result,
    hypnogram,
    in_cycles,
    phase_ends,
    phase_table,
    run_title,
    shortened,
)
from wakesleep.results.recovery import half_recovery, mean_duration, nights_to, overshoot

__all__ = [
    "against_control",
    "check_result",
    "half_recovery",
    "hypnogram",
    "in_cycles",
    "interval",
    "mean_duration",
    "nights_to",
    "overshoot",
    "phase_ends",
    "phase_table",
    "run_title",
    "shortened",
    "slope",
]
