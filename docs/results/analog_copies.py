"""Knowledge that goes from one analog instance to another: copied weights, distillation, dreams.

python docs/results/analog_copies.py copies FOLDER        # writes analog_copies.nc
python docs/results/analog_copies.py generations FOLDER   # writes analog_generations.nc
python docs/results/analog_copies.py generations FOLDER RATE   # writes analog_generations_RATE.nc
python docs/results/analog_copies.py                      # the tables again, from these files

FOLDER is for the runs; neither these nor the seeds that the file has already are made again.
RATE is a learning rate of all networks, such as 0.01, instead of the default (.003); ``copies``
takes it too. Each rate needs a folder of its own.
MNIST, 5000 training images; errors are those on all test images, read once at the end of each run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from sklearn.linear_model import LogisticRegression
from tables import cell, keep

import wakesleep as ws

HERE = Path(__file__).parent
SEEDS, GENERATIONS, CASES = range(5), 10, 5000
# How far devices differ, as a factor of published variations; all pupils at the first alone.
NOISES = (1.0, 0.1, 0.3, 3.0, 10.0)
READOUTS = ["goodness", "softmax"]
WHO = [
    "ideal network", "teacher", "copy of the ideal network", "copy of the teacher",
    "pupil of the true labels", "pupil of its labels", "pupil of its chances",
    "pupil of its dreams", "linear pupil",
]  # fmt: skip
MODEL = {"layers": [256, 256], "top_down": True, "dreams_vary": "jointly", "decay": 0.0}
LEARN = {"sweeps": 20, "batch": 50, "probe_cases": 500}
# The network is looked at, and learns nothing.
LOOK = "protocol: look\nphases: [{phase: rest, steps: 1}]\nrecord: {test: true, cases: 500}\n"


def hardware(noise: float, instance: int) -> dict[str, Any]:
    """Return resistive devices, written with the error of programmed phase-change cells."""
    told = {"device": "resistive", "gain": 0.1, "nonlinearity": 0.05, "write_noise": 0.038}
    return {**told, "noise": noise, "instance": instance}


def learned(
    folder: Path,
    name: str,
    data: Any,
    seed: int,
    chip: dict[str, Any] | None,
    start: Any = None,
    learn: dict[str, Any] = LEARN,
    model: dict[str, Any] = MODEL,
) -> Path:
    """Make a run, or look at a copy where there is a start; return its store."""
    out = folder / f"{name}.zarr"
    protocol: Any = "interleaved"
    if start is not None:
        protocol = folder / "look.yaml"
        protocol.write_text(LOOK)
    parameters = model | ({} if chip is None else {"hardware": chip})
    inputs = {} if start is not None else learn
    ws.run(protocol, "ff_mnist_256x2", parameters=parameters, inputs=inputs, data=data,
           seed=seed, out=out, start=start, resume=True, quiet=True)  # fmt: skip
    return out


def error(store: Path) -> xr.DataArray:
    """Return a run's test error by read-out."""
    return (
        ws.open(store)["test_error"]
        .sel(readout=READOUTS)
        .load()
        .drop_vars("readout", errors="ignore")
    )


def saved(folder: Path, name: str, x: np.ndarray, y: np.ndarray) -> Path:
    """Write training images and labels, beside MNIST's own validation and test images."""
    mnist = ws.data.load("mnist")
    file = folder / f"{name}.npz"
    if not file.exists():
        parts = {"validation": mnist.validation.first(1000), "test": mnist.test}
        more = {f"x_{n}": its.images.reshape(-1, 28, 28) for n, its in parts.items()}
        more |= {f"y_{n}": its.labels for n, its in parts.items()}
        np.savez(file, x_train=x.reshape(-1, 28, 28), y_train=y, **more)
    return file


