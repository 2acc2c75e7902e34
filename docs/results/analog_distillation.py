"""A pupil on one analog chip that learns from a well-trained teacher on another.

wakesleep study analog_mnist -o STUDY                       # trains the teachers
python docs/results/analog_distillation.py STUDY FOLDER     # writes analog_distillation.nc
python docs/results/analog_distillation.py                  # the tables, from the files

With the study analog_mnist_rate, whose networks have a rate that was chosen on validation data, it
writes analog_distillation_rate.nc. FOLDER is for the runs; those that it has already are not made
again. Pupils have the rate of their teachers and learn as long. Errors are those on all test images
of MNIST, read once at the end of each run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import xarray as xr
from analog_copies import READOUTS, error, hardware, learned, linear_error
from tables import cell, keep

import wakesleep as ws

HERE = Path(__file__).parent
FILES = {
    "analog_mnist": HERE / "analog_distillation.nc",
    "analog_mnist_rate": HERE / "analog_distillation_rate.nc",
}
SEEDS = range(5)


def taught(study: Path, folder: Path, seed: int) -> xr.DataArray:
    """Return test errors of a teacher, of its copy, and of pupils of its labels."""
    teachers = list((study / "runs").glob(f"ff_resistive-*seed{seed}.zarr"))
    if len(teachers) != 1:
        sys.exit(f"{study}: {len(teachers)} teachers with seed {seed}; one is needed")
    (teacher,) = teachers
    attrs = ws.open(teacher).attrs
    learn = {"sweeps": json.loads(attrs["inputs"])["sweeps"]}
    model = {"decay": 0.0, "rate": json.loads(attrs["parameters"])["rate"]}
    given = ws.lessons(teacher)
    chip = hardware(1.0, 2000 + seed)
    # A pupil begins with random weights, as its teacher did; nothing is programmed.
    fresh = {name: its for name, its in chip.items() if name != "write_noise"}
    pupil = learned(folder, f"pupil-{seed}", given, 100 + seed, fresh, learn=learn, model=model)
    copy = learned(folder, f"copy-{seed}", None, seed, chip, teacher, model=model)
    found = {"teacher": error(teacher), "copy": error(copy), "pupil": error(pupil)}
    wrong = linear_error(*(given[its] for its in ("x_train", "y_train", "x_test", "y_test")))
    found["linear pupil"] = xr.full_like(found["teacher"], wrong)
    its = xr.concat(list(found.values()), "who").assign_coords(who=list(found))
    return its.expand_dims(seed=[seed]).drop_vars("readout", errors="ignore")


def show(file: Path) -> None:
    """Print the table of a file."""
    its = xr.load_dataset(file, engine="scipy")["test_error"]
    print(f"| {file.stem} | {' | '.join(READOUTS)} |")
    for who in its["who"].values:
        print(f"| {who} | {' | '.join(cell(its.sel(who=who, readout=r), 100) for r in READOUTS)} |")
    linear = its.sel(who="linear pupil")
    kept = (linear - its.sel(who="pupil")) / (linear - its.sel(who="teacher"))
    cells = [cell(kept.sel(readout=readout), 100, 0) for readout in READOUTS]
    print(f"| of the teacher's advantage kept, % | {' | '.join(cells)} |\n")


def main() -> None:
    if len(sys.argv) > 2:
        study, folder = map(Path, sys.argv[1:3])
        file = FILES[ws.open_study(study).attrs["title"]]
        folder.mkdir(parents=True, exist_ok=True)
        whole = xr.concat([taught(study, folder, seed) for seed in SEEDS], "seed")
        keep(whole.assign_coords(readout=READOUTS).to_dataset(name="test_error"), file)
    for file in filter(Path.exists, FILES.values()):
        show(file)


if __name__ == "__main__":
    main()
