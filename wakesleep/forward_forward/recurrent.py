"""Forward-Forward in time: every layer hears the one below and the one above.

Hinton 2022 (arXiv 2212.13345), section 3.4 (MNIST) and section 4 (CIFAR-10). The image is clamped
at the bottom and the label at the top. What comes from above lets a layer change what the layers
below it learn, though nothing is ever differentiated through another layer or through time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wakesleep.connections import Connection, Dense, Local, connected, joined, local
from wakesleep.data.jitter import shifted
from wakesleep.errors import InputError
from wakesleep.forward_forward.build import pieces, softmax_readout, start
from wakesleep.forward_forward.layer import (
    Layer,
    all_log_odds,
    begin_chunk,
    block_goodness,
    delta,
    finite,
    peer_term,
    restore,
    state_rows,
    thresholds,
    total_goodness,
    update,
    weight_norms,
)
from wakesleep.forward_forward.normalisation import NORMALISATIONS
from wakesleep.forward_forward.recurrent_parameters import Parameters
from wakesleep.model import Chunk, Setting
from wakesleep.plasticity import fade
from wakesleep.receptive_fields import LocalLayer

EVALUATION_ROWS = 1000  # rows per pass when nothing is learned, to bound memory

Frames = Callable[[int], Tensor]


@dataclass
class _Batch:
    """The bottom-up pass of the batch at hand, so that it is not run twice within a step."""

    images: Tensor
    frames: Frames
    states: list[Tensor]


class Recurrent:
    """Hidden layers between an image at the bottom and a label at the top.

    Parameters
    ----------
    parameters
        See :class:`wakesleep.forward_forward.recurrent_parameters.Parameters`.
    setting
        Shape of the data, device, floating-point type and random streams.

    Attributes
    ----------
    layer_names
        "1", "2", ... from the image upwards.
    readouts
        ``goodness`` (every label is tried, in time) and ``softmax`` (one bottom-up pass).
    judged
        First and last step in time whose goodness picks the label.
    """

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        p = self.parameters = parameters
        for name, its in (("drift", p.drift), ("centre", p.centre)):
            if its and setting.places:
                raise InputError(f"{name}: it is for images; these data are strings")
        if p.drift and p.drift >= min(setting.shape):
            raise InputError(
                f"drift: {p.drift} pixels a step are too much for an image of "
                f"{setting.shape[0]} x {setting.shape[1]}"
            )
        self.classes, self.shape = setting.classes, setting.shape
        self.judged = p.judged
        self.layer_names = tuple(str(number + 1) for number in range(len(p.layers)))
        self.readouts = ("goodness", "softmax") if p.readout_rate else ("goodness",)
        self.pieces = pieces(p)
        self.normalise = NORMALISATIONS[p.normalisation]
        self.layers = start(p, _connections(p, setting), setting)
        self.widths = [setting.features, *(layer.units for layer in self.layers), self.classes]
        for depth, layer in enumerate(self.layers):
            _share(layer, self.widths[depth])
        self.voting = p.voting
        self.softmax = softmax_readout(p, self.layers, self.classes)
        # Zero for the neutral label, which is one beyond the last.
        labels = p.label_strength * self._normed(torch.eye(self.classes).to(self.layers[0].bias))
        self.label_table = torch.cat((labels, torch.zeros_like(labels[:1])))
        self.streams = setting.streams
        self.drifting = setting.streams("drift") if p.drift else None
        self._batch: _Batch | None = None

    # In time ----------------------------------------------------------------------------------

    def frames(self, images: Tensor, generator: torch.Generator | None = None) -> Frames:
        """Return what is seen at each step in time: normalised images (n, features).

        Nothing but the image itself is stored: every frame is made when it is seen.

        Parameters
        ----------
        images
            (n, features)
        generator
            Where velocities are drawn from; default the start of their random stream, as probes
            do.
        """
        reach = self.parameters.drift
        if self.parameters.centre:  # before it moves, so that what it leaves behind is mean grey
            images = images - images.mean(1, keepdim=True)
        if not reach:
            still = self._normed(images)
            return lambda time: still
        generator = generator or self.streams.fresh("drift")
        size = (len(images), 2)
        velocity = torch.randint(-reach, reach + 1, size, generator=generator, device=images.device)
        # Half of the way is gone before the image is in the middle of the frame.
        middle = self.parameters.iterations // 2
        furthest = reach * (self.parameters.iterations - middle)

        def frame(time: int) -> Tensor:
            by = velocity * (time - middle)
            return self._normed(shifted(images, self.shape, by, furthest))

        return frame

    def bottom_up(self, frames: Frames) -> list[Tensor]:
        """Return each layer's activity (n, units) after one pass with nothing from above."""
        below, states = frames(0), []
        for depth, layer in enumerate(self.layers):
            silent = below.new_zeros(len(below), self.widths[depth + 2])
            given = torch.cat((below, silent), dim=1)
            z = layer.connection.drive(given, layer.weight, layer.bias)
            states.append(self.pieces.activation.value(z))
            below = self._normed(states[-1])
        return states

    def step(
        self, image: Tensor, states: list[Tensor], label: Tensor
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Go one step on in time.

        Parameters
        ----------
        image
            Normalised image (n, features).
        states
            Activities of all layers before (n, units).
        label
            Normalised label (n, classes).

        Returns
        -------
        inputs
            What each layer was given: from below, then from above (n, inputs).
        totals
            Total inputs (n, units).
        states
            Activities, the last ones mixed in (n, units).
        """
        kept, states = self.parameters.damping, list(states)
        told = [image, *(self._normed(its) for its in states), label]
        inputs: list[Tensor] = [image] * len(states)
        totals: list[Tensor] = [image] * len(states)
        numbers = list(range(len(states)))
        synchronous = self.parameters.schedule == "synchronous"
        for turn in [numbers] if synchronous else [numbers[0::2], numbers[1::2]]:
            for depth in turn:
                layer = self.layers[depth]
                inputs[depth] = torch.cat((told[depth], told[depth + 2]), dim=1)
                z = totals[depth] = layer.connection.drive(inputs[depth], layer.weight, layer.bias)
                y = self.pieces.activation.value(z)
                states[depth] = torch.lerp(y, states[depth], kept)
            for depth in turn:
                told[depth + 1] = self._normed(states[depth])
        return inputs, totals, states

    def _normed(self, y: Tensor) -> Tensor:
        return y * self.normalise(y)

    # What a probe asks ------------------------------------------------------------------------

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return each layer's goodness (layers, n), the mean over the judged steps in time."""
        return torch.cat(
            [
                self._judged(self.frames(some), its)
                for some, its in zip(
                    images.split(EVALUATION_ROWS), labels.split(EVALUATION_ROWS), strict=True
                )
            ],
            dim=1,
        )

    def _judged(self, frames: Frames, labels: Tensor, states: list[Tensor] | None = None) -> Tensor:
        """Return the mean goodness (layers, n) over the judged steps in time."""
        first, last = self.judged
        states = self.bottom_up(frames) if states is None else states
        return torch.stack(self._over_time(frames, labels, states, first, last)).mean(0)

    def _over_time(
        self,
        frames: Frames,
        labels: Tensor,
        states: list[Tensor],
        first: int,
        last: int | None = None,
    ) -> list[Tensor]:
        """Return the goodness (layers, n) at steps in time from the first to the last."""
        label, found = self.label_table[labels], []
        for time in range(1, (last or self.parameters.iterations) + 1):
            states = self.step(frames(time), states, label)[2]
            if time >= first:
                found.append(self._goodness(states))
        return found

    def _goodness(self, states: list[Tensor]) -> Tensor:
        return total_goodness(self.layers, states, self.pieces)

    def log_odds(self, goodness: Tensor) -> Tensor:
        """Return (G - theta)/T of eq. 1 for goodness of shape (layers, n)."""
        return all_log_odds(self.layers, goodness, self.pieces)

    def thresholds(self) -> Tensor:
        """Return theta of eq. 1 of each layer (layers,)."""
        return thresholds(self.layers, self.pieces)

    def activities(self, images: Tensor, labels: Tensor) -> list[Tensor]:
        """Return every layer's activity (n, units) after the last judged step in time."""
        frames = self.frames(images)
        states, label = self.bottom_up(frames), self.label_table[labels]
        for time in range(1, self.parameters.judged[1] + 1):
            states = self.step(frames(time), states, label)[2]
        return states

    def label_goodness_in_time(self, images: Tensor) -> Tensor:
        """Return the goodness with every label (iterations, layers, n, classes)."""
        frames, found = self.frames(images), []
        begun = self.bottom_up(frames)  # the same whatever the label
        for name in range(self.classes):
            labels = torch.full((len(images),), name, device=images.device)
            found.append(torch.stack(self._over_time(frames, labels, begun, 1)))
        return torch.stack(found, dim=3)

    def receptive_fields(self) -> Tensor:
        """Return the weights from the image to each unit of the first layer (units, features)."""
        first = self.layers[0]
        return first.connection.as_dense(first.weight)[:, : self.widths[0]]

    def label_goodness(self, images: Tensor) -> Tensor:
        """Return the goodness (layers, n, classes) of images (n, features) with every label."""
        found = []
        for some in images.split(EVALUATION_ROWS):
            frames = self.frames(some)
            states = self.bottom_up(frames)  # the same whatever the label
            each = [
                self._judged(frames, torch.full((len(some),), label, device=some.device), states)
                for label in range(self.classes)
            ]
            found.append(torch.stack(each, dim=2))
        return torch.cat(found, dim=1)

    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return the softmax's probabilities (n, classes) from one bottom-up pass."""
        if self._batch is not None and self._batch.images is images:
            return self.softmax.probabilities(self._voters(self._batch.states))
        return torch.cat(
            [
                self.softmax.probabilities(self._voters(self.bottom_up(self.frames(some))))
                for some in images.split(EVALUATION_ROWS)
            ]
        )

    def classify(self, images: Tensor, readout: str) -> Tensor:
        """Return the label (n,) that the read-out picks for images (n, features)."""
        if readout == "softmax":
            return self.label_probabilities(images).argmax(1)
        return self.label_goodness(images)[self.voting].sum(0).argmax(1)

    def weight_norms(self) -> Tensor:
        """Return each layer's root sum of squared weights per unit (layers,)."""
        return weight_norms(self.layers)

    def _voters(self, states: list[Tensor]) -> Tensor:
        return torch.cat([self._normed(states[depth]) for depth in self.voting], dim=1)

    # Learning ---------------------------------------------------------------------------------

    @torch.inference_mode()
    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.capabilities.Learner`.

        A step shows a batch for all its steps in time; weights change at every one of these.
        """
        self.pieces = begin_chunk(self.layers, self.pieces, chunk)
        for step, index in enumerate(chunk.index):
            images, labels = chunk.take(index)
            if not math.isfinite(self._step(chunk, images, labels, chunk.gains[step])):
                return step
        learnt = [self.softmax.weight, *(layer.weight for layer in self.layers)]
        return None if finite(*learnt) else len(chunk.index) - 1

    def _step(self, chunk: Chunk, images: Tensor, labels: Tensor, gain: float) -> float:
        """Show a batch; return a sum that shows any number gone astray."""
        frames = self.frames(images, self.drifting)
        states = self.bottom_up(frames)
        self._batch = _Batch(images, frames, states)
        shown = []
        if chunk.sign != "negative":
            shown.append((frames, states, labels))
        if chunk.sign != "positive":
            assert chunk.negatives is not None
            fakes, fake_labels = chunk.negatives(self, images, labels)
            if fakes is images:
                shown.append((frames, states, fake_labels))
            else:
                other = self.frames(fakes, self.drifting)
                shown.append((other, self.bottom_up(other), fake_labels))
        self._batch = None
        if chunk.sign != "negative" and self.parameters.readout_rate:
            self.softmax.learn(self._voters(states), labels, gain)
        states = [torch.cat(its) for its in zip(*(its for _, its, _ in shown), strict=True)]
        label = self.label_table[torch.cat([its for _, _, its in shown])]
        sign = label.new_full((len(label),), -1.0)
        if chunk.sign != "negative":
            sign[: len(images)] = 1.0
        for time in range(1, self.parameters.iterations + 1):
            image = torch.cat([its(time) for its, _, _ in shown])
            inputs, totals, states = self.step(image, states, label)
            for layer, given, z, y in zip(self.layers, inputs, totals, states, strict=True):
                self._update(layer, given, z, y, sign, len(images), chunk, gain)
        return float(sum(its.sum() for its in states) + self.softmax.bias.sum())

    def _update(
        self,
        layer: Layer,
        given: Tensor,
        z: Tensor,
        y: Tensor,
        sign: Tensor,
        cases: int,
        chunk: Chunk,
        gain: float,
    ) -> None:
        """Change one layer's weights for what it does at one step in time."""
        goodness = block_goodness(layer, y, self.pieces)
        # The state before is given; only the new part of this one depends on the weights.
        left = delta(layer, z, y, goodness, sign, self.pieces).mul_(1 - self.parameters.damping)
        if chunk.sign != "negative" and self.pieces.peer:
            left[:cases] += peer_term(layer, y[:cases], self.pieces)
        fade(layer.weight, self.pieces.plasticity, gain)
        for name, part in state_rows(chunk, cases, len(y)).items():
            update(layer, name, left[part], given[part], cases, self.pieces, gain)

    # State ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return every tensor that a resumed run needs, as plain dictionaries and lists."""
        return {
            "layers": [layer.state() for layer in self.layers],
            "softmax": self.softmax.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        self.layers = restore(self.layers, state["layers"])
        self.softmax.load_state_dict(state["softmax"])


def _connections(p: Parameters, setting: Setting) -> list[Connection]:
    """Return what each layer sees: the layer below and the one above, one after the other."""
    below = connected(setting.features, setting.image, p.layers, setting.device)
    found: list[Connection] = []
    for depth, (its, wires) in enumerate(zip(p.layers, below, strict=True)):
        above = below[depth + 1] if depth + 1 < len(below) else None
        if isinstance(wires, Local):
            assert isinstance(its, LocalLayer)
            if isinstance(above, Local):
                down = local(above.output, its, str(depth + 1), setting.device)
                found.append(joined(wires, down))
            else:
                found.append(joined(wires, setting.classes))
        else:
            more = setting.classes if above is None else above.units
            found.append(Dense(wires.inputs + more, wires.units))
    return found


def _share(layer: Layer, below: int) -> None:
    """Let what comes from below and from above have equal parts in a layer's first total input."""
    wires = layer.connection
    if isinstance(wires, Dense):
        lower = torch.arange(wires.inputs, device=layer.weight.device) < below
        parts = [(layer.weight, lower, torch.ones_like(layer.weight))]
    else:
        parts = [
            (weight, (group.window < below).unsqueeze(1), group.mask)
            for group, weight in wires.by_group(layer.weight)
        ]
    for weight, lower, seen in parts:
        whole = seen.sum(-1, keepdim=True)
        for part in (lower, ~lower):
            fan_in = (seen * part).sum(-1, keepdim=True)
            weight.mul_(torch.where(part, (whole / (2 * fan_in)).sqrt(), 1.0))
