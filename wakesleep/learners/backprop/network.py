"""A network of rectified linear units that learns labels by backpropagation and Adam.

Dense layers or local ones without weight sharing, dropout (Srivastava et al. 2014) and label
smoothing (Szegedy et al. 2016): the baselines of sections 3 and 4 of Hinton 2022.

It runs under the same protocols as the local rules. It has no negative phase: awake (and in
interleaved steps) it learns from real cases, asleep it rests.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.backprop.parameters import Parameters
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.parts.connections import connected
from wakesleep.learners.parts.states import check_shapes


class Backprop:
    """A classifier with a softmax on top.

    Attributes
    ----------
    layer_names
        "1", "2", ...; the last is the softmax's.
    readouts
        ``softmax`` alone.
    """

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        p, generator = parameters, setting.streams("weights")
        if p.centre and setting.places:
            raise InputError("centre: it is for images; these data are strings")
        kind: dict[str, Any] = {"device": setting.device, "dtype": setting.dtype}
        layers = (*p.layers, setting.classes)
        self.connections = connected(setting.features, setting.image, layers, setting.device)
        self.biases = [torch.zeros(its.units, **kind) for its in self.connections]
        self.weights = [
            # Variance 2/fan-in keeps activity's size through rectified layers (He et al. 2015).
            math.sqrt(2) * its.start(generator, self.biases[0])
            for its in self.connections
        ]
        self.centre = p.centre
        self.dropout, self.input_dropout = p.dropout, p.input_dropout
        self.label_smoothing = p.label_smoothing
        self.silencer = setting.streams("dropout") if p.dropout or p.input_dropout else None
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

    def logits(self, images: Tensor, learning: bool = False) -> Tensor:
        """Return total inputs of the softmax (n, classes); units drop out while it learns."""
        y = images - images.mean(1, keepdim=True) if self.centre else images
        y = self._dropped(y, self.input_dropout) if learning else y
        layers = zip(self.connections, self.weights, self.biases, strict=True)
        *hidden, (top, weight, bias) = layers
        for wires, its_weight, its_bias in hidden:
            y = torch.relu(wires.drive(y, its_weight, its_bias))
            y = self._dropped(y, self.dropout) if learning else y
        return top.drive(y, weight, bias)

    def _dropped(self, y: Tensor, share: float) -> Tensor:
        """Return activities with a random share silenced, the others raised to make up for it."""
        if not share:
            return y
        drawn = torch.rand(y.shape, generator=self.silencer, device=y.device)
        return y * (drawn >= share) / (1 - share)

    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.learners.capabilities.Learner`."""
        if chunk.sign == "negative":
            return None
        for step, index in enumerate(chunk.index):
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate * chunk.gains[step]
            images, labels = chunk.take(index)
            loss = torch.nn.functional.cross_entropy(
                self.logits(images, learning=True), labels, label_smoothing=self.label_smoothing
            )
            if not bool(loss.isfinite()):
                return step
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            with torch.no_grad():
                for wires, weight in zip(self.connections, self.weights, strict=True):
                    wires.confine(weight)
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
    def receptive_fields(self) -> Tensor:
        """Return the weights from the image to each unit of the first layer (units, features)."""
        return self.connections[0].as_dense(self.weights[0])

    def synapses(self) -> list[Tensor]:
        """Return the weights of each hidden layer."""
        return [its.detach() for its in self.weights]

    @torch.no_grad()
    def weight_norms(self) -> Tensor:
        """Return each layer's root sum of squared weights per unit (layers,)."""
        return torch.stack(
            [
                its.norm() / math.sqrt(wires.units)
                for its, wires in zip(self.weights, self.connections, strict=True)
            ]
        )

    def state_dict(self) -> dict[str, Any]:
        """Return every tensor that a resumed run needs."""
        return {
            "weights": [its.detach() for its in self.weights],
            "biases": [its.detach() for its in self.biases],
            "optimiser": self.optimiser.state_dict(),
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned; a ValueError if it is another net's."""
        mine, theirs = [*self.weights, *self.biases], [*state["weights"], *state["biases"]]
        check_shapes(mine, theirs)
        for ours, its in zip(mine, theirs, strict=True):
            ours.copy_(its)
        self.optimiser.load_state_dict(state["optimiser"])
