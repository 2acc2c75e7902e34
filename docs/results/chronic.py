"""Compare the study ``chronic_restriction`` with people, and keep its daily means.

python docs/results/chronic.py FOLDER    # of `wakesleep study studies/chronic_restriction`
python docs/results/chronic.py           # tables and figure again, from chronic_restriction.nc
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from tables import cell, keep

import wakesleep as ws

HERE = Path(__file__).parent
BASELINE, FIRST, LAST = 10, 9.5, 23.5  # nights before; tests of a day, clock hours
MEASURES = {
    "misses": "misses, layer 1",
    "false_positives": "false positives, layer 1",
    "d_prime": "d', layer 1",
    "goodness_error": "error, goodness",
    "softmax_error": "error, softmax",
}


def by_day(run: xr.Dataset) -> xr.Dataset:
    """Return the means of the tests of every day; day 1 follows the first restricted night."""
    clock = run["time_h"] % 24
    tests = (run["phase"] == "wake") & (clock >= FIRST) & (clock <= LAST)
    day = ((run["time_h"] - 7.5) // 24).astype(int) - BASELINE
    layer = run.sel(layer="1", drop=True)
    values = xr.Dataset(
        {
            "misses": 1 - layer["hit_rate"],
            "false_positives": layer["false_positive_rate"],
            "d_prime": layer["d_prime"],
            "criterion": layer["criterion"],
            "goodness_error": run["error"].sel(readout="goodness", drop=True),
            "softmax_error": run["error"].sel(readout="softmax", drop=True),
        }
    )
    found = values.where(tests).groupby(day.rename("day")).mean()
    found = found.sel(day=slice(0, 16))
    found["day"].attrs["units"] = "d"
    return found


def gathered(folder: Path) -> xr.Dataset:
    parts = []
    for store in sorted((folder / "runs").glob("*.zarr")):
        run = ws.open(store)
        if run.attrs["status"] != "finished":
            continue
        hours = json.loads(run.attrs["inputs"])["time_in_bed"]
        name = store.name.partition("-")[0]
        parts.append(
            by_day(run).expand_dims(
                model=[name], arm=[f"{hours:g} h"], seed=[int(run.attrs["seed"])]
            )
        )
    found = xr.combine_by_coords(parts, join="outer", combine_attrs="drop")
    assert isinstance(found, xr.Dataset)
    found["day"].attrs["units"] = "d"
    return found


def main() -> None:
    if len(sys.argv) > 1:
        kept = HERE / "chronic_restriction.nc"
        keep(gathered(Path(sys.argv[1])).astype("float32"), kept)
    found = xr.load_dataset(HERE / "chronic_restriction.nc", engine="scipy")
    people = ws.published("van_dongen_2003")
    print("| network | measure | 8 h: day 14 | 6 h less 8 h, day 2 | day 14 | 4 h less 8 h, day 2 |"
          " day 14 | growth of 4 h less 8 h, days 2 to 14, per day |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for model in found["model"].values:
        for name, label in MEASURES.items():
            its = found[name].sel(model=model)
            scale = 1 if name == "d_prime" else 100
            digits = 2 if name == "d_prime" else 1
            cells = [cell(its.sel(arm="8 h", day=14), scale, digits)]
            for arm in ("6 h", "4 h"):
                apart = its.sel(arm=arm) - its.sel(arm="8 h")
                cells += [cell(apart.sel(day=day), scale, digits, "+") for day in (2, 14)]
            apart = (its.sel(arm="4 h") - its.sel(arm="8 h")).sel(day=slice(2, 14))
            growth = apart.polyfit("day", 1)["polyfit_coefficients"].sel(degree=1)
            cells.append(cell(growth, scale, 2, "+"))
            print(f"| {model} | {label} | {' | '.join(cells)} |")
    print()
    print("| network | measure | slope | r2 | r2 within 4 h | 6 h | 8 h |")
    print("|---|---|---|---|---|---|---|")
    for model in found["model"].values:
        for name, label in MEASURES.items():
            scale = 1 if name == "d_prime" else 100
            values = scale * found[name].sel(model=model, day=slice(1, 16))
            values["day"].attrs["units"] = "d"
            fit = ws.statistics.against_published(values, people)
            inside = " | ".join(
                f"{float(fit['arm_r2'].sel(arm=arm)):.2f}" for arm in ("4 h", "6 h", "8 h")
            )
            slope, r2 = float(fit["slope"]), float(fit["r2"])
            print(f"| {model} | {label} | {slope:.3f} | {r2:.2f} | {inside} |")
    draw(found, people)


def draw(found: xr.Dataset, people: xr.DataArray) -> None:
    """Draw the people, and three measures of each network, day by day."""
    figure = Figure(figsize=(10.0, 5.2))
    axes = figure.subplots(2, 4)
    shades = {"4 h": "#0d3b66", "6 h": "#3c8dbc", "8 h": "#9bcbe8"}
    for row in axes:
        for arm, colour in shades.items():
            row[0].plot(people["day"], people.sel(arm=arm), "o-", ms=3, color=colour, label=arm)
        row[0].set_ylabel("people: lapses per test", fontsize=8)
    axes[0, 0].legend(title="in bed", frameon=False, fontsize=7, title_fontsize=7)
    for row, model in zip(axes, found["model"].values, strict=True):
        for ax, name in zip(row[1:], ("misses", "false_positives", "goodness_error"), strict=True):
            for arm, colour in shades.items():
                its = ws.statistics.interval(100 * found[name].sel(model=model, arm=arm))
                ax.plot(found["day"], its["mean"], "o-", ms=3, color=colour)
                ax.fill_between(
                    found["day"], its["low"], its["high"], color=colour, alpha=0.15, lw=0
                )
            ax.set_ylabel(f"{model}: {MEASURES[name]} (%)", fontsize=8)
    for ax in np.ravel(axes):
        ax.axvspan(14.5, 16.5, color="0.93", zorder=0)
        ax.set_ylim(bottom=0)
        ax.set_xlabel("day", fontsize=8)
        ax.tick_params(labelsize=7)
        ax.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(HERE.parent / "figures" / "chronic_restriction.png", dpi=150)


if __name__ == "__main__":
    main()
