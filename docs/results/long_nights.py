"""Plain sleep on MNIST in phases of 1000 updates, beside shorter phases, by the number of nights.

python docs/results/long_nights.py RUN.zarr RUN.zarr   # keeps the runs' errors in long_nights.nc
python docs/results/long_nights.py                     # table and figure again, from the files

Each run is made by this command, with the rates .001 and .0003:

wakesleep run phase_separation ff_mnist_256x2 -p phase_steps=1000 -p nights=200 -p batch=100
    -p negatives=wrong_label -p probed_nights=20 -p model.rate=RATE -o RUN.zarr
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure
from tables import keep

import wakesleep as ws

HERE = Path(__file__).parent
KEPT, SHORTER = HERE / "long_nights.nc", HERE / "nights_mnist_plain.nc"
SHOWN = (40, 65, 115, 200)


def kept(stores: list[str]) -> xr.Dataset:
    """Return the errors at the ends of phases, over rate, phase, night and read-out."""
    parts, commits = [], []
    for store in stores:
        run = ws.open(store)
        rate = json.loads(run.attrs["parameters"])["rate"]
        commits.append(run.attrs["git_commit"])
        for at in ("wake", "sleep"):
            ends = run.isel(probe=run["phase_end"].values & (run["phase"] == at).values)
            its = ends["error"].reset_coords(drop=True)
            its = its.assign_coords(probe=ends["cycle"].values + 1).rename(probe="night")
            parts.append(its.expand_dims(rate=[rate], at=[at]).to_dataset(name="error"))
    found = xr.combine_by_coords(parts, join="outer", combine_attrs="drop")
    assert isinstance(found, xr.Dataset)
    return found.assign_attrs(git_commit=", ".join(sorted(set(commits))), seed=0)


def main() -> None:
    if len(sys.argv) > 1:
        keep(kept(sys.argv[1:]), KEPT)
    long = xr.load_dataset(KEPT, engine="scipy")["error"].sel(readout="goodness")
    print("| nights | " + " | ".join(f"rate {its:g}" for its in long["rate"].values) + " |")
    for wanted in SHOWN:
        night = int(long["night"].sel(night=wanted, method="nearest"))
        cells = (
            " and ".join(f"{100 * float(its.sel(at=at)):.1f}" for at in ("wake", "sleep"))
            for its in long.sel(night=night).transpose("rate", ...)
        )
        print(f"| {night} | " + " | ".join(cells) + " |")
    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    ax = figure.subplots()
    plain = xr.load_dataset(SHORTER, engine="scipy")["cycles_error_sleep"]
    plain = plain.sel(readout="goodness").squeeze(drop=True)
    for steps in plain["phase_steps"].values.tolist():
        mean = plain.sel(phase_steps=steps).mean("seed").dropna("cycle")
        ax.plot(
            mean["cycle"], 100 * mean, ".-", label=f"{steps} update{'s' * (steps > 1)}, 3 seeds"
        )
    for its in long.sel(at="sleep").transpose("rate", ...):
        ax.plot(its["night"], 100 * its, ".-", label=f"1000 updates, rate {float(its['rate']):g}")
    ax.set(xscale="log", yscale="log", xlabel="nights", ylabel="error at the end of sleep (%)")
    ax.set_yticks([5, 10, 20, 50], ["5", "10", "20", "50"])
    ax.legend(title="length of a phase", frameon=False, fontsize=8)
    figure.savefig(HERE.parent / "figures" / "long_nights.png", dpi=150)


if __name__ == "__main__":
    main()
