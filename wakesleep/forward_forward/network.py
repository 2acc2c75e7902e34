"""A feed-forward Forward-Forward network, trained layer by layer with local updates alone.

Hinton 2022 (arXiv 2212.13345), sections 2 and 3.3; the order of operations within a step follows
the author's published supervised program.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from wakesleep.connections import connected
from wakesleep.errors import InputError
from wakesleep.forward_forward.black_box import boxes, perturb
from wakesleep.forward_forward.build import pieces, softmax_readout, start
from wakesleep.forward_forward.generator import TINY, Generator
from wakesleep.forward_forward.label import LabelInput
from wakesleep.forward_forward.layer import (
    Layer,
    all_log_odds,
    begin_chunk,
    block_goodness,
    delta,
    finite,
    log_odds,
    measure_baseline,
    peer_term,
    restore,
    state_rows,
    thresholds,
    total_goodness,
    update,
    weight_norms,
)
from wakesleep.forward_forward.normalisation import NORMALISATIONS
from wakesleep.forward_forward.parameters import Parameters
from wakesleep.model import Chunk, Setting
from wakesleep.plasticity import fade

EVALUATION_ROWS = 4096  # rows per pass when nothing is learned, to bound memory


@dataclass
class _Batch:
    """What is known of the batch at hand, so that nothing is computed twice within a step."""

    images: Tensor
    canvas: Tensor
    product: Tensor
    voters: Tensor | None = None  # what the softmax reads in the neutral pass


@dataclass
class Pass:
    """What a pass through the network came to, layer by layer from the input upwards.

    Attributes
    ----------
    inputs
        What each layer was given (n, inputs).
    totals, activities
        Of each layer (n, units).
    normalised
        What each layer tells of its activity (n, units).
    """

    inputs: list[Tensor] = field(default_factory=list)
    totals: list[Tensor] = field(default_factory=list)
    activities: list[Tensor] = field(default_factory=list)
    normalised: list[Tensor] = field(default_factory=list)


class ForwardForward:
    """A Forward-Forward network, with a label in its input or without, and a softmax beside it.

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
        ``goodness`` (every label is tried), ``softmax`` (one neutral pass) and, where asked for,
        ``candidates`` (the softmax proposes labels, goodness decides); without a label in the
        input, ``softmax`` alone.
    """

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        p = parameters
        if setting.places and p.label == "first_pixels":
            raise InputError(
                "a window of symbols has no pixels to spare for a label; use label: extra_units"
            )
        self.classes = setting.classes
        self.layer_names = tuple(str(number + 1) for number in range(len(p.layers)))
        self.label = LabelInput(p.label, setting.classes, p.label_strength, p.neutral)
        self.sees_labels = p.label != "none"
        self.candidates = p.candidates
        if p.candidates is not None and p.candidates > setting.classes:
            raise InputError(f"candidates: {p.candidates}, but there are {setting.classes} classes")
        possible = {
            "goodness": self.sees_labels,
            "softmax": p.readout_rate > 0,
            "candidates": p.candidates is not None,
        }
        self.readouts = tuple(name for name, there in possible.items() if there)
        self.normalise = NORMALISATIONS[p.normalisation]
        self.pieces = pieces(p)
        inputs = self.label.inputs(setting.features)
        connections = connected(inputs, setting.image, p.layers, setting.device)
        self.layers = start(p, connections, setting)
        self.voting = p.voting
        self.softmax = softmax_readout(p, self.layers, setting.classes)
        self.fixed = p.fixed
        self.baseline_memory = p.baseline_memory
        widths = (inputs, *(layer.units for layer in self.layers))
        self.generator = (
            Generator(widths, setting.classes, setting.places, p.top_down_rate, self.layers[0].bias)
            if p.top_down
            else None
        )
        self.label_table = self.label.table(self.layers[0].bias)
        self.streams = setting.streams
        self.boxes = boxes(p.black_box, widths[1:], setting.streams("boxes"), self.layers[0].bias)
        self.box_learning = (p.box_noise, p.box_rate, p.box_every)
        self.real_steps = 0
        self._batch: _Batch | None = None

    # Passes -----------------------------------------------------------------------------------

    def first_product(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images' canvas (n, inputs) and its product with the first weights (n, units).

        The product is the same whatever the label, so one does for every label that is tried.
        """
        if self._batch is not None and self._batch.images is images:
            return self._batch.canvas, self._batch.product
        canvas = self.label.canvas(images)
        first = self.layers[0]
        return canvas, first.connection.drive(canvas, first.weight)

    def forward(
        self,
        canvas: Tensor,
        product: Tensor,
        labels: Tensor,
        top: int | None = None,
        chance: torch.Generator | None = None,
        noise: list[Tensor] | None = None,
    ) -> Pass:
        """Run the network once.

        Parameters
        ----------
        canvas, product
            From :meth:`first_product`.
        labels
            (n,); the number of classes stands for the neutral label.
        top
            Number of layers to go up; default all.
        chance
            Random stream of black boxes; default the start of one, as for all that only look.
        noise
            What is added to the outputs of black boxes that learn (n, units).
        """
        first = self.layers[0]
        inputs = self.label.written(canvas, self.label_table, labels)
        factor = self.normalise(inputs)
        if self.sees_labels:
            label_drive = self.label_table @ first.weight[:, : self.classes].T
            z = label_drive[labels].add_(product).mul_(factor).add_(first.bias)
        else:
            z = (product * factor).add_(first.bias)
        done = Pass([inputs.mul_(factor)])
        if self.boxes and chance is None:
            chance = self.streams.fresh("boxes looked at")
        for depth, layer in enumerate(self.layers[:top]):
            if depth:
                done.inputs.append(self._boxed(depth - 1, done.normalised[-1], chance, noise))
                z = layer.connection.drive(done.inputs[-1], layer.weight, layer.bias)
            y = self.pieces.activation.value(z)
            done.totals.append(z)
            done.activities.append(y)
            done.normalised.append(y * self.normalise(y))
        return done

    def _chance(self) -> torch.Generator | None:
        """Return the random stream of black boxes in passes that learn; None without any."""
        return self.streams("boxes") if self.boxes else None

    def _boxed(
        self,
        depth: int,
        x: Tensor,
        chance: torch.Generator | None,
        noise: list[Tensor] | None = None,
    ) -> Tensor:
        """Return what the layer above gets of a layer's normalised activity (n, units)."""
        if not self.boxes:
            return x
        assert chance is not None  # whoever has boxes gives them one
        out = self.boxes[depth](x, chance, None if noise is None else noise[depth])
        return out * self.normalise(out)

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return each layer's goodness (layers, n) for images (n, features) with labels (n,)."""
        parts = [
            self._goodness(self.forward(*self.first_product(some), its).activities)
            for some, its in zip(
                images.split(EVALUATION_ROWS), labels.split(EVALUATION_ROWS), strict=True
            )
        ]
        return torch.cat(parts, dim=1)

    def log_odds(self, goodness: Tensor) -> Tensor:
        """Return (G - theta)/T of eq. 1 for goodness of shape (layers, n)."""
        return all_log_odds(self.layers, goodness, self.pieces)

    def thresholds(self) -> Tensor:
        """Return theta of eq. 1 of each layer (layers,)."""
        return thresholds(self.layers, self.pieces)

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
                done = self.forward(
                    canvas.repeat(rows[0], 1), product.repeat(rows[0], 1), group.flatten()
                )
                parts.append(self._goodness(done.activities).view(len(self.layers), *rows))
            found.append(torch.cat(parts, dim=1))
        return torch.cat(found, dim=2).transpose(1, 2)

    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return the softmax's probabilities (n, classes) from one neutral pass."""
        batch = self._batch
        if batch is not None and batch.images is images:
            batch.voters = self._neutral_voters(images, self._chance())
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
        if readout == "candidates":
            assert self.candidates is not None  # else it is no read-out of this network
            proposed = self.label_probabilities(images).topk(self.candidates).indices
            best = self.label_goodness(images, proposed)[self.voting].sum(0).argmax(1)
            return proposed.gather(1, best.unsqueeze(1)).squeeze(1)
        return self.label_goodness(images)[self.voting].sum(0).argmax(1)

    def activities(self, images: Tensor, labels: Tensor) -> list[Tensor]:
        """Return every layer's activity (n, units) for images (n, features) with labels (n,)."""
        return self.forward(*self.first_product(images), labels).activities

    def label_goodness_in_time(self, images: Tensor) -> Tensor:
        """Return :meth:`label_goodness` with one step in time (1, layers, n, classes)."""
        return self.label_goodness(images).unsqueeze(0)

    def receptive_fields(self) -> Tensor:
        """Return the weights from the image to each unit of the first layer (units, features)."""
        first = self.layers[0]
        weight = first.connection.as_dense(first.weight)
        return self.label.images(weight[:, self.classes :] if self.sees_labels else weight)

    def weight_norms(self) -> Tensor:
        """Return each layer's root mean square weight times the root of its fan-in (layers,).

        It is 1 at the start, whatever the layer's size.
        """
        return weight_norms(self.layers)

    def _goodness(self, activities: list[Tensor]) -> Tensor:
        return total_goodness(self.layers, activities, self.pieces)

    def _all(self, images: Tensor, label: int) -> Tensor:
        return torch.full((len(images),), label, dtype=torch.long, device=images.device)

    def _neutral_voters(self, images: Tensor, chance: torch.Generator | None = None) -> Tensor:
        labels = self._all(images, self.classes)
        done = self.forward(*self.first_product(images), labels, chance=chance)
        return self._voters(done.normalised)

    def _voters(self, normalised: list[Tensor]) -> Tensor:
        return torch.cat([normalised[depth] for depth in self.voting], dim=1)

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
            done = self.forward(*self.first_product(images), drawn.squeeze(1))
            images, chances = its.down(done.activities[-1], activation, self.normalise, generator)
        return self.label.images(images), chances

    # Learning ---------------------------------------------------------------------------------

    @torch.inference_mode()
    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.capabilities.Learner`."""
        self.pieces = begin_chunk(self.layers, self.pieces, chunk)
        totals = []
        for step, index in enumerate(chunk.index):
            images, labels = chunk.take(index)
            total = self._step(chunk, images, labels, chunk.gains[step])
            # On a CPU a look at every step is free; a GPU would have to wait for each.
            if total.device.type == "cpu" and not math.isfinite(total):
                return step
            totals.append(total)
        sound = torch.stack(totals).isfinite()
        if not bool(sound.all()):
            return int((~sound).nonzero()[0])
        learnt = [self.softmax.weight, *(layer.weight for layer in self.layers)]
        return None if finite(*learnt) else len(totals) - 1

    def _step(self, chunk: Chunk, images: Tensor, labels: Tensor, gain: float) -> Tensor:
        """Take one step; return a sum that shows any number gone astray.

        All that is needed goes through the network in one pass: real cases, then negative ones,
        then (neutral) those the softmax learns from, unless hard negatives asked for them before.
        Without a label in the input, real cases are neutral.
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
        reads = "softmax" in self.readouts
        if chunk.sign != "negative" and batch.voters is None and self.sees_labels and reads:
            shown.append((batch.canvas, batch.product, self._all(images, self.classes)))
        self._batch = None
        canvas, product, shown_labels = (
            parts[0] if len(parts) == 1 else torch.cat(parts) for parts in zip(*shown, strict=True)
        )
        # Where only some layers learn and nothing else looks, those above them can stay silent.
        looked_at = reads or self.generator is not None
        top = None if chunk.layers is None or looked_at else max(chunk.layers)
        done = self.forward(canvas, product, shown_labels, top, self._chance())
        total, normalised = self._update(done, rows, cases, chunk, gain)
        self.real_steps += chunk.sign != "negative"
        if self.boxes and self.boxes[0].kind == "learning" and chunk.sign != "negative":
            self._perturb(canvas[:cases], labels)
        if chunk.sign != "negative":
            if reads:
                voters = batch.voters
                if voters is None:
                    neutral = slice(rows, None) if self.sees_labels else slice(cases)
                    voters = self._voters([y[neutral] for y in normalised])
                self.softmax.learn(voters, labels, gain)
                total += self.softmax.bias.sum()
            if self.generator is not None:
                image = batch.canvas[:, self.classes :]
                self.generator.learn(image, [y[:cases] for y in normalised], labels)
                total += self.generator.maps[0].bias.sum()
        return total

    def _update(
        self, done: Pass, rows: int, cases: int, chunk: Chunk, gain: float
    ) -> tuple[Tensor, list[Tensor]]:
        """Update every layer from the first ``rows`` of a pass.

        Returns the sum of all goodness, and the normalised activities of all rows.
        """
        sign = done.inputs[0].new_full((rows,), -1.0)
        if chunk.sign != "negative":
            sign[:cases] = 1.0
        parts = state_rows(chunk, cases, rows)
        total = sign.new_zeros(())
        drill = chunk.updates_per_batch > 1
        for depth, layer in enumerate(self.layers[: len(done.totals)]):
            # In a drill the layers below have moved on since the pass.
            given = done.inputs[depth]
            if drill and depth:
                given = self._boxed(depth - 1, done.normalised[depth - 1], self._chance())
            learns = not self.fixed and (chunk.layers is None or depth + 1 in chunk.layers)
            for _ in range(chunk.updates_per_batch):
                z, y = done.totals[depth][:rows], done.activities[depth][:rows]
                if drill:
                    z, y = self._activity(layer, given[:rows])
                goodness = block_goodness(layer, y, self.pieces)
                if not learns:
                    continue
                left = delta(layer, z, y, goodness, sign, self.pieces)
                if chunk.sign != "negative" and self.pieces.peer:
                    left[:cases] += peer_term(layer, y[:cases], self.pieces)
                self._move(layer, left, given[:rows], parts, cases, chunk, gain)
            total += goodness.sum()
            if drill:
                y = self._activity(layer, given)[1]
                done.normalised[depth] = y * self.normalise(y)
        return total, done.normalised

    def _perturb(self, canvas: Tensor, labels: Tensor) -> None:
        """Let black boxes learn from what noise does to the cost of real cases."""
        size, rate, every = self.box_learning
        if self.fixed or self.real_steps % every:
            return
        first = self.layers[0]
        product = first.connection.drive(canvas, first.weight)  # with the weights of now
        clean = self.forward(canvas, product, labels)

        def cost(noise: list[Tensor] | None) -> Tensor:
            done = clean if noise is None else self.forward(canvas, product, labels, noise=noise)
            total = canvas.new_zeros(len(canvas))
            for layer, y in zip(self.layers[1:], done.activities[1:], strict=True):
                goodness = block_goodness(layer, y, self.pieces)
                odds = log_odds(layer, goodness, self.pieces, layer.blocks)
                total -= torch.nn.functional.logsigmoid(odds).sum(1)
            return total

        perturb(self.boxes, clean.normalised[:-1], cost, size, rate, self.streams("boxes"))

    def _activity(self, layer: Layer, given: Tensor) -> tuple[Tensor, Tensor]:
        """Return a layer's total input and activity (rows, units) for inputs (rows, inputs)."""
        z = layer.connection.drive(given, layer.weight, layer.bias)
        return z, self.pieces.activation.value(z)

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
            "layers": [layer.state() for layer in self.layers],
            "softmax": self.softmax.state_dict(),
            "boxes": [its.weight for its in self.boxes],
            "real_steps": self.real_steps,
            "generator": None if self.generator is None else self.generator.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        self.layers = restore(self.layers, state["layers"])
        self.softmax.load_state_dict(state["softmax"])
        self.real_steps = state["real_steps"]
        for box, weight in zip(self.boxes, state["boxes"], strict=True):
            box.weight = weight
        if self.generator is not None:
            self.generator.load_state_dict(state["generator"])
