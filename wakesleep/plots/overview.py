"""One figure of a run: hypnogram, goodness of every layer, false positives, error."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wakesleep.errors import InputError
from wakesleep.files import library, outputs
from wakesleep.plots import curves
from wakesleep.plots.phases import axis_label, hypnogram, position, set_clock
from wakesleep.results import phases

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CROWDED = 40  # phases that a page's width can still show one by one
FORMATS = (".png", ".pdf", ".svg")
SHOWN_BEFORE = 6  # phases shown before the first change, where there are more


def window(result: xr.Dataset) -> tuple[int, int]:
    """Return the first and last step to show by default.

    By default these are all steps. If a long part of the protocol comes before a change (sixty
    baseline nights, then a lost one), only its last few phases are shown.
    """
    events = phases.hypnogram(result)
    onset, offset = events["onset"].values, events["offset"].values
    changes = np.flatnonzero(events["block"].values[1:] != events["block"].values[:-1]) + 1
    first = 0
    if events.sizes["event"] > CROWDED and len(changes):
        first = max(0, int(changes[0]) - SHOWN_BEFORE)
    return int(onset[first]), int(offset[-1])


def overview(
    result: xr.Dataset,
    figure: Figure | None = None,
    between: tuple[int, int] | None = None,
    control: xr.Dataset | None = None,
) -> Figure:
    """Draw a run: the hypnogram at the top, and the recorded quantities below it.

    Bands show the 95 % interval of a share, given the number of validation cases.

    Parameters
    ----------
    result
        A result of :func:`wakesleep.run` or :func:`wakesleep.open`, finished or not.
    figure
        An empty figure to draw into; default a new one that is not registered with pyplot.
    between
        First and last step to be shown; default those of :func:`window`.
    control
        Another result, such as one without deprivation; its curves are dashed.

    Raises
    ------
    InputError
        If nothing has been recorded, or not in that range; or if the control has another time axis.
    """
    from matplotlib.figure import Figure as NewFigure

    _check(result)
    begin, end = window(result) if between is None else between
    # Cut before drawing, so that every axis is scaled to what it shows.
    shown = result.isel(probe=(result["step"].values >= begin) & (result["step"].values <= end))
    if shown.sizes["probe"] < 2:
        raise InputError(
            f"nothing to plot from step {begin} to {end}: the result has steps 0 to "
            f"{int(result['step'].max())}, and too few probes between"
        )
    beside = None if control is None else _beside(control, result, begin, end)
    layers = [str(layer) for layer in shown["layer"].values] if "goodness" in shown else []
    rows = [0.7] + [1.0] * len(layers)
    numbers = [name for name in curves.NUMBERS if name in shown]
    told = [name for name in curves.DETECTION if name in shown]
    rows += [0.8] * len(told)
    rows += [0.8] * (sum(name in shown for name in ("false_positive_rate", "error")) + len(numbers))
    figure = figure or NewFigure(figsize=(8.0, 0.7 + 1.25 * sum(rows)))
    axes = list(
        np.atleast_1d(
            figure.subplots(
                len(rows), 1, sharex=True, height_ratios=rows, gridspec_kw={"hspace": 0.16}
            )
        )
    )
    below = iter(axes)
    _legend(hypnogram(shown, next(below)))

    def panel(draw: Callable[..., Axes], quantity: str) -> Axes:
        ax = draw(shown, ax=next(below))
        if beside is not None and quantity in beside:
            curves.beside(draw, beside, ax)
        return ax

    for layer in layers:
        panel(partial(curves.goodness, layer=layer), "goodness")
    if "false_positive_rate" in shown:
        _legend(panel(curves.false_positives, "false_positive_rate"))
    for name in told:
        panel(partial(curves.detection, name=name), name)
    if "error" in shown:
        _legend(panel(curves.error, "error"))
    for name in numbers:
        panel(partial(curves.number, name=name), name)
    if layers:
        _legend(axes[1])
    _finish(figure, axes, result, begin, end)
    axes[0].set_title(_title(shown, control), loc="left", fontsize=9)
    return figure


def save_overview(
    result: xr.Dataset,
    path: str | Path,
    between: tuple[int, int] | None = None,
    control: xr.Dataset | None = None,
) -> Path:
    """Draw :func:`overview` into a file; its ending sets the format.

    Raises
    ------
    InputError
        If the ending names no format, or the file cannot be written.
    """
    return saved(overview(result, between=between, control=control), Path(path))


def save_hypnogram(
    result: xr.Dataset, path: str | Path, between: tuple[int, int] | None = None
) -> Path:
    """Draw the hypnogram alone into a file; its ending sets the format.

    Parameters
    ----------
    result
        A result, or the events of a :class:`wakesleep.checks.schedule.Schedule`.
    path
        The file.
    between
        First and last step to be shown; default all.

    Raises
    ------
    InputError
        If the ending names no format, or the file cannot be written.
    """
    from matplotlib.figure import Figure as NewFigure

    _check(result)
    figure = NewFigure(figsize=(8.0, 1.6))
    steps = result["step"].values
    begin, end = between or (int(steps[0]), int(steps[-1]))
    shown = result.isel(probe=(steps >= begin) & (steps <= end))
    _check(shown)
    ax = hypnogram(shown, figure.subplots())
    _legend(ax)
    _finish(figure, [ax], shown, begin, end)
    return saved(figure, Path(path))


def saved(figure: Figure, path: Path) -> Path:
    """Write a figure into a file; its ending sets the format.

    Raises
    ------
    InputError
        If the ending names no format, or the file cannot be written.
    """
    check_path(path)
    try:
        figure.savefig(path, dpi=200, bbox_inches="tight")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    return path


def check_path(path: Path, *others: str) -> None:
    """Refuse a path whose ending is neither a figure format nor one of the ``others``.

    Raises
    ------
    InputError
        If the path is refused.
    """
    outputs.checked(path, "the figure")
    allowed = (*FORMATS, *others)
    if path.suffix.lower() not in allowed:
        what = "nothing" if others else "no figure"
        raise InputError(
            f"{path}: {what} can be written with the ending '{path.suffix}'; allowed are "
            f"{', '.join(allowed)}"
        )


def _legend(ax: Axes) -> None:
    if not ax.get_legend_handles_labels()[0]:
        return
    ax.legend(
        loc="center left",
        bbox_to_anchor=(1.005, 0.5),
        frameon=False,
        fontsize=8,
        handlelength=1.4,
        borderaxespad=0.2,
    )


def _finish(figure: Figure, axes: list[Axes], result: xr.Dataset, begin: int, end: int) -> None:
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=8)
        ax.yaxis.label.set_fontsize(9)
    for ax in axes[:-1]:
        ax.set_xlabel("")
        ax.tick_params(axis="x", length=0)
    left, right = position(result, np.array([begin, end]))
    axes[-1].set_xlim(left, right)
    axes[-1].xaxis.label.set_fontsize(9)
    set_clock(result, axes[-1], float(left), float(right))
    axes[0].set_title(_title(result), loc="left", fontsize=9)
    figure.align_ylabels(axes)


def _title(result: xr.Dataset, control: xr.Dataset | None = None) -> str:
    """Return the protocol's description, and below it the names and the meaning of signs."""
    told = library.description_in(str(result.attrs.get("protocol_text", "")))
    signs = []
    cases = curves.counted_cases(result)
    if cases and ("error" in result or "false_positive_rate" in result):
        signs.append(f"bands: 95 % interval for {cases:,} cases")
    if control is not None:
        signs.append(f"dashed: control, {_difference(result, control)}")
    lines = [*textwrap.wrap(told, 100)[:2], phases.run_title(result)]
    return "\n".join([*lines, *(["; ".join(signs)] if signs else [])])


