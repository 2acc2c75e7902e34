"""The memory of waking activity in the top layer of a network that dreams."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wakesleep.learners.parts.replay import kept

STORED = 1000  # patterns of the top layer that are kept from waking, one of every batch


def _members(labels: Tensor, like: Tensor) -> Tensor:
    """Return which class each case is of (cases, classes), 0 or 1."""
    return torch.nn.functional.one_hot(labels, len(like)).to(like.dtype)


@dataclass
class Memory:
    """The waking activity that the top layer stores.

    Mean and variance of its activity for every label (classes, units), stored patterns, how many
    have been stored, the last waking batch, and the covariance of the units for every label
    (classes, units, units), where it is kept.
    """

    mean: Tensor
    variance: Tensor
    stored: Tensor
    written: Tensor
    last: Tensor
    covariance: Tensor | None = None

    @property
    def patterns(self) -> Tensor:
        """The stored patterns (patterns, units)."""
        return self.stored[: min(int(self.written), STORED)]

    def mixed(self, cases: int, spread: float, generator: torch.Generator) -> Tensor:
        """Return mixtures (cases, units) of two stored patterns and noise.

        A quarter each of the two patterns, and half noise with the units' standard deviations times
        ``spread`` (Deperrois et al. 2022, eLife 11, e76384).
        """
        its = self.patterns
        chosen = torch.randint(0, len(its), (2, cases), generator=generator, device=its.device)
        noise = torch.randn(
            (cases, its.shape[1]), generator=generator, dtype=its.dtype, device=its.device
        )
        varies = its.std(0, correction=0)
        return 0.25 * its[chosen].sum(0) + 0.5 * spread * varies * noise

    def keep(self, top: Tensor, labels: Tensor, rate: float) -> None:
        """Learn from activities of the top layer (cases, units) with labels (cases,)."""
        member = _members(labels, self.mean)
        count = member.sum(0).unsqueeze(1)
        share = rate * (count > 0)
        deviation = member.T @ top / count.clamp_min(1) - self.mean
        if self.covariance is not None:
            for label in labels.unique().tolist():
                apart = top[labels == label] - self.mean[label]
                now = apart.T @ apart / len(apart)
                # Slower than the means: a matrix needs more cases than a vector.
                self.covariance[label] += 0.2 * rate * (now - self.covariance[label])
        residual = (top - self.mean[labels]).square()
        self.variance += share * (member.T @ residual / count.clamp_min(1) - self.variance)
        self.mean += share * deviation
        # All in place, so that a step that a GPU replays does it too.
        self.stored.index_copy_(0, (self.written % STORED).view(1), top[:1])
        self.written += 1
        self.last = kept(self.last, top.clone())
