"""The deep machine: layers of units, each connected with the next (Salakhutdinov & Hinton 2009).

E = -sum over layers of (x_l' W_l x_{l+1} + b_l' x_l), with x_0 the visible units.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wakesleep.learners.boltzmann.layout import Layout, bits

Theta = dict[str, Tensor]


@dataclass(frozen=True)
class Rows:
    """States or probabilities of every layer (n, units of the layer), the visible one first."""

    layers: tuple[Tensor, ...]

    @property
    def visible(self) -> Tensor:
        """The visible units (n, visible)."""
        return self.layers[0]


@dataclass(frozen=True)
class Deep:
    """What a deep machine does with given parameters ``theta``.

    ``theta`` holds ``weight0`` (visible, first hidden), ``weight1``, ... and ``bias0``, ...

    Attributes
    ----------
    layout
        Its units.
    settle
        Mean-field sweeps that find the hidden units given the visible ones.
    """

    layout: Layout
    settle: int

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of every layer, the visible one first."""
        return (self.layout.visible, *self.layout.hidden)

    def start(self, scale: float, like: Tensor, generator: torch.Generator) -> Theta:
        """Return parameters before learning: Gaussian weights of this size, biases of 0."""
        kind: dict[str, Any] = {"dtype": like.dtype, "device": like.device}
        theta = {
            f"weight{number}": torch.randn(shape, generator=generator, **kind) * scale
            for number, shape in enumerate(itertools.pairwise(self.widths))
        }
        for number, width in enumerate(self.widths):
            theta[f"bias{number}"] = like.new_zeros(width)
        return theta

    def drive(self, theta: Theta, layers: Sequence[Tensor], number: int) -> Tensor:
        """Return the total input of one layer from those beside it."""
        total = theta[f"bias{number}"]
        if number > 0:
            total = torch.addmm(total, layers[number - 1], theta[f"weight{number - 1}"])
        if number + 1 < len(layers):
            total = total + layers[number + 1] @ theta[f"weight{number}"].T
        return total

    def clamped(self, theta: Theta, visible: Tensor, generator: torch.Generator) -> Rows:
        """Return the mean-field probabilities of hidden layers given the visible one.

        They start from one pass upwards with every bottom-up weight doubled, for the input that is
        still missing from above.
        """
        layers = [visible]
        last = len(self.widths) - 1
        for number in range(1, last + 1):
            twice = 2.0 if number < last else 1.0
            below = layers[-1] @ theta[f"weight{number - 1}"]
            layers.append(torch.sigmoid(below * twice + theta[f"bias{number}"]))
        for _ in range(self.settle):
            for number in range(1, last + 1):
                layers[number] = torch.sigmoid(self.drive(theta, layers, number))
        return Rows(tuple(layers))

    def sweep(
        self, theta: Theta, rows: Rows, generator: torch.Generator, held: Tensor | None = None
    ) -> Rows:
        """Draw every odd layer given the even ones, then the even ones given the odd."""
        layers = list(rows.layers)
        for first in (1, 0):
            for number in range(first, len(layers), 2):
                drive = self.drive(theta, layers, number)
                if number > 0:
                    layers[number] = bits(torch.sigmoid(drive), generator)
                    continue
                drawn = self.layout.draw(drive, generator)
                layers[0] = drawn if held is None else torch.where(held, layers[0], drawn)
        return Rows(tuple(layers))

    def energy(self, theta: Theta, rows: Rows) -> Tensor:
        """Return E (n,)."""
        total = rows.layers[0].new_zeros(len(rows.layers[0]))
        for number, its in enumerate(rows.layers):
            total = total - its @ theta[f"bias{number}"]
        for number, (below, above) in enumerate(itertools.pairwise(rows.layers)):
            total = total - ((below @ theta[f"weight{number}"]) * above).sum(1)
        return total

    def log_weight(self, theta: Theta, rows: Rows) -> Tensor:
        """Return the log of the unnormalised probability of a chain's state (n,)."""
        return -self.energy(theta, rows)

    def rows_goodness(self, theta: Theta, rows: Rows) -> Tensor:
        """Return :meth:`goodness` of the rows' visible units."""
        return self.goodness(theta, rows.visible)

    def goodness(self, theta: Theta, visible: Tensor) -> Tensor:
        """Return the mean-field bound from below on minus the free energy (n,)."""
        rows = self.clamped(theta, visible, torch.Generator())
        bound = -self.energy(theta, rows)
        for m in rows.layers[1:]:
            bound = bound - (torch.xlogy(m, m) + torch.xlogy(1 - m, 1 - m)).sum(1)
        return bound

    def label_goodness(self, theta: Theta, images: Tensor) -> Tensor:
        """Return the bound for images (n, pixels) with every label (n, labels)."""
        return torch.stack(
            [self.goodness(theta, visible) for visible in self.layout.labelled(images)], dim=1
        )

    def features(self, theta: Theta, images: Tensor) -> Tensor:
        """Return hidden probabilities (n, hidden) for images alone, label units all off."""
        visible = torch.cat([images, images.new_zeros(len(images), self.layout.labels)], dim=1)
        return torch.cat(self.clamped(theta, visible, torch.Generator()).layers[1:], dim=1)

    def learning_features(self, theta: Theta, rows: Rows) -> Tensor:
        """Return what the read-out learns from: hidden probabilities for the rows' images."""
        return self.features(theta, rows.visible[:, : self.layout.pixels])

    def add(self, into: Theta, parts: Sequence[tuple[Rows, float]], beta: float) -> None:
        """Set ``into`` to beta times itself plus factor times the statistics of each part."""
        for its in into.values():
            its.mul_(beta)
        for rows, factor in parts:
            share = factor / len(rows.visible)
            for number, layer in enumerate(rows.layers):
                into[f"bias{number}"].add_(layer.sum(0), alpha=share)
            for number, (below, above) in enumerate(itertools.pairwise(rows.layers)):
                into[f"weight{number}"].addmm_(below.T, above, alpha=share)

    def means(self, rows: Rows) -> dict[str, Tensor]:
        """Return mean activity of every layer."""
        return {str(number): its.mean(0) for number, its in enumerate(rows.layers)}

    def centre(self, statistics: Theta, offsets: dict[str, Tensor]) -> None:
        """Turn plain statistics, in place, into those of units less their offsets."""
        count = len(self.widths)
        means = [statistics[f"bias{number}"].clone() for number in range(count)]
        for number in range(count - 1):
            mu, nu = offsets[str(number)], offsets[str(number + 1)]
            weight = statistics[f"weight{number}"]
            weight.sub_(torch.outer(mu, means[number + 1])).sub_(torch.outer(means[number], nu))
            weight.add_(torch.outer(mu, nu))
            statistics[f"bias{number}"].sub_(weight @ nu)
            statistics[f"bias{number + 1}"].sub_(mu @ weight)

    def tempered(self, theta: Theta, beta: float, base: Tensor | None = None) -> Theta:
        """Return the machine at inverse temperature beta; see :meth:`Restricted.tempered`."""
        found = {name: its * beta for name, its in theta.items()}
        if base is not None:
            found["bias0"] = found["bias0"] + (1 - beta) * base
        return found

    def random(self, theta: Theta, count: int, generator: torch.Generator) -> Rows:
        """Return chains that start from random states."""
        like = theta["bias0"]
        hidden = [
            bits(like.new_full((count, width), 0.5), generator) for width in self.layout.hidden
        ]
        return Rows((self.layout.random(count, like, generator), *hidden))

    def mixed(self, theta: Theta, where: Tensor, one: Rows, other: Rows) -> Rows:
        """Return chains that take their state from ``one`` where that is true (n,)."""
        pairs = zip(one.layers, other.layers, strict=True)
        return Rows(tuple(torch.where(where.unsqueeze(1), a, b) for a, b in pairs))

    def as_states(self, rows: Rows, generator: torch.Generator) -> Rows:
        """Return rows that a chain can begin with: hidden probabilities become states."""
        hidden = [bits(layer, generator) for layer in rows.layers[1:]]
        return Rows((rows.layers[0], *hidden))

    def joined(self, parts: Sequence[Rows]) -> Rows:
        """Return all rows as one."""
        return Rows(tuple(torch.cat(its) for its in zip(*(p.layers for p in parts), strict=True)))

    def refreshed(self, theta: Theta, rows: Rows) -> Rows:
        """Return the rows; a state holds nothing that depends on parameters."""
        return rows

    def norms(self, theta: Theta) -> Tensor:
        """Return the root sum of squared weights per unit of the first hidden layer (1,)."""
        return theta["weight0"].square().sum(0).mean().sqrt().unsqueeze(0)


