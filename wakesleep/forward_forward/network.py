"""A feed-forward Forward-Forward network, trained layer by layer with local updates alone.

Hinton 2022 (arXiv 2212.13345), sections 2 and 3.3; the order of operations within a step follows
the author's published supervised program.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from wakesleep.forward_forward.activation import ACTIVATIONS
from wakesleep.forward_forward.goodness import GOODNESS
from wakesleep.forward_forward.label import LabelInput
from wakesleep.forward_forward.layer import Layer, Pieces, delta, log_odds, peer_term, update
from wakesleep.forward_forward.normalisation import NORMALISATIONS
from wakesleep.forward_forward.parameters import Parameters
from wakesleep.forward_forward.plasticity import Adam, Momentum
from wakesleep.forward_forward.readout import SoftmaxReadout
from wakesleep.model import Chunk, Setting

EVALUATION_CASES = 5000  # cases per pass when nothing is learned, to bound memory


class ForwardForward:
    """A dense Forward-Forward network with a label in its input and a softmax beside it.

    Parameters
    ----------
    parameters
        See :class:`wakesleep.forward_forward.parameters.Parameters`.
    setting
        Shape of the data, device, floating-point type and random streams.

    Attributes
    ----------
    layer_names
        "1", "2", ... from the input upwards.
    readouts
        ``goodness`` (every label is tried) and ``softmax`` (one neutral pass).
    """

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        p = parameters
        self.classes = setting.classes
        self.layer_names = tuple(str(number + 1) for number in range(len(p.layers)))
        self.readouts = ("goodness", "softmax")
        self.label = LabelInput(p.label, setting.classes, p.label_strength, p.neutral)
        self.normalise = NORMALISATIONS[p.normalisation]
        self.pieces = Pieces(
            activation=ACTIVATIONS[p.activation],
            goodness=GOODNESS[p.goodness],
            plasticity=(
                Momentum(p.rate, p.momentum, p.decay) if p.plasticity == "momentum"
                else Adam(p.rate, p.beta1, p.beta2, p.epsilon, p.decay)
            ),
            threshold=p.threshold,
            temperature=p.temperature,
            peer=p.peer,
            peer_momentum=p.peer_momentum,
        )
        generator = setting.streams("weights")
        kind: dict[str, Any] = {"device": setting.device, "dtype": setting.dtype}
        widths = (self.label.inputs(setting.features), *p.layers)
        self.layers = [
            Layer(
                # Variance 1/fan-in: with inputs of mean square 1, a unit's total input has variance 1.
                weight=torch.randn(units, inputs, generator=generator, **kind) / math.sqrt(inputs),
                bias=torch.zeros(units, **kind),
                peer_mean=torch.full((units,), p.peer_start, **kind),
            )
            for inputs, units in zip(widths[:-1], widths[1:], strict=True)
        ]
        self.first_voter = p.first_voter
        self.softmax = SoftmaxReadout(
            sum(p.layers[self.first_voter:]), setting.classes,
            Momentum(p.readout_rate, p.readout_momentum, p.readout_decay), self.layers[0].weight)
        # The neutral pass of the batch at hand: the softmax learns from it and hard negatives are
        # drawn from it, and it need not be done twice.
        self._neutral: tuple[Tensor, Tensor, Tensor] | None = None

    # Passes -----------------------------------------------------------------------------------

    def first_product(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images' canvas (n, inputs) and its product with the first weights (n, units).

        The product is the same whatever the label, so one does for every label that is tried.
        """
        canvas = self.label.canvas(images)
        return canvas, canvas @ self.layers[0].weight.T

    def forward(self, canvas: Tensor, product: Tensor,
                labels: Tensor | None) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Run the network once.

        Parameters
        ----------
        canvas, product
            From :meth:`first_product`.
        labels
            (n,), or None for the neutral label.

        Returns
        -------
        x
            Normalised input of the first layer (n, inputs).
        activities
            Of each layer (n, units).
        factors
            Each layer's normalising factor (n, 1).
        """
        inputs = self.label.written(canvas, labels)
        factor = self.normalise(inputs)
        first = self.layers[0]
        z = (product + self.label.drive(first.weight, labels)).mul_(factor).add_(first.bias)
        activities = [self.pieces.activation.value(z)]
        factors = [self.normalise(activities[0])]
        for layer in self.layers[1:]:
            below = activities[-1] * factors[-1]
            z = torch.addmm(layer.bias, below, layer.weight.T)
            activities.append(self.pieces.activation.value(z))
            factors.append(self.normalise(activities[-1]))
        return inputs.mul_(factor), activities, factors

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return each layer's goodness (layers, n) for images (n, features) with labels (n,)."""
        parts = [
            self._goodness(self.forward(*self.first_product(some), its)[1])
            for some, its in zip(images.split(EVALUATION_CASES), labels.split(EVALUATION_CASES),
                                 strict=True)
        ]
        return torch.cat(parts, dim=1)

    def log_odds(self, goodness: Tensor) -> Tensor:
        """Return (G - theta)/T of eq. 1 for goodness of shape (layers, n)."""
        return torch.stack([
            log_odds(values, layer.units, self.pieces)
            for values, layer in zip(goodness, self.layers, strict=True)
        ])

    def label_goodness(self, images: Tensor) -> Tensor:
        """Return the goodness (layers, n, classes) of images (n, features) with every label."""
        parts = []
        for some in images.split(EVALUATION_CASES):
            canvas, product = self.first_product(some)
            parts.append(torch.stack([
                self._goodness(self.forward(canvas, product, torch.full_like(canvas[:, 0], label,
                                                                             dtype=torch.long))[1])
                for label in range(self.classes)
            ], dim=-1))
        return torch.cat(parts, dim=1)

    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return the softmax's probabilities (n, classes) from one neutral pass."""
        if self._neutral is not None and self._neutral[0] is images:
            return self._neutral[2]
        return torch.cat([
            self.softmax.probabilities(self._voters(*self.first_product(some)))
            for some in images.split(EVALUATION_CASES)
        ])

    def classify(self, images: Tensor, readout: str) -> Tensor:
        """Return the label (n,) that the read-out picks for images (n, features)."""
        if readout == "softmax":
            return self.label_probabilities(images).argmax(1)
        return self.label_goodness(images)[self.first_voter:].sum(0).argmax(1)

    def weight_norms(self) -> Tensor:
        """Return each layer's root mean square weight times the root of its fan-in (layers,).

        It is 1 at the start, whatever the layer's size.
        """
        return torch.stack([
            layer.weight.norm() / math.sqrt(layer.units) for layer in self.layers])

    def _goodness(self, activities: list[Tensor]) -> Tensor:
        return torch.stack([self.pieces.goodness.value(y) for y in activities])

    def _voters(self, canvas: Tensor, product: Tensor) -> Tensor:
        _, activities, factors = self.forward(canvas, product, None)
        return torch.cat([
            y * factor for y, factor in zip(activities[self.first_voter:],
                                            factors[self.first_voter:], strict=True)
        ], dim=1)

    # Learning ---------------------------------------------------------------------------------

    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.model.Learner`."""
        totals = []
        for step, index in enumerate(chunk.index):
            images, labels = chunk.images[index], chunk.labels[index]
            total = self._step(chunk, images, labels, chunk.gains[step])
            # On a CPU a look at every step is free; a GPU would have to wait for each.
            if total.device.type == "cpu" and not math.isfinite(total):
                return step
            totals.append(total)
        finite = torch.stack(totals).isfinite()
        if not bool(finite.all()):
            return int((~finite).nonzero()[0])
        healthy = all(bool(layer.weight.isfinite().all()) for layer in self.layers)
        return None if healthy else len(totals) - 1

    def _step(self, chunk: Chunk, images: Tensor, labels: Tensor, gain: float) -> Tensor:
        """Take one step; return the sum of all goodness, which shows any number gone astray."""
        cases = len(images)
        canvas, product = self.first_product(images)
        neutral = None
        if chunk.sign != "negative":
            voters = self._voters(canvas, product)
            neutral = (images, voters, self.softmax.probabilities(voters))
        if chunk.sign == "positive":
            shown = labels
        else:
            assert chunk.negatives is not None
            # Hard negatives are drawn from the neutral pass that the softmax is about to learn from.
            self._neutral = neutral
            fakes, fake_labels = chunk.negatives(self, images, labels)
            self._neutral = None
            fake_canvas, fake_product = (
                (canvas, product) if fakes is images else self.first_product(fakes))
            if chunk.sign == "negative":
                canvas, product, shown = fake_canvas, fake_product, fake_labels
            else:
                # Real cases above, negative ones below: one matrix product serves both.
                canvas = torch.cat((canvas, fake_canvas))
                product = torch.cat((product, fake_product))
                shown = torch.cat((labels, fake_labels))
        target = product.new_zeros(len(shown))
        if chunk.sign != "negative":
            target[:cases] = 1.0
        total = self._update(self.forward(canvas, product, shown), target, chunk, cases, gain)
        if neutral is not None:
            self.softmax.learn(*neutral[1:], labels, gain)
        return total

    def _update(self, forward: tuple[Tensor, list[Tensor], list[Tensor]], target: Tensor,
                chunk: Chunk, cases: int, gain: float) -> Tensor:
        """Update every layer from one pass, whose rows are real cases first, then negative ones."""
        right, activities, factors = forward
        total = right.new_zeros(())
        for layer, y, factor in zip(self.layers, activities, factors, strict=True):
            goodness = self.pieces.goodness.value(y)
            total += goodness.sum()
            left = delta(y, goodness, target, self.pieces)
            if chunk.sign != "negative" and self.pieces.peer:
                left[:cases] += peer_term(layer, y[:cases], self.pieces)
            if not chunk.separate_states:
                rows = {"shared": slice(None)}
            elif chunk.sign == "both":
                rows = {"positive": slice(cases), "negative": slice(cases, None)}
            else:
                rows = {chunk.sign: slice(None)}
            for name, part in rows.items():
                update(layer, name, left[part], right[part], cases, self.pieces, gain)
            right = y.mul_(factor)  # the layer above needs no more than the direction
        return total

    # State ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return every tensor that a resumed run needs, as plain dictionaries and lists."""
        return {
            "layers": [vars(layer).copy() for layer in self.layers],
            "softmax": {"weight": self.softmax.weight, "bias": self.softmax.bias,
                        "states": self.softmax.states},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        self.layers = [Layer(**tensors) for tensors in state["layers"]]
        for name, value in state["softmax"].items():
            setattr(self.softmax, name, value)
