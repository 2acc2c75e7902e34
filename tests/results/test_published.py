"""Published curves: the shipped files, and the comparison with a model's curve."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import wakesleep as ws
from wakesleep.results.published import curves

FILE = """\
curve: mine
references: [Somebody 2000, page 3]
quantity: lapses
unit: lapses per test
x: {name: day, unit: d, values: [1, 2, 3]}
arms: {4 h: [1, 2, 4], 8 h: [1, 1, 1.5]}
"""


def model(arms=("4 h", "8 h"), days=(1, 2, 3), unit="d"):
    random = np.random.default_rng(0)
    return xr.DataArray(
        random.random((5, len(arms), len(days))),
        {"arm": list(arms), "day": ("day", list(days), {"units": unit})},
        ("seed", "arm", "day"),
    )


@pytest.fixture
def curve(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(FILE)
    return ws.published(path)


@pytest.mark.parametrize("name", curves())
def test_shipped_curves_say_where_they_are_from(name):
    its = ws.published(name)
    assert its.dims == ("arm", "day")
    assert np.isfinite(its).all()
    assert its.attrs["references"]
    assert its.attrs["source"]
    assert its["day"].attrs["units"] == "d"


def test_the_shipped_numbers_show_what_the_paper_states():
    """Van Dongen et al. 2003: lapses grow over 14 days, the more the less sleep."""
    its = ws.published("van_dongen_2003", unit="lapses per test").sel(day=slice(1, 14))
    slopes = [stats.linregress(its["day"], row).slope for row in its.values]
    assert list(its["arm"].values) == ["4 h", "6 h", "8 h"]
    assert slopes[0] > slopes[1] > slopes[2] > 0


def test_the_fit_is_a_linear_regression(curve):
    values = model()
    found = ws.statistics.against_published(values, curve)
    mine = values.mean("seed")
    theirs = stats.linregress(mine.values.ravel(), curve.values.ravel())
    assert float(found["slope"]) == pytest.approx(theirs.slope)
    assert float(found["intercept"]) == pytest.approx(theirs.intercept)
    assert float(found["r2"]) == pytest.approx(theirs.rvalue**2)
    np.testing.assert_allclose(found["fitted"], theirs.slope * mine + theirs.intercept)


def test_only_common_points_are_compared(curve):
    values = xr.concat([model(("8 h", "6 h"), (2, 3, 4, 5)), model(("4 h",), (2, 3, 4, 5))], "arm")
    found = ws.statistics.against_published(values, curve)
    assert set(found["arm"].values) == {"4 h", "8 h"}
    assert list(found["day"].values) == [2, 3]
    mirrored = ws.statistics.against_published(-curve, curve)
    assert float(mirrored["slope"]) == pytest.approx(-1)
    gaps = (curve * 2).copy()
    gaps[0, 1:] = np.nan
    within = ws.statistics.against_published(gaps, curve)["arm_r2"]
    assert float(within.sel(arm="8 h")) == pytest.approx(1)
    exact = ws.statistics.against_published((curve - 3) / 2, curve)
    assert float(exact["r2"]) == pytest.approx(1)
    np.testing.assert_allclose(exact["arm_r2"], 1)


def test_what_cannot_be_compared_is_told(curve, tmp_path):
    with pytest.raises(ws.InputError, match="'mine' is in lapses per test, not in ms"):
        ws.published(tmp_path / "mine.yaml", unit="ms")
    with pytest.raises(ws.InputError, match="'day' is in h, and in d in 'mine'"):
        ws.statistics.against_published(model(unit="h"), curve)
    with pytest.raises(ws.InputError, match="no dimension 'day'"):
        ws.statistics.against_published(model().isel(day=0), curve)
    with pytest.raises(ws.InputError, match="2 points in common, not 3"):
        ws.statistics.against_published(model(("8 h",), (2, 3)), curve)
    with pytest.raises(ws.InputError, match="no published curve is called 'van_dongen'"):
        ws.published("van_dongen")
    path = tmp_path / "short.yaml"
    path.write_text(FILE.replace("[1, 2, 4]", "[1, 2]"))
    with pytest.raises(ws.InputError, match="'4 h' has 2 values, but 'day' has 3"):
        ws.published(path)
