"""Passes of a case through a Forward-Forward network with steps in time.

Every layer gets input from the layers below and above. Hinton 2022 (arXiv 2212.13345), section 3.4
(MNIST) and section 4 (CIFAR-10). The image is clamped at the bottom and the label at the top.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from wakesleep.data.jitter import shifted
from wakesleep.errors import InputError
from wakesleep.learners.chunks import Setting
from wakesleep.learners.forward_forward.layer import Layer
from wakesleep.learners.forward_forward.recurrent_parameters import Parameters
from wakesleep.learners.forward_forward.stack import Stack
from wakesleep.learners.parts.connections import Connection, Dense, Local, connected, joined, local
from wakesleep.learners.parts.receptive_fields import LocalLayer

Frames = Callable[[int], Tensor]


@dataclass
class Batch:
    """The bottom-up pass of the current batch, kept so that it is not repeated within a step."""

    images: Tensor
    frames: Frames
    states: list[Tensor]


class InTime(Stack):
    """Hidden layers between an image at the bottom and a label at the top.

    Attributes
    ----------
    widths
        Number of pixels, then of units of each layer, then of classes.
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
        super().__init__(p, _connections(p, setting), setting)
        self.shape = setting.shape
        self.widths = [setting.features, *(layer.units for layer in self.layers), self.classes]
        for depth, layer in enumerate(self.layers):
            _share(layer, self.widths[depth])
        # Zero for the neutral label, which is one beyond the last.
        labels = p.label_strength * self.normed(torch.eye(self.classes).to(self.layers[0].bias))
        self.label_table = torch.cat((labels, torch.zeros_like(labels[:1])))
        self.drifting = setting.streams("drift") if p.drift else None

    def frames(self, images: Tensor, generator: torch.Generator | None = None) -> Frames:
        """Return the input at each step in time: normalised images (n, features).

        Only the image is stored; every frame is computed when it is needed.

        Parameters
        ----------
        images
            (n, features)
        generator
            Random stream of the velocities; default the start of their own stream, as in probes.
        """
        reach = self.parameters.drift
        if self.parameters.centre:  # before it moves, so that the area it leaves is mean grey
            images = images - images.mean(1, keepdim=True)
        if not reach:
            still = self.normed(images)
            return lambda time: still
        generator = generator or self.streams.fresh("drift")
        size = (len(images), 2)
        velocity = torch.randint(-reach, reach + 1, size, generator=generator, device=images.device)
        # The image is in the middle of the frame after half of the movement.
        middle = self.parameters.iterations // 2
        furthest = reach * (self.parameters.iterations - middle)

        def frame(time: int) -> Tensor:
            by = velocity * (time - middle)
            return self.normed(shifted(images, self.shape, by, furthest))

        return frame

    def bottom_up(self, frames: Frames) -> list[Tensor]:
        """Return each layer's activity (n, units) after one pass with nothing from above."""
        below, states = frames(0), []
        for depth, layer in enumerate(self.layers):
            silent = below.new_zeros(len(below), self.widths[depth + 2])
            given = torch.cat((below, silent), dim=1)
            z = layer.connection.drive(given, layer.weight, layer.bias)
            states.append(self.pieces.activation.value(z))
            below = self.normed(states[-1])
        return states

    def clamped(self, image: Tensor) -> Tensor | None:
        """Return what an image (n, features) adds to the first layer's total input (n, units).

        Bias included. It is the same for every label, and as long as image and weights stay. None
        where the first layer has receptive fields.
        """
        first = self.layers[0]
        if not isinstance(first.connection, Dense):
            return None
        return torch.addmm(first.bias, image, first.weight[:, : self.widths[0]].T)

    def step(
        self,
        image: Tensor,
        states: list[Tensor],
        label: Tensor,
        clamped: Tensor | None = None,
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Advance by one step in time.

        Parameters
        ----------
        image
            Normalised image (n, features).
        states
            Activities of all layers before (n, units).
        label
            Normalised label (n, classes).
        clamped
            From :meth:`clamped`, for these images and the weights of now; default worked out here.

        Returns
        -------
        inputs
            Inputs of each layer: from below, then from above (n, inputs).
        totals
            Total inputs (n, units).
        states
            Activities, the last ones mixed in (n, units).
        """
        kept, states = self.parameters.damping, list(states)
        told = [image, *(self.normed(its) for its in states), label]
        inputs: list[Tensor] = [image] * len(states)
        totals: list[Tensor] = [image] * len(states)
        numbers = list(range(len(states)))
        synchronous = self.parameters.schedule == "synchronous"
        for turn in [numbers] if synchronous else [numbers[0::2], numbers[1::2]]:
            for depth in turn:
                layer = self.layers[depth]
                inputs[depth] = torch.cat((told[depth], told[depth + 2]), dim=1)
                if depth == 0 and clamped is not None:
                    z = torch.addmm(clamped, told[2], layer.weight[:, self.widths[0] :].T)
                else:
                    z = layer.connection.drive(inputs[depth], layer.weight, layer.bias)
                totals[depth] = z
                y = self.pieces.activation.of(z)
                states[depth] = torch.lerp(y, states[depth], kept)
            for depth in turn:
                told[depth + 1] = self.normed(states[depth])
        return inputs, totals, states


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
