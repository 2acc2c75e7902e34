"""A Helmholtz machine that learns by the wake-sleep algorithm.

Hinton, Dayan, Frey & Neal 1995, *The wake-sleep algorithm for unsupervised neural networks*. Awake,
recognition weights choose hidden states and the generative weights learn to make each layer from
the one above; asleep, the generative weights dream and the recognition weights learn to find out
what was dreamt. Both by the local delta rule.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from wakesleep.learners.boltzmann.exact import states
from wakesleep.learners.boltzmann.layout import Layout, bits, check_holdable
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.helmholtz.parameters import Parameters

REMEMBERED = 0.99  # weight of the past in the mean goodness of real cases and of dreams
SAMPLES = 20  # recognition samples a bound is averaged over, where states are too many


class Helmholtz:
    """Layers of binary units with weights upwards (recognition) and downwards (generation).

    Attributes
    ----------
    theta
        ``up0``, ``up_bias0``, ... recognise layer 1 from layer 0 (the visible one), ...; ``down0``,
        ``down_bias0``, ... generate layer 0 from layer 1, ...; ``top`` is the top layer's bias.
    """

    layer_names = ("machine",)
    own_negatives_only = True  # recognition learns nothing from cases whose causes are unknown

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        p = self.parameters = parameters
        self.layout = Layout(setting.features, setting.classes if p.label_units else 0, p.hidden)
        self.widths = (self.layout.visible, *p.hidden)
        kind: dict[str, Any] = {"device": setting.device, "dtype": setting.dtype}
        weights = setting.streams("weights")
        self.theta: dict[str, Tensor] = {"top": torch.zeros(self.widths[-1], **kind)}
        for number, (below, above) in enumerate(itertools.pairwise(self.widths)):
            for name, shape in ((f"up{number}", (below, above)), (f"down{number}", (above, below))):
                self.theta[name] = torch.randn(shape, generator=weights, **kind) * p.start_scale
            self.theta[f"up_bias{number}"] = torch.zeros(above, **kind)
            self.theta[f"down_bias{number}"] = torch.zeros(below, **kind)
        self.velocity = {name: torch.zeros_like(its) for name, its in self.theta.items()}
        self.momentum = p.momentum
        self.generator = setting.streams("sampling")
        self.remembered = torch.zeros(2, **kind)
        self.updates = [0, 0]
        self.sees_labels = p.label_units
        self.readouts = ("goodness",)
        # Probes use the same recognition samples every time.
        self.probing = setting.streams

    def check_data(self, images: Tensor) -> None:
        """Refuse data that the machine's units cannot hold; called before anything is learnt.

        Raises
        ------
        InputError
            If images are grey and taken as they are, or have values outside 0 to 1.
        """
        check_holdable(images, self.parameters.binarise)

    def synapses(self) -> list[Tensor]:
        """Return the weights upwards and downwards."""
        layers = range(len(self.widths) - 1)
        return [self.theta[f"{way}{number}"] for way in ("up", "down") for number in layers]

    # Passes -----------------------------------------------------------------------------------

    def up(self, number: int, below: Tensor) -> Tensor:
        """Return the total input of layer ``number`` + 1 from the one below, by recognition."""
        return torch.addmm(self.theta[f"up_bias{number}"], below, self.theta[f"up{number}"])

    def down(self, number: int, above: Tensor) -> Tensor:
        """Return the total input of layer ``number`` from the one above, by generation."""
        return torch.addmm(self.theta[f"down_bias{number}"], above, self.theta[f"down{number}"])

    def recognised(self, visible: Tensor, generator: torch.Generator) -> list[Tensor]:
        """Return all layers' states, the hidden ones drawn from the bottom up."""
        layers = [visible]
        for number in range(len(self.widths) - 1):
            layers.append(bits(torch.sigmoid(self.up(number, layers[-1])), generator))
        return layers

    def fantasy(self, count: int, generator: torch.Generator) -> list[Tensor]:
        """Return all layers' states, drawn from the top down."""
        top = bits(torch.sigmoid(self.theta["top"]).expand(count, -1), generator)
        layers = [top]
        for number in range(len(self.widths) - 2, -1, -1):
            drive = self.down(number, layers[0])
            drawn = (
                bits(torch.sigmoid(drive), generator)
                if number
                else self.layout.draw(drive, generator)
            )
            layers.insert(0, drawn)
        return layers

    def log_generated(self, layers: list[Tensor]) -> Tensor:
        """Return log p of all layers' states (n,)."""
        total = _log_p(self.theta["top"].expand_as(layers[-1]), layers[-1])
        for number in range(len(layers) - 1):
            drive = self.down(number, layers[number + 1])
            total = total + (
                _log_p(drive, layers[number]) if number else self._log_visible(drive, layers[0])
            )
        return total

    def log_recognised(self, layers: list[Tensor]) -> Tensor:
        """Return log q of the hidden states given the visible ones (n,)."""
        return sum(
            (_log_p(self.up(number, layers[number]), layers[number + 1])
             for number in range(len(layers) - 1)),
            layers[0].new_zeros(len(layers[0])),
        )  # fmt: skip

    def _log_visible(self, drive: Tensor, visible: Tensor) -> Tensor:
        pixels = self.layout.pixels
        found = _log_p(drive[:, :pixels], visible[:, :pixels])
        if self.layout.labels:
            found = found + (drive[:, pixels:].log_softmax(1) * visible[:, pixels:]).sum(1)
        return found

    # What a probe asks ------------------------------------------------------------------------

    def bound(self, visible: Tensor) -> Tensor:
        """Return the bound on log p(visible) (n,): the mean of log p - log q over q."""
        generator = self.probing.fresh("helmholtz bound")
        total = visible.new_zeros(len(visible))
        for _ in range(SAMPLES):
            layers = self.recognised(visible, generator)
            total += self.log_generated(layers) - self.log_recognised(layers)
        return total / SAMPLES

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the bound on the log likelihood (1, n).

        Grey images are drawn binary, always in the same way, if learning draws them.
        """
        if self.parameters.binarise == "stochastic":
            images = bits(images, self.probing.fresh("goodness of grey images"))
        return self.bound(self.layout.clamped(images, labels)).unsqueeze(0)

    def log_odds(self, goodness: Tensor) -> Tensor:
        """Return goodness less the threshold, of shape (1, n)."""
        return goodness - self.thresholds().unsqueeze(1)

    def thresholds(self) -> Tensor:
        """Return the goodness midway between its running means on real cases and on dreams (1,)."""
        return self.remembered.mean().unsqueeze(0)

    def log_likelihood(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the exact log probability (n,), in nats, by summing over all hidden states."""
        visible = self.layout.clamped(images, labels)
        hidden = states(sum(self.parameters.hidden), visible)
        found = []
        for row in visible:
            layers = [
                row.expand(len(hidden), -1), *hidden.split(list(self.parameters.hidden), dim=1)
            ]  # fmt: skip
            found.append(self.log_generated(layers).logsumexp(0))
        return torch.stack(found)

    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return p(label | image) (n, classes), estimated from the bounds."""
        labels = torch.arange(self.layout.labels, device=images.device)
        tried = [self.goodness(images, label.expand(len(images)))[0] for label in labels]
        return torch.stack(tried, 1).softmax(1)

    def classify(self, images: Tensor, readout: str) -> Tensor:
        """Return the label with the highest bound (n,)."""
        return self.label_probabilities(images).argmax(1)

    @torch.inference_mode()
    def sample(
        self, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return fantasies, as many as there are cases."""
        return self.layout.seen(self.fantasy(len(images), generator)[0])

    # Learning ---------------------------------------------------------------------------------

    @torch.inference_mode()
    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.learners.capabilities.Learner`."""
        if chunk.momentum is not None:
            self.momentum = chunk.momentum
        if chunk.fresh_state:
            for its in self.velocity.values():
                its.zero_()
        for step, index in enumerate(chunk.index):
            images, labels = chunk.take(index)
            rate = chunk.gains[step] * self.parameters.rate
            if chunk.sign != "negative":
                self.wake(images, labels, rate)
            if chunk.sign != "positive":
                self.sleep(self.fantasy(len(images), self.generator), rate)
            if not bool(torch.stack([its.sum() for its in self.theta.values()]).isfinite().all()):
                return step
        return None

    def wake(self, images: Tensor, labels: Tensor, rate: float) -> None:
        """Let the generative weights learn to generate the states that recognition found."""
        if self.parameters.binarise == "stochastic":
            images = bits(images, self.generator)
        layers = self.recognised(self.layout.clamped(images, labels), self.generator)
        cases = len(images)
        errors = {"top": (layers[-1] - torch.sigmoid(self.theta["top"])).mean(0)}
        for number in range(len(layers) - 1):
            drive = self.down(number, layers[number + 1])
            expected = torch.sigmoid(drive)
            if number == 0 and self.layout.labels:
                expected[:, self.layout.pixels :] = drive[:, self.layout.pixels :].softmax(1)
            error = layers[number] - expected
            errors[f"down{number}"] = layers[number + 1].T @ error / cases
            errors[f"down_bias{number}"] = error.mean(0)
        self._move(errors, rate)
        self._remember(0, layers)

    def sleep(self, layers: list[Tensor], rate: float) -> None:
        """Let the recognition weights learn to recover the states that were dreamt."""
        cases = len(layers[0])
        errors = {}
        for number in range(len(layers) - 1):
            error = layers[number + 1] - torch.sigmoid(self.up(number, layers[number]))
            errors[f"up{number}"] = layers[number].T @ error / cases
            errors[f"up_bias{number}"] = error.mean(0)
        self._move(errors, rate)
        self._remember(1, layers)

    def _move(self, errors: dict[str, Tensor], rate: float) -> None:
        for name, error in errors.items():
            self.velocity[name].lerp_(error, 1 - self.momentum)
            self.theta[name].add_(self.velocity[name], alpha=rate)

    def _remember(self, number: int, layers: list[Tensor]) -> None:
        mean = (self.log_generated(layers) - self.log_recognised(layers)).mean()
        self.remembered[number].lerp_(mean, 1 - REMEMBERED if self.updates[number] else 1.0)
        self.updates[number] += 1

    # State ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return every tensor that a resumed run needs."""
        return {
            "theta": self.theta,
            "velocity": self.velocity,
            "remembered": self.remembered,
            "updates": self.updates,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        self.theta, self.velocity = state["theta"], state["velocity"]
        self.remembered, self.updates = state["remembered"], state["updates"]


def _log_p(drive: Tensor, state: Tensor) -> Tensor:
    """Return the log probability (n,) of binary states given their total inputs."""
    return -binary_cross_entropy_with_logits(drive, state, reduction="none").sum(1)
