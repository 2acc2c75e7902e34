"""A feed-forward Forward-Forward network, trained layer by layer with local updates alone.

Hinton 2022 (arXiv 2212.13345), sections 2 and 3.3; the order of operations within a step follows
the author's published supervised program.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.forward_forward.activation import ACTIVATIONS
from wakesleep.forward_forward.generator import TINY, Generator
from wakesleep.forward_forward.goodness import GOODNESS
from wakesleep.forward_forward.label import LabelInput
from wakesleep.forward_forward.layer import (
    Layer,
    Pieces,
    delta,
    log_odds,
    measure_baseline,
    peer_term,
    theta,
    update,
)
from wakesleep.forward_forward.normalisation import NORMALISATIONS
from wakesleep.forward_forward.parameters import Parameters
from wakesleep.model import Chunk, Setting
from wakesleep.plasticity import Adam, Momentum, fade
from wakesleep.readout import SoftmaxReadout

EVALUATION_ROWS = 4096  # rows per pass when nothing is learned, to bound memory


@dataclass
class _Batch:
    """What is known of the batch at hand, so that nothing is computed twice within a step."""

    images: Tensor
    canvas: Tensor
    product: Tensor
    voters: Tensor | None = None  # what the softmax reads in the neutral pass


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
        if setting.places and p.label == "first_pixels":
            raise InputError(
                "a window of symbols has no pixels to spare for a label; use label: extra_units"
            )
        self.classes = setting.classes
        self.layer_names = tuple(str(number + 1) for number in range(len(p.layers)))
        self.readouts = ("goodness", "softmax")
        self.label = LabelInput(p.label, setting.classes, p.label_strength, p.neutral)
        self.normalise = NORMALISATIONS[p.normalisation]
        self.pieces = Pieces(
            activation=ACTIVATIONS[p.activation],
            goodness=GOODNESS[p.goodness],
            plasticity=(
                Momentum(p.rate, p.momentum, p.decay)
                if p.plasticity == "momentum"
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
                # Variance 1/fan-in: with inputs of mean square 1, total inputs have variance 1.
                weight=torch.randn(units, inputs, generator=generator, **kind) / math.sqrt(inputs),
                bias=torch.zeros(units, **kind),
                peer_mean=torch.full((units,), p.peer_start, **kind),
            )
            for inputs, units in itertools.pairwise(widths)
        ]
        self.first_voter = p.first_voter
        self.softmax = SoftmaxReadout(
            sum(p.layers[self.first_voter :]),
            setting.classes,
            Momentum(p.readout_rate, p.readout_momentum, p.readout_decay),
            self.layers[0].weight,
        )
        self.fixed = p.fixed
        self.baseline_memory = p.baseline_memory
        self.generator = (
            Generator(
                widths, setting.classes, setting.places, p.top_down_rate, self.layers[0].weight
            )
            if p.top_down
            else None
        )
        self.label_table = self.label.table(self.layers[0].weight)
        self._batch: _Batch | None = None

    # Passes -----------------------------------------------------------------------------------

    def first_product(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images' canvas (n, inputs) and its product with the first weights (n, units).

        The product is the same whatever the label, so one does for every label that is tried.
        """
        if self._batch is not None and self._batch.images is images:
            return self._batch.canvas, self._batch.product
        canvas = self.label.canvas(images)
        return canvas, canvas @ self.layers[0].weight.T

    def forward(
        self, canvas: Tensor, product: Tensor, labels: Tensor
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Run the network once.

        Parameters
        ----------
        canvas, product
            From :meth:`first_product`.
        labels
            (n,); the number of classes stands for the neutral label.

        Returns
        -------
        x
            Normalised input of the first layer (n, inputs).
        activities
            Of each layer (n, units).
        factors
            Each layer's normalising factor (n, 1).
        """
        first = self.layers[0]
        inputs = self.label.written(canvas, self.label_table, labels)
        factor = self.normalise(inputs)
        label_drive = self.label_table @ first.weight[:, : self.classes].T
        z = label_drive[labels].add_(product).mul_(factor).add_(first.bias)
        activities = [self.pieces.activation.value(z)]
        factors = [self.normalise(activities[0])]
        for layer in self.layers[1:]:
            z = torch.addmm(layer.bias, activities[-1] * factors[-1], layer.weight.T)
            activities.append(self.pieces.activation.value(z))
            factors.append(self.normalise(activities[-1]))
        return inputs.mul_(factor), activities, factors

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return each layer's goodness (layers, n) for images (n, features) with labels (n,)."""
        parts = [
            self._goodness(self.forward(*self.first_product(some), its)[1])
            for some, its in zip(
                images.split(EVALUATION_ROWS), labels.split(EVALUATION_ROWS), strict=True
            )
        ]
        return torch.cat(parts, dim=1)

    def log_odds(self, goodness: Tensor) -> Tensor:
        """Return (G - theta)/T of eq. 1 for goodness of shape (layers, n)."""
        return torch.stack(
            [
                log_odds(values, layer.units, self.pieces)
                for values, layer in zip(goodness, self.layers, strict=True)
            ]
        )

    def thresholds(self) -> Tensor:
        """Return theta of eq. 1 of each layer (layers,)."""
        return self.layers[0].weight.new_tensor(
            [theta(layer.units, self.pieces) for layer in self.layers]
        )

    def label_goodness(self, images: Tensor) -> Tensor:
        """Return the goodness (layers, n, classes) of images (n, features) with every label."""
        found = []
        for some in images.split(EVALUATION_ROWS):
            canvas, product = self.first_product(some)
            parts = []
            # As many labels go into one pass as there is room for: few cases make slow passes.
            labels = torch.arange(self.classes, device=images.device)
            for group in labels.split(max(1, EVALUATION_ROWS // len(some))):
                rows = len(group), len(some)
                _, activities, _ = self.forward(
                    canvas.repeat(rows[0], 1),
                    product.repeat(rows[0], 1),
                    group.repeat_interleave(rows[1]),
                )
                parts.append(self._goodness(activities).view(len(self.layers), *rows))
            found.append(torch.cat(parts, dim=1))
        return torch.cat(found, dim=2).transpose(1, 2)

    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return the softmax's probabilities (n, classes) from one neutral pass."""
        batch = self._batch
        if batch is not None and batch.images is images:
            batch.voters = self._neutral_voters(images)
            return self.softmax.probabilities(batch.voters)
        return torch.cat(
            [
                self.softmax.probabilities(self._neutral_voters(some))
                for some in images.split(EVALUATION_ROWS)
            ]
        )

    def classify(self, images: Tensor, readout: str) -> Tensor:
        """Return the label (n,) that the read-out picks for images (n, features)."""
        if readout == "softmax":
            return self.label_probabilities(images).argmax(1)
        return self.label_goodness(images)[self.first_voter :].sum(0).argmax(1)

    def weight_norms(self) -> Tensor:
        """Return each layer's root mean square weight times the root of its fan-in (layers,).

        It is 1 at the start, whatever the layer's size.
        """
        return torch.stack([layer.weight.norm() / math.sqrt(layer.units) for layer in self.layers])

    def _goodness(self, activities: list[Tensor]) -> Tensor:
        return torch.stack([self.pieces.goodness.value(y) for y in activities])

    def _all(self, images: Tensor, label: int) -> Tensor:
        return torch.full((len(images),), label, dtype=torch.long, device=images.device)

    def _neutral_voters(self, images: Tensor) -> Tensor:
        _, activities, factors = self.forward(
            *self.first_product(images), self._all(images, self.classes)
        )
        return self._voters([y * its for y, its in zip(activities, factors, strict=True)])

    def _voters(self, normalised: list[Tensor]) -> Tensor:
        return torch.cat(normalised[self.first_voter :], dim=1)

    def dream(
        self,
        labels: Tensor,
        *,
        start: str,
        settle: int,
        spread: float,
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        """Return dreams; see :class:`wakesleep.capabilities.Dreams`."""
        its = self.generator
        assert its is not None  # the model file says that it dreams
        activation = self.pieces.activation.value
        top = its.start(start, labels, spread, generator)
        images, chances = its.down(top, activation, self.normalise, generator)
        for _ in range(settle):
            drawn = torch.multinomial(chances.nan_to_num() + TINY, 1, generator=generator)
            images = self.label.images(images)
            _, activities, _ = self.forward(*self.first_product(images), drawn.squeeze(1))
            images, chances = its.down(activities[-1], activation, self.normalise, generator)
        return self.label.images(images), chances

    # Learning ---------------------------------------------------------------------------------

    @torch.inference_mode()
    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.capabilities.Learner`."""
        self._begin(chunk)
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
        learnt = [self.softmax.weight, *(layer.weight for layer in self.layers)]
        healthy = all(bool(weight.isfinite().all()) for weight in learnt)
        return None if healthy else len(totals) - 1

    def _begin(self, chunk: Chunk) -> None:
        """Heed what holds for all steps of a chunk."""
        if chunk.momentum is not None:
            plasticity = self.pieces.plasticity.with_momentum(chunk.momentum)
            self.pieces = replace(self.pieces, plasticity=plasticity)
        for layer in self.layers:
            if chunk.fresh_state:
                layer.states.clear()
            if chunk.sign == "positive" and layer.measured:
                layer.baseline = {name: its.clone() for name, its in layer.measured.items()}

    def _step(self, chunk: Chunk, images: Tensor, labels: Tensor, gain: float) -> Tensor:
        """Take one step; return a sum that shows any number gone astray.

        All that is needed goes through the network in one pass: real cases, then negative ones,
        then (neutral) those the softmax learns from, unless hard negatives asked for them before.
        """
        cases = len(images)
        self._batch = batch = _Batch(images, *self.first_product(images))
        shown = []
        if chunk.sign != "negative":
            shown.append((batch.canvas, batch.product, labels))
        if chunk.sign != "positive":
            assert chunk.negatives is not None
            fakes, fake_labels = chunk.negatives(self, images, labels)
            shown.append((*self.first_product(fakes), fake_labels))
        rows = cases * len(shown)
        if chunk.updates_per_batch > 1:
            batch.voters = None  # what the softmax reads is what the layers do after the drill
        if chunk.sign != "negative" and batch.voters is None:
            shown.append((batch.canvas, batch.product, self._all(images, self.classes)))
        self._batch = None
        canvas, product, shown_labels = (
            parts[0] if len(parts) == 1 else torch.cat(parts) for parts in zip(*shown, strict=True)
        )
        total, normalised = self._update(
            self.forward(canvas, product, shown_labels), rows, cases, chunk, gain
        )
        if chunk.sign != "negative":
            voters = batch.voters
            if voters is None:
                voters = self._voters([y[rows:] for y in normalised])
            self.softmax.learn(voters, labels, gain)
            total += self.softmax.bias.sum()
            if self.generator is not None:
                image = batch.canvas[:, self.classes :]
                self.generator.learn(image, [y[:cases] for y in normalised], labels)
                total += self.generator.maps[0].bias.sum()
        return total

    def _update(
        self,
        forward: tuple[Tensor, list[Tensor], list[Tensor]],
        rows: int,
        cases: int,
        chunk: Chunk,
        gain: float,
    ) -> tuple[Tensor, list[Tensor]]:
        """Update every layer from the first ``rows`` of a pass.

        Returns the sum of all goodness, and the normalised activities of all rows.
        """
        right, activities, factors = forward
        sign = right.new_full((rows,), -1.0)
        if chunk.sign != "negative":
            sign[:cases] = 1.0
        if not chunk.separate_states:
            parts = {"shared": slice(rows)}
        elif chunk.sign == "both":
            parts = {"positive": slice(cases), "negative": slice(cases, rows)}
        else:
            parts = {chunk.sign: slice(rows)}
        total = right.new_zeros(())
        normalised = []
        for layer, passed, factor in zip(self.layers, activities, factors, strict=True):
            y = passed
            for _ in range(chunk.updates_per_batch):
                learning = y[:rows]
                if chunk.updates_per_batch > 1:
                    # The layers below have moved on since the pass, and so has this one.
                    learning = self._activity(layer, right[:rows])
                goodness = self.pieces.goodness.value(learning)
                left = delta(learning, goodness, sign, self.pieces)
                if chunk.sign != "negative" and self.pieces.peer:
                    left[:cases] += peer_term(layer, learning[:cases], self.pieces)
                if not self.fixed:
                    self._move(layer, left, right[:rows], parts, cases, chunk, gain)
            total += goodness.sum()
            if chunk.updates_per_batch > 1:
                y = self._activity(layer, right)
                right = y * self.normalise(y)
            else:
                right = y.mul_(factor)  # the layer above needs no more than the direction
            normalised.append(right)
        return total, normalised

    def _activity(self, layer: Layer, right: Tensor) -> Tensor:
        """Return a layer's activity (rows, units) on normalised inputs (rows, inputs)."""
        return self.pieces.activation.value(torch.addmm(layer.bias, right, layer.weight.T))

    def _move(
        self,
        layer: Layer,
        left: Tensor,
        right: Tensor,
        parts: dict[str, slice],
        cases: int,
        chunk: Chunk,
        gain: float,
    ) -> None:
        """Change one layer's weights, or measure what its negative updates would be."""
        if chunk.sign == "negative" and (chunk.mode != "negative" or chunk.subtract_baseline):
            measure_baseline(layer, left, right, cases, self.baseline_memory)
        if chunk.mode == "measure":
            return
        baseline = float(chunk.sign == "positive" and chunk.subtract_baseline)
        if chunk.mode == "centred":
            baseline = -1.0
        fade(layer.weight, self.pieces.plasticity, gain)
        for name, part in parts.items():
            update(layer, name, left[part], right[part], cases, self.pieces, gain, baseline)

    # State ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return every tensor that a resumed run needs, as plain dictionaries and lists."""
        return {
            "layers": [vars(layer).copy() for layer in self.layers],
            "softmax": self.softmax.state_dict(),
            "generator": None if self.generator is None else self.generator.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        self.layers = [Layer(**tensors) for tensors in state["layers"]]
        self.softmax.load_state_dict(state["softmax"])
        if self.generator is not None:
            self.generator.load_state_dict(state["generator"])
