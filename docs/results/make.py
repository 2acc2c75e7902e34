"""Measure what `docs/results.md` reports, or print its tables again from the data beside this file.

python docs/results/make.py tables               the tables, from the NetCDF files
python docs/results/make.py deprivation          measure (minutes), writes deprivation_*.nc
python docs/results/make.py separation           measure (minutes), writes separation.nc
python docs/results/make.py dreams               measure (minutes), writes dreams_judged.nc
python docs/results/make.py edge                 measure (minutes) and print the stability edge
python docs/results/make.py keep RUN.zarr NAME   keep the record of a run as NAME.nc
python docs/results/make.py study FOLDER         keep a study's outcomes (and curves) as NAME.nc
python docs/results/make.py figures              draw the figures of the studies that are kept
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from tables import cell, keep

import wakesleep as ws
from wakesleep.plots.study import draw_values
from wakesleep.results.store import to_netcdf
from wakesleep.results.trees import over_cycles
from wakesleep.studies import grid

HERE = Path(__file__).parent
SEEDS = range(5)
LOST = (0, 1, 5)
NIGHTS = (1, 5, 20, 100)
FULL = {
    "author_100_sweeps_seed0": "supervised, 3 x 1000",
    "full_supervised": "supervised, 4 x 2000",
    "full_local": "local fields, hybrids",
    "full_unsupervised": "unsupervised, 4 x 2000, hybrids",
    "full_backprop": "backpropagation, 2 x 2000",
}


def over_seeds(protocol: str, **inputs: int | str) -> xr.Dataset:
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
            over_seeds(
                "total_sleep_deprivation",
                lost_nights=lost,
                probe_every=100,
                negatives="wrong_label",
            ),
            HERE / f"deprivation_{lost}.nc",
        )


def separation() -> None:
    to_netcdf(over_seeds("phase_separation", nights=150), HERE / "separation.nc")


def dreams() -> None:
    """Let nets that know no negative data but dreams dream; a classifier trained apart judges."""
    from sklearn.linear_model import LogisticRegression

    from wakesleep import data

    digits = data.load("digits")
    judge = LogisticRegression(max_iter=5000).fit(digits.train.images, digits.train.labels)
    starts = {"label, straight down": ("label", 0), "label, settled": ("label", 2)}
    share = np.zeros((len(SEEDS), len(NIGHTS), len(starts)))
    shown = []
    for seed, (place, nights) in itertools.product(SEEDS, enumerate(NIGHTS)):
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run.zarr"
            inputs = {"negatives": "dream", "nights": nights, "probed_nights": 1}
            ws.run("phase_separation", "ff_digits", inputs=inputs, seed=seed, out=run)
            for number, (start, settle) in enumerate(starts.values()):
                dreamt = ws.dreams(run, start=start, settle=settle, each=50)
                images = dreamt["image"].values.reshape(dreamt.sizes["dream"], -1)
                share[seed, place, number] = (judge.predict(images) == dreamt["label"]).mean()
                if seed == 0 and settle == 0:
                    shown.append(dreamt)
    judged = xr.Dataset(
        {"intended": (("seed", "nights", "start"), share, {"units": "1"})},
        {"seed": list(SEEDS), "nights": list(NIGHTS), "start": list(starts)},
        {"judge_right": judge.score(digits.test.images, digits.test.labels)},
    )
    keep(judged, HERE / "dreams_judged.nc")
    figure = Figure(figsize=(2.6 * len(NIGHTS), 3.0))
    for ax, dreamt, nights in zip(figure.subplots(1, len(NIGHTS)), shown, NIGHTS, strict=True):
        ws.plots.dreams(dreamt, ax, most=6)
        ax.set_title(f"{nights} night{'s' * (nights > 1)}", fontsize=9)
    figure.tight_layout()
    figure.savefig(HERE.parent / "figures" / "dreams_over_training.png", dpi=150)


def row(name: str, at: xr.Dataset) -> str:
    cells = [
        cell(at["error"].sel(readout="goodness"), 100),
        *(cell(at["false_positive_rate"].sel(layer=layer), 100) for layer in at["layer"].values),
        *(cell(at["d_prime"].sel(layer=layer), 1, 2) for layer in at["layer"].values),
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def ends(title: str, paths: list[Path]) -> None:
    """Print what single runs came to."""
    print(f"## {title} (error %, at the end)\n")
    print(
        "| run | sweeps | seed | validation: goodness | softmax | test: goodness | softmax | min |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for path in paths:
        its = ws.open(path)
        inputs = json.loads(its.attrs["inputs"])
        sweeps = inputs.get("sweeps", inputs.get("steps"))
        errors = [
            f"{100 * float(its[split].sel(readout=readout)):.2f}"
            if readout in its["readout"]
            else ""
            for split in ("validation_error", "test_error")
            for readout in ("goodness", "softmax")
        ]
        minutes = its.attrs["wall_seconds"] / 60
        cells = [path.stem, sweeps, its.attrs["seed"], *errors, f"{minutes:.1f}"]
        print("| " + " | ".join(map(str, cells)) + " |")
    print()


def tables() -> None:
    for name, title in (
        ("author", "The author's program on MNIST"),
        ("full", "The paper's nets on all of MNIST"),
        ("tutorial", "The tutorials' recipe, 5000 images of MNIST"),
    ):
        ends(title, sorted(HERE.glob(f"{name}_*.nc"), key=lambda its: its.stem))

    print(f"## Lost nights, ff_digits (mean ± 95 % t interval, n = {len(SEEDS)} seeds)\n")
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
            cell(
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
    for name, outcomes in kept_studies().items():
        study_table(name, outcomes)
    resonance()


def keep_study(folder: Path) -> None:
    """Keep what a study's tables and figures are drawn from, without its runs."""
    tree = ws.open_study(folder)
    name = tree.attrs["title"]
    spec = grid.load(name).spec
    outcomes = tree["outcomes"].to_dataset()[list(spec.outcomes)].assign_attrs(tree.attrs)
    for wanted in spec.figures:
        if wanted.figure == "cycles":
            curves = over_cycles(tree, wanted.quantity, wanted.at, wanted.block)
            outcomes[f"cycles_{wanted.quantity}_{wanted.at}"] = curves.astype("float32")
    path = HERE / f"{name}.nc"
    keep(outcomes, path)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


