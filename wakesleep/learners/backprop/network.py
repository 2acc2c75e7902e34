"""A network of rectified linear units that learns labels by backpropagation and Adam.

Dense layers or local ones without weight sharing, dropout (Srivastava et al. 2014) and label
smoothing (Szegedy et al. 2016): the baselines of sections 3 and 4 of Hinton 2022.

It runs under the same protocols as the local rules. It has no negative phase: awake (and in
interleaved steps) it learns from real cases, asleep it rests.

Two remedies against forgetting: elastic weight consolidation (Kirkpatrick et al. 2017, PNAS 114,
3521-3526; in the form of Huszar 2018, PNAS 115, E2496, where importances add up and one anchor
moves to the latest weights), and dreams of a top-down path like that of Forward-Forward networks,
which a phase of replay learns from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.backprop.gradients import perturbed, through_assumed
from wakesleep.learners.backprop.on_devices import erase, program
from wakesleep.learners.backprop.parameters import Parameters
from wakesleep.learners.capabilities import DreamSettings
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.parts.connections import connected
from wakesleep.learners.parts.generator import Generator
from wakesleep.learners.parts.hardware import Devices, devices, sent
from wakesleep.learners.parts.states import check_shapes
from wakesleep.runtime.randomness import drawn_column


class Backprop:
    """A network that learns by backpropagation and Adam, with a softmax on top.

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
        betas = (p.beta1, p.beta2)
        self.optimiser = torch.optim.AdamW(
            self.learnt, lr=p.rate, betas=betas, weight_decay=p.decay
        )
        self.rate = p.rate
        self.devices: list[Devices] = []
        if p.hardware is not None:
            with torch.no_grad():
                seed, chance = setting.streams.seed, setting.streams("devices")
                self.devices = [
                    devices(p.hardware, its, number, seed, chance)
                    for number, its in enumerate(self.weights[:-1], 1)
                ]
        self.backward = p.backward or "assumed"
        self.perturbations = (p.perturbations or 16) if p.backward == "perturbed" else 0
        self.perturber = setting.streams("perturbations") if self.perturbations else None
        self.conductances: list[dict[str, Tensor]] = [{} for _ in self.devices]
        self.assumed: list[Tensor] = []
        self.copied()
        self.ewc = p.ewc
        consolidates = p.ewc is not None
        self.importance = [torch.zeros_like(its) for its in self.learnt] if consolidates else []
        self.anchors = [its.detach().clone() for its in self.learnt] if consolidates else []
        self.estimate = [torch.zeros_like(its) for its in self.importance]
        self.estimated = 0
        self.generator = None
        if p.top_down:
            widths = [setting.classes + setting.features]
            widths += [its.units for its in self.connections[:-1]]
            self.generator = Generator(
                widths,
                setting.classes,
                setting.places,
                p.top_down_rate or 0.05,
                self.biases[0].detach(),
                p.dreams_vary == "jointly",
                bool(p.dream_copy),
            )

    @property
    def learnt(self) -> list[Tensor]:
        """All weights and biases."""
        return [*self.weights, *self.biases]

    def logits(self, images: Tensor, learning: bool = False) -> Tensor:
        """Return total inputs of the softmax (n, classes); units drop out while it learns."""
        y = self.shown(images)
        y = self._dropped(y, self.input_dropout) if learning else y
        layers = zip(self.connections, self.weights, self.biases, strict=True)
        *hidden, (top, weight, bias) = layers
        for depth, (wires, its_weight, its_bias) in enumerate(hidden):
            y = self._output(depth, torch.relu(wires.drive(y, its_weight, its_bias)))
            y = self._dropped(y, self.dropout) if learning else y
        return top.drive(y, weight, bias)

    def shown(self, images: Tensor) -> Tensor:
        """Return the inputs of the first layer."""
        return images - images.mean(1, keepdim=True) if self.centre else images

    def _output(self, depth: int, y: Tensor) -> Tensor:
        """Return the actual outputs of a layer's units for the intended activity."""
        return self.devices[depth].output(y) if self.devices else y

    def copied(self) -> None:
        """Program the weights on this network's devices, unless they come from these."""
        program(self)

    @torch.no_grad()
    def rest(self, steps: int) -> None:
        """Let so many steps pass in which nothing is learned: devices drift."""
        for weight, its, state in zip(self.weights, self.devices, self.conductances, strict=False):
            its.wait(weight, state, steps)

    def erase(
        self, layers: Sequence[int], kept: float, times: int, paces: Sequence[Tensor] | None
    ) -> bool:
        """Weaken devices; see :class:`wakesleep.learners.capabilities.Erases`."""
        return erase(self, layers, kept, times, paces)

    def _dropped(self, y: Tensor, share: float) -> Tensor:
        """Return activities with a random share silenced, the others raised to make up for it."""
        if not share:
            return y
        drawn = torch.rand(y.shape, generator=self.silencer, device=y.device)
        return y * (drawn >= share) / (1 - share)

    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.learners.capabilities.Learner`."""
        if chunk.sign == "negative":
            self.rest(len(chunk.index))
            return None
        for step, index in enumerate(chunk.index):
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate * chunk.gains[step]
            images, labels = chunk.take(index)
            if self.perturbations:
                loss = perturbed(self, images, labels, self.perturbations, self.perturber)
            elif self.devices and self.backward != "true":
                loss = through_assumed(self, images, labels, self.backward == "assumed")
            else:
                loss = torch.nn.functional.cross_entropy(
                    self.logits(images, learning=True), labels, label_smoothing=self.label_smoothing
                )
                if self.ewc:
                    loss = loss + self._penalty()
                self.optimiser.zero_grad()
                loss.backward()
            if not bool(loss.isfinite()):
                return step
            before = [its.detach().clone() for its in self.weights[:-1]] if self.devices else []
            self.optimiser.step()
            with torch.no_grad():
                for depth, was in enumerate(before):
                    self.assumed[depth] += self.weights[depth] - was
                    self.devices[depth].write(self.weights[depth], self.conductances[depth])
                for wires, weight in zip(self.connections, self.weights, strict=True):
                    wires.confine(weight)
                if self.generator is not None and chunk.top_down:
                    self.generator.learn(images, self.hidden(images), labels)
        return None

    def _penalty(self) -> Tensor:
        """Return the penalty for moving important weights away from their anchor values."""
        assert self.ewc is not None  # else nobody asks
        apart = [
            (weighs * (its - was).square()).sum()
            for weighs, its, was in zip(self.importance, self.learnt, self.anchors, strict=True)
        ]
        return 0.5 * self.ewc * torch.stack(apart).sum()

    def consolidate(self, images: Tensor, generator: torch.Generator, last: bool) -> None:
        """Add the Fisher information of a batch; see ``capabilities.Consolidates``.

        Its diagonal is the mean square of the gradient of a case's log likelihood, with labels
        drawn from the network's own probabilities. A network with ``dream_copy`` also keeps a
        copy of its dream path.
        """
        if last and self.generator is not None and self.generator.keeps_copy:
            self.generator.keep_copy()
        if self.ewc is None:
            return
        drawn = drawn_column(self.label_probabilities(images), generator)
        for image, label in zip(images.split(1), drawn.split(1), strict=True):
            loss = torch.nn.functional.cross_entropy(self.logits(image), label)
            for total, its in zip(
                self.estimate, torch.autograd.grad(loss, self.learnt), strict=True
            ):
                total += its.square()
        self.estimated += len(images)
        if last:
            for weighs, total in zip(self.importance, self.estimate, strict=True):
                weighs += total / self.estimated
                total.zero_()
            self.estimated = 0
            self.anchors = [its.detach().clone() for its in self.learnt]

    @torch.no_grad()
    def hidden(self, images: Tensor) -> list[Tensor]:
        """Return the activities of the hidden layers (n, units), the lowest first."""
        y = self.shown(images)
        found = []
        layers = zip(self.connections[:-1], self.weights, self.biases, strict=False)
        for depth, (wires, weight, bias) in enumerate(layers):
            y = self._output(depth, torch.relu(wires.drive(y, weight, bias)))
            found.append(y)
        return found

    @torch.no_grad()
    def dream(
        self, labels: Tensor, how: DreamSettings, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return dreams; see :class:`wakesleep.learners.capabilities.Dreams`."""
        assert self.generator is not None  # the model file says that it dreams
        return self.generator.dreams(
            labels, how.start, lambda its, some: self._dream(its, some, how, generator)
        )

    def _dream(
        self, its: Generator, labels: Tensor, how: DreamSettings, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        top = its.start(how.start, labels, how.spread, generator)
        images, chances = its.down(top, torch.relu, _as_it_is, generator, how.noise)
        for _ in range(how.settle):
            images, chances = its.down(
                self.hidden(images)[-1], torch.relu, _as_it_is, generator, how.noise
            )
        return images, chances

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

    @torch.no_grad()
    def unit_activity(self, images: Tensor, labels: Tensor) -> list[Tensor]:
        """Return the mean activity of the units (units,) of each layer; at the top, chances."""
        above = self.logits(images).softmax(1)
        return [y.mean(0) for y in (*self.hidden(images), above)][: len(self.weights)]

    def pulses(self) -> Tensor:
        """Return how many pulses a device has received, the mean of each layer (layers,)."""
        return sent(self.conductances, len(self.layer_names))

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
            "importance": self.importance,
            "anchors": self.anchors,
            "estimate": self.estimate,
            "estimated": self.estimated,
            "conductances": self.conductances,
            "assumed": self.assumed,
            "generator": None if self.generator is None else self.generator.state_dict(),
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned; a ValueError if it is another net's."""
        mine, theirs = [*self.weights, *self.biases], [*state["weights"], *state["biases"]]
        check_shapes(mine, theirs)
        for ours, its in zip(mine, theirs, strict=True):
            ours.copy_(its)
        own = [
            {name: its for name, its in group.items() if name != "params"}
            for group in self.optimiser.param_groups
        ]
        self.optimiser.load_state_dict(state["optimiser"])
        for group, its in zip(self.optimiser.param_groups, own, strict=True):
            group.update(its)  # rates and decays are this network's, whatever was stored
        if self.devices:
            self.conductances = state.get("conductances") or [{} for _ in self.devices]
            self.assumed = state.get("assumed") or [its.detach().clone() for its in self.weights]
            self.assumed = self.assumed[: len(self.devices)]
        if self.ewc is not None and state["importance"]:
            self.importance, self.anchors = state["importance"], state["anchors"]
            self.estimate, self.estimated = state["estimate"], state["estimated"]
        elif self.ewc is not None:  # a network that did not consolidate
            self.anchors = [its.detach().clone() for its in self.learnt]
        if self.generator is not None:
            self.generator.load_state_dict(state["generator"])


def _as_it_is(y: Tensor) -> Tensor:
    return y.new_ones(())
