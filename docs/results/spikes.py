"""Measure what `docs/results.md` reports of spikes and of cortex, or draw its figures again.

python docs/results/spikes.py agreement          measure (a minute), writes agreement_*.nc
python docs/results/spikes.py cortex             measure (a minute), writes cortex.nc
python docs/results/spikes.py volleys            measure (minutes), writes volleys*.nc
python docs/results/spikes.py dreams             measure (minutes), writes spiking_dreams_judged.nc
python docs/results/spikes.py debt FOLDER        keep the curves of the study spiking_sleep
python docs/results/spikes.py figures            draw the figures from the files alone
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from matplotlib.figure import Figure
from tables import keep

import wakesleep as ws
from wakesleep import data
from wakesleep.networks.kept import kept_network
from wakesleep.plots.activity import draw_activity
from wakesleep.plots.agreement import draw_agreement

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures"
SWEEPS = ("jitter", "lag", "correlation", "background")
SEEDS = range(5)
# With cells for darkness, as shipped, and the best that was found without them.
VOLLEYS: dict[str, dict[str, object]] = {
    "volleys": {},
    "volleys_light": {"off_cells": False, "threshold": 6.0, "label_scale": 0.5},
}
LATE = (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0)  # ms


def written(dataset: xr.Dataset, name: str) -> None:
    path = HERE / f"{name}.nc"
    keep(dataset, path)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


def kept(name: str) -> xr.Dataset:
    return xr.load_dataset(HERE / f"{name}.nc", engine="scipy", decode_times=False)


def agreement() -> None:
    tree = ws.agreement_survey(count=200)
    for name in SWEEPS:
        written(tree[name].to_dataset(), f"agreement_{name}")


def cortex() -> None:
    stages = [("WAKE", 5.0), ("NREM", 10.0), ("WAKE", 5.0)]
    runs = [ws.activity(stages, seed=seed) for seed in SEEDS]
    written(runs[0], "cortex")
    for name in ("mean_rate", "down_share", "bimodality", "delta_share"):
        values = np.array([its[name].values for its in runs])
        print(name, values.mean(0).round(3), "sd", values.std(0, ddof=1).round(3))


def volleys(name: str, parameters: dict[str, object]) -> None:
    """Train with the label's volley in time, and read validation and test images with it late."""
    digits = data.load("digits")
    found = np.zeros((2, len(SEEDS), len(LATE)))
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run.zarr"
            ws.run("interleaved", "spiking_volleys", inputs={"sweeps": 15, "batch": 20},
                   parameters=parameters, seed=seed, out=out)  # fmt: skip
            learner, _ = kept_network(out)
        p = learner.parameters
        for place, late in enumerate(LATE):
            learner.parameters = p.with_label_late(late)
            for number, cases in enumerate((digits.validation, digits.test)):
                read = learner.classify(torch.tensor(cases.images), "goodness").numpy()
                found[number, seed, place] = (read != cases.labels).mean()
    dims = ("split", "seed", "late")
    coords = {"split": ["validation", "test"], "seed": list(SEEDS), "late": list(LATE)}
    written(xr.Dataset({"error": (dims, found, {"units": "1"})}, coords), name)
    print((100 * found).mean(1).round(1), (100 * found).std(1, ddof=1).round(1))


def dreams() -> None:
    """Share of a spiking network's dreams that logistic regression reads as the intended class."""
    from sklearn.linear_model import LogisticRegression

    digits = data.load("digits")
    judge = LogisticRegression(max_iter=5000).fit(digits.train.images, digits.train.labels)
    share = np.zeros((len(SEEDS), 2))
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run.zarr"
            ws.run("interleaved", "spiking_dreamer", inputs={"sweeps": 10, "batch": 20,
                   "negatives": "wrong_label"}, seed=seed, out=out)  # fmt: skip
            for number, settle in enumerate((0, 2)):
                dreamt = ws.dreams(out, start="label", settle=settle, each=50)
                images = dreamt["image"].values.reshape(dreamt.sizes["dream"], -1)
                share[seed, number] = (judge.predict(images) == dreamt["label"]).mean()
            if seed == 0:
                figure = Figure(figsize=(3.4, 3.4))
                shown = ws.dreams(out, start="label", settle=0, each=6)
                ws.plots.dreams(shown, figure.subplots(), most=6)
                figure.savefig(FIGURES / "spiking_dreams.png", dpi=150, bbox_inches="tight")
    judged = xr.Dataset(
        {"intended": (("seed", "settle"), share, {"units": "1"})},
        {"seed": list(SEEDS), "settle": [0, 2]},
    )
    written(judged, "spiking_dreams_judged")
    print(share.mean(0).round(3), share.min(0).round(3))


def debt(folder: Path) -> None:
    """Keep error and goodness over the phases of every run of ``spiking_sleep``."""
    tree = ws.open_study(folder)
    rates, parts = [], []
    for group in tree["runs"].children.values():
        its = group.to_dataset()
        rates.append(float(json.loads(its.attrs["place"])["rate"]))
        parts.append(its[["error", "goodness", "false_positive_rate"]].squeeze())
    whole = xr.concat(parts, xr.DataArray(rates, dims="rate", name="rate"), join="override")
    written(whole.reset_coords(drop=True).assign_coords(step=parts[0]["step"]), "spiking_debt")


def figures() -> None:
    tree = xr.DataTree.from_dict({f"/{name}": kept(f"agreement_{name}") for name in SWEEPS})
    draw_agreement(tree).savefig(FIGURES / "agreement.png", dpi=150, bbox_inches="tight")
    draw_activity(kept("cortex")).savefig(FIGURES / "cortex.png", dpi=150, bbox_inches="tight")
    error = 100 * kept("volleys")["error"].sel(split="test")
    figure = Figure(figsize=(4.2, 3.0), layout="constrained")
    ax = figure.subplots()
    ax.errorbar(error["late"], error.mean("seed"), error.std("seed", ddof=1), fmt="o-", capsize=2)
    ax.set(xlabel="label's volley late by (ms)", ylabel="test error (%)", ylim=(0, None))
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(FIGURES / "volleys.png", dpi=150)


def main() -> None:
    match sys.argv[1:]:
        case ["agreement"]:
            agreement()
        case ["cortex"]:
            cortex()
        case ["volleys"]:
            for name, parameters in VOLLEYS.items():
                volleys(name, parameters)
        case ["dreams"]:
            dreams()
        case ["debt", folder]:
            debt(Path(folder))
        case ["figures"]:
            figures()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
