"""A pupil on one analog chip that learns from a well-trained teacher on another.

wakesleep study analog_mnist -o STUDY                       # trains the teachers
python docs/results/analog_distillation.py STUDY FOLDER     # writes analog_distillation.nc
python docs/results/analog_distillation.py                  # the table again, from this file

FOLDER is for the runs; those that it has already are not made again. Errors are those on all test
images of MNIST, read once at the end of each run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import xarray as xr
from analog_copies import READOUTS, error, hardware, learned, linear_error
from tables import cell, keep

import wakesleep as ws

HERE = Path(__file__).parent
FILE = HERE / "analog_distillation.nc"
SEEDS = range(5)
LEARN, MODEL = {"sweeps": 20}, {"decay": 0.0}


def taught(study: Path, folder: Path) -> xr.Dataset:
    """Return test errors of teachers, of their copies, and of pupils of their labels."""
    parts = []
    for seed in SEEDS:
        teachers = list((study / "runs").glob(f"ff_resistive-*seed{seed}.zarr"))
        if len(teachers) != 1:
            sys.exit(f"{study}: {len(teachers)} teachers with seed {seed}; one is needed")
        (teacher,) = teachers
        given = ws.lessons(teacher)
        chip = hardware(1.0, 2000 + seed)
        # A pupil begins with random weights, as its teacher did; nothing is programmed.
        fresh = {name: its for name, its in chip.items() if name != "write_noise"}
        pupil = learned(folder, f"pupil-{seed}", given, 100 + seed, fresh, learn=LEARN, model=MODEL)
        copy = learned(folder, f"copy-{seed}", None, seed, chip, teacher, model=MODEL)
        found = {"teacher": error(teacher), "copy": error(copy), "pupil": error(pupil)}
        wrong = linear_error(*(given[its] for its in ("x_train", "y_train", "x_test", "y_test")))
        found["linear pupil"] = xr.full_like(found["teacher"], wrong)
        its = xr.concat(list(found.values()), "who").assign_coords(who=list(found))
        parts.append(its.expand_dims(seed=[seed]).drop_vars("readout", errors="ignore"))
    return xr.concat(parts, "seed").assign_coords(readout=READOUTS).to_dataset(name="test_error")


def main() -> None:
    if len(sys.argv) > 2:
        folder = Path(sys.argv[2])
        folder.mkdir(parents=True, exist_ok=True)
        keep(taught(Path(sys.argv[1]), folder), FILE)
    its = xr.load_dataset(FILE, engine="scipy")["test_error"]
    print(f"| | {' | '.join(READOUTS)} |")
    for who in its["who"].values:
        print(f"| {who} | {' | '.join(cell(its.sel(who=who, readout=r), 100) for r in READOUTS)} |")
    linear = its.sel(who="linear pupil")
    kept = (linear - its.sel(who="pupil")) / (linear - its.sel(who="teacher"))
    cells = [cell(kept.sel(readout=readout), 100, 0) for readout in READOUTS]
    print(f"| of the teacher's advantage kept, % | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
