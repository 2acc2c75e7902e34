"""An endless stream of batches: one random permutation of the cases after another."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class BatchStream:
    """Indices of cases, each case once per sweep.

    A batch may contain cases of two sweeps, so that no case is left out for any batch size.

    Parameters
    ----------
    cases
        Number of cases.
    batch
        Cases in a batch.
    generator
        The random stream; the indices live on its device.
    among
        Numbers of the cases (cases,), where these are some of all; default 0, 1, 2, ...
    """

    def __init__(
        self, cases: int, batch: int, generator: torch.Generator, among: Tensor | None = None
    ) -> None:
        self.cases, self.batch, self.among = cases, batch, among
        self._generator = generator
        self._left = torch.empty(0, dtype=torch.long, device=generator.device)

    def take(self, steps: int) -> Tensor:
        """Return the next indices (steps, batch)."""
        wanted = steps * self.batch
        parts, have = [self._left], len(self._left)
        while have < wanted:
            parts.append(
                torch.randperm(self.cases, generator=self._generator, device=self._generator.device)
            )
            have += self.cases
        joined = torch.cat(parts)
        self._left = joined[wanted:].clone()
        chosen = joined[:wanted] if self.among is None else self.among[joined[:wanted]]
        return chosen.view(steps, self.batch)

    def state_dict(self) -> dict[str, Any]:
        """Return the rest of the current sweep; the generator's state is stored elsewhere."""
        return {"left": self._left}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        self._left = state["left"].to(self._generator.device)