def kept_studies() -> dict[str, xr.Dataset]:
    """Return the outcomes of every study that is kept."""
    kept = {}
    for path in sorted(HERE.glob("*.nc")):
        dataset = xr.load_dataset(path, engine="scipy", decode_times=False)
        if "study_text" in dataset.attrs:
            kept[path.stem] = dataset
    return kept


def study_table(name: str, outcomes: xr.Dataset) -> None:
    """Print every outcome over the grid, mean and 95 % t interval over seeds."""
    numbers = [str(its) for its in outcomes.data_vars if "seed" in outcomes[its].dims]
    numbers = [its for its in numbers if not its.startswith("cycles_")]
    first = outcomes[numbers[0]]
    grid = [str(dim) for dim in first.dims[: first.dims.index("seed")]]
    shown = [dim for dim in grid if outcomes.sizes[dim] > 1]
    columns = []
    for its in numbers:
        rest = [str(dim) for dim in outcomes[its].dims if dim not in (*grid, "seed")]
        for place in itertools.product(*(outcomes[dim].values for dim in rest)):
            columns.append((its, dict(zip(rest, place, strict=True))))
    print(f"\n## {name}, n = {outcomes.sizes['seed']} seeds\n")
    heads = [*shown, *(" ".join([its, *map(str, at.values())]) for its, at in columns)]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for place in itertools.product(*(range(outcomes.sizes[dim]) for dim in grid)):
        row = outcomes.isel(dict(zip(grid, place, strict=True)))
        cells = [str(row[dim].item()) for dim in shown]
        for its, at in columns:
            values = row[its].sel(at)
            found = ws.statistics.interval(values * values.attrs.get("scale", 1.0))
            mean, half = found["mean"].item(), (found["high"] - found["mean"]).item()
            cells.append(f"{mean:.3g}" if half != half else f"{mean:.3g} ± {half:.2g}")
        print("| " + " | ".join(cells) + " |")


def resonance() -> None:
    """Print the phase diagram by D, how far momentum carries the weights past a phase's end."""
    outcomes = xr.load_dataset(HERE / "phase_diagram.nc", engine="scipy")
    worst = 100 * np.maximum(outcomes["after_wake"], outcomes["after_sleep"])
    worst = worst.squeeze(["model", "protocol"]).sel(phase_steps=slice(1, 100))
    steps, horizon = worst["phase_steps"], 1 / (1 - worst["momentum"])
    carried = (worst["rate"] * steps * np.minimum(horizon / steps, steps / horizon)).transpose(
        *(dim for dim in worst.dims if dim != "seed")
    )
    digits = np.round(carried, 6)
    mean = worst.mean("seed")
    print("\n## By D = rate K min(h/K, K/h), phases of 1 to 100 updates\n")
    print("| D | cells | learnt (below 20 %) | error %, best to worst |\n|---|---|---|---|")
    for low, high in ((0, 0.01), (0.01, 0.05), (0.05, 0.2), (0.2, 10)):
        chosen = ((digits >= low) & (digits < high)).values
        cells = np.sort(mean.values[chosen])
        print(
            f"| {low} to {high} | {len(cells)} | {(cells < 20).sum()} "
            f"| {cells[0]:.1f} to {cells[-1]:.1f} |"
        )


