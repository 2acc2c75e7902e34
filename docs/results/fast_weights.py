"""Fast weights beside slow ones in a Forward-Forward layer that reads a window symbol by symbol.

python docs/results/fast_weights.py make FOLDER    # runs what is not there; writes fast_weights.nc
python docs/results/fast_weights.py                # the table again, from fast_weights.nc

Hinton 2022 (arXiv 2212.13345), section 10, asks whether fast weights can mimic a simplified
transformer, after Ba et al. 2016 (arXiv 1610.06258). The class below is a learner like any other; a
model file names it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

import torch
import xarray as xr
from tables import cell, keep
from torch import Tensor

import wakesleep as ws

HERE = Path(__file__).parent
SEEDS = range(5)
ARMS: dict[str, dict[str, Any]] = {  # strength of fast weights, and what they join
    "none": {"strength": 0.0},
    "what came next, weak": {"strength": 0.1, "joins": "next"},
    "what came next": {"strength": 1.0, "joins": "next"},
    "what was alike": {"strength": 1.0, "joins": "same"},
    "shuffled": {"strength": 1.0, "joins": "shuffled"},
}
DATA = {"reber": {"sweeps": 20, "units": 128}, "aesop": {"sweeps": 10, "units": 300}}
MODEL = """model: fast_weights
description: A Forward-Forward layer with fast weights, which reads a window symbol by symbol.
kind: {file}:FastWeights
data: {data}
parameters: {{units: {units}, strength: {strength}, joins: {joins}}}
offers: [wake, sleep, interleaved, goodness, classify, label_probabilities]
"""


class FastWeights:
    """A layer that sees two symbols at a time, and a window of ten by its fast weights alone.

    At each place of a window the layer sees the symbol there and the one before, through slow
    weights; the candidate for the next symbol is the last place. Fast weights start at nothing in
    every window. After each place they change by a Hebbian step, strength times the outer product
    of two normalised activities, and they fade. What they give at the last place is added to its
    total input. Slow weights learn by the local rule (eq. 3) at the last place alone; what fast
    weights give counts as an input, so nothing is sent back through places.

    Parameters
    ----------
    parameters
        ``units``; ``strength`` of fast weights; ``fading``, the part that is kept from place to
        place; ``joins``: ``next`` (from what came before to what came next), ``same`` (each
        activity with itself), ``shuffled`` (as ``next``, with the
        activities of windows of the last batch).
    setting
        What it is built into.
    """

    layer_names = ("1",)
    readouts = ("goodness", "softmax")
    options: ClassVar[dict[str, dict[str, Any]]] = {
        "units": {"default": 300, "minimum": 1},
        "strength": {"default": 1.0, "minimum": 0.0},
        "fading": {"default": 0.9, "minimum": 0.0, "maximum": 1.0},
        "joins": {"default": "next", "choices": ["next", "same", "shuffled"]},
        "rate": {"default": 0.01, "minimum": 0.0},
        "readout_rate": {"default": 0.02, "minimum": 0.0},
    }
    momentum = 0.9

    def __init__(self, parameters: dict[str, Any], setting: Any) -> None:
        p = parameters
        self.units, self.strength, self.fading = p["units"], p["strength"], p["fading"]
        self.joins, self.rate, self.readout_rate = p["joins"], p["rate"], p["readout_rate"]
        self.symbols, self.places = setting.classes, setting.places
        like = {"device": setting.device, "dtype": setting.dtype}
        inputs = 2 * self.symbols
        chance = setting.streams("weights")
        self.weight = torch.randn(self.units, inputs, generator=chance, **like) / inputs**0.5
        self.bias = torch.zeros(self.units, **like)
        # The softmax reads the place before the last and what fast weights say there.
        self.top = torch.zeros(self.symbols, 2 * self.units + 1, **like)
        self.speed = [torch.zeros_like(its) for its in (self.weight, self.bias)]
        self.size = self.symbols**0.5  # an input of two ones has a mean square of 1
        self.others = torch.zeros(0, self.places, self.units, **like)  # for ``shuffled``

    def _normalised(self, y: Tensor) -> Tensor:
        return y * (self.units**0.5 / (y.norm(dim=-1, keepdim=True) + 1e-8))

    def _read(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return, of windows (n, features): the last symbol, its activity, what fast weights give.

        (n, symbols), (n, units) and (n, units).
        """
        y = self._activities(images)
        now, past = y[:, -1], y[:, :-1]
        if self.joins == "same":
            keys, values = past, past
        else:
            keys, values = past, y[:, 1:]
        if self.joins == "shuffled" and len(self.others):  # those of some windows of training
            others = self.others[torch.arange(len(y), device=y.device) % len(self.others)]
            keys, values = others[:, :-1], others[:, 1:]
        alike = (keys @ now.unsqueeze(2)).squeeze(2) / self.units
        age = torch.arange(keys.shape[1] - 1, -1, -1, device=y.device)
        share = self.strength * alike * self.fading**age
        last = images[:, -self.symbols :]
        return last, now, (share.unsqueeze(2) * values).sum(1)

    def _activities(self, images: Tensor) -> Tensor:
        """Return normalised activities at every place of windows (n, places, units)."""
        x = images.view(len(images), self.places, self.symbols)
        before = torch.cat((torch.zeros_like(x[:, :1]), x[:, :-1]), 1)
        z = self.size * torch.cat((x, before), 2) @ self.weight.T + self.bias
        return self._normalised(z.relu())

    def _last(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs (n, inputs) and activities (n, units) at the place of the candidate."""
        last, _, fast = self._read(images)
        hot = torch.nn.functional.one_hot(labels, self.symbols).to(images)
        given = self.size * torch.cat((hot, last), 1)
        return given, (given @ self.weight.T + self.bias + fast).relu()

    def learn(self, chunk: Any) -> int | None:
        for step, index in enumerate(chunk.index):
            images, labels = chunk.take(index)
            parts = []
            if chunk.sign != "negative":
                parts.append((images, labels, 1.0))
            if chunk.sign != "positive":
                parts.append((*chunk.negatives(self, images, labels), -1.0))
            change = [torch.zeros_like(self.weight), torch.zeros_like(self.bias)]
            for seen, named, sign in parts:
                given, y = self._last(seen, named)
                odds = y.square().sum(1) - self.units
                left = sign * torch.sigmoid(-sign * odds).unsqueeze(1) * y
                change[0] += left.T @ given / len(given)
                change[1] += left.mean(0)
            if self.joins == "shuffled":
                self.others = self._activities(images)
            for its, speed, one in zip((self.weight, self.bias), self.speed, change, strict=True):
                speed.lerp_(one, 1 - self.momentum)
                its.add_(speed, alpha=self.rate * chunk.gains[step])
            if chunk.sign != "negative":
                self._learn_to_read(images, labels, chunk.gains[step])
        return None if bool(self.weight.isfinite().all()) else len(chunk.index) - 1

    def _features(self, images: Tensor) -> Tensor:
        _, now, fast = self._read(images)
        return torch.cat((now, fast, torch.ones_like(now[:, :1])), 1)

    def _learn_to_read(self, images: Tensor, labels: Tensor, gain: float) -> None:
        read = self._features(images)
        wrong = torch.nn.functional.one_hot(labels, self.symbols) - (read @ self.top.T).softmax(1)
        self.top.add_(wrong.T @ read, alpha=self.readout_rate * gain / len(read))

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        return self._last(images, labels)[1].square().sum(1).unsqueeze(0)

    def log_odds(self, goodness: Tensor) -> Tensor:
        return goodness - self.units

    def thresholds(self) -> Tensor:
        return self.bias.new_tensor([float(self.units)])

    def label_probabilities(self, images: Tensor) -> Tensor:
        return (self._features(images) @ self.top.T).softmax(1)

    def classify(self, images: Tensor, readout: str) -> Tensor:
        if readout == "softmax":
            return self.label_probabilities(images).argmax(1)
        last, _, fast = self._read(images)
        slow, hot = self.size * self.weight, self.symbols
        common = last @ slow[:, hot:].T + self.bias + fast
        found = [(common + slow[:, label]).relu().square().sum(1) for label in range(self.symbols)]
        return torch.stack(found, 1).argmax(1)

    def state_dict(self) -> dict[str, Any]:
        names = ("weight", "bias", "top", "speed", "others")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


def made(folder: Path) -> xr.Dataset:
    """Return errors of all arms, data and seeds; runs that are there are not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for data, told in DATA.items():
        for arm, its in ARMS.items():
            name = f"{data}-{arm.replace(',', '').replace(' ', '_')}"
            file = folder / f"{name}.yaml"
            values: dict[str, Any] = {"joins": "next", **its, "data": data, "units": told["units"]}
            file.write_text(MODEL.format(file=Path(__file__).resolve(), **values))
            for seed in SEEDS:
                out = folder / f"{name}-{seed}.zarr"
                inputs = {"sweeps": told["sweeps"], "negatives": "hard_label"}
                ws.run(
                    "interleaved", file, inputs=inputs, seed=seed, out=out, resume=True, quiet=True
                )
                errors = ws.open(out)[["validation_error", "test_error"]].load()
                errors = errors.reset_coords(drop=True)
                parts.append(errors.expand_dims(data=[data], fast=[arm], seed=[seed]))
    found = xr.combine_by_coords(parts, combine_attrs="drop")
    assert isinstance(found, xr.Dataset)
    return found


def main() -> None:
    kept = HERE / "fast_weights.nc"
    if sys.argv[1:2] == ["make"]:
        found = made(Path(sys.argv[2]))
        keep(found, kept)
    its = xr.load_dataset(kept, engine="scipy")
    print("| data | fast weights join | goodness, validation | test | softmax, validation | test |")
    print("|---|---|---|---|---|---|")
    for data in DATA:
        for arm in ARMS:
            cells = [
                cell(its[name].sel(data=data, fast=arm, readout=readout), 100)
                for readout in ("goodness", "softmax")
                for name in ("validation_error", "test_error")
            ]
            print(f"| {data} | {arm} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
