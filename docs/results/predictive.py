"""Does what comes from above cancel what comes from below, if real data are to get low goodness?

python docs/results/predictive.py make FOLDER    # ten runs on the digits; writes predictive.nc
python docs/results/predictive.py                # the table again, from predictive.nc

Hinton 2022 (arXiv 2212.13345), sections 3.4, 3.5 and 10. Layers in time get input from the layer
below and from the layer above. Cancelled is how much smaller the square of their sum is than the
sum of their squares: 0 if they have nothing to do with each other, 1 if they cancel entirely,
negative if they agree.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from tables import cell, keep

import wakesleep as ws

HERE = Path(__file__).parent
SEEDS = range(5)
GOODNESS = ("sum_of_squares", "minus_sum_of_squares")
LABELS = ("right", "wrong")


def cancelled(learner: object, images: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    """Return the measure at each step in time and layer (steps, layers)."""
    its: object = learner
    seen = its._seen(images)  # type: ignore[attr-defined]
    label, states, found = its.label_table[labels], seen.states, []  # type: ignore[attr-defined]
    for time in range(1, its.parameters.iterations + 1):  # type: ignore[attr-defined]
        given, _, states = its.step(seen.frames(time), states, label, seen.still)  # type: ignore[attr-defined]
        row = []
        for depth, layer in enumerate(its.layers):  # type: ignore[attr-defined]
            below = its.widths[depth]  # type: ignore[attr-defined]
            up = given[depth][:, :below] @ layer.weight[:, :below].T
            down = given[depth][:, below:] @ layer.weight[:, below:].T
            apart = up.square().sum(1) + down.square().sum(1)
            row.append(float((1 - (up + down).square().sum(1) / apart).mean()))
        found.append(row)
    return np.array(found)


def made(folder: Path) -> xr.Dataset:
    """Return the measure for both kinds of goodness, before and after learning, and errors."""
    folder.mkdir(parents=True, exist_ok=True)
    test = ws.data.load("digits").test
    images, labels = torch.from_numpy(test.images), torch.from_numpy(test.labels)
    shown = {"right": labels, "wrong": (labels + 1) % 10}
    values, errors = np.full((2, 2, 2, 5, 8, 2), np.nan), np.full((2, 5), np.nan)
    for row, goodness in enumerate(GOODNESS):
        for seed in SEEDS:
            for learned, sweeps in enumerate((1, 30)):
                out = folder / f"{goodness}-{seed}-{sweeps}.zarr"
                # A rate of next to nothing leaves the network as it began.
                rate = 0.003 if learned else 1e-12
                ws.run("interleaved", "ff_mnist_recurrent", data="digits", seed=seed, out=out,
                       parameters={"layers": [128, 128], "goodness": goodness, "rate": rate},
                       inputs={"sweeps": sweeps, "batch": 50, "negatives": "wrong_label"},
                       resume=True, quiet=True)  # fmt: skip
                learner = ws.trained(out).learner
                for column, name in enumerate(LABELS):
                    values[row, learned, column, seed] = cancelled(learner, images, shown[name])
            errors[row, seed] = float(ws.open(out)["test_error"].sel(readout="goodness"))
    dims = ("goodness", "learned", "label", "seed", "time", "layer")
    return xr.Dataset(
        {"cancelled": (dims, values), "test_error": (("goodness", "seed"), errors)},
        {"goodness": list(GOODNESS), "learned": [0, 1], "label": list(LABELS),
         "seed": list(SEEDS), "time": np.arange(1, 9), "layer": [1, 2]},
    )  # fmt: skip


def main() -> None:
    kept = HERE / "predictive.nc"
    if sys.argv[1:2] == ["make"]:
        keep(made(Path(sys.argv[2])), kept)
    its = xr.load_dataset(kept, engine="scipy")
    mean = its["cancelled"].sel(time=slice(3, 5)).mean("time")  # the steps that pick the label
    print("| goodness | test error % | label | layer 1: before | after | layer 2: before | after |")
    for goodness in GOODNESS:
        for label in LABELS:
            one = mean.sel(goodness=goodness, label=label)
            cells = [cell(one.sel(layer=layer, learned=learned), 1, 2)
                     for layer in (1, 2) for learned in (0, 1)]  # fmt: skip
            error = cell(its["test_error"].sel(goodness=goodness), 100)
            print(f"| {goodness} | {error} | {label} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
