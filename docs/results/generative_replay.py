"""Print the table of the study ``generative_replay``, and keep its numbers.

python docs/results/generative_replay.py FOLDER    # of the study, also of one that has not ended
python docs/results/generative_replay.py           # the table again, from generative_replay.nc
"""

from __future__ import annotations

import sys
from pathlib import Path

import xarray as xr
from tables import cell, keep_with_others

import wakesleep as ws

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
        keep_with_others(gathered(Path(sys.argv[1])), KEPT)
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
