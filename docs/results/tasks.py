"""Print the tables of the study ``tasks``, and keep its accuracy matrices.

python docs/results/tasks.py FOLDER    # the folder of `wakesleep study tasks`; writes tasks.nc
python docs/results/tasks.py           # the tables again, from tasks.nc
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import xarray as xr
from tables import cell, keep

import wakesleep as ws

HERE = Path(__file__).parent
NIGHTS = ("nothing", "unlearning", "replay", "both")


def gathered(folder: Path) -> xr.Dataset:
    """Return the accuracy matrices and the final test errors of all runs."""
    parts = []
    for store in sorted((folder / "runs").glob("*.zarr")):
        run = ws.open(store)
        inputs = json.loads(run.attrs["inputs"])
        told = {"rest rest": 0, "rest sleep": 1, "replay rest": 2, "replay sleep": 3}
        night = NIGHTS[told[f"{inputs['first_sleep']} {inputs['second_sleep']}"]]
        matrix = ws.statistics.accuracy_matrix(run, "tasks").drop_vars(
            "cycle_tasks", errors="ignore"
        )
        number = int(inputs["tasks"])
        its = xr.Dataset(
            {
                f"accuracy_{number}": matrix.rename(after=f"after_{number}", task=f"task_{number}"),
                f"test_error_{number}": run["test_error"],
            }
        )
        its = its.drop_vars([name for name in its.coords if name not in its.dims])
        parts.append(its.expand_dims(night=[night], seed=[int(run.attrs["seed"])]))
    found = xr.combine_by_coords(parts, join="outer", combine_attrs="drop")
    assert isinstance(found, xr.Dataset)
    return found.sel(night=list(NIGHTS))


def main() -> None:
    if len(sys.argv) > 1:
        kept = HERE / "tasks.nc"
        keep(gathered(Path(sys.argv[1])), kept)
    found = xr.load_dataset(HERE / "tasks.nc", engine="scipy")
    print("Two tasks, validation error %:")
    print("| night | softmax: old classes | new | goodness: old | new |")
    print("|---|---|---|---|---|")
    for night in NIGHTS:
        last = 1 - found["accuracy_2"].sel(night=night).isel(after_2=-1)
        cells = [
            cell(last.sel(readout=readout).isel(task_2=task), 100)
            for readout in ("softmax", "goodness")
            for task in (0, 1)
        ]
        print(f"| {night} | {' | '.join(cells)} |")
    print("Five tasks, %:")
    print(
        "| night | softmax: accuracy, validation | test | forgetting | goodness: accuracy "
        "| test | forgetting |"
    )
    print("|---|---|---|---|---|---|---|")
    for night in NIGHTS:
        cells = []
        for readout in ("softmax", "goodness"):
            one = found.sel(night=night, readout=readout)
            matrix = one["accuracy_5"].rename(after_5="after", task_5="task")
            cells += [
                cell(ws.statistics.average_accuracy(matrix), 100),
                cell(1 - one["test_error_5"], 100),
                cell(ws.statistics.forgetting(matrix), 100),
            ]
        print(f"| {night} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
