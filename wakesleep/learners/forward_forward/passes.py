"""Passes of a case through a feed-forward Forward-Forward network.

Hinton 2022 (arXiv 2212.13345), section 2: the next layer gets the direction of a layer's activity,
not its length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward.black_box import boxes
from wakesleep.learners.forward_forward.label import LabelInput
from wakesleep.learners.forward_forward.layer import Layer
from wakesleep.learners.forward_forward.parameters import Parameters
from wakesleep.learners.forward_forward.slow_changes import SlowChanges
from wakesleep.learners.forward_forward.stack import Stack
from wakesleep.learners.parts.connections import connected
from wakesleep.learners.parts.generator import Generator
from wakesleep.learners.parts.hardware import devices


@dataclass
class Batch:
    """Values of the current batch, kept so that nothing is computed twice within a step."""

    images: Tensor
    canvas: Tensor
    product: Tensor
    voters: Tensor | None = None  # what the softmax reads in the neutral pass
    chances: Tensor | None = None  # and what it says


@dataclass
class Pass:
    """The values of a pass through the network, layer by layer from the input upwards.

    Attributes
    ----------
    inputs
        Inputs of each layer (n, inputs).
    totals, activities
        Total inputs and activities of each layer (n, units). Totals may hold the activities, if
        slopes can be computed from these
        (:class:`wakesleep.learners.forward_forward.activation.Activation`).
    normalised
        Normalised activity of each layer (n, units); for the top layer only on request.
    """

    inputs: list[Tensor] = field(default_factory=list)
    totals: list[Tensor] = field(default_factory=list)
    activities: list[Tensor] = field(default_factory=list)
    normalised: list[Tensor] = field(default_factory=list)


class Feedforward(Stack):
    """Layers one above the other, with a label in the input or without.

    Attributes
    ----------
    label
        Where the label enters.
    boxes
        Black boxes between layers; empty where there are none.
    generator
        The top-down path; None where the network has none.
    """

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        p = parameters
        if setting.places and p.label == "first_pixels":
            raise InputError(
                "a window of symbols has no pixels to spare for a label; use label: extra_units"
            )
        if p.label == "first_pixels" and setting.classes >= setting.features:
            raise InputError(
                f"{setting.classes} labels leave nothing of {setting.features} pixels; use label: "
                "extra_units"
            )
        self.label = LabelInput(p.label, setting.classes, p.label_strength, p.neutral)
        self.sees_labels = p.label != "none"
        inputs = self.label.inputs(setting.features)
        super().__init__(p, connected(inputs, setting.image, p.layers, setting.device), setting)
        self.label_table = self.label.table(self.layers[0].bias)
        self.widths = (inputs, *(layer.units for layer in self.layers))
        like = self.layers[0].bias
        self.boxes = boxes(p.black_box, self.widths[1:], setting.streams("boxes"), like)
        self.box_learning = (p.box_noise, p.box_rate, p.box_every)
        self.generator = (
            Generator(
                self.widths,
                setting.classes,
                setting.places,
                p.top_down_rate,
                like,
                p.dreams_vary == "jointly",
                bool(p.dream_copy),
            )
            if p.top_down
            else None
        )
        if p.hardware is not None:
            for number, layer in enumerate(self.layers, 1):
                chance = setting.streams("devices")
                layer.devices = devices(
                    p.hardware, layer.weight, number, setting.streams.seed, chance
                )
        self.copied()
        self.fixed = p.fixed
        its = (p.adaptation, p.adaptation_recovery, p.weight_fading, p.consolidation)
        self.slow_changes = SlowChanges(*(n or 0.0 for n in its)) if any(its) else None
        self.baseline_memory = p.baseline_memory
        self.real_steps = 0  # steps that real cases had a part in
        self.batch: Batch | None = None  # the one at hand within a step

    def first_product(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images' canvas (n, inputs) and its product with the first weights (n, units).

        The product is the same whatever the label, so one does for every label that is tried.
        """
        if self.batch is not None and self.batch.images is images:
            return self.batch.canvas, self.batch.product
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
        top_tells: bool = True,
    ) -> Pass:
        """Run the network once.

        Parameters
        ----------
        canvas, product
            From :meth:`first_product`; if there are more labels than rows, the rows are repeated.
        labels
            (n,); the number of classes stands for the neutral label.
        top
            Number of layers to go up; default all.
        chance
            Random stream of black boxes; default the start of a stream, as in passes that do not
            learn.
        noise
            Noise that is added to the outputs of black boxes that learn (n, units).
        top_tells
            Whether the normalised activity of the top layer is needed.
        """
        first = self.layers[0]
        inputs = self.label.written(canvas, self.label_table, labels)
        factor = self.normalise(inputs)
        if self.sees_labels:
            label_drive = self.label_table @ first.weight[:, : self.classes].T
            z = label_drive[labels]
            z.view(-1, *product.shape).add_(product)
            z.mul_(factor).add_(first.bias)
        else:
            z = (product * factor.view(-1, len(product), 1)).flatten(0, 1).add_(first.bias)
        if self.boxes and chance is None:
            chance = self.streams.fresh("boxes looked at")
        depths = range(len(self.layers[:top]))
        return self.climb(inputs.mul_(factor), z, depths, chance, noise, top_tells)

    def climb(
        self,
        inputs: Tensor,
        total: Tensor,
        depths: range,
        chance: torch.Generator | None = None,
        noise: list[Tensor] | None = None,
        top_tells: bool = True,
    ) -> Pass:
        """Run some layers, from the total input of the lowest of them.

        Parameters
        ----------
        inputs, total
            Inputs of the lowest of these layers (n, inputs), and its total input (n, units).
        depths
            Which layers, consecutive ones; the network's lowest layer is 0.
        chance, noise, top_tells
            See :meth:`forward`.
        """
        done, z = Pass([inputs]), total
        for depth in depths:
            layer = self.layers[depth]
            if depth > depths.start:
                done.inputs.append(self.boxed(depth - 1, done.normalised[-1], chance, noise))
                z = layer.connection.drive(done.inputs[-1], layer.weight, layer.bias)
            y = self.output(layer, z)
            done.totals.append(z)
            done.activities.append(y)
            if top_tells or depth + 1 < len(self.layers):
                done.normalised.append(y * self.normalise(y))
        return done

    def output(self, layer: Layer, z: Tensor) -> Tensor:
        """Return a layer's activities for its total inputs (n, units)."""
        y = self.pieces.activation.of(z)
        return y if layer.devices is None else layer.devices.output(y)

    def copied(self) -> None:
        """Program the weights on this network's devices, unless they come from these."""
        for layer in self.layers:
            if layer.devices is not None and not layer.devices.belongs(layer.conductances):
                layer.conductances = layer.devices.programmed(layer.weight)

    def rest(self, steps: int) -> None:
        """Let so many steps pass in which nothing is learned: devices drift."""
        for layer in self.layers:
            if layer.devices is not None:
                layer.devices.wait(layer.weight, layer.conductances, steps)

    def erase(
        self, layers: Sequence[int], kept: float, times: int, paces: Sequence[Tensor] | None
    ) -> bool:
        """Weaken devices; see :class:`wakesleep.learners.capabilities.Erases`."""
        for place, number in enumerate(layers):
            its = self.layers[number - 1]
            if its.devices is None:
                return False
            pace = None if paces is None else paces[place]
            its.devices.erase(its.weight, its.conductances, kept, times, pace)
        return True

    def replays(self, chunk: Chunk) -> bool:
        """Say whether steps can be replayed: black boxes that learn do so every so many steps."""
        learning = bool(self.boxes) and self.boxes[0].kind == "learning"
        # Python code resets the roots of covariances, and a captured step does not run it.
        jointly = self.generator is not None and self.generator.memory.covariance is not None
        imprecise = any(layer.devices is not None for layer in self.layers)
        return super().replays(chunk) and not learning and not jointly and not imprecise

    def step_replayed(self, chunk: Chunk) -> None:
        """Count a step whose Python code did not run."""
        self.real_steps += chunk.sign != "negative"

    def chance(self) -> torch.Generator | None:
        """Return the random stream of black boxes in passes that learn; None without any."""
        return self.streams("boxes") if self.boxes else None

    def boxed(
        self,
        depth: int,
        x: Tensor,
        chance: torch.Generator | None,
        noise: list[Tensor] | None = None,
    ) -> Tensor:
        """Return the input of the layer above for a layer's normalised activity (n, units)."""
        if not self.boxes:
            return x
        assert chance is not None  # networks with boxes pass a stream
        out = self.boxes[depth](x, chance, None if noise is None else noise[depth])
        return out * self.normalise(out)

    def every(self, images: Tensor, label: int) -> Tensor:
        """Return the same label for every image (n,)."""
        return torch.full((len(images),), label, dtype=torch.long, device=images.device)

    def neutral_voters(self, images: Tensor, chance: torch.Generator | None = None) -> Tensor:
        """Return what the softmax reads (n, inputs) in a pass with the neutral label."""
        labels = self.every(images, self.classes)
        done = self.forward(*self.first_product(images), labels, chance=chance)
        return self.voters(done.normalised)
