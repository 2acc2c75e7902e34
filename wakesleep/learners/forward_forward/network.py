"""A feed-forward Forward-Forward network, trained layer by layer with local updates alone.

Hinton 2022 (arXiv 2212.13345), sections 2 and 3.3.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.capabilities import DreamSettings
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward import learning
from wakesleep.learners.forward_forward.dream_ascent import climbed
from wakesleep.learners.forward_forward.parameters import Parameters
from wakesleep.learners.forward_forward.passes import Feedforward
from wakesleep.learners.parts.generator import TINY, Generator
from wakesleep.learners.parts.plasticity import Gain
from wakesleep.runtime.randomness import drawn_column

EVALUATION_ROWS = 4096  # rows per pass when nothing is learned, to bound memory


class ForwardForward(Feedforward):
    """A Forward-Forward network, with a label in its input or without, and a softmax beside it.

    Attributes
    ----------
    readouts
        ``goodness`` (every label is tried), ``softmax`` (one neutral pass) and, where asked for,
        ``candidates`` (the softmax proposes labels, goodness decides); without a label in the
        input, ``softmax`` alone.
    """

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        p = parameters
        if p.candidates is not None and p.candidates > setting.classes:
            raise InputError(f"candidates: {p.candidates}, but there are {setting.classes} classes")
        super().__init__(p, setting)
        self.candidates = p.candidates
        possible = {
            "goodness": self.sees_labels,
            "softmax": p.readout_rate > 0,
            "candidates": p.candidates is not None,
        }
        self.readouts = tuple(name for name, there in possible.items() if there)

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return each layer's goodness (layers, n) for images (n, features) with labels (n,)."""
        parts = [
            self.goodness_of(self.activities(some, its))
            for some, its in zip(
                images.split(EVALUATION_ROWS), labels.split(EVALUATION_ROWS), strict=True
            )
        ]
        return torch.cat(parts, dim=1)

    def label_goodness(self, images: Tensor, among: Tensor | None = None) -> Tensor:
        """Return the goodness (layers, n, labels) of images (n, features) with several labels.

        Parameters
        ----------
        images
            (n, features)
        among
            Labels to be tried with each image (n, labels); default every one.
        """
        if among is None:
            among = torch.arange(self.classes, device=images.device).expand(len(images), -1)
        found = []
        for some, its in zip(
            images.split(EVALUATION_ROWS), among.split(EVALUATION_ROWS), strict=True
        ):
            canvas, product = self.first_product(some)
            parts = []
            # As many labels go into one pass as there is room for: few cases make slow passes.
            for group in its.T.split(max(1, EVALUATION_ROWS // len(some))):
                rows = len(group), len(some)
                done = self.forward(canvas, product, group.flatten(), top_tells=False)
                parts.append(self.goodness_of(done.activities).view(len(self.layers), *rows))
            found.append(torch.cat(parts, dim=1))
        return torch.cat(found, dim=2).transpose(1, 2)

    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return the softmax's probabilities (n, classes) from one neutral pass."""
        batch = self.batch
        if batch is not None and batch.images is images:
            batch.voters = self.neutral_voters(images, self.chance())
            batch.chances = self.softmax.probabilities(batch.voters)
            return batch.chances.clone()  # whoever asked may write over it
        return torch.cat(
            [
                self.softmax.probabilities(self.neutral_voters(some))
                for some in images.split(EVALUATION_ROWS)
            ]
        )

    def classify(self, images: Tensor, readout: str) -> Tensor:
        """Return the label (n,) that the read-out picks for images (n, features)."""
        if readout == "softmax":
            return self.label_probabilities(images).argmax(1)
        if readout == "candidates":
            assert self.candidates is not None  # else it is no read-out of this network
            proposed = self.label_probabilities(images).topk(self.candidates).indices
            best = self.label_goodness(images, proposed)[self.voting].sum(0).argmax(1)
            return proposed.gather(1, best.unsqueeze(1)).squeeze(1)
        return self.label_goodness(images)[self.voting].sum(0).argmax(1)

    def activities(self, images: Tensor, labels: Tensor) -> list[Tensor]:
        """Return every layer's activity (n, units) for images (n, features) with labels (n,)."""
        return self.forward(*self.first_product(images), labels, top_tells=False).activities

    def unit_activity(self, images: Tensor, labels: Tensor) -> list[Tensor]:
        """Return the mean activity of the units (units,) of each layer."""
        return [y.mean(0) for y in self.activities(images, labels)]

    def threshold_rise(self) -> Tensor:
        """Return by how much thresholds have risen, the mean of each layer (layers,)."""
        return torch.stack(
            [its.adapted.get("bias", torch.zeros_like(its.bias)).mean() for its in self.layers]
        )

    def label_goodness_in_time(self, images: Tensor) -> Tensor:
        """Return :meth:`label_goodness` with one step in time (1, layers, n, classes)."""
        return self.label_goodness(images).unsqueeze(0)

    def receptive_fields(self) -> Tensor:
        """Return the weights from the image to each unit of the first layer (units, features)."""
        first = self.layers[0]
        weight = first.connection.as_dense(first.weight)
        return self.label.images(weight[:, self.classes :] if self.sees_labels else weight)

    def dream(
        self, labels: Tensor, how: DreamSettings, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return dreams; see :class:`wakesleep.learners.capabilities.Dreams`."""
        assert self.generator is not None  # the model file says that it dreams
        return self.generator.dreams(
            labels, how.start, lambda its, some: self._dream(its, some, how, generator)
        )

    def _dream(
        self, its: Generator, labels: Tensor, how: DreamSettings, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        activation = self.pieces.activation.value
        top = its.start(how.start, labels, how.spread, generator)
        images, chances = its.down(top, activation, self.normalise, generator, how.noise)
        for _ in range(how.settle):
            drawn = drawn_column(chances.nan_to_num() + TINY, generator)
            images = self.label.images(images)
            done = self.forward(*self.first_product(images), drawn)
            images, chances = its.down(
                done.activities[-1], activation, self.normalise, generator, how.noise
            )
        return self.label.images(images), chances

    def climb_goodness(self, images: Tensor, labels: Tensor, steps: int, size: float) -> Tensor:
        """Return images of higher goodness; see ``capabilities.ClimbsGoodness``."""
        return climbed(self, images, labels, steps, size)

    def consolidate(self, images: Tensor, generator: torch.Generator, last: bool) -> None:
        """Keep a copy of the dream path; see ``capabilities.Consolidates``."""
        if last:
            assert self.generator is not None  # the model file says that it dreams
            self.generator.keep_copy()

    def take_step(self, chunk: Chunk, images: Tensor, labels: Tensor, gain: Gain) -> Tensor:
        """Take one step in place; return a sum that shows any number that is not finite."""
        return learning.take_step(self, chunk, images, labels, gain)

    def state_dict(self) -> dict[str, Any]:
        """Return every tensor that a resumed run needs, as plain dictionaries and lists."""
        return {
            **super().state_dict(),
            "boxes": [its.weight for its in self.boxes],
            "real_steps": self.real_steps,
            "generator": None if self.generator is None else self.generator.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        super().load_state_dict(state)
        self.real_steps = state["real_steps"]
        for box, weight in zip(self.boxes, state["boxes"], strict=True):
            box.weight = weight
        if self.generator is not None:
            self.generator.load_state_dict(state["generator"])
