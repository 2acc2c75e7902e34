"""The restricted machine: no connection within the visible or within the hidden units.

Smolensky 1986; Hinton 2002, *Training products of experts by minimizing contrastive divergence*.
E(v, h) = -v'Wh - b'v - c'h.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from wakesleep.learners.boltzmann.layout import Layout, bits

Theta = dict[str, Tensor]


@dataclass(frozen=True)
class Rows:
    """Visible units (n, visible) and the probabilities of hidden ones given them (n, hidden).

    Attributes
    ----------
    visible, hidden
        States and probabilities.
    drive
        Total inputs of the hidden units, where they are known.
    weight
        Each row's probability (n,), where rows are not equally probable.
    """

    visible: Tensor
    hidden: Tensor
    drive: Tensor | None = None
    weight: Tensor | None = None


@dataclass(frozen=True)
class Restricted:
    """What a restricted machine does with given parameters ``theta``.

    ``theta`` holds ``weight`` (visible, hidden), ``visible_bias`` and ``hidden_bias``.
    """

    layout: Layout

    def start(self, scale: float, like: Tensor, generator: torch.Generator) -> Theta:
        """Return parameters before learning: Gaussian weights of this size, biases of 0."""
        shape = self.layout.visible, self.layout.hidden[0]
        kind: dict[str, Any] = {"dtype": like.dtype, "device": like.device}
        return {
            "weight": torch.randn(shape, generator=generator, **kind) * scale,
            "visible_bias": like.new_zeros(shape[0]),
            "hidden_bias": like.new_zeros(shape[1]),
        }

    def hidden_drive(self, theta: Theta, visible: Tensor) -> Tensor:
        """Return total inputs of hidden units (n, hidden)."""
        return torch.addmm(theta["hidden_bias"], visible, theta["weight"])

    def inferred(self, theta: Theta, visible: Tensor) -> Rows:
        """Return rows with these visible units and the exact probabilities of hidden ones."""
        drive = self.hidden_drive(theta, visible)
        return Rows(visible, torch.sigmoid(drive), drive)

    def clamped(self, theta: Theta, visible: Tensor, generator: torch.Generator) -> Rows:
        """Return :meth:`inferred`: hidden units are exact, and nothing is drawn."""
        return self.inferred(theta, visible)

    def sweep(
        self, theta: Theta, rows: Rows, generator: torch.Generator, held: Tensor | None = None
    ) -> Rows:
        """Draw hidden units, then visible ones, then compute the hidden probabilities.

        Parameters
        ----------
        theta, rows
            Parameters and the state of the chains.
        generator
            Random stream.
        held
            Visible units (booleans) that stay as they are.
        """
        hidden = bits(rows.hidden, generator)
        drive = torch.addmm(theta["visible_bias"], hidden, theta["weight"].T)
        visible = self.layout.draw(drive, generator)
        if held is not None:
            visible = torch.where(held, rows.visible, visible)
        return self.inferred(theta, visible)

    def goodness(self, theta: Theta, visible: Tensor) -> Tensor:
        """Return minus the free energy (n,): the log probability of visible units, plus log Z."""
        return visible @ theta["visible_bias"] + softplus(self.hidden_drive(theta, visible)).sum(1)

    def rows_goodness(self, theta: Theta, rows: Rows) -> Tensor:
        """Return :meth:`goodness` of rows that were inferred with these very parameters."""
        if rows.drive is None:
            return self.goodness(theta, rows.visible)
        return rows.visible @ theta["visible_bias"] + softplus(rows.drive).sum(1)

    def log_weight(self, theta: Theta, rows: Rows) -> Tensor:
        """Return the log of the unnormalised probability of a chain's state (n,)."""
        return self.goodness(theta, rows.visible)

    def label_goodness(self, theta: Theta, images: Tensor) -> Tensor:
        """Return minus the free energy of images (n, pixels) with every label (n, labels)."""
        pixels = self.layout.pixels
        weight = theta["weight"]
        drive = torch.addmm(theta["hidden_bias"], images, weight[:pixels])
        found = [
            softplus(drive + row).sum(1) + bias
            for row, bias in zip(weight[pixels:], theta["visible_bias"][pixels:], strict=True)
        ]
        return torch.stack(found, 1) + (images @ theta["visible_bias"][:pixels]).unsqueeze(1)

    def features(self, theta: Theta, images: Tensor) -> Tensor:
        """Return hidden probabilities (n, hidden) for images alone, label units all off."""
        weight = theta["weight"][: self.layout.pixels]
        return torch.sigmoid(torch.addmm(theta["hidden_bias"], images, weight))

    def learning_features(self, theta: Theta, rows: Rows) -> Tensor:
        """Return what the read-out learns from: hidden probabilities for the rows' images."""
        if rows.drive is None or not self.layout.labels:
            return rows.hidden
        pixels = self.layout.pixels
        return torch.sigmoid(rows.drive - rows.visible[:, pixels:] @ theta["weight"][pixels:])

    def add(self, into: Theta, parts: Sequence[tuple[Rows, float]], beta: float) -> None:
        """Set ``into`` to beta times itself plus factor times the statistics of each part."""
        lefts, rights = [], []
        into["visible_bias"].mul_(beta)
        into["hidden_bias"].mul_(beta)
        for rows, factor in parts:
            # The factor multiplies the hidden side, which is usually the smaller one.
            if rows.weight is None:
                right = rows.hidden * (factor / len(rows.hidden))
                into["visible_bias"].add_(rows.visible.sum(0), alpha=factor / len(rows.visible))
            else:
                right = rows.hidden * (factor * rows.weight).unsqueeze(1)
                into["visible_bias"].add_(rows.weight @ rows.visible, alpha=factor)
            lefts.append(rows.visible)
            rights.append(right)
            into["hidden_bias"].add_(right.sum(0))
        left, right = (its[0] if len(its) == 1 else torch.cat(its) for its in (lefts, rights))
        into["weight"].addmm_(left.T, right, beta=beta)

    def centre(self, statistics: Theta, offsets: dict[str, Tensor]) -> None:
        """Turn plain statistics, in place, into those of units less their offsets.

        The enhanced gradient (Montavon & Müller 2012; Melchior, Fischer & Wiskott 2016): the
        machine is the same, only the direction of learning changes.
        """
        mu, nu = offsets["visible"], offsets["hidden"]
        v, h = statistics["visible_bias"], statistics["hidden_bias"]
        weight = statistics["weight"]
        weight.sub_(torch.outer(mu, h)).sub_(torch.outer(v, nu)).add_(torch.outer(mu, nu))
        v.sub_(weight @ nu)
        h.sub_(mu @ weight)

    def means(self, rows: Rows) -> dict[str, Tensor]:
        """Return mean activity of visible and of hidden units."""
        if rows.weight is not None:
            return {"visible": rows.weight @ rows.visible, "hidden": rows.weight @ rows.hidden}
        return {"visible": rows.visible.mean(0), "hidden": rows.hidden.mean(0)}

    def tempered(self, theta: Theta, beta: float, base: Tensor | None = None) -> Theta:
        """Return the machine at inverse temperature beta.

        With ``base`` (visible,), the visible biases go from ``base`` at beta 0 to their own values
        at beta 1, as in AIS from a base-rate model (Salakhutdinov & Murray 2008, section 4.1).
        """
        bias = theta["visible_bias"] * beta
        return {
            "weight": theta["weight"] * beta,
            "visible_bias": bias if base is None else bias + (1 - beta) * base,
            "hidden_bias": theta["hidden_bias"] * beta,
        }

    def random(self, theta: Theta, count: int, generator: torch.Generator) -> Rows:
        """Return chains that start from random visible units."""
        visible = self.layout.random(count, theta["weight"], generator)
        return self.inferred(theta, visible)

    def mixed(self, theta: Theta, where: Tensor, one: Rows, other: Rows) -> Rows:
        """Return chains that take their visible units from ``one`` where that is true (n,)."""
        visible = torch.where(where.unsqueeze(1), one.visible, other.visible)
        return self.inferred(theta, visible)

    def as_states(self, rows: Rows, generator: torch.Generator) -> Rows:
        """Return rows that a chain can begin with: these are, for hidden units are drawn first."""
        return rows

    def joined(self, parts: Sequence[Rows]) -> Rows:
        """Return all rows as one."""
        drives = [its.drive for its in parts if its.drive is not None]
        return Rows(
            torch.cat([its.visible for its in parts]),
            torch.cat([its.hidden for its in parts]),
            torch.cat(drives) if len(drives) == len(parts) else None,
        )

    def refreshed(self, theta: Theta, rows: Rows) -> Rows:
        """Return rows whose hidden probabilities are those of ``theta``."""
        return self.inferred(theta, rows.visible)

    def norms(self, theta: Theta) -> Tensor:
        """Return the root sum of squared weights per hidden unit (1,)."""
        return theta["weight"].square().sum(0).mean().sqrt().unsqueeze(0)