def edge() -> None:
    """Print how long phases may be before a measured baseline goes stale: theory and experiment.

    Awake, an exact Boltzmann machine climbs with its negative statistics fixed where they were: a
    fixed-point iteration, stable while rate x K < 2 / (greatest eigenvalue of Cov[ss]).
    """
    import torch

    from wakesleep.learners.boltzmann import exact
    from wakesleep.networks.kept import kept_network

    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "run.zarr"
        inputs = {"phase_steps": 1, "nights": 20_000, "batch": 14, "probed_nights": 3}
        ws.run("phase_separation", "bm_bars_exact", inputs=inputs, out=store)
        learner, _ = kept_network(store)
    rows = exact.model(learner.machine, learner.theta)
    first, second = torch.triu_indices(9, 9, 1)
    features = torch.cat([rows.units[:, first] * rows.units[:, second], rows.units], 1).double()
    p = rows.weight.double().unsqueeze(1)
    mean = (p * features).sum(0)
    covariance = (p * features).T @ features - torch.outer(mean, mean)
    greatest = float(torch.linalg.eigvalsh(covariance)[-1])
    print(f"2 / lambda_max = {2 / greatest:.3f}, K = {2 / greatest / 0.05:.1f} at a rate of .05")
    print("| K | rate x K | KL at the end |\n|---|---|---|")
    for steps in (8, 12, 16, 20, 24, 32, 40):
        inputs = {"phase_steps": steps, "nights": 20_000 // steps, "batch": 14, "probed_nights": 5}
        result = ws.run("stored_baseline", "bm_bars_exact", inputs={**inputs, "mode": "measure"})
        print(f"| {steps} | {0.05 * steps:.1f} | {float(result.divergence[-1]):.3f} |")


def figures() -> None:
    """Draw the figures of every study that is kept, from its file alone."""
    for name, outcomes in kept_studies().items():
        for wanted in grid.load(name).spec.figures:
            if wanted.figure == "cycles":
                values = outcomes[f"cycles_{wanted.quantity}_{wanted.at}"]
                values = wanted.scale * values
                values = values.assign_attrs(long_name=wanted.label or wanted.quantity)
            else:
                values = outcomes[wanted.outcome]
                values = (values * values.attrs["scale"]).assign_attrs(values.attrs)
            path = HERE.parent / "figures" / f"{name}_{wanted.name}.png"
            draw_values(wanted, values).savefig(path, dpi=150, bbox_inches="tight")
            print(path)
    print(full_curves())


def full_curves() -> Path:
    """Draw the validation error over the sweeps of the runs on all of MNIST."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    ax = figure.subplots()
    for name, label in FULL.items():
        path = HERE / f"{name}.nc"
        its = ws.open(path)
        readout = "goodness" if "goodness" in its["readout"] else "softmax"
        sweeps = its["step"].values[1:] / 500
        error = 100 * its["error"].sel(readout=readout).values[1:]
        ax.plot(sweeps, error, lw=1.2, label=f"{label} ({readout})")
    ax.set_yscale("log")
    ax.set_yticks([1, 1.5, 2, 3, 5, 10], ["1", "1.5", "2", "3", "5", "10"])
    ax.minorticks_off()
    ax.set_ylim(0.9, 12)
    ax.set_xlabel("sweeps of 50,000 images")
    ax.set_ylabel("validation error (%)")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8)
    path = HERE.parent / "figures" / "full_mnist.png"
    figure.savefig(path, dpi=150)
    return path


def main() -> None:
    match sys.argv[1:]:
        case ["tables"]:
            tables()
        case ["deprivation"]:
            deprivation()
        case ["separation"]:
            separation()
        case ["edge"]:
            edge()
        case ["dreams"]:
            dreams()
        case ["study", folder]:
            keep_study(Path(folder))
        case ["figures"]:
            figures()
        case ["keep", run, name]:
            to_netcdf(ws.open(run), HERE / f"{name}.nc")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
