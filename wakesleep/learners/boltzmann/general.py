"""The machine with any symmetric connections (Ackley, Hinton & Sejnowski 1985).

E(s) = -s'Ws/2 - b's over {0, 1}, with s = (visible, hidden).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from wakesleep.learners.boltzmann.connections import blocks
from wakesleep.learners.boltzmann.layout import Layout, bits, one_of

Theta = dict[str, Tensor]
MEAN_FIELD_SWEEPS = 30
EVALUATION_ROWS = 8192


@dataclass(frozen=True)
class Rows:
    """States of all units (n, units); ``weight`` (n,) where they are not equally probable."""

    units: Tensor
    weight: Tensor | None = None

    @property
    def visible(self) -> Tensor:
        """All units; the visible ones come first."""
        return self.units


@dataclass(frozen=True)
class General:
    """What a machine of any connections does with given parameters ``theta``.

    ``theta`` holds ``weight`` (units, units), symmetric and zero where nothing is connected, and
    ``bias`` (units,).

    Attributes
    ----------
    layout
        Its units.
    mask
        Which are connected (units, units).
    order
        Blocks of units that are updated at once, in turn; all label units are one block.
    settle
        Gibbs sweeps of the hidden units given the visible ones, where those are connected among
        themselves.
    """

    layout: Layout
    mask: Tensor
    order: tuple[tuple[int, ...], ...]
    settle: int

    @classmethod
    def of(cls, layout: Layout, mask: Tensor, settle: int) -> General:
        """Return the machine with these connections; those among label units are taken away."""
        mask = mask.clone()
        labels = slice(layout.pixels, layout.visible)
        mask[labels, labels] = False
        group = set(range(layout.pixels, layout.visible))
        order = [tuple(unit for unit in block if unit not in group) for block in blocks(mask.cpu())]
        found = [block for block in order if block]
        if group:
            found.append(tuple(sorted(group)))
        return cls(layout, mask, tuple(found), settle)

    @functools.cached_property
    def hidden_alone(self) -> bool:
        """Whether no two hidden units are connected, so that they are exact given the visible."""
        first = self.layout.visible
        return not bool(self.mask[first:, first:].any())

    def start(self, scale: float, like: Tensor, generator: torch.Generator) -> Theta:
        """Return parameters before learning: Gaussian weights of this size, biases of 0."""
        units = self.layout.units
        kind: dict[str, Any] = {"dtype": like.dtype, "device": like.device}
        drawn = torch.randn((units, units), generator=generator, **kind) * scale
        upper = drawn.triu(1)
        return {"weight": (upper + upper.T) * self.mask, "bias": like.new_zeros(units)}

    def energy(self, theta: Theta, units: Tensor) -> Tensor:
        """Return E (n,) of states (n, units)."""
        return -((units @ theta["weight"]) * units).sum(1) / 2 - units @ theta["bias"]

    def log_weight(self, theta: Theta, rows: Rows) -> Tensor:
        """Return the log of the unnormalised probability of a chain's state (n,)."""
        return -self.energy(theta, rows.units)

    def sweep(
        self, theta: Theta, rows: Rows, generator: torch.Generator, held: Tensor | None = None
    ) -> Rows:
        """Update every unit once, block after block.

        Parameters
        ----------
        theta, rows
            Parameters and the state of the chains.
        generator
            Random stream.
        held
            Units (booleans; visible ones, or all) that stay as they are.
        """
        units = rows.units.clone()
        kept = set() if held is None else set(held.nonzero().squeeze(1).tolist())
        weight, bias = theta["weight"], theta["bias"]
        for block in self.order:
            free = [unit for unit in block if unit not in kept]
            if not free:
                continue
            drive = torch.addmm(bias[free], units, weight[:, free])
            if self.layout.labels and block[0] == self.layout.pixels:
                units[:, free] = one_of(drive, generator)
            else:
                units[:, free] = bits(torch.sigmoid(drive), generator)
        return Rows(units)

    def clamped(self, theta: Theta, visible: Tensor, generator: torch.Generator) -> Rows:
        """Return states with these visible units and the hidden ones as they settle.

        Hidden units that are not connected among themselves have their exact probabilities.
        """
        layout = self.layout
        rows = torch.cat([visible, visible.new_zeros(len(visible), sum(layout.hidden))], dim=1)
        if not layout.hidden:
            return Rows(rows)
        first = layout.visible
        if self.hidden_alone:
            rows[:, first:] = torch.sigmoid(self._hidden_drive(theta, rows))
            return Rows(rows)
        rows[:, first:] = bits(torch.full_like(rows[:, first:], 0.5), generator)
        held = torch.arange(layout.units, device=rows.device) < first
        state = Rows(rows)
        for _ in range(self.settle):
            state = self.sweep(theta, state, generator, held)
        return state

    def goodness(self, theta: Theta, visible: Tensor) -> Tensor:
        """Return minus the free energy (n,), or its mean-field bound from below.

        The bound is used where hidden units are connected among themselves.
        """
        return torch.cat([self._goodness(theta, some) for some in visible.split(EVALUATION_ROWS)])

    def rows_goodness(self, theta: Theta, rows: Rows) -> Tensor:
        """Return :meth:`goodness` of the rows' visible units."""
        return self.goodness(theta, rows.units[:, : self.layout.visible])

    def learning_features(self, theta: Theta, rows: Rows) -> Tensor:
        """Return what the read-out learns from: hidden probabilities for the rows' images."""
        return self.features(theta, rows.units[:, : self.layout.pixels])

    def _goodness(self, theta: Theta, visible: Tensor) -> Tensor:
        hidden = visible.new_zeros(len(visible), sum(self.layout.hidden))
        rows = torch.cat([visible, hidden], dim=1)
        found = -self.energy(theta, rows)
        if not self.layout.hidden:
            return found
        if self.hidden_alone:
            return found + softplus(self._hidden_drive(theta, rows)).sum(1)
        first = self.layout.visible
        rows = self._mean_field(theta, rows)
        m = rows[:, first:]
        entropy = -(torch.xlogy(m, m) + torch.xlogy(1 - m, 1 - m)).sum(1)
        return -self.energy(theta, rows) + entropy

    def label_goodness(self, theta: Theta, images: Tensor) -> Tensor:
        """Return minus the free energy of images (n, pixels) with every label (n, labels)."""
        return torch.stack(
            [self.goodness(theta, visible) for visible in self.layout.labelled(images)], dim=1
        )

    def features(self, theta: Theta, images: Tensor) -> Tensor:
        """Return hidden probabilities (n, hidden) for images alone, label units all off."""
        width = self.layout.units - self.layout.pixels
        rows = torch.cat([images, images.new_zeros(len(images), width)], dim=1)
        first = self.layout.visible
        if self.hidden_alone:
            return torch.sigmoid(self._hidden_drive(theta, rows))
        return self._mean_field(theta, rows)[:, first:]

    def _mean_field(self, theta: Theta, rows: Tensor) -> Tensor:
        """Put probabilities in place of hidden states, damped and all at once.

        The bound holds for any probabilities, also if the iteration has not converged.
        """
        first = self.layout.visible
        outer = self._hidden_drive(theta, rows)
        inner = theta["weight"][first:, first:]
        m = torch.sigmoid(outer)
        for _ in range(MEAN_FIELD_SWEEPS):
            m = torch.lerp(m, torch.sigmoid(torch.addmm(outer, m, inner)), 0.5)
        rows[:, first:] = m
        return rows

    def _hidden_drive(self, theta: Theta, rows: Tensor) -> Tensor:
        first = self.layout.visible
        weight = theta["weight"][:first, first:]
        return torch.addmm(theta["bias"][first:], rows[:, :first], weight)

    def add(self, into: Theta, parts: Sequence[tuple[Rows, float]], beta: float) -> None:
        """Set ``into`` to beta times itself plus factor times the statistics of each part."""
        into["weight"].mul_(beta)
        into["bias"].mul_(beta)
        for rows, factor in parts:
            share: float | Tensor = factor / len(rows.units)
            if rows.weight is not None:
                share = (factor * rows.weight).unsqueeze(1)
            left = rows.units * share
            into["weight"].add_((left.T @ rows.units).mul_(self.mask))
            into["bias"].add_(left.sum(0))

    def centre(self, statistics: Theta, offsets: dict[str, Tensor]) -> None:
        """Turn plain statistics, in place, into those of units less their offsets."""
        mu, s, weight = offsets["units"], statistics["bias"], statistics["weight"]
        cross = torch.outer(mu, s)
        weight.sub_((cross + cross.T - torch.outer(mu, mu)).mul_(self.mask))
        s.sub_(weight @ mu)

    def means(self, rows: Rows) -> dict[str, Tensor]:
        """Return mean activity of all units."""
        if rows.weight is not None:
            return {"units": rows.weight @ rows.units}
        return {"units": rows.units.mean(0)}

    def tempered(self, theta: Theta, beta: float, base: Tensor | None = None) -> Theta:
        """Return the machine at inverse temperature beta; see :meth:`Restricted.tempered`."""
        bias = theta["bias"] * beta
        if base is not None:
            bias[: len(base)] += (1 - beta) * base
        return {"weight": theta["weight"] * beta, "bias": bias}

    def random(self, theta: Theta, count: int, generator: torch.Generator) -> Rows:
        """Return chains that start from random states."""
        like = theta["bias"]
        hidden = bits(like.new_full((count, sum(self.layout.hidden)), 0.5), generator)
        return Rows(torch.cat([self.layout.random(count, like, generator), hidden], dim=1))

    def mixed(self, theta: Theta, where: Tensor, one: Rows, other: Rows) -> Rows:
        """Return chains that take their state from ``one`` where that is true (n,)."""
        return Rows(torch.where(where.unsqueeze(1), one.units, other.units))

    def as_states(self, rows: Rows, generator: torch.Generator) -> Rows:
        """Return rows that a chain can begin with: hidden probabilities become states."""
        first = self.layout.visible
        hidden = bits(rows.units[:, first:], generator)
        return Rows(torch.cat([rows.units[:, :first], hidden], dim=1))

    def joined(self, parts: Sequence[Rows]) -> Rows:
        """Return all rows as one."""
        return Rows(torch.cat([its.units for its in parts]))

    def refreshed(self, theta: Theta, rows: Rows) -> Rows:
        """Return the rows; a state holds nothing that depends on parameters."""
        return rows

    def norms(self, theta: Theta) -> Tensor:
        """Return the root sum of squared weights per unit (1,)."""
        return theta["weight"].square().sum(0).mean().sqrt().unsqueeze(0)
