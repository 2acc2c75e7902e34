"""A pupil on one analog chip that learns from a well-trained teacher on another.

wakesleep study analog_mnist -o STUDY                       # trains the teachers
python docs/results/analog_distillation.py STUDY FOLDER     # writes analog_distillation.nc
python docs/results/analog_distillation.py LONG_FOLDER      # writes analog_distillation_long.nc
python docs/results/analog_distillation.py                  # the tables again, from these files

The folders are for the runs; those that they have already are not made again. Teachers and pupils
of the second file learn three times as long, on devices with a digital memory. Errors are those on
all test images of MNIST, read once at the end of each run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import xarray as xr
from analog_copies import READOUTS, error, hardware, learned, linear_error
from tables import cell, keep

import wakesleep as ws

HERE = Path(__file__).parent
FILES = {name: HERE / f"analog_{name}.nc" for name in ("distillation", "distillation_long")}
SEEDS = range(5)
SHORT, LONG, MODEL = {"sweeps": 20}, {"sweeps": 60}, {"decay": 0.0}
MEMORY = {"accumulate": True}


def chip(instance: int, **more: Any) -> dict[str, Any]:
    """Return resistive devices of which nothing is programmed: learning starts at random."""
    told = hardware(1.0, instance)
    return {name: its for name, its in told.items() if name != "write_noise"} | more


def of_study(study: Path, seed: int) -> Path:
    """Return the teacher of a seed."""
    teachers = list((study / "runs").glob(f"ff_resistive-*seed{seed}.zarr"))
    if len(teachers) != 1:
        sys.exit(f"{study}: {len(teachers)} teachers with seed {seed}; one is needed")
    return teachers[0]


def taught(
    folder: Path, teacher: Path, seed: int, learn: dict[str, Any], more: dict[str, Any]
) -> xr.DataArray:
    """Return test errors of a teacher, of its copy, and of pupils of its labels."""
    given = ws.lessons(teacher)
    fresh = chip(2000 + seed, **more)
    pupil = learned(folder, f"pupil-{seed}", given, 100 + seed, fresh, learn=learn, model=MODEL)
    written = hardware(1.0, 2000 + seed) | more
    copy = learned(folder, f"copy-{seed}", None, seed, written, teacher, model=MODEL)
    found = {"teacher": error(teacher), "copy": error(copy), "pupil": error(pupil)}
    wrong = linear_error(*(given[its] for its in ("x_train", "y_train", "x_test", "y_test")))
    found["linear pupil"] = xr.full_like(found["teacher"], wrong)
    its = xr.concat(list(found.values()), "who").assign_coords(who=list(found))
    return its.expand_dims(seed=[seed]).drop_vars("readout", errors="ignore")


def whole(parts: list[xr.DataArray]) -> xr.Dataset:
    """Return the test errors of all seeds."""
    return xr.concat(parts, "seed").assign_coords(readout=READOUTS).to_dataset(name="test_error")


def long(folder: Path, seed: int) -> xr.DataArray:
    """Return test errors where teacher and pupil have devices with a memory, and learn longer."""
    own = chip(1000 + seed, **MEMORY)
    teacher = learned(folder, f"teacher-{seed}", None, seed, own, learn=LONG, model=MODEL)
    return taught(folder, teacher, seed, LONG, MEMORY)


def show(file: Path) -> None:
    """Print a table."""
    its = xr.load_dataset(file, engine="scipy")["test_error"]
    print(f"| {file.stem} | {' | '.join(READOUTS)} |")
    for who in its["who"].values:
        print(f"| {who} | {' | '.join(cell(its.sel(who=who, readout=r), 100) for r in READOUTS)} |")
    linear = its.sel(who="linear pupil")
    kept = (linear - its.sel(who="pupil")) / (linear - its.sel(who="teacher"))
    cells = [cell(kept.sel(readout=readout), 100, 0) for readout in READOUTS]
    print(f"| of the teacher's advantage kept, % | {' | '.join(cells)} |\n")


def main() -> None:
    if len(sys.argv) > 1:
        folder = Path(sys.argv[-1])
        folder.mkdir(parents=True, exist_ok=True)
        if len(sys.argv) > 2:
            study = Path(sys.argv[1])
            parts = [taught(folder, of_study(study, n), n, SHORT, {}) for n in SEEDS]
            keep(whole(parts), FILES["distillation"])
        else:
            keep(whole([long(folder, seed) for seed in SEEDS]), FILES["distillation_long"])
    for file in filter(Path.exists, FILES.values()):
        show(file)


if __name__ == "__main__":
    main()
