"""A second layer above random weights on random noise: what it takes for structure.

python docs/results/stacked.py make    # a minute; writes stacked.nc
python docs/results/stacked.py         # the table again, and the figure, from stacked.nc

Hinton 2022 (arXiv 2212.13345), section 6.2: contrastive learning in a stack is fooled by the
correlations that the weights below put into noise; Forward-Forward is not, for its negative data go
through the same weights.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from sklearn.metrics import roc_auc_score
from tables import cell, keep

import wakesleep as ws
from wakesleep.learners.boltzmann.likelihood import pseudo_likelihood
from wakesleep.learners.boltzmann.machine import Boltzmann
from wakesleep.learners.boltzmann.parameters import Parameters as Machine
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward.network import ForwardForward
from wakesleep.learners.forward_forward.parameters import Parameters as Network
from wakesleep.runtime.randomness import Streams

HERE = Path(__file__).parent
SEEDS, PIXELS, UNITS, CASES, STEPS, BATCH = range(5), 64, 128, 10_000, 4000, 100
INPUTS = ("noise", "noise through random weights", "digits through random weights")


def below(what: str, seed: int) -> tuple[torch.Tensor, ...]:
    """Return what a second layer is given (cases, units), 0 or 1: to learn from, to be tested on.

    Real cases, then negative ones, which are noise from the same source. A unit of the first layer
    is on where its total input is above its median.
    """
    chance = torch.Generator().manual_seed(seed)
    if what == "noise":
        return tuple((torch.rand(CASES, UNITS, generator=chance) < 0.5).float() for _ in range(4))
    weights = first_weights(chance)
    noise = [torch.randn(CASES, PIXELS, generator=chance) for _ in range(4)]
    if what.startswith("digits"):
        digits = ws.data.load("digits")
        real = [torch.from_numpy(its.images) for its in (digits.train, digits.test)]
        real = [its - its.mean(1, keepdim=True) for its in real]
    else:
        real = noise[2:]
    first = [its @ weights for its in (*real, *noise[:2])]
    return tuple((its > its.median(0).values).float() for its in first)


def first_weights(chance: torch.Generator) -> torch.Tensor:
    """Return random weights of the first layer (pixels, units)."""
    return torch.randn(PIXELS, UNITS, generator=chance) / math.sqrt(PIXELS)


def machine_finds(
    learn: torch.Tensor, test: torch.Tensor, seed: int, start: str = "small", learns: bool = True
) -> float:
    """Return nats a unit by which a restricted Boltzmann machine beats coins, on test cases.

    It starts with small random weights, or with those of the first layer transposed.
    """
    told = {"hidden": [64], "label_units": False, "binarise": "none", "linear_readout": False}
    its = Boltzmann(Machine.model_validate(told), _setting(UNITS, seed))
    if start == "transposed":
        weight = first_weights(torch.Generator().manual_seed(seed)).T
        its.theta["weight"].copy_(weight)
        # Units that are on half of the time then drive nothing to either side.
        its.theta["hidden_bias"].copy_(-weight.sum(0) / 2)
        its.theta["visible_bias"].copy_(-weight.sum(1) / 2)
    if learns:
        its.learn(_chunk(learn, seed, None))
    known = pseudo_likelihood(its.machine, its.theta, test).mean() / UNITS
    return float(known) + math.log(2)


def layer_finds(
    learn: torch.Tensor,
    test: torch.Tensor,
    others: torch.Tensor,
    others_test: torch.Tensor,
    seed: int,
) -> float:
    """Return the AUC by which a Forward-Forward layer tells real test cases from negative ones."""
    net = ForwardForward(Network(layers=(64,), label="none", top_down=False), _setting(UNITS, seed))
    chance = torch.Generator().manual_seed(seed)

    def negatives(
        model: object, images: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return others[torch.randint(len(others), (len(images),), generator=chance)], labels

    net.learn(_chunk(learn, seed, negatives))
    both = torch.cat((test, others_test))
    goodness = net.goodness(both, torch.zeros(len(both), dtype=torch.long))[0].numpy()
    return float(roc_auc_score(np.arange(len(both)) < len(test), goodness))


def _setting(features: int, seed: int) -> Setting:
    return Setting(features, 10, torch.device("cpu"), torch.float32, Streams(seed))


def _chunk(images: torch.Tensor, seed: int, negatives: object) -> Chunk:
    chance = torch.Generator().manual_seed(seed)
    index = torch.randint(len(images), (STEPS, BATCH), generator=chance)
    labels = torch.zeros(len(images), dtype=torch.long)
    return Chunk("both", images, labels, index, [1.0] * STEPS, negatives)  # type: ignore[arg-type]


def made() -> xr.Dataset:
    """Return both measures for all inputs and seeds."""
    found = np.full((4, len(INPUTS), len(SEEDS)), np.nan)
    for row, what in enumerate(INPUTS):
        for column, seed in enumerate(SEEDS):
            learn, test, others, others_test = below(what, seed)
            found[0, row, column] = machine_finds(learn, test, seed)
            found[1, row, column] = layer_finds(learn, test, others, others_test, seed)
            if what != "noise":  # else there are no weights below
                for place, learns in ((2, False), (3, True)):
                    found[place, row, column] = machine_finds(
                        learn, test, seed, "transposed", learns
                    )
    dims = ("input", "seed")
    return xr.Dataset(
        {
            "structure": (
                dims,
                found[0],
                {"units": "nat", "long_name": "nats a unit beyond coins"},
            ),
            "auc": (dims, found[1], {"units": "1", "long_name": "AUC of real against negative"}),
            "transposed_start": (
                dims,
                found[2],
                {"units": "nat", "long_name": "the same of transposed weights, before learning"},
            ),
            "transposed_end": (
                dims,
                found[3],
                {"units": "nat", "long_name": "the same, after learning"},
            ),
        },
        {"input": list(INPUTS), "seed": list(SEEDS)},
    )


def drawn(its: xr.Dataset, file: Path) -> None:
    """Draw both measures."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained", sharey=True)
    for ax, name, chance, label in (
        (axes[0], "structure", 0.0, "structure that a Boltzmann machine\nfinds (nats a unit)"),
        (axes[1], "auc", 0.5, "AUC of a Forward-Forward layer,\nreal against negative cases"),
    ):
        for row, what in enumerate(INPUTS):
            ax.plot(its[name].sel(input=what), [row] * len(SEEDS), "o", alpha=0.6)
        ax.axvline(chance, color="0.6", lw=1, zorder=0)
        ax.set_xlabel(label)
        ax.spines[["top", "right"]].set_visible(False)
    axes[1].set_xlim(0.45, 1.02)
    axes[0].set_yticks(range(len(INPUTS)), INPUTS)
    axes[0].set_ylim(len(INPUTS) - 0.5, -0.5)
    figure.savefig(file, dpi=150)


def main() -> None:
    kept = HERE / "stacked.nc"
    if sys.argv[1:] == ["make"]:
        keep(made(), kept)
    its = xr.load_dataset(kept, engine="scipy")
    print("| input of the second layer | nats a unit beyond coins | transposed start | end | AUC |")
    for what in INPUTS:
        one = its.sel(input=what)
        shown = ("structure", "transposed_start", "transposed_end", "auc")
        cells = [cell(one[n], 1, 3) if one[n].notnull().all() else "" for n in shown]
        print(f"| {what} | {' | '.join(cells)} |")
    drawn(its, HERE.parent / "figures" / "stacked.png")


if __name__ == "__main__":
    main()