def linear_error(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    """Return the test error of logistic regression on a teacher's labels."""
    its = LogisticRegression(C=0.1, max_iter=300).fit(x.reshape(len(x), -1), y)
    return float(1 - its.score(x_test.reshape(len(x_test), -1), y_test))


def copies(folder: Path, seed: int, model: dict[str, Any]) -> xr.Dataset:
    """Return test errors of teachers, copies and pupils on another instance."""
    mnist = ws.data.load("mnist")
    x, y, x_test = mnist.train.images[:CASES], mnist.train.labels[:CASES], mnist.test.images
    true = saved(folder, "true", x, y)
    parts = []
    ideal = learned(folder, f"ideal-{seed}", true, seed, None, model=model)
    for noise in NOISES:
        one, two = hardware(noise, 1000 + seed), hardware(noise, 2000 + seed)
        name = f"{noise:g}-{seed}"
        teacher = learned(folder, f"teacher-{name}", true, seed, one, model=model)
        dreams = {"dreamt": CASES // 10, "spread": 1.5}
        told: dict[str, dict[str, Any]] = {
            "its labels": {}, "its chances": {"draws": 4}, "its dreams": dreams,
        }  # fmt: skip
        given = {"the true labels": true}
        if noise != NOISES[0]:
            told, given = {"its labels": {}}, {}
        for what, how in told.items():
            its = ws.lessons(teacher, **how, seed=seed)
            file = f"{what.partition(' ')[2]}-{name}"
            given[what] = saved(folder, file, its["x_train"], its["y_train"])
        labels = ws.lessons(teacher)["y_train"]
        found: dict[str, xr.DataArray] = {
            "ideal network": error(ideal),
            "teacher": error(teacher),
            "copy of the ideal network": error(
                learned(folder, f"copy-ideal-{name}", true, seed, two, ideal, model=model)
            ),
            "copy of the teacher": error(
                learned(folder, f"copy-{name}", true, seed, two, teacher, model=model)
            ),
        }
        for what, data in given.items():
            called = f"{what}-{name}".replace(" ", "_")
            # Drawn labels come with four copies of each image; the updates are as many.
            learn = LEARN | ({"sweeps": 5} if what == "its chances" else {})
            try:
                pupil = error(
                    learned(folder, called, data, 100 + seed, two, learn=learn, model=model)
                )
            except ws.InputError:  # a teacher may never name some class
                pupil = xr.full_like(found["teacher"], np.nan)
            found[f"pupil of {what}"] = pupil
        wrong = linear_error(x, labels, x_test, mnist.test.labels)
        found["linear pupil"] = xr.full_like(found["teacher"], wrong)
        its = xr.concat(list(found.values()), "who").assign_coords(who=list(found))
        parts.append(its.expand_dims(noise=[noise], seed=[seed]))
    return _together(parts)


def generations(folder: Path, seed: int, model: dict[str, Any]) -> xr.Dataset:
    """Return test errors of ten pupils of pupils, with the same images or fresh ones each time."""
    mnist = ws.data.load("mnist")
    size = len(mnist.train) // (GENERATIONS + 1)
    parts = []
    for fresh in (False, True):
        labels, store = mnist.train.labels[:size], folder
        for generation in range(GENERATIONS + 1):
            name = f"{'fresh' if fresh else 'same'}-{seed}-{generation}"
            first = size * generation if fresh else 0
            x = mnist.train.images[first : first + size]
            if generation:  # the one before is asked, then lost
                labels = ws.trained(store).classify(x, "softmax").values
            data = saved(folder, name, x, labels)
            chip = hardware(1.0, 10_000 + 100 * seed + generation)
            number = 1000 * seed + generation
            store = learned(folder, f"run-{name}", data, number, chip, model=model)
            its = error(store).expand_dims(seed=[seed], fresh=[fresh], generation=[generation])
            parts.append(its)
    return _together(parts)


def _together(parts: list[xr.DataArray]) -> xr.Dataset:
    its = [part.assign_coords(readout=READOUTS).to_dataset(name="test_error") for part in parts]
    its = [part.sortby("who") if "who" in part.dims else part for part in its]
    found = xr.combine_by_coords(its, join="outer", combine_attrs="drop")
    assert isinstance(found, xr.Dataset)
    return found


def drawn(its: xr.DataArray, file: Path, over: str, rows: str, label: str) -> None:
    """Draw errors against how far chips differ, or against the generation."""
    import matplotlib.pyplot as plt

    names = {False: "the same images", True: "fresh images"} if rows == "fresh" else {}
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", sharey=True)
    for ax, readout in zip(axes, READOUTS, strict=True):
        for row in its[rows].values:
            one = 100 * its.sel({rows: row, "readout": readout}).dropna(over, how="all")
            if one.sizes[over] < 2:
                continue
            found = ws.statistics.interval(one)
            half = (found["high"] - found["mean"]).values
            ax.errorbar(one[over], found["mean"], yerr=half, marker="o", ms=3, capsize=2,
                        label=names.get(row, str(row)))  # fmt: skip
        ax.set_xlabel(label)
        ax.set_title(readout, fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
        if over == "noise":
            ax.set_xscale("log")
    axes[0].set_ylabel("test error (%)")
    axes[0].set_ylim(bottom=0)
    if axes[1].get_legend_handles_labels()[0]:
        axes[1].legend(frameon=False, fontsize=7)
    figure.savefig(file, dpi=150)


def main() -> None:
    if len(sys.argv) > 2:
        what, folder = sys.argv[1], Path(sys.argv[2])
        rate = sys.argv[3] if len(sys.argv) > 3 else None
        folder.mkdir(parents=True, exist_ok=True)
        kept = HERE / f"analog_{what}{'' if rate is None else f'_{rate}'}.nc"
        had = xr.load_dataset(kept, engine="scipy") if kept.exists() else None
        if had is not None and "fresh" in had:
            had["fresh"] = had["fresh"].astype(bool)  # a file has numbers
        done = set() if had is None else set(had["seed"].values.tolist())
        model = MODEL | ({} if rate is None else {"rate": float(rate)})
        for seed in (seed for seed in SEEDS if seed not in done):
            made = {"copies": copies, "generations": generations}[what](folder, seed, model)
            had = made if had is None else xr.concat([had, made], "seed").sortby("seed")
            keep(had, kept)
    for what, over in (("copies", "noise"), ("generations", "generation")):
        for file in sorted(HERE.glob(f"analog_{what}*.nc")):
            tabled(file, what, over)


def tabled(file: Path, what: str, over: str) -> None:
    """Print the tables of a file, and draw its figure."""
    its = xr.load_dataset(file, engine="scipy")["test_error"].sortby(over)
    rows = "who" if what == "copies" else "fresh"
    its = its.sel(who=WHO) if what == "copies" else its
    label = "factor of all variations between chips" if what == "copies" else "generation"
    drawn(its, HERE.parent / "figures" / f"{file.stem}.png", over, rows, label)
    for readout in READOUTS:
        print(f"{file.stem}, test error %, {readout}")
        print(f"| | {' | '.join(str(n) for n in its[over].values)} |")
        for row in its[rows].values:
            cells = [cell(its.sel({rows: row, over: n, "readout": readout}), 100)
                     for n in its[over].values]  # fmt: skip
            print(f"| {row} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
