"""Forward-Forward in time: every layer gets input from the layers below and above.

Hinton 2022 (arXiv 2212.13345), sections 3.4 and 4. By its top-down input, a layer can influence
what the layers below learn, although nothing is differentiated through another layer or through
time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward.in_time import Batch, Frames, InTime
from wakesleep.learners.forward_forward.layer import Layer, block_goodness, state_rows
from wakesleep.learners.forward_forward.recurrent_parameters import Parameters
from wakesleep.learners.forward_forward.rows import move, rows_that_move
from wakesleep.learners.parts.plasticity import Gain

EVALUATION_ROWS = 1000  # rows per pass when nothing is learned, to bound memory


@dataclass(frozen=True)
class Seen:
    """Values of some images that do not depend on the label that is tried with them.

    Attributes
    ----------
    frames
        The input at each step in time.
    states
        Every layer's activity after the bottom-up pass (n, units).
    still
        Contribution of an image that does not move to the first layer's total input, or None.
    """

    frames: Frames
    states: list[Tensor]
    still: Tensor | None


class Recurrent(InTime):
    """A recurrent Forward-Forward network, which learns in time and reads labels by goodness.

    Attributes
    ----------
    readouts
        ``goodness`` (every label is tried, in time) and ``softmax`` (one bottom-up pass).
    judged
        First and last step in time whose goodness picks the label.
    """

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        super().__init__(parameters, setting)
        self.judged = parameters.judged
        self.readouts = ("goodness", "softmax") if parameters.readout_rate else ("goodness",)
        self.batch: Batch | None = None  # the one at hand within a step

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return each layer's goodness (layers, n), the mean over the judged steps in time."""
        return torch.cat(
            [
                self._judged(self._seen(some), its)
                for some, its in zip(
                    images.split(EVALUATION_ROWS), labels.split(EVALUATION_ROWS), strict=True
                )
            ],
            dim=1,
        )

    def _judged(self, seen: Seen, labels: Tensor) -> Tensor:
        """Return the mean goodness (layers, n) over the judged steps in time."""
        return torch.stack(self._over_time(seen, labels, *self.judged)).mean(0)

    def _seen(self, images: Tensor) -> Seen:
        """Return what is the same for images (n, features) whatever their label."""
        frames = self.frames(images)
        still = None if self.parameters.drift else self.clamped(frames(0))
        return Seen(frames, self.bottom_up(frames), still)

    def _over_time(
        self,
        seen: Seen,
        labels: Tensor,
        first: int,
        last: int | None = None,
    ) -> list[Tensor]:
        """Return the goodness (layers, n) at steps in time from the first to the last."""
        label, states, found = self.label_table[labels], seen.states, []
        for time in range(1, (last or self.parameters.iterations) + 1):
            states = self.step(seen.frames(time), states, label, seen.still)[2]
            if time >= first:
                found.append(self.goodness_of(states))
        return found

    def activities(self, images: Tensor, labels: Tensor) -> list[Tensor]:
        """Return every layer's activity (n, units) after the last judged step in time."""
        seen, label = self._seen(images), self.label_table[labels]
        states = seen.states
        for time in range(1, self.parameters.judged[1] + 1):
            states = self.step(seen.frames(time), states, label, seen.still)[2]
        return states

    def label_goodness_in_time(self, images: Tensor) -> Tensor:
        """Return the goodness with every label (iterations, layers, n, classes)."""
        seen, found = self._seen(images), []
        for name in range(self.classes):
            labels = torch.full((len(images),), name, device=images.device)
            found.append(torch.stack(self._over_time(seen, labels, 1)))
        return torch.stack(found, dim=3)

    def receptive_fields(self) -> Tensor:
        """Return the weights from the image to each unit of the first layer (units, features)."""
        first = self.layers[0]
        return first.connection.as_dense(first.weight)[:, : self.widths[0]]

    def label_goodness(self, images: Tensor) -> Tensor:
        """Return the goodness (layers, n, classes) of images (n, features) with every label."""
        found = []
        for some in images.split(EVALUATION_ROWS):
            seen = self._seen(some)
            each = [
                self._judged(seen, torch.full((len(some),), label, device=some.device))
                for label in range(self.classes)
            ]
            found.append(torch.stack(each, dim=2))
        return torch.cat(found, dim=1)

    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return the softmax's probabilities (n, classes) from one bottom-up pass."""
        if self.batch is not None and self.batch.images is images:
            return self.softmax.probabilities(self._read(self.batch.states))
        return torch.cat(
            [
                self.softmax.probabilities(self._read(self.bottom_up(self.frames(some))))
                for some in images.split(EVALUATION_ROWS)
            ]
        )

    def classify(self, images: Tensor, readout: str) -> Tensor:
        """Return the label (n,) that the read-out picks for images (n, features)."""
        if readout == "softmax":
            return self.label_probabilities(images).argmax(1)
        return self.label_goodness(images)[self.voting].sum(0).argmax(1)

    def _read(self, states: list[Tensor]) -> Tensor:
        """Return what the softmax reads (n, inputs) of the layers' states."""
        return torch.cat([self.normed(states[depth]) for depth in self.voting], dim=1)

    def take_step(self, chunk: Chunk, images: Tensor, labels: Tensor, gain: Gain) -> Tensor:
        """Show a batch for all its steps in time; weights change at every one of these."""
        frames = self.frames(images, self.drifting)
        states = self.bottom_up(frames)
        self.batch = Batch(images, frames, states)
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
        self.batch = None
        if chunk.sign != "negative" and self.parameters.readout_rate:
            self.softmax.learn(self._read(states), labels, gain)
        states = [torch.cat(its) for its in zip(*(its for _, its, _ in shown), strict=True)]
        label = self.label_table[torch.cat([its for _, _, its in shown])]
        sign = label.new_full((len(label),), -1.0)
        if chunk.sign != "negative":
            sign[: len(images)] = 1.0
        for time in range(1, self.parameters.iterations + 1):
            image, product = self._image(shown, time)
            inputs, totals, states = self.step(image, states, label, product)
            for layer, given, z, y in zip(self.layers, inputs, totals, states, strict=True):
                self._update(layer, given, z, y, sign, len(images), chunk, gain)
        return torch.stack([self.softmax.bias.sum(), *(its.sum() for its in states)]).sum()

    def _image(
        self, shown: list[tuple[Frames, list[Tensor], Tensor]], time: int
    ) -> tuple[Tensor, Tensor | None]:
        """Return what is seen at a step in time, and its part in the first layer's total input.

        Real and negative cases often share their images, whose product is then done once.
        """
        if any(its is not shown[0][0] for its, _, _ in shown):
            return torch.cat([its(time) for its, _, _ in shown]), None
        image = shown[0][0](time)
        product = self.clamped(image)
        times = len(shown)
        return image.repeat(times, 1), None if product is None else product.repeat(times, 1)

    def _update(
        self,
        layer: Layer,
        given: Tensor,
        z: Tensor,
        y: Tensor,
        sign: Tensor,
        cases: int,
        chunk: Chunk,
        gain: Gain,
    ) -> None:
        """Change one layer's weights for what it does at one step in time."""
        goodness = block_goodness(layer, y, self.pieces)
        parts = state_rows(chunk, cases, len(y))
        real = cases if chunk.sign != "negative" else 0
        kept = self.parameters.damping
        moving = rows_that_move(
            layer, given, z, y, goodness, sign, parts, real, self.pieces, kept=kept
        )
        move(layer, moving, cases, self.pieces, gain)
