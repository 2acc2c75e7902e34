"""Figures: Axes in, Axes out.

In: results and statistics, as labelled data. Out: matplotlib axes, figures and files. No function
shows anything, changes a global style or computes a statistic. Must not import ``simulation``,
``learners`` or ``studies``.
"""

from wakesleep.plots.activity import draw_activity, save_activity
from wakesleep.plots.agreement import draw_agreement, save_agreement
from wakesleep.plots.curves import error, false_positives, goodness, number
from wakesleep.plots.dreams import dreams, save_dreams
from wakesleep.plots.looks import (
    draw_activities,
    draw_fields,
    draw_hybrids,
    draw_labels,
    save_look,
)
from wakesleep.plots.overview import (
    check_path,
    overview,
    save_hypnogram,
    save_overview,
    window,
)
from wakesleep.plots.phases import hypnogram, shade
from wakesleep.plots.raster import draw_spikes
from wakesleep.plots.sheet import draw_sheet, save_sheet
from wakesleep.plots.tasks import accuracy_matrix

__all__ = [
    "accuracy_matrix",
    "check_path",
    "draw_activities",
    "draw_activity",
    "draw_agreement",
    "draw_fields",
    "draw_hybrids",
    "draw_labels",
    "draw_sheet",
    "draw_spikes",
    "dreams",
    "error",
    "false_positives",
    "goodness",
    "hypnogram",
    "number",
    "overview",
    "save_activity",
    "save_agreement",
    "save_dreams",
    "save_hypnogram",
    "save_look",
    "save_overview",
    "save_sheet",
    "shade",
    "window",
]
