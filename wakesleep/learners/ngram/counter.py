"""Unigram, bigram and trigram predictions: counts of what followed what while awake.

Every presentation counts, so that the prior weighs less the more sweeps there are.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.ngram.parameters import Parameters


class Counter:
    """Counts which symbol follows the last symbols of a window (``order - 1`` of them).

    Raises
    ------
    InputError
        If the data are no sequences, or a window is too short.
    """

    readouts = ("softmax",)  # as the other families call their label probabilities

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        self.context, self.symbols = parameters.order - 1, setting.classes
        if setting.places < max(1, self.context):
            raise InputError("an ngram model predicts sequences; its data set has none")
        self.counts = torch.full(
            (self.symbols**self.context, self.symbols),
            parameters.prior,
            dtype=setting.dtype,
            device=setting.device,
        )

    def learn(self, chunk: Chunk) -> int | None:
        """Count the chunk's real cases; asleep there is nothing to count."""
        if chunk.sign != "negative":
            for index in chunk.index:
                images, labels = chunk.take(index)
                before = self._before(images)
                ones = self.counts.new_ones(len(labels))
                self.counts.index_put_((before, labels), ones, accumulate=True)
        return None

    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return the share of every symbol (n, symbols) after what stands last in a window."""
        counts = self.counts[self._before(images)]
        return counts / counts.sum(1, keepdim=True)

    def classify(self, images: Tensor, readout: str) -> Tensor:
        """Return the symbol that followed most often (n,)."""
        return self.label_probabilities(images).argmax(1)

    def _before(self, images: Tensor) -> Tensor:
        """Return the number of the context that a window ends in (n,)."""
        seen = images.view(len(images), -1, self.symbols).argmax(2)
        number = torch.zeros(len(images), dtype=torch.long, device=images.device)
        for place in range(seen.shape[1] - self.context, seen.shape[1]):
            number = number * self.symbols + seen[:, place]
        return number

    def state_dict(self) -> dict[str, Any]:
        """Return the counts."""
        return {"counts": self.counts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        self.counts = state["counts"]
