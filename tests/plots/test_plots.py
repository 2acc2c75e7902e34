"""Figures show the numbers of the result, and leave everything else as it was."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

import wakesleep as ws
from wakesleep import plots


@pytest.fixture(scope="module")
def result():
    return without_clock(
        ws.run(
            "total_sleep_deprivation",
            "ff_digits",
            parameters={"layers": [12, 12]},
            inputs={"nights": 2, "night_hours": 9.0, "updates_per_hour": 2 / 3, "probe_every": 4},
        )
    )


def without_clock(result):
    return result.assign_coords(time_h=result["time_h"] * np.nan)


def axes():
    return Figure().subplots()


def test_goodness_draws_both_signs(result):
    ax = plots.goodness(result, "2", axes())
    drawn = {line.get_label(): line for line in ax.lines}
    for name, sign in (("real", "positive"), ("negative", "negative")):
        np.testing.assert_array_equal(drawn[name].get_xdata(), result["step"])
        np.testing.assert_array_equal(
            drawn[name].get_ydata(), result["goodness"].sel(layer="2", sign=sign)
        )
    assert drawn[r"threshold $\theta$"].get_ydata()[0] == 12
    assert ax.get_xlabel() == "weight updates"


def test_error_and_false_positives_are_in_per_cent(result):
    lines = plots.error(result, axes()).lines
    assert [line.get_label() for line in lines] == ["goodness", "softmax"]
    np.testing.assert_allclose(lines[1].get_ydata(), 100 * result["error"].sel(readout="softmax"))
    lines = plots.false_positives(result, axes()).lines
    np.testing.assert_allclose(
        lines[0].get_ydata(), 100 * result["false_positive_rate"].sel(layer="1")
    )


def test_hypnogram_has_wake_on_top_and_every_phase(result):
    ax = plots.hypnogram(result, axes())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["WAKE", "REM"]
    (stairs,) = (patch for patch in ax.patches if hasattr(patch, "get_data"))
    values, edges, _ = stairs.get_data()
    assert edges[0] == 0
    assert edges[-1] == result["step"].values[-1]
    # Two days and nights, a day and a night awake, then recovery.
    np.testing.assert_array_equal(values[:8], [0, -1, 0, -1, 0, 0, 0, -1])
    spans = [len(its.get_paths()) for its in ax.collections]
    assert spans == [2, 1, 4]  # nights, lost nights, nights of recovery
    assert ax.get_legend_handles_labels()[1] == ["sleep, dreams", "deprivation", "recovery"]


def test_both_kinds_of_sleep_have_a_line_of_their_own():
    result = ws.run(
        "selective_deprivation",
        "ff_digits",
        parameters={"layers": [8]},
        inputs={"nights": 2, "night_hours": 16.0, "dream_hours": 8.0, "updates_per_hour": 0.5},
    )
    ax = plots.hypnogram(result, axes())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["WAKE", "REM", "NREM"]
    assert "sleep, dreams" in ax.get_legend_handles_labels()[1]


def test_dreams_are_drawn_in_rows(tmp_path):
    out = tmp_path / "run.zarr"
    ws.run("phase_separation", "ff_digits", inputs={"nights": 1, "phase_steps": 5}, out=out)
    dreamt = ws.dreams(out, each=4)
    (drawn,) = plots.dreams(dreamt, axes(), most=3).images
    assert drawn.get_array().shape == (10 * 10, 3 * 10)  # of 8 x 8, in frames
    np.testing.assert_array_equal(drawn.get_array()[11:19, 1:9], dreamt["image"][4])
    assert plots.save_dreams(dreamt, tmp_path / "dreams.png").stat().st_size > 3000
    # From noise no class was asked for: the rows are those of what came down.
    dreamt = ws.dreams(out, each=4, start="noise")
    ax = plots.dreams(dreamt, axes(), most=40)
    came = np.unique(dreamt["dreamt_label"].values)
    assert [text.get_text() for text in ax.get_yticklabels()] == [str(its) for its in came]
    assert ax.get_ylabel() == "label that came down"


def test_what_was_not_recorded_is_a_gap():
    result = ws.run(
        "phase_separation",
        "ff_digits",
        parameters={"layers": [8], "top_down": False},
        inputs={"nights": 30, "phase_steps": 2, "probed_nights": 4},
    )
    events = ws.statistics.hypnogram(result)
    hidden = int((events["phase"].values == "unrecorded").sum())
    assert hidden > 0
    ax = plots.error(result, axes())
    for line in ax.lines:
        assert int(np.isnan(line.get_ydata()).sum()) == hidden
        assert len(line.get_ydata()) == result.sizes["probe"] + hidden
    (stairs,) = (patch for patch in plots.hypnogram(result, axes()).patches
                 if hasattr(patch, "get_data"))  # fmt: skip
    assert int(np.isnan(stairs.get_data()[0]).sum()) == hidden


def test_a_clock_turns_updates_into_hours(result):
    timed = result.assign_coords(time_h=("probe", 7 + result["step"].values / 2, {"units": "h"}))
    ax = plots.goodness(timed, "1", axes())
    assert ax.get_xlabel() == "time (h)"
    np.testing.assert_allclose(ax.lines[1].get_xdata(), 7 + result["step"].values / 2)


def test_overview(result, tmp_path):
    import matplotlib.pyplot as plt

    before, open_before = dict(mpl.rcParams), plt.get_fignums()
    figure = plots.overview(result)
    assert len(figure.axes) == 7  # hypnogram, two layers, false positives, d', criterion, error
    assert figure.axes[0].get_title(loc="left").startswith("Baseline days and nights")
    assert dict(mpl.rcParams) == before
    for ending in ("png", "pdf", "svg"):
        assert plots.save_overview(result, tmp_path / f"figure.{ending}").stat().st_size > 5000
    assert plt.get_fignums() == open_before


def test_overview_of_a_long_life_shows_what_led_to_the_change():
    result = without_clock(
        ws.run(
            "total_sleep_deprivation",
            "ff_digits",
            parameters={"layers": [8]},
            inputs={"nights": 30, "updates_per_hour": 1 / 6},
        )
    )
    figure = plots.overview(result)
    left, right = figure.axes[0].get_xlim()
    assert right == result["step"].values[-1]
    assert left == 4 * 30 - 6 * 2


def test_overview_of_some_steps_and_of_process_s(tmp_path, wakesleep):
    out = tmp_path / "run.zarr"
    inputs = {"days": 2}
    result = ws.run("two_process", "ff_digits", inputs=inputs, parameters={"layers": [16]}, out=out)
    figure = plots.overview(result)
    assert [ax.get_ylabel() for ax in figure.axes][-1] == "process S"
    line = figure.axes[-1].get_lines()[0]
    assert np.nanmax(line.get_ydata()) == pytest.approx(float(result.sleep_pressure.max()))
    code, told, _ = wakesleep("plot", out, "-o", tmp_path / "some.png", "--first", "8")
    assert (code, (tmp_path / "some.png").exists()) == (0, True), told
    code, _, told = wakesleep("plot", out, "-o", tmp_path / "none.png", "--first", "100000")
    assert code == 2
    assert "nothing to plot from step 100000" in told


def test_overview_with_a_control_and_the_interval_of_the_cases(result, tmp_path, wakesleep):
    figure = plots.overview(result, control=result)
    title = figure.axes[0].get_title(loc="left")
    cases = ws.data.load("digits").validation.labels.size
    assert f"95 % interval for {cases} cases" in title
    assert "dashed: control, the same run" in title
    for ax in figure.axes[1:]:
        solid = [line for line in ax.lines if line.get_linestyle() == "-"]
        dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
        assert len(solid) == len(dashed) > 0
        for one, other in zip(solid, dashed, strict=True):
            np.testing.assert_array_equal(one.get_ydata(), other.get_ydata())
            assert one.get_color() == other.get_color()
    timed = result.assign_coords(time_h=("probe", result["step"].values / 2, {"units": "h"}))
    with pytest.raises(ws.InputError, match="the control has 'time"):
        plots.overview(without_clock(result), control=timed)
    # A result of an older version does not say how many cases there were.
    older = result.drop_attrs(deep=False).assign_attrs(
        {name: its for name, its in result.attrs.items() if name != "validation_cases"}
    )
    assert "interval" not in plots.overview(older).axes[0].get_title(loc="left")
    code, _, told = wakesleep("plot", "phase_separation", "--control", tmp_path / "none.zarr")
    assert code == 2
    assert "--control is for results" in told


def test_overview_of_what_there_is(result):
    few = result[["error"]].isel(probe=slice(5))
    assert len(plots.overview(few).axes) == 2
    with pytest.raises(ws.InputError, match="nothing to plot"):
        plots.overview(result.isel(probe=slice(1)))


def test_every_phase_has_a_colour():
    from wakesleep.plots.phases import COLOURS
    from wakesleep.protocols.kinds import PHASES

    assert set(PHASES) <= set(COLOURS)
