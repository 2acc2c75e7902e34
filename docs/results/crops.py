"""Agreement of two crops of an image, learned layer by layer.

python docs/results/crops.py make    # some minutes; writes crops.nc
python docs/results/crops.py         # the table again, from crops.nc

Hinton 2022 (arXiv 2212.13345), section 6.4: SimCLR (Chen et al. 2020, arXiv 2002.05709) contrasts
two crops of one image with crops of different images. Here every layer does so by itself: its
inputs are the normalised activities of the layer below, and nothing is sent back. A linear
classifier on each layer's activities tells what was learned.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from sklearn.linear_model import LogisticRegression
from tables import cell, keep
from torch import Tensor

import wakesleep as ws

HERE = Path(__file__).parent
SEEDS, WIDTHS, BATCH, STEPS, SIDE, CASES = range(5), (256, 256, 256), 200, 2000, 20, 5000
TEMPERATURE, RATE = 0.1, 0.1  # the rate was chosen with seed 0, from .003 to .3
RULES = ("random weights", "Forward-Forward", "SimCLR's loss")


def crops(images: Tensor, chance: torch.Generator, centre: bool = False) -> Tensor:
    """Return a crop of 20 by 20 pixels of each image (n, 28, 28), flat and of length 1."""
    most = images.shape[1] - SIDE
    row, column = (
        torch.full((len(images),), most // 2)
        if centre
        else torch.randint(most + 1, (len(images),), generator=chance)
        for _ in range(2)
    )
    span = torch.arange(SIDE)
    cut = images[
        torch.arange(len(images))[:, None, None],
        (row[:, None] + span)[:, :, None],
        (column[:, None] + span)[:, None, :],
    ]
    return unit(cut.flatten(1))


def unit(y: Tensor) -> Tensor:
    """Return vectors (n, units) of length 1."""
    return y / y.norm(dim=1, keepdim=True).clamp_min(1e-8)


def slope(weight: Tensor, one: Tensor, other: Tensor, rule: str) -> Tensor:
    """Return the local gradient (units, inputs) that makes two crops of an image agree.

    Agreement is the cosine of activities. Forward-Forward raises the logistic probability of pairs
    of one image and lowers that of pairs of different images, about a threshold of their mean;
    SimCLR's loss takes the softmax over all pairs of the batch.
    """
    z = [its @ weight.T for its in (one, other)]
    y = [its.relu() for its in z]
    length = [its.norm(dim=1, keepdim=True).clamp_min(1e-8) for its in y]
    n = [its / by for its, by in zip(y, length, strict=True)]
    if rule == "Forward-Forward":
        right, wrong = (n[0] * n[1]).sum(1), (n[0] * n[1].roll(1, 0)).sum(1)
        theta = (right.mean() + wrong.mean()) / 2
        raise_it = torch.sigmoid((theta - right) / TEMPERATURE)[:, None]
        lower_it = torch.sigmoid((wrong - theta) / TEMPERATURE)[:, None]
        by_n = [
            raise_it * n[1] - lower_it * n[1].roll(1, 0),
            raise_it * n[0] - lower_it.roll(-1, 0) * n[0].roll(-1, 0),
        ]
    else:
        error = torch.eye(len(one)) - (n[0] @ n[1].T / TEMPERATURE).softmax(1)
        by_n = [error @ n[1], error.T @ n[0]]
    total = torch.zeros_like(weight)
    for inputs, its, by, normal, size in zip((one, other), z, by_n, n, length, strict=True):
        by_y = (by - (by * normal).sum(1, keepdim=True) * normal) / size
        total += (by_y * (its > 0)).T @ inputs
    return total / len(one)


def learned(images: Tensor, seed: int, rule: str) -> list[Tensor]:
    """Return the weights of all layers, each learned above those that are there already."""
    chance = torch.Generator().manual_seed(seed)
    weights: list[Tensor] = []
    for below, units in zip((SIDE * SIDE, *WIDTHS), WIDTHS, strict=False):
        weight = torch.randn(units, below, generator=chance) / below**0.5
        speed = torch.zeros_like(weight)
        for _ in range(STEPS if rule != "random weights" else 0):
            some = images[torch.randint(len(images), (BATCH,), generator=chance)]
            pair = []
            for _ in range(2):
                seen = crops(some, chance)
                for its in weights:
                    seen = unit((seen @ its.T).relu())
                pair.append(seen)
            speed.mul_(0.9).add_(slope(weight, pair[0], pair[1], rule))
            weight += RATE * below**0.5 * speed
        weights.append(weight)
    return weights


def made() -> xr.Dataset:
    """Return test errors of linear classifiers on each layer, by rule and seed."""
    mnist = ws.data.load("mnist")
    parts = (mnist.train.first(CASES), mnist.validation.first(2000), mnist.test)
    images = [torch.from_numpy(its.images).view(-1, 28, 28) for its in parts]
    labels = [its.labels for its in parts]
    found = np.full((2, len(RULES), len(WIDTHS) + 1, len(SEEDS)), np.nan)
    for row, rule in enumerate(RULES):
        for column, seed in enumerate(SEEDS):
            weights = learned(images[0], seed, rule)
            seen = [crops(its, torch.Generator(), centre=True) for its in images]
            for depth in range(len(WIDTHS) + 1):
                if depth:
                    seen = [unit((its @ weights[depth - 1].T).relu()) for its in seen]
                reads = LogisticRegression(C=100.0, max_iter=500).fit(seen[0].numpy(), labels[0])
                for place in (1, 2):
                    right = reads.score(seen[place].numpy(), labels[place])
                    found[place - 1, row, depth, column] = 1 - right
            print(rule, seed, found[0, row, :, column], file=sys.stderr)
    dims = ("rule", "layer", "seed")
    layers = ["pixels", *map(str, range(1, len(WIDTHS) + 1))]
    return xr.Dataset(
        {"validation_error": (dims, found[0]), "test_error": (dims, found[1])},
        {"rule": list(RULES), "layer": layers, "seed": list(SEEDS)},
    )


def main() -> None:
    kept = HERE / "crops.nc"
    if sys.argv[1:] == ["make"]:
        found = made()
        keep(found, kept)
    its = xr.load_dataset(kept, engine="scipy")["test_error"]
    print(f"| test error % of a linear classifier on | {' | '.join(its['layer'].values)} |")
    for rule in RULES:
        cells = [cell(its.sel(rule=rule, layer=layer), 100) for layer in its["layer"].values]
        print(f"| {rule} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
