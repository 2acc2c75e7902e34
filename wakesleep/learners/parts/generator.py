"""The top-down path by which a Forward-Forward network dreams.

Hinton 2022 (arXiv 2212.13345), section 6.2: a generative model need not learn hidden features of
its own. It takes the normalised activities that Forward-Forward has learned, and learns a linear
map from each layer to the one below: by the delta rule, or through a softmax if the layer below is
one of k. It learns awake; asleep the network runs from the top down.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.parts.waking_memory import STORED, Memory
from wakesleep.runtime.randomness import drawn_column

TINY = 1e-8


@dataclass
class Map:
    """A linear map downwards: ``below = weight @ above + bias``; weight (below, above).

    ``variance`` (below,) is the mean square of its prediction errors.
    """

    weight: Tensor
    bias: Tensor
    variance: Tensor | None = None  # maps of older checkpoints have none

    def __call__(self, above: Tensor) -> Tensor:
        """Return what it predicts below (cases, below) of activities above (cases, above)."""
        return torch.addmm(self.bias, above, self.weight.T)

    def learn(self, above: Tensor, error: Tensor, rate: float) -> None:
        """Take one step of the delta rule.

        Parameters
        ----------
        above
            Normalised activities (cases, above).
        error
            Actual minus predicted values (cases, below).
        rate
            Fraction of the error of a single case that a step on that case alone removes.
        """
        step = rate / (above.square().sum(1).mean() + 1 + TINY)  # 1 is the bias's share
        self.weight.add_(step * (error.T @ above) / len(above))
        self.bias.add_(step * error.mean(0))
        if self.variance is None:
            self.variance = torch.zeros_like(self.bias)
        self.variance += rate * (error.square().mean(0) - self.variance)

    def noisy(self, above: Tensor, noise: float, generator: torch.Generator) -> Tensor:
        """Return the prediction with so many standard deviations of its error as noise."""
        below = self(above)
        if not noise:
            return below
        if self.variance is None:
            raise InputError(
                "this network learned before the noise of dreams was measured; choose noise 0"
            )
        drawn = torch.randn(
            below.shape, generator=generator, dtype=below.dtype, device=below.device
        )
        return below + noise * self.variance.sqrt() * drawn


class Generator:
    """The top-down maps, and the memory of the top layer.

    Parameters
    ----------
    widths
        Number of inputs, then of units of each layer.
    classes
        The first so many inputs are the label.
    places
        Places of a window of symbols, each one of ``classes``; 0 where the input is an image.
    rate
        Learning rate of the maps and of the memory.
    like
        For device and floating-point type.
    jointly
        Whether to remember how units of the top layer vary together, for each class.
    keeps_copy
        Whether it may keep a copy of itself; otherwise the copy of another network is not loaded.
    """

    def __init__(
        self,
        widths: Sequence[int],
        classes: int,
        places: int,
        rate: float,
        like: Tensor,
        jointly: bool = False,
        keeps_copy: bool = True,
    ) -> None:
        self.keeps_copy = keeps_copy
        self.classes, self.places, self.rate = classes, places, rate
        self.maps = [
            Map(like.new_zeros(below, above), like.new_zeros(below), like.new_zeros(below))
            for below, above in itertools.pairwise(widths)
        ]
        top = widths[-1]
        self.memory = Memory(
            mean=like.new_zeros(classes, top),
            variance=like.new_ones(classes, top),
            stored=like.new_zeros(STORED, top),
            written=torch.zeros((), dtype=torch.long, device=like.device),
            last=like.new_zeros(0, top),
            covariance=torch.eye(top).to(like).repeat(classes, 1, 1) if jointly else None,
        )
        self._roots: dict[int, Tensor] = {}  # of covariances, by class, until these change
        self.kept: Generator | None = None  # a copy that goes on dreaming of what it knew

    # Awake ------------------------------------------------------------------------------------

    def learn(self, images: Tensor, activities: Sequence[Tensor], labels: Tensor) -> None:
        """Learn from real cases to predict each layer from the one above.

        Parameters
        ----------
        images
            Inputs without the label, not normalised (cases, inputs - classes).
        activities
            Normalised activities of every layer (cases, units).
        labels
            (cases,)
        """
        one_of_k = torch.nn.functional.one_hot(labels, self.classes).to(images.dtype)
        below = torch.cat((one_of_k, images), dim=1)
        for depth, (its, above) in enumerate(zip(self.maps, activities, strict=True)):
            predicted = self._seen(its(above)) if depth == 0 else its(above)
            its.learn(above, below - predicted, self.rate)
            below = above
        self.memory.keep(activities[-1], labels, self.rate)
        self._roots.clear()

    def _seen(self, total: Tensor) -> Tensor:
        """Turn total inputs into expected inputs: a softmax for each group of one of k."""
        label, rest = total[:, : self.classes], total[:, self.classes :]
        if self.places:
            rest = rest.view(len(rest), self.places, -1).softmax(2).flatten(1)
        return torch.cat((label.softmax(1), rest), dim=1)

    # Asleep -----------------------------------------------------------------------------------

    def start(
        self, start: str, labels: Tensor, spread: float, generator: torch.Generator
    ) -> Tensor:
        """Return activities of the top layer (cases, units) for dreams to begin with.

        Parameters
        ----------
        start
            ``label``: the mean activity of each label awake, plus noise with the variance of the
            activities (independent units) or their covariance (jointly); ``last_waking``: the
            activity of the last real batch; ``stored``: one of a thousand patterns kept from
            waking; ``mixed``: a quarter each of two such patterns and half noise of the size of
            their variation (the REM dreams of Deperrois et al. 2022, eLife 11, e76384);
            ``noise``: only noise (also used if nothing has been seen yet).
        labels
            (cases,)
        spread
            Factor of the noise; remembered patterns have none.
        generator
            Random stream.
        """
        its, cases = self.memory, len(labels)
        if start in ("last_waking", "stored") and its.written:
            kept = its.last if start == "last_waking" else its.patterns
            chosen = torch.randint(
                0, len(kept), (cases,), generator=generator, device=labels.device
            )
            return kept[chosen]
        if start == "mixed" and its.written:
            return its.mixed(cases, spread, generator)
        top = its.mean.new_empty(cases, its.mean.shape[1])
        noise = torch.randn(top.shape, generator=generator, dtype=top.dtype, device=top.device)
        if start == "label":
            if its.covariance is None:
                return its.mean[labels] + spread * its.variance[labels].sqrt() * noise
            joint = torch.empty_like(noise)
            for label in labels.unique().tolist():
                chosen = labels == label
                joint[chosen] = noise[chosen] @ self._root(label).T
            return its.mean[labels] + spread * joint
        return spread * noise

    def _root(self, label: int) -> Tensor:
        """Return a square root (units, units) of the covariance of a class."""
        if label not in self._roots:
            assert self.memory.covariance is not None  # else nobody asks
            values, vectors = torch.linalg.eigh(self.memory.covariance[label])
            self._roots[label] = vectors * values.clamp_min(0).sqrt()
        return self._roots[label]

    def keep_copy(self) -> None:
        """Keep a copy that from now on dreams of the classes known so far."""
        self.kept = None  # a copy of the copy is of no use
        self.kept = copy.deepcopy(self)

    def dreams(
        self,
        labels: Tensor,
        start: str,
        made: Callable[[Generator, Tensor], tuple[Tensor, Tensor]],
    ) -> tuple[Tensor, Tensor]:
        """Return dreams, those of classes that the kept copy knows from the copy.

        Parameters
        ----------
        labels
            (cases,)
        start
            As for :meth:`start`; only dreams that start from a label come from the copy.
        made
            Given a generator and labels (n,), returns images (n, features) and label
            probabilities (n, classes).
        """
        if self.kept is None or start != "label":
            return made(self, labels)
        known = self.kept.memory.mean.abs().sum(1) > 0
        old = known[labels]
        if bool(old.all()):
            return made(self.kept, labels)
        if not bool(old.any()):
            return made(self, labels)
        parts = made(self.kept, labels[old]), made(self, labels[~old])
        order = torch.cat((old.nonzero(), (~old).nonzero())).squeeze(1).argsort()
        images, chances = (torch.cat(its)[order] for its in zip(*parts, strict=True))
        return images, chances

    def down(
        self,
        top: Tensor,
        activation: Callable[[Tensor], Tensor],
        normalise: Callable[[Tensor], Tensor],
        generator: torch.Generator,
        noise: float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """Run from the top layer down to the input.

        Parameters
        ----------
        top
            Activities of the top layer, before activation and normalisation (cases, units).
        activation, normalise
            The network's own.
        generator
            Random stream, from which the symbols of a window are drawn, and the noise.
        noise
            Noise at every layer below the top and on the image, in standard deviations of the
            maps' prediction errors awake.

        Returns
        -------
        images, label_probabilities
            (cases, inputs - classes) and (cases, classes).
        """
        y = activation(top)
        for its in reversed(self.maps[1:]):
            y = activation(its.noisy(y * normalise(y), noise, generator))
        seen = self._seen(self.maps[0].noisy(y * normalise(y), noise, generator))
        label, rest = seen[:, : self.classes], seen[:, self.classes :]
        if self.places:
            chances = rest.reshape(len(rest) * self.places, -1)
            drawn = drawn_column(chances.nan_to_num() + TINY, generator)
            hot = torch.nn.functional.one_hot(drawn, chances.shape[1])
            return hot.view(len(rest), -1).to(rest.dtype), label
        return rest.clamp(0, 1), label

    # State ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return all that it has learnt, as plain dictionaries and lists of tensors."""
        return {
            "maps": [vars(its).copy() for its in self.maps],
            "memory": {its.name: getattr(self.memory, its.name) for its in fields(self.memory)},
            "kept": None if self.kept is None else self.kept.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        self.maps = [Map(**its) for its in state["maps"]]
        kept = state["memory"]
        written = torch.as_tensor(kept["written"], device=kept["stored"].device)  # once a number
        self.memory = Memory(**kept | {"written": written})
        self._roots.clear()
        self.kept = None
        # Older checkpoints have no such entry.
        if self.keeps_copy and state.get("kept") is not None:
            self.kept = copy.deepcopy(self)
            self.kept.load_state_dict(state["kept"])
