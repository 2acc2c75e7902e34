"""The common part of Forward-Forward networks: layers with a goodness, and a softmax."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward.build import pieces, softmax_readout, start
from wakesleep.learners.forward_forward.common import Common
from wakesleep.learners.forward_forward.layer import (
    all_log_odds,
    begin_chunk,
    finite,
    restore,
    thresholds,
    total_goodness,
    weight_norms,
)
from wakesleep.learners.forward_forward.normalisation import NORMALISATIONS
from wakesleep.learners.parts.connections import Connection
from wakesleep.learners.parts.hardware import sent
from wakesleep.learners.parts.plasticity import Gain, Momentum
from wakesleep.learners.parts.replay import Replay, addresses, chunk_key, gains_of, generators_of


class Stack:
    """Layers that learn by their own goodness, and a softmax that reads them.

    Parameters
    ----------
    parameters
        What all Forward-Forward networks share.
    connections
        Which inputs each layer sees.
    setting
        What the network is built into.

    Attributes
    ----------
    layer_names
        "1", "2", ... from the input upwards.
    readouts
        Names of the read-outs; set by the network itself.
    """

    readouts: tuple[str, ...] = ()

    def __init__(self, parameters: Common, connections: list[Connection], setting: Setting) -> None:
        p = parameters
        self.classes = setting.classes
        self.layer_names = tuple(str(number + 1) for number in range(len(p.layers)))
        self.pieces = pieces(p)
        self.normalise = NORMALISATIONS[p.normalisation]
        self.layers = start(p, connections, setting)
        self.voting = p.voting
        self.softmax = softmax_readout(p, self.layers, setting.classes)
        self.streams = setting.streams
        self.replay = Replay()
        self.divided: Any = None  # what divides the work among several processes

    def log_odds(self, goodness: Tensor) -> Tensor:
        """Return (G - theta)/T of eq. 1 for goodness of shape (layers, n)."""
        return all_log_odds(self.layers, goodness, self.pieces)

    def thresholds(self) -> Tensor:
        """Return theta of eq. 1 of each layer (layers,)."""
        return thresholds(self.layers, self.pieces)

    def weight_norms(self) -> Tensor:
        """Return each layer's root mean square weight times the root of its fan-in (layers,).

        It is 1 at the start, whatever the layer's size.
        """
        return weight_norms(self.layers)

    def pulses(self) -> Tensor:
        """Return how many pulses a device has received, the mean of each layer (layers,)."""
        return sent([layer.conductances for layer in self.layers])

    def synapses(self) -> list[Tensor]:
        """Return the weights of each layer."""
        return [layer.weight for layer in self.layers]

    def goodness_of(self, activities: list[Tensor]) -> Tensor:
        """Return each layer's goodness (layers, n) for its activities (n, units)."""
        return total_goodness(self.layers, activities, self.pieces)

    def normed(self, y: Tensor) -> Tensor:
        """Return a layer's normalised activity (n, units), which the next layer gets."""
        return y * self.normalise(y)

    def voters(self, normalised: Sequence[Tensor]) -> Tensor:
        """Return what the softmax reads (n, inputs) of each layer's normalised activity."""
        return torch.cat([normalised[depth] for depth in self.voting], dim=1)

    @torch.inference_mode()
    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.learners.capabilities.Learner`."""
        if self.divided is not None:
            steps: int | None = self.divided.learn(self, chunk)
            return steps
        self.pieces = begin_chunk(self.layers, self.pieces, chunk)
        totals: list[Tensor] = []
        on_gpu = gains_of(chunk, self.layers[0].bias) if self.replays(chunk) else None

        def take(index: Tensor, gain: Gain) -> Tensor:
            return self.take_step(chunk, *chunk.take(index), gain)

        key = None
        for step, index in enumerate(chunk.index):
            if on_gpu is not None:
                key = key or self._key(chunk)
                streams = generators_of(chunk, self.streams)
                total, ran = self.replay.take(take, index, on_gpu[step], key, streams)
                if ran:
                    key = None  # a first step makes tensors of its own
                else:
                    self.step_replayed(chunk)
            else:
                total = take(index, chunk.gains[step])
            # On a CPU a look at every step is free; a GPU would have to wait for each.
            if total.device.type == "cpu" and not math.isfinite(total):
                return len(totals)
            totals.append(total)
        sound = torch.stack(totals).isfinite()
        if not bool(sound.all()):
            return int((~sound).nonzero()[0])
        return None if self.finite() else len(totals) - 1

    def replays(self, chunk: Chunk) -> bool:
        """Say whether steps of this chunk can be captured on a GPU and replayed.

        They can if every step runs the same operations and no Python number changes with them.
        """
        return (
            chunk.index.device.type == "cuda"
            and isinstance(self.pieces.plasticity, Momentum)
            and chunk.replay is None
            and (chunk.negatives is None or getattr(chunk.negatives, "steady", False))
        )

    def _key(self, chunk: Chunk) -> Hashable:
        """Return a key of everything that determines a step, apart from its batch and gain."""
        return (
            chunk_key(chunk),
            self.pieces.plasticity,
            addresses([chunk.images, chunk.labels, self.state_dict()]),
        )

    def step_replayed(self, chunk: Chunk) -> None:
        """Count a step whose Python code did not run."""

    def take_step(self, chunk: Chunk, images: Tensor, labels: Tensor, gain: Gain) -> Tensor:
        """Take one step in place; return a sum that shows any number that is not finite."""
        raise AssertionError("every network takes its own steps")

    def finite(self) -> bool:
        """Say whether all weights are finite."""
        return finite(self.softmax.weight, *(layer.weight for layer in self.layers))

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
