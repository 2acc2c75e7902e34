"""A Boltzmann machine that learns awake from data, and asleep from what it dreams.

The positive phase raises the probability of real cases, the negative phase lowers that of the
machine's own samples (Ackley, Hinton & Sejnowski 1985): goodness is minus the free energy.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.boltzmann import captured, connections, exact, sampling
from wakesleep.learners.boltzmann.ascent import Ascent
from wakesleep.learners.boltzmann.deep import Deep, layerwise
from wakesleep.learners.boltzmann.general import General
from wakesleep.learners.boltzmann.layout import Layout, bits, check_binary, check_holdable
from wakesleep.learners.boltzmann.parameters import Parameters
from wakesleep.learners.boltzmann.restricted import Restricted
from wakesleep.learners.boltzmann.sampler import Sampler
from wakesleep.learners.capabilities import DreamSettings
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.parts.plasticity import Gain, Momentum
from wakesleep.learners.parts.readout import SoftmaxReadout
from wakesleep.learners.parts.replay import Replay, kept

Theta = dict[str, Tensor]
REMEMBERED = 0.9  # weight of the past in the mean goodness of real cases and of dreams
EXACT_DRAWS = 200  # samples that represent an exact distribution


class Boltzmann:
    """A Boltzmann machine: its parameters, its chains and its learning rule.

    Attributes
    ----------
    layer_names
        ``machine`` alone: the goodness of a Boltzmann machine is that of the whole.
    readouts
        ``goodness`` (every label is tried; with label units) and ``softmax`` (a linear read-out of
        hidden probabilities; with hidden units).
    theta
        Weights and biases by name.
    ascent
        How statistics become a change of these.
    sampler
        Its chains, and how it settles awake and asleep.

    Raises
    ------
    InputError
        If the mask does not fit, or there are too many units for exact learning.
    """

    layer_names = ("machine",)

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        p = self.parameters = parameters
        labels = setting.classes if p.label_units else 0
        layout = self.layout = Layout(setting.features, labels, p.hidden)
        like = torch.zeros((), device=setting.device, dtype=setting.dtype)
        self.machine: Any = _machine(p, layout, setting.device)
        if p.sampler == "exact":
            if isinstance(self.machine, Restricted):
                exact.check(layout.hidden[0])
            else:
                exact.check(layout.units)
        self.theta: Theta = self.machine.start(p.start_scale, like, setting.streams("weights"))
        self.streams = setting.streams
        self.replay = Replay()
        self.generator = setting.streams("sampling")
        self.sees_labels = bool(labels)
        self.ascent = Ascent(self.machine, p)
        self.sampler = Sampler(self.machine, p, self.theta, self.generator)
        self.waking: Tensor | None = None  # the last real cases, on the visible units
        # Mean goodness of real and of negative cases: the threshold lies between them.
        self.remembered = like.new_zeros(2)
        self.updates = [0, 0]
        linear = bool(p.hidden) and p.linear_readout
        self.readouts = tuple(
            name for name, there in (("goodness", p.label_units), ("softmax", linear)) if there
        )
        self.softmax = (
            SoftmaxReadout(
                sum(p.hidden),
                setting.classes,
                Momentum(p.readout_rate, p.readout_momentum, p.readout_decay),
                like,
            )
            if linear
            else None
        )
        self.pretrained = p.layerwise == 0

    def check_data(self, images: Tensor) -> None:
        """Refuse data that the machine's units cannot hold; called before anything is learnt.

        Raises
        ------
        InputError
            If images are grey and taken as they are, or have values outside 0 to 1.
        """
        check_holdable(images, self.parameters.binarise)

    # What a probe asks ------------------------------------------------------------------------

    @property
    def acting(self) -> Theta:
        """Parameters as they act at the machine's temperature."""
        return self.sampler.acting(self.theta)

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return minus the free energy (1, n), or for connected hidden units the bound on it.

        Grey images are drawn binary, always in the same way, if learning draws them.
        """
        if self.parameters.binarise == "stochastic":
            images = bits(images, self.streams.fresh("goodness of grey images"))
        visible = self.layout.clamped(images, labels)
        return torch.as_tensor(self.machine.goodness(self.acting, visible)).unsqueeze(0)

    def log_odds(self, goodness: Tensor) -> Tensor:
        """Return goodness less the threshold, of shape (1, n)."""
        return goodness - self.thresholds().unsqueeze(1)

    def thresholds(self) -> Tensor:
        """Return the goodness midway between its running means on real and negative cases (1,).

        A Boltzmann machine has no threshold of its own; this one is estimated from past cases.
        """
        return self.remembered.mean().unsqueeze(0)

    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return p(label | image) (n, classes), exact where the free energy is."""
        if self.layout.labels:
            return torch.softmax(self.machine.label_goodness(self.acting, images), 1)
        assert self.softmax is not None  # else it offers no labels
        return self.softmax.probabilities(self.machine.features(self.acting, images))

    def classify(self, images: Tensor, readout: str) -> Tensor:
        """Return the label (n,) that the read-out picks for images (n, features)."""
        if readout == "goodness":
            return torch.as_tensor(self.machine.label_goodness(self.acting, images)).argmax(1)
        assert self.softmax is not None  # else there is no such read-out
        return self.softmax.probabilities(self.machine.features(self.acting, images)).argmax(1)

    def weight_norms(self) -> Tensor:
        """Return the root sum of squared weights per unit (1,)."""
        return torch.as_tensor(self.machine.norms(self.theta))

    def synapses(self) -> list[Tensor]:
        """Return the weights between units, biases left out."""
        return [its for name, its in self.theta.items() if name.startswith("weight")]

    def log_likelihood(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the exact log probability (n,) of binary cases, in nats, by enumeration."""
        theta = self.acting
        check_binary(images)
        visible = self.layout.clamped(images, labels)
        return exact.goodness(self.machine, theta, visible) - exact.log_z(self.machine, theta)

    def hidden_codes(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return which hidden units (n, hidden) are more probably on than off for images."""
        return self.machine.features(self.acting, images) > 0.5

    @torch.inference_mode()
    def complete(self, images: Tensor, given: int, generator: torch.Generator) -> Tensor:
        """Return images whose first ``given`` pixels are clamped; see ``Completes``.

        The others begin at random; what counts is how often each is on at the end of an
        annealing, or of a hundred sweeps where the machine's sampler does not anneal.
        """
        held = torch.arange(self.layout.visible, device=images.device) < given
        visible = self.layout.clamped(images, torch.zeros_like(images[:, 0], dtype=torch.long))
        found = self.sampler.completed(self.theta, visible, held, generator)
        return found[:, : self.layout.pixels]

    # Dreams -----------------------------------------------------------------------------------

    @torch.inference_mode()
    def sample(
        self, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return samples of the machine, as its sampler draws them; see ``Samples``."""
        rows = self._asleep(images, labels, generator, keep=False)
        return self.layout.seen(self.sampler.visible(rows, len(images), generator))

    @torch.inference_mode()
    def dream(
        self, labels: Tensor, how: DreamSettings, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return dreams after ``settle`` + 1 Gibbs sweeps; see :class:`capabilities.Dreams`.

        If dreams start from a ``label``, its units stay clamped. ``spread`` has no effect: the
        noise of a Boltzmann machine is its temperature.
        """
        layout, theta = self.layout, self.acting
        if how.start == "label" and not layout.labels:
            raise InputError(
                "a dream cannot start from a label: the machine has no label units; start it from "
                "noise, last_waking or stored"
            )
        count, held = len(labels), None
        noise = layout.random(count, self.theta[next(iter(self.theta))], generator)
        if how.start == "label":
            visible = layout.clamped(noise[:, : layout.pixels], labels)
            held = torch.arange(layout.visible, device=visible.device) >= layout.pixels
        elif how.start == "last_waking" and self.waking is not None:
            visible = self.waking[torch.arange(count, device=labels.device) % len(self.waking)]
        elif how.start == "stored" and self.sampler.coldest is not None:
            kept = self.sampler.coldest.visible[:, : layout.visible]
            visible = kept[torch.arange(count, device=labels.device) % len(kept)]
        else:
            visible = noise
        rows = self.machine.clamped(theta, visible, generator)
        rows = self.machine.as_states(rows, generator)
        rows = sampling.gibbs(self.machine, theta, rows, how.settle + 1, generator, held)
        images, found = layout.seen(rows.visible[:, : layout.visible])
        chances = torch.nn.functional.one_hot(found, max(layout.labels, 1)).to(images.dtype)
        return images, chances

    # Learning ---------------------------------------------------------------------------------

    @torch.inference_mode()
    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.learners.capabilities.Learner`."""
        self.ascent.begin(chunk)
        if not self.pretrained and chunk.sign != "negative":
            self._pretrain(*chunk.presented(), len(chunk.index[0]))
        cpu = chunk.images.device.type == "cpu"
        if replay := not cpu and captured.possible(self, chunk):
            captured.learn(self, chunk)
        for step, index in enumerate([] if replay else chunk.index):
            self.step(chunk, *chunk.take(index), chunk.gains[step])
            # A GPU would have to wait for it; on a CPU a look at biases is almost free.
            if cpu and not math.isfinite(self._total(1)):
                return step
        return None if math.isfinite(self._total(2)) else len(chunk.index) - 1

    def _total(self, dims: int) -> float:
        """Return the sum of all parameters of at most so many dimensions."""
        return float(sum(its.sum() for its in self.theta.values() if its.dim() <= dims))

    def _pretrain(self, images: Tensor, labels: Tensor, batch: int) -> None:
        """Start a deep machine from a stack of restricted ones, before its first waking."""
        p = self.parameters
        visible = self.layout.clamped(bits(images, self.generator), labels)
        layerwise(
            self.machine, self.theta, visible, p.layerwise, batch, p.rate, p.transposed,
            self.generator,
        )  # fmt: skip
        self.pretrained = True

    def step(self, chunk: Chunk, images: Tensor, labels: Tensor, gain: Gain) -> None:
        """Take one step in place: statistics awake, asleep, or both, and a change."""
        parts: dict[str, tuple[Any, float]] = {}
        if chunk.sign != "negative":
            parts["positive"] = self._awake(images, labels), 1.0
            if self.softmax is not None:
                rows = parts["positive"][0]
                if len(rows.visible) == len(labels):
                    features = self.machine.learning_features(self.acting, rows)
                else:  # states that annealing collected, several of every case
                    features = self.machine.features(self.acting, images)
                self.softmax.learn(features, labels, gain)
        if chunk.sign != "positive":
            if chunk.negatives is None:
                rows = self._asleep(images, labels, self.generator, keep=True)
            else:
                rows = self._clamped(*chunk.negatives(self, images, labels))
            parts["negative"] = rows, -1.0
        for number, name in enumerate(("positive", "negative")):
            if name in parts:
                if self.updates[number] % captured.REMEMBER_EVERY == 0:
                    self._remember(number, parts[name][0])
                self.updates[number] += 1
        self.ascent.move(self.theta, chunk, parts, gain)

    def _remember(self, number: int, rows: Any) -> None:
        """Keep the mean goodness of real (0) or negative (1) cases up to date."""
        if isinstance(self.machine, Restricted) and rows.weight is not None:
            # Exact rows hold means of visible units, and goodness is not linear in these.
            drawn = self.sampler.visible(rows, EXACT_DRAWS, self.generator)
            rows = self.machine.clamped(self.acting, drawn, self.generator)
        goodness = self.machine.rows_goodness(self.acting, rows)
        weight = getattr(rows, "weight", None)
        mean = goodness.mean() if weight is None else goodness @ weight
        first = self.updates[number] == 0
        self.remembered[number].lerp_(mean, 1.0 if first else 1 - REMEMBERED)

    def _clamped(self, images: Tensor, labels: Tensor) -> Any:
        """Return rows for cases on the visible units."""
        if self.parameters.binarise == "stochastic":
            images = bits(images, self.generator)
        visible = self.layout.clamped(images, labels)
        return self.sampler.awake(self.theta, visible, self.generator)

    def _awake(self, images: Tensor, labels: Tensor) -> Any:
        rows = self._clamped(images, labels)
        self.waking = kept(self.waking, rows.visible[:, : self.layout.visible])
        self.ascent.look(rows)
        return rows

    def _asleep(
        self, images: Tensor, labels: Tensor, generator: torch.Generator, *, keep: bool
    ) -> Any:
        if self.parameters.sampler == "cd" or self.sampler.held is not None:
            images = bits(images, generator)  # the others do not look at real cases
        visible = self.layout.clamped(images, labels)
        return self.sampler.asleep(self.theta, visible, generator, keep=keep)

    def state_dict(self) -> dict[str, Any]:
        """Return all that a resumed run needs, as plain dictionaries and lists of tensors."""
        return {
            "theta": self.theta,
            "ascent": self.ascent.state_dict(),
            "sampler": self.sampler.state_dict(),
            "waking": self.waking,
            "remembered": self.remembered,
            "updates": self.updates,
            "pretrained": self.pretrained,
            "softmax": None if self.softmax is None else self.softmax.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        for name in ("theta", "waking", "remembered", "updates", "pretrained"):
            setattr(self, name, state[name])
        self.ascent.load_state_dict(state["ascent"])
        self.sampler.load_state_dict(state["sampler"])
        if self.softmax is not None:
            self.softmax.load_state_dict(state["softmax"])


def _machine(p: Parameters, layout: Layout, device: torch.device) -> Any:
    """Return the machine with its connections."""
    if p.connections == "restricted":
        return Restricted(layout)
    if p.connections == "deep":
        return Deep(layout, p.settle)
    if p.connections == "encoder":
        mask = connections.encoder(layout.visible, layout.hidden[0])
    elif p.mask is not None:
        mask = connections.checked(p.mask, layout.units)
    else:
        mask = connections.full(layout.units)
    return General.of(layout, mask.to(device), p.settle)
