"""Figures: Axes in, Axes out. No function shows anything or changes a global style."""

from wakesleep.plots.curves import error, false_positives, goodness
from wakesleep.plots.overview import overview, save_hypnogram, save_overview
from wakesleep.plots.phases import hypnogram, shade

__all__ = [
    "error",
    "false_positives",
    "goodness",
    "hypnogram",
    "overview",
    "save_hypnogram",
    "save_overview",
    "shade",
]
