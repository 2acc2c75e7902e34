"""Statistics of results: xarray in, xarray out. This module is ``ws.statistics``."""

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
from wakesleep.results.published import against_published
from wakesleep.results.recovery import half_recovery, mean_duration, nights_to, overshoot
from wakesleep.results.scored import sleep_statistics, transitions
from wakesleep.results.tasks import (
    accuracy_matrix,
    accuracy_of_known,
    average_accuracy,
    backward_transfer,
    forgetting,
    savings,
)

__all__ = [
    "accuracy_matrix",
    "accuracy_of_known",
    "against_control",
    "against_published",
    "average_accuracy",
    "backward_transfer",
    "check_result",
    "forgetting",
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
    "savings",
    "shortened",
    "sleep_statistics",
    "slope",
    "transitions",
]
