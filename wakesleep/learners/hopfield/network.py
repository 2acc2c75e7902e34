"""A Hopfield network as a learner: awake it stores, asleep it unlearns what it dreams."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.hopfield.attractors import energy, forget, relax, stable, unlearn
from wakesleep.learners.hopfield.parameters import Parameters


class Hopfield:
    """A network of as many +-1 units as a case has features; a feature above one half is +1.

    A step awake stores a batch of patterns (Hebb's rule, each with weight 1/N); a step asleep is
    one dream, unlearnt.
    """

    layer_names = ("network",)
    sees_labels = False

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        self.epsilon = parameters.unlearning
        self.coupling = np.zeros((setting.features, setting.features))
        self.stored = np.zeros((0, setting.features))
        self.like = torch.zeros((), dtype=setting.dtype, device=setting.device)
        self.generator = setting.streams("dreams")

    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.learners.capabilities.Learner`."""
        for step, index in enumerate(chunk.index):
            images, labels = chunk.take(index)
            if chunk.sign != "negative":
                patterns = self._spins(images)
                self.coupling += chunk.gains[step] * patterns.T @ patterns / patterns.shape[1]
                np.fill_diagonal(self.coupling, 0.0)
                self.stored = np.unique(np.concatenate([self.stored, patterns]), axis=0)
            if chunk.sign != "positive" and chunk.negatives is not None:
                seen, _ = chunk.negatives(self, images, labels)
                random = self._random(self.generator)
                for state in self._spins(seen):
                    dreamt = relax(self.coupling, state, random)
                    forget(self.coupling, self.epsilon * chunk.gains[step] / len(seen), dreamt)
            elif chunk.sign != "positive":
                epsilon = self.epsilon * chunk.gains[step]
                unlearn(self.coupling, epsilon, self._random(self.generator))
        return None

    def synapses(self) -> list[Tensor]:
        """Return the couplings (features, features), as a tensor that shares their memory."""
        return [torch.from_numpy(self.coupling)]

    def _spins(self, images: Tensor) -> np.ndarray:
        return np.where(images.cpu().numpy() > 0.5, 1.0, -1.0)

    def _random(self, generator: torch.Generator) -> np.random.Generator:
        """Return a numpy stream that goes on from a torch stream, whose state is what is kept."""
        seed = torch.randint(2**62, (), generator=generator, device=generator.device)
        return np.random.Generator(np.random.SFC64(int(seed)))

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return minus the energy per unit (1, n)."""
        found = -energy(self.coupling, self._spins(images)) / len(self.coupling)
        return self.like.new_tensor(found).unsqueeze(0)

    def log_odds(self, goodness: Tensor) -> Tensor:
        """Return goodness less the threshold, of shape (1, n)."""
        return goodness - self.thresholds().unsqueeze(1)

    def thresholds(self) -> Tensor:
        """Return one half (1,): a lone stored pattern has a goodness of (N - 1)/2N."""
        return self.like.new_tensor([0.5])

    def stable_fraction(self) -> float:
        """Return the fraction of all patterns stored so far that are fixed points."""
        return stable(self.coupling, self.stored) if len(self.stored) else float("nan")

    def sample(
        self, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return fixed points reached from random states, as many as there are cases."""
        random = self._random(generator)
        starts = random.choice((-1.0, 1.0), (len(images), len(self.coupling)))
        dreamt = np.stack([relax(self.coupling, state, random) for state in starts])
        return self.like.new_tensor((dreamt + 1) / 2), labels

    def state_dict(self) -> dict[str, Any]:
        """Return couplings and stored patterns, as tensors."""
        return {
            "coupling": torch.from_numpy(self.coupling.copy()),
            "stored": torch.from_numpy(self.stored.copy()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        self.coupling = state["coupling"].cpu().numpy().copy()
        self.stored = state["stored"].cpu().numpy().copy()