def layerwise(
    machine: Deep,
    theta: Theta,
    visible: Tensor,
    updates: int,
    batch: int,
    rate: float,
    transposed: bool,
    generator: torch.Generator,
) -> None:
    """Start a deep machine from a stack of restricted ones, in place.

    One-step contrastive divergence, layer by layer. In the whole machine, inner layers get input
    from both sides; here they get it from one side, so this input counts twice (Salakhutdinov &
    Hinton 2009, section 3.1).

    Parameters
    ----------
    machine, theta
        The machine and its parameters.
    visible
        Binary training cases (cases, visible).
    updates, batch, rate
        Of every layer's training.
    transposed
        Start each layer's weights from the transpose of those below (footnote 19 of Hinton 2022),
        where the widths allow it.
    generator
        Random stream.
    """
    data = visible
    count = len(machine.widths) - 1
    for number in range(count):
        up = 2.0 if number < count - 1 else 1.0
        down = 2.0 if number > 0 else 1.0
        weight, a, b = (theta[f"{name}"] for name in (
            f"weight{number}", f"bias{number}", f"bias{number + 1}"))  # fmt: skip
        below = theta.get(f"weight{number - 1}")
        if transposed and below is not None and below.T.shape == weight.shape:
            weight.copy_(below.T)
        for _ in range(updates):
            index = torch.randint(len(data), (batch,), generator=generator, device=data.device)
            v = data[index]
            h = torch.sigmoid(torch.addmm(b, v, weight, alpha=up))
            drive = torch.addmm(a, bits(h, generator), weight.T, alpha=down)
            dreamt = (
                machine.layout.draw(drive, generator)
                if number == 0
                else bits(torch.sigmoid(drive), generator)
            )
            g = torch.sigmoid(torch.addmm(b, dreamt, weight, alpha=up))
            weight.add_(v.T @ h - dreamt.T @ g, alpha=rate / batch)
            a.add_((v - dreamt).mean(0), alpha=rate)
            b.add_((h - g).mean(0), alpha=rate)
        data = bits(torch.sigmoid(torch.addmm(b, data, weight, alpha=up)), generator)
