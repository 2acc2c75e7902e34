"""The one-pass softmax: it reads normalised activities and learns by the delta rule.

It proposes labels, and hard negatives are drawn from it. It does not train any hidden layer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wakesleep.learners.parts.averaging import Mean, whole_gradient
from wakesleep.learners.parts.connections import Dense
from wakesleep.learners.parts.plasticity import Gain, Momentum, State


class SoftmaxReadout:
    """A linear softmax classifier trained by its own, local gradient.

    Parameters
    ----------
    inputs, classes
        Its shape; it starts at zero, so that every label is equally probable at first.
    plasticity
        Its own rate, momentum and decay.
    """

    def __init__(self, inputs: int, classes: int, plasticity: Momentum, like: Tensor) -> None:
        self.plasticity = plasticity
        self.connection = Dense(inputs, classes)
        self.weight = like.new_zeros(classes, inputs)
        self.bias = like.new_zeros(classes)
        self.states: dict[str, State] = {
            "weight": plasticity.start(self.weight),
            "bias": plasticity.start(self.bias),
        }

    def probabilities(self, activities: Tensor) -> Tensor:
        """Return label probabilities (n, classes) for normalised activities (n, inputs)."""
        return torch.softmax(self.connection.drive(activities, self.weight, self.bias), dim=1)

    def learn(
        self,
        activities: Tensor,
        labels: Tensor,
        gain: Gain,
        chances: Tensor | None = None,
        mean: Mean | None = None,
    ) -> None:
        """Take one step up the log probability of the right labels (n,).

        ``chances`` are :meth:`probabilities` of these activities, where they are known already;
        ``mean`` averages over processes (see :func:`averaging.whole_gradient`).
        """
        target = torch.nn.functional.one_hot(labels, self.bias.shape[0])
        error = target - (self.probabilities(activities) if chances is None else chances)
        cases = len(labels)
        gradient, error = whole_gradient(self.connection, error, activities, mean)
        state = self.states["weight"]
        self.plasticity.update(self.weight, state, gradient, cases, gain, fades=True)
        self.plasticity.update_bias(self.bias, self.states["bias"], error, cases, gain)

    def state_dict(self) -> dict[str, Any]:
        """Return every tensor that a resumed run needs."""
        return {"weight": self.weight, "bias": self.bias, "states": self.states}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` returned."""
        for name, value in state.items():
            setattr(self, name, value)
