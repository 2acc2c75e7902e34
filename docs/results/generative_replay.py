"""Print the table of the study ``generative_replay``, and keep its numbers.

python docs/results/generative_replay.py FOLDER    # of the study, also of one that has not ended
python docs/results/generative_replay.py           # the table again, from generative_replay.nc
"""

from __future__ import annotations

import sys
from pathlib import Path

import xarray as xr
from tables import cell

import wakesleep as ws
from wakesleep.results.store import to_netcdf

KEPT = Path(__file__).parent / "generative_replay.nc"
ERRORS = ["validation_error", "test_error"]


def gathered(folder: Path) -> xr.Dataset:
    """Return the final errors of all runs that have finished."""
    parts = []
    for store in sorted((folder / "runs").glob("*.zarr")):
        run = ws.open(store)
        if run.attrs["status"] == "finished":
            errors = run[ERRORS].reset_coords(drop=True)
            name, seed = store.name.partition("-")[0], int(run.attrs["seed"])
            parts.append(errors.expand_dims(model=[name], seed=[seed]))
    found = xr.combine_by_coords(parts, join="outer", combine_attrs="drop")
    assert isinstance(found, xr.Dataset)
    return found


def main() -> None:
    if len(sys.argv) > 1:
        found = gathered(Path(sys.argv[1]))
        if KEPT.exists():  # models that the folder lacks stay
            before = xr.load_dataset(KEPT, engine="scipy")
            others = [its for its in before["model"].values if its not in found["model"].values]
            found = xr.concat([before.sel(model=others), found], "model", join="outer")
            KEPT.unlink()
        to_netcdf(found, KEPT)
    found = xr.load_dataset(KEPT, engine="scipy")
    print("| network | seeds | softmax, validation | test | goodness, validation | test |")
    print("|---|---|---|---|---|---|")
    for model in found["model"].values:
        its = 1 - found.sel(model=model).dropna("seed", how="all")
        cells = [
            cell(its[name].sel(readout=readout), 100)
            for readout in ("softmax", "goodness")
            for name in ERRORS
        ]
        print(f"| {model} | {its.sizes['seed']} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
