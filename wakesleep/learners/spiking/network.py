"""A spiking Forward-Forward network as a learner: cases are presented one after another, in time.

Goodness is the mean squared spike count of a layer, built up while a case is shown. The rule has
three factors: a presynaptic trace, a postsynaptic spike, and a gate sigma(theta - goodness) for the
whole layer, whose sign is that of the phase.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.capabilities import DreamSettings
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.spiking import codes, twin
from wakesleep.learners.spiking.parameters import Parameters
from wakesleep.learners.spiking.simulator import SPIKES, Simulator
from wakesleep.runtime.randomness import Streams


class Spiking:
    """A network of leaky integrate-and-fire neurons.

    A step is a batch of which each case is presented once; an interleaved step presents each real
    case and then its negative one. Negative data that depend on the network are drawn with the
    weights it had when a block of presentations began (see ``Simulator.block``).

    Attributes
    ----------
    weights
        All learned tensors.
    """

    readouts = ("goodness",)

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        p = self.parameters = parameters
        self.pixels, self.classes = (1 + p.off_cells) * setting.features, setting.classes
        self.layer_names = tuple(str(number + 1) for number in range(len(p.layers)))
        # Whatever the run's device, a spiking network lives on the CPU, as Brian2 does.
        self.streams = Streams(setting.streams.seed, "cpu")
        self.generator = self.streams("spikes")
        self.like = torch.zeros((), dtype=setting.dtype)
        self.weights = _start(p, self.pixels, self.classes, self.streams("weights"))
        self.shown: tuple[Tensor, Tensor] | None = None  # the last real case of a chunk
        self.last: Tensor | None = None  # the top layer's response to the last real case

    @functools.cached_property
    def simulator(self) -> Simulator:
        """What runs the presentations that learn; a network that only dreams needs none."""
        return Simulator(self.parameters, self.pixels, self.classes)

    def check_data(self, images: Tensor) -> None:
        """Refuse data that spikes cannot represent, and a target that is not available.

        Raises
        ------
        InputError
            If an intensity lies outside 0 to 1, or the target needs a compiler that is not there.
        """
        self.simulator  # noqa: B018 (made here, before anything is written)
        if bool(((images < 0) | (images > 1)).any()):
            raise InputError("spikes represent intensities from 0 to 1; these data have others")

    def check_clock(self, seconds: float) -> None:
        """Refuse a clock that gives a presentation no time step.

        Raises
        ------
        InputError
            If a presentation is shorter than that.
        """
        dt = self.parameters.dt
        if seconds * 1000 < dt:
            raise InputError(
                f"the protocol's clock gives a presentation {seconds * 1000:.3g} ms, which is less "
                f"than a time step of {dt:g} ms; fewer steps an hour or smaller batches help"
            )

    # What a probe asks ------------------------------------------------------------------------

    @property
    def _rows(self) -> int:
        """How many cases a probe presents side by side."""
        return max(1, SPIKES // (self.parameters.steps * (self.pixels + self.classes)))

    def _fresh(self) -> torch.Generator:
        """Return the random stream of presentations without learning, at its start."""
        return self.streams.fresh("spikes looked at")

    def raster(
        self, images: Tensor, labels: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return spikes of all inputs (steps, cases, pixels + classes); by default as probes do."""
        p, generator = self.parameters, generator or self._fresh()
        images = images.to(self.like)
        named = codes.label_spikes(p, len(images), self.like, generator)
        hot = torch.nn.functional.one_hot(labels.cpu(), self.classes).to(self.like)
        pixels = codes.image_spikes(p, images, generator)
        return torch.cat([pixels, named.unsqueeze(2) * hot], dim=2)

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return each layer's goodness (layers, cases)."""
        generator = self._fresh()
        forward = self.forward()
        found = [
            twin.present(self.parameters, forward, self.raster(some, its, generator)).goodness
            for some, its in zip(images.split(self._rows), labels.split(self._rows), strict=True)
        ]
        return torch.cat(found, dim=1).to(images)

    def log_odds(self, goodness: Tensor) -> Tensor:
        """Return the log odds of being real, of the shape of the goodness (layers, cases)."""
        p = self.parameters
        return (goodness - p.threshold) / p.temperature

    def thresholds(self) -> Tensor:
        """Return theta of each layer (layers,)."""
        return self.like.new_full((len(self.layer_names),), self.parameters.threshold)

    def label_goodness(self, images: Tensor) -> Tensor:
        """Return the goodness, summed over layers, of images with every label (cases, classes)."""
        p, generator, forward = self.parameters, self._fresh(), self.forward()
        found = []
        for some in images.split(self._rows):
            drive = codes.image_spikes(p, some.to(self.like), generator) @ forward[0][: self.pixels]
            each, whole = [], torch.empty_like(drive)
            for label in range(self.classes):
                named = codes.label_spikes(p, len(some), self.like, generator)
                row = forward[0][self.pixels + label]
                torch.addcmul(drive, named.unsqueeze(2), row, out=whole)
                each.append(twin.present(p, forward, drive, whole).goodness.sum(0))
            found.append(torch.stack(each, dim=1))
        return torch.cat(found).to(images)

    def classify(self, images: Tensor, readout: str) -> Tensor:
        """Return the label (cases,) with which an image has the greatest goodness."""
        return self.label_goodness(images).argmax(1)

    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return the softmax of every label's goodness in units of the temperature."""
        return torch.softmax(self.label_goodness(images) / self.parameters.temperature, 1)

    def synapses(self) -> list[Tensor]:
        """Return the weights to each layer (below, neurons)."""
        return self.weights.forward

    def weight_norms(self) -> Tensor:
        """Return the root sum of squared weights per neuron of each layer (layers,)."""
        return torch.stack([its.square().sum(0).mean().sqrt() for its in self.weights.forward])

    def forward(self) -> list[Tensor]:
        """Return the weights to each layer (below, neurons), in the run's floating-point type."""
        return [its.to(self.like) for its in self.weights.forward]

    # Dreams -----------------------------------------------------------------------------------

    @torch.inference_mode()
    def dream(
        self, labels: Tensor, how: DreamSettings, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return dreams; see :class:`wakesleep.learners.capabilities.Dreams`.

        The top layer starts from its mean response to a ``label``, from a mixture of two of these
        (``stored``), from its ``last_waking`` response or from ``noise``, with noise of the size
        of the differences between labels times ``spread``.
        """
        weights, classes = self.weights, self.classes
        assert weights.memory is not None  # else it offers no dreams
        memory = weights.memory
        kind: dict[str, Any] = {"generator": generator, "device": generator.device}
        noise = torch.randn((len(labels), memory.shape[1]), **kind).to(memory)
        mean, scale = memory.mean(0), memory.std(0, correction=0)
        labels = labels.cpu()
        if how.start == "label":
            top = memory[labels] + 0.5 * how.spread * scale * noise
        elif how.start == "stored":
            picked = torch.randint(classes, (2, len(labels)), **kind).cpu()
            top = memory[picked].mean(0)
        elif how.start == "last_waking" and self.last is not None:
            top = self.last.to(memory).expand_as(noise)
        else:
            top = mean + how.spread * scale * noise
        found = self._down(top)
        for _ in range(how.settle):
            images, chosen = found[:, : self.pixels].clamp(0, 1), found[:, self.pixels :].argmax(1)
            raster = self.raster(images, chosen, self._fresh())
            seen = twin.present(self.parameters, self.forward(), raster)
            found = self._down(twin.scaled(seen.counts[-1]).to(memory))
        chances = found[:, self.pixels :].clamp_min(0) + 1e-6
        chances = chances / chances.sum(1, keepdim=True)
        images = found[:, : self.pixels].clamp(0, 1).to(self.like)
        return images.to(generator.device), chances.to(self.like).to(generator.device)

    def _down(self, top: Tensor) -> Tensor:
        """Return what reaches the inputs (cases, inputs) from the top layer (cases, neurons)."""
        pairs = list(zip(self.weights.down, self.weights.bias, strict=True))
        for number, (down, bias) in enumerate(reversed(pairs)):
            top = top.clamp_min(0) @ down + bias if number else top @ down + bias
        return top

    # Learning ---------------------------------------------------------------------------------

    @torch.inference_mode()
    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.learners.capabilities.Learner`."""
        for raster, sign, gain, label in self._presentations(chunk):
            self.simulator.learn(self.weights, raster, sign, gain, label)
        if chunk.sign != "negative" and self.weights.down:
            assert self.shown is not None  # a chunk has steps
            raster = self.raster(*self.shown, self._fresh())
            seen = twin.present(self.parameters, self.forward(), raster)
            self.last = twin.scaled(seen.counts[-1])
        finite = all(bool(its.isfinite().all()) for its in self.weights.forward)
        return None if finite else len(chunk.index) - 1

    def _presentations(self, chunk: Chunk) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """Give spikes, signs, gains and labels, as many presentations at once as are simulated."""
        index = chunk.index.reshape(-1)
        gains = torch.tensor(list(chunk.gains), dtype=self.like.dtype)
        gains = gains.repeat_interleave(chunk.index.shape[1])
        signs = {"positive": [1.0], "negative": [-1.0], "both": [1.0, -1.0]}[chunk.sign]
        cases = max(self.simulator.block // len(signs), 1)
        for some, gain in zip(index.split(cases), gains.split(cases), strict=True):
            images, labels = chunk.take(some)
            self.shown = images[-1:], labels[-1:]
            shown = []
            if chunk.sign != "negative":
                shown.append((images, labels))
            if chunk.sign != "positive":
                assert chunk.negatives is not None  # this kind draws no samples of its own
                shown.append(chunk.negatives(self, images, labels))
            rasters = []
            for way, (seen, its) in zip(signs, shown, strict=True):
                raster = self.raster(seen, its, self.generator)
                if way < 0 and self.parameters.spontaneous:
                    more = codes.spontaneous_spikes(self.parameters, raster.shape, self.generator)
                    raster[more] = 1.0
                rasters.append(raster)
            sign = torch.tensor(signs, dtype=self.like.dtype).repeat(len(some))
            label = torch.stack([its.cpu() for _, its in shown], dim=1).reshape(-1)
            # Real and negative cases alternate, as they follow one another in time.
            whole = torch.stack(rasters, dim=2).flatten(1, 2)
            yield whole, sign, gain.repeat_interleave(len(signs)), label

    # State ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return all that a resumed run needs, as plain dictionaries and lists of tensors."""
        return {
            "weights": vars(self.weights),
            "last": self.last,
            "spikes": self.generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        self.weights = twin.Weights(**_on_cpu(state["weights"]))
        self.last = _on_cpu(state["last"])
        self.generator.set_state(_on_cpu(state["spikes"]))


def _on_cpu(state: Any) -> Any:
    """Return a part of a state with copies of its tensors on the CPU."""
    if isinstance(state, dict):
        return {name: _on_cpu(its) for name, its in state.items()}
    if isinstance(state, list):
        return [_on_cpu(its) for its in state]
    return state.detach().cpu().clone() if isinstance(state, Tensor) else state


def _start(p: Parameters, pixels: int, classes: int, generator: torch.Generator) -> twin.Weights:
    """Return the weights of a network that has not learnt, in double precision."""
    widths = (pixels + classes, *p.layers)

    def normal(shape: tuple[int, int], mean: float, scale: float) -> Tensor:
        return (mean + scale * torch.randn(shape, generator=generator)).double()

    first = normal((widths[0], widths[1]), 0.0, 1.0)
    first[:pixels] = p.start_mean + p.start_scale * first[:pixels]
    first[pixels:] = p.start_mean + p.label_scale * first[pixels:]
    forward = [first]
    for below, above in zip(p.layers, p.layers[1:], strict=False):
        forward.append(normal((below, above), 0.0, p.deep_scale / below**0.5))
    forward = [its.clamp(-p.bound, p.bound) for its in forward]
    if not p.top_down:
        return twin.Weights(forward)
    return twin.Weights(
        forward,
        [torch.zeros_like(its).T.contiguous() for its in forward],
        [its.new_zeros(its.shape[0]) for its in forward],
        forward[-1].new_zeros(classes, p.layers[-1]),
    )
