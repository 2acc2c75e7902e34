"""Print the table of the studies ``remedies`` and ``remedies_kinds``, and keep their numbers.

python docs/results/remedies.py FOLDER    # of `wakesleep study remedies`, or of remedies_kinds
python docs/results/remedies.py           # table and figure again, from remedies.nc
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from tables import cell, keep_with_others

import wakesleep as ws

HERE = Path(__file__).parent
NAMES = {
    "backprop": "backpropagation: nothing",
    "backprop_spontaneous": "backpropagation: spontaneous activity",
    "backprop_weakening": "backpropagation: the same, weakening alone",
    "backprop_ewc_off": "backpropagation: nothing, shorter tasks",
    "backprop_ewc": "backpropagation: elastic weight consolidation",
    "backprop_dreams_off": "backpropagation: nothing, longer tasks",
    "backprop_dreams": "backpropagation: replay of dreams",
    "ff": "Forward-Forward: unlearning",
    "ff_dreams": "Forward-Forward: replay of dreams, unlearning",
    "rbm": "RBM: negative updates",
    "rbm_dreams": "RBM: replay of dreams, negative updates",
    "bm": "full Boltzmann machine: negative updates",
    "bm_long_nights": "full Boltzmann machine: three times as many",
    "bm_dreams": "full Boltzmann machine: replay of dreams, the same",
    "spiking": "spikes: unlearning",
    "spiking_dreams": "spikes: replay of dreams, unlearning",
    "helmholtz": "Helmholtz machine: negative updates",
    "helmholtz_samples": "Helmholtz machine: replay of its samples, negative updates",
}


def gathered(folder: Path) -> xr.Dataset:
    """Return the last row of the accuracy matrix, test error and time of all finished runs."""
    parts = []
    for store in sorted((folder / "runs").glob("*.zarr")):
        run = ws.open(store)
        if run.attrs["status"] != "finished":
            continue
        matrix = ws.statistics.accuracy_matrix(run, "tasks")
        its = xr.Dataset(
            {
                "accuracy": matrix.isel(after=-1, drop=True),
                "forgetting": ws.statistics.forgetting(matrix),
                "test_error": run["test_error"],
            }
        )
        its = its.drop_vars([name for name in its.coords if name not in its.dims])
        its = its.reindex(readout=["goodness", "softmax"])
        name = store.name.partition("-tasks_remedies")[0]
        parts.append(its.expand_dims(model=[name], seed=[int(run.attrs["seed"])]))
    found = xr.combine_by_coords(parts, join="outer", combine_attrs="drop")
    assert isinstance(found, xr.Dataset)
    return found


def main() -> None:
    if len(sys.argv) > 1:
        keep_with_others(gathered(Path(sys.argv[1])), HERE / "remedies.nc")
    found = xr.load_dataset(HERE / "remedies.nc", engine="scipy")
    found = found.sel(model=[name for name in NAMES if name in found["model"].values])
    print("| network and night | seeds | read-out | accuracy, validation | test "
          "| first four tasks | last task |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for model in found["model"].values:
        for readout in found["readout"].values[::-1]:
            its = found.sel(model=model, readout=readout).dropna("seed", how="all")
            if its["accuracy"].isnull().all():
                continue
            cells = [
                cell(its["accuracy"].mean("task"), 100),
                cell(1 - its["test_error"], 100),
                cell(its["accuracy"].isel(task=slice(0, 4)).mean("task"), 100),
                cell(its["accuracy"].isel(task=4), 100),
            ]
            print(
                f"| {NAMES[str(model)]} | {its.sizes['seed']} | {readout} | {' | '.join(cells)} |"
            )
    draw(found)


def draw(found: xr.Dataset) -> None:
    """Draw the accuracy of every remedy, a dot for each seed."""
    figure = Figure(figsize=(8.0, 5.2))
    ax = figure.subplots()
    colours = {"softmax": "#0072b2", "goodness": "#d55e00"}
    models = [str(its) for its in found["model"].values]
    named: set[str] = set()
    for place, model in enumerate(models):
        for shift, readout in ((-0.12, "softmax"), (0.12, "goodness")):
            values = 100 * found["accuracy"].sel(model=model, readout=readout).mean("task")
            values = values.dropna("seed")
            if not values.size:
                continue
            if model.startswith("bm") and readout == "softmax":
                continue  # its hidden units hardly differ between images
            ax.plot(values, np.full(values.size, place + shift), "o", ms=3.5, mec="none",
                    color=colours[readout], alpha=0.5)  # fmt: skip
            ax.plot([values.mean()], [place + shift], "|", ms=14, mew=2, color=colours[readout],
                    label=None if readout in named else readout)  # fmt: skip
            named.add(readout)
    ax.axvline(20, color="0.7", lw=0.8, zorder=0)
    ax.set_yticks(range(len(models)), [NAMES[its] for its in models], fontsize=8)
    ax.invert_yaxis()
    ax.set_xlim(0, 100)
    ax.set_xlabel(
        "accuracy on all ten classes after five tasks (%), dots: seeds; grey: last task alone"
    )
    ax.legend(frameon=False, loc="lower right")
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(HERE.parent / "figures" / "remedies.png", dpi=150, bbox_inches="tight")


if __name__ == "__main__":
    main()
