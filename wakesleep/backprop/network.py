"""A dense network of rectified linear units that learns labels by backpropagation and Adam.

It runs under the same protocols as the local rules. It has no negative phase: awake (and in
interleaved steps) it learns from real cases, asleep it rests.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor

from wakesleep.backprop.parameters import Parameters
from wakesleep.model import Chunk, Setting


class Backprop:
    """A classifier with a softmax on top.

    Parameters
    ----------
    parameters
        See :class:`wakesleep.backprop.parameters.Parameters`.
    setting
        Shape of the data, device, floating-point type and random streams.

    Attributes
    ----------
    layer_names
        "1", "2", ...; the last is the softmax's.
    readouts
        ``softmax`` alone.
    """

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        p, generator = parameters, setting.streams("weights")
        kind: dict[str, Any] = {"device": setting.device, "dtype": setting.dtype}
        self.weights = [
            # Variance 2/fan-in keeps activity's size through rectified layers (He et al. 2015).
            torch.randn(units, inputs, generator=generator, **kind) * math.sqrt(2 / inputs)
            for inputs, units in itertools.pairwise((setting.features, *p.layers, setting.classes))
        ]
        self.biases = [torch.zeros(len(weight), **kind) for weight in self.weights]
        self.layer_names = tuple(str(number + 1) for number in range(len(self.weights)))
        self.readouts = ("softmax",)
        for its in (*self.weights, *self.biases):
            its.requires_grad_(True)
        self.optimiser = torch.optim.AdamW(
            [*self.weights, *self.biases],
            lr=p.rate,
            betas=(p.beta1, p.beta2),
            weight_decay=p.decay,
        )
        self.rate = p.rate

    def logits(self, images: Tensor) -> Tensor:
        """Return total inputs of the softmax (n, classes)."""
        y = images
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            y = torch.relu(torch.addmm(bias, y, weight.T))
        return torch.addmm(self.biases[-1], y, self.weights[-1].T)

    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.capabilities.Learner`."""
        if chunk.sign == "negative":
            return None
        for step, index in enumerate(chunk.index):
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate * chunk.gains[step]
            images, labels = chunk.take(index)
            loss = torch.nn.functional.cross_entropy(self.logits(images), labels)
            if not bool(loss.isfinite()):
                return step
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
        return None

    @torch.no_grad()
    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return the softmax's probabilities (n, classes)."""
        return self.logits(images).softmax(1)

    @torch.no_grad()
    def classify(self, images: Tensor, readout: str) -> Tensor:
        """Return the most probable label (n,)."""
        return self.logits(images).argmax(1)

    @torch.no_grad()
    def weight_norms(self) -> Tensor:
        """Return each layer's root sum of squared weights per unit (layers,)."""
        return torch.stack([its.norm() / math.sqrt(len(its)) for its in self.weights])

    def state_dict(self) -> dict[str, Any]:
        """Return every tensor that a resumed run needs."""
        return {
            "weights": [its.detach() for its in self.weights],
            "biases": [its.detach() for its in self.biases],
            "optimiser": self.optimiser.state_dict(),
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        for mine, its in zip(
            (*self.weights, *self.biases), (*state["weights"], *state["biases"]), strict=True
        ):
            mine.copy_(its)
        self.optimiser.load_state_dict(state["optimiser"])
