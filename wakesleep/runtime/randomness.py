"""One seed, many named and independent streams of random numbers; no global state."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


class Streams:
    """Named random generators that all come from one seed.

    A stream depends on the seed and on its name alone, so that a new source of randomness
    (another probe, another kind of negative data) leaves every other stream as it was.

    Parameters
    ----------
    seed
        Any non-negative integer.
    device
        Where the generators live. Numbers drawn on a GPU differ from those drawn on a CPU.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.seed = seed
        self.device = torch.device(device)
        self._generators: dict[str, torch.Generator] = {}

    def __call__(self, name: str) -> torch.Generator:
        """Return the stream of that name, made on its first use."""
        if name not in self._generators:
            self._generators[name] = self.fresh(name)
        return self._generators[name]

    def fresh(self, name: str) -> torch.Generator:
        """Return a new generator at the start of the named stream, at every call."""
        generator = torch.Generator(device=self.device)
        return generator.manual_seed(_stream_seed(self.seed, name))

    def restart(self) -> None:
        """Reset every stream in use to its start."""
        for name, generator in self._generators.items():
            generator.set_state(self.fresh(name).get_state())

    def in_use(self) -> list[torch.Generator]:
        """Return every stream that has been used."""
        return list(self._generators.values())

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the state of every stream in use, to be resumed from."""
        return {name: generator.get_state() for name, generator in self._generators.items()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Continue every stream from where :meth:`state_dict` found it."""
        for name, generator_state in state.items():
            # In place, so that existing references to a stream stay valid.
            self(name).set_state(generator_state.cpu())


def drawn_column(chances: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw one column (rows,) for each row of probabilities (rows, columns), any sum.

    The draws are exactly those of :func:`torch.multinomial`. But the probabilities are not checked,
    so a GPU need not wait: for a row of zeros, or with numbers that are not finite, the column is
    arbitrary.
    """
    waits = torch.empty_like(chances).exponential_(1.0, generator=generator)
    return (chances / waits).argmax(1)


def _stream_seed(seed: int, name: str) -> int:
    # The hash of the name keys the child sequence; SeedSequence then mixes both well.
    key = np.frombuffer(hashlib.sha256(name.encode()).digest(), dtype=np.uint32)
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=tuple(int(word) for word in key))
    return int(sequence.generate_state(1, np.uint64)[0] >> 1)  # torch takes a signed 64-bit seed
