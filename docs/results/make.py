"""Measure what `docs/results.md` reports, or print its tables again from the data beside this file.

python docs/results/make.py tables               the tables, from the NetCDF files
python docs/results/make.py deprivation          measure (minutes), writes deprivation_*.nc
python docs/results/make.py separation           measure (minutes), writes separation.nc
python docs/results/make.py keep RUN.zarr NAME   keep the record of a run as NAME.nc
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr

import wakesleep as ws
from wakesleep.results import to_netcdf

HERE = Path(__file__).parent
SEEDS = range(5)
LOST = (0, 1, 5)


def over_seeds(protocol: str, **inputs: int) -> xr.Dataset:
    """Run a protocol on ff_digits with every seed; keep the ends of phases."""
    runs = [
        ws.statistics.phase_ends(ws.run(protocol, "ff_digits", inputs=inputs, seed=seed))
        for seed in SEEDS
    ]
    return xr.concat(
        runs, xr.DataArray(list(SEEDS), dims="seed", name="seed"), combine_attrs="drop_conflicts"
    )


def deprivation() -> None:
    for lost in LOST:
        to_netcdf(
            over_seeds("total_sleep_deprivation", lost_nights=lost, probe_every=100),
            HERE / f"deprivation_{lost}.nc",
        )


def separation() -> None:
    to_netcdf(over_seeds("phase_separation", nights=150), HERE / "separation.nc")


def spread(values: xr.DataArray, scale: float = 1.0, digits: int = 1) -> str:
    """Mean and 95 % t interval over seeds."""
    from scipy.stats import t

    numbers = scale * values.values
    half = t.ppf(0.975, len(numbers) - 1) * numbers.std(ddof=1) / np.sqrt(len(numbers))
    return f"{numbers.mean():.{digits}f} ± {half:.{digits}f}"


def row(name: str, at: xr.Dataset) -> str:
    cells = [
        spread(at["error"].sel(readout="goodness"), 100),
        *(spread(at["false_positive_rate"].sel(layer=layer), 100) for layer in at["layer"].values),
        *(spread(at["d_prime"].sel(layer=layer), 1, 2) for layer in at["layer"].values),
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def tables() -> None:
    print("## The author's program on MNIST (error %, at the end)\n")
    print("| sweeps | seed | validation: goodness | softmax | test: goodness | softmax | minutes |")
    print("|---|---|---|---|---|---|---|")
    for path in sorted(HERE.glob("author_*.nc"), key=lambda its: its.stem):
        its = ws.open(path)
        errors = [
            f"{100 * its[split].sel(readout=readout).item():.2f}"
            for split in ("validation_error", "test_error")
            for readout in ("goodness", "softmax")
        ]
        sweeps = its["step"].values[-1] // 500
        minutes = its.attrs["wall_seconds"] / 60
        print(f"| {sweeps} | {its.attrs['seed']} | " + " | ".join(errors) + f" | {minutes:.1f} |")

    print(f"\n## Lost nights, ff_digits (mean ± 95 % t interval, n = {len(SEEDS)} seeds)\n")
    print(
        "| at the end of | error % | false positives %, layer 1 | 2 | 3 | d', layer 1 | 2 | 3 |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    for lost in LOST:
        its = ws.open(HERE / f"deprivation_{lost}.nc")
        block, phase, cycle = (its[name].values for name in ("block", "phase", "cycle"))
        places = {
            "the last baseline day": (block == "baseline") & (phase == "wake") & (cycle == 59),
            "the last baseline night": (block == "baseline") & (phase == "sleep") & (cycle == 59),
            "the last lost night": (phase == "deprivation") & (cycle == lost - 1),
            "the first recovery night": (phase == "recovery") & (cycle == 0),
        }
        for name, chosen in places.items():
            # Until the first lost night all runs of a seed are one and the same.
            if chosen.any() and not (lost and "baseline" in name):
                print(row(f"{lost} lost: {name}", its.isel(probe=int(np.flatnonzero(chosen)[0]))))

    print(f"\n## Separated phases of 100 updates, ff_digits (error %, n = {len(SEEDS)} seeds)\n")
    print("| after nights | goodness: end of wake | end of sleep | softmax: wake | sleep |")
    print("|---|---|---|---|---|")
    its = ws.open(HERE / "separation.nc")
    for night in (10, 20, 40, 60, 100, 150):
        cells = [
            spread(
                its["error"]
                .sel(readout=readout)
                .isel(
                    probe=int(
                        np.flatnonzero(
                            (its.cycle.values == night - 1) & (its.phase.values == phase)
                        )[0]
                    )
                ),
                100,
            )
            for readout in ("goodness", "softmax")
            for phase in ("wake", "sleep")
        ]
        print(f"| {night} | " + " | ".join(cells) + " |")


def main() -> None:
    match sys.argv[1:]:
        case ["tables"]:
            tables()
        case ["deprivation"]:
            deprivation()
        case ["separation"]:
            separation()
        case ["keep", run, name]:
            to_netcdf(ws.open(run), HERE / f"{name}.nc")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