def _difference(result: xr.Dataset, control: xr.Dataset) -> str:
    """Return how a control differs: some of its inputs, or else its names and seed."""
    if phases.run_title(control) != phases.run_title(result):
        return phases.run_title(control)
    told = []
    for group in ("inputs", "parameters"):
        its, own = (json.loads(one.attrs.get(group, "{}")) for one in (control, result))
        told += [f"{name} {value}" for name, value in its.items() if value != own.get(name)]
    return ", ".join(told) or "the same run"


def _beside(control: xr.Dataset, result: xr.Dataset, begin: int, end: int) -> xr.Dataset:
    """Return the part of a control that lies in the shown part of a result.

    Raises
    ------
    InputError
        If it has another time axis, or no probes in that part.
    """
    _check(control)
    if axis_label(control) != axis_label(result):
        raise InputError(
            f"the control has '{axis_label(control)}' as its axis, the result "
            f"'{axis_label(result)}'; their protocols need the same kind of clock"
        )
    left, right = position(result, np.array([begin, end]))
    there = position(control, control["step"].values)
    part = control.isel(probe=(there >= left) & (there <= right))
    if part.sizes["probe"] < 2:
        raise InputError("the control has too few probes in the part that is shown")
    return part


def _check(result: xr.Dataset) -> None:
    phases.check_result(result)
    if result.sizes.get("probe", 0) < 2:
        raise InputError("nothing to plot: the result has fewer than two probes so far")
