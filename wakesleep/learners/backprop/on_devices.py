"""What happens to the analog devices of a backpropagation network while it does not learn.

In: a :class:`wakesleep.learners.backprop.network.Backprop`. It is changed in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from wakesleep.learners.parts.downscaling import shrink


@torch.no_grad()
def program(network: Any) -> None:
    """Program the weights on the network's devices, unless they come from these.

    Of a simulated network, the weights of the simulation are programmed.
    """
    for depth, its in enumerate(network.devices):
        if not its.belongs(network.conductances[depth]):
            if network.backward == "simulated" and depth < len(network.assumed):
                network.weights[depth].copy_(network.assumed[depth])
            wanted = network.weights[depth].detach().clone()
            network.conductances[depth] = its.programmed(network.weights[depth])
            network.assumed[depth : depth + 1] = [wanted]


@torch.no_grad()
def erase(
    network: Any, layers: Sequence[int], kept: float, times: int, paces: Sequence[Tensor] | None
) -> bool:
    """Weaken devices, and the digital softmax; see ``capabilities.Erases``."""
    if not network.devices:
        return False
    for place, number in enumerate(layers):
        pace = None if paces is None else paces[place]
        digital = [*network.assumed, network.weights[-1].detach()][number - 1]
        shrink([digital], kept, times, pace=None if pace is None else [pace])
        if number <= len(network.devices):
            its, state = network.devices[number - 1], network.conductances[number - 1]
            its.erase(network.weights[number - 1], state, kept, times, pace)
    return True
