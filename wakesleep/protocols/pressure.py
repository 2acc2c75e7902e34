"""The two-process model of sleep: process S, a debt that builds up, and process C, a clock.

Borbely (1982); Daan, Beersma & Borbely (1984).
"""

from __future__ import annotations

import math


def process_s(value: float, hours: float, awake: bool, rise_h: float, fall_h: float) -> float:
    """Return sleep pressure after some hours awake or asleep.

    Awake it rises exponentially to 1 with time constant ``rise_h``; asleep it falls exponentially
    to 0 with ``fall_h``.

    Parameters
    ----------
    value
        Sleep pressure now, 0 to 1.
    hours
        Time that passes.
    awake
        Whether it passes awake.
    rise_h, fall_h
        Time constants in hours.
    """
    if awake:
        return 1 + (value - 1) * math.exp(-hours / rise_h)
    return value * math.exp(-hours / fall_h)


def process_c(time_h: float, acrophase_h: float) -> float:
    """Return the circadian process, -1 to 1: a sine of 24 hours, highest at ``acrophase_h``."""
    return math.cos(2 * math.pi * (time_h - acrophase_h) / 24)
