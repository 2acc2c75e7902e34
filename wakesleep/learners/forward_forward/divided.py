"""How a Forward-Forward network can be divided among the processes of a run."""

from __future__ import annotations

from typing import Any

from wakesleep.errors import InputError
from wakesleep.learners.forward_forward import data_parallel, pipeline
from wakesleep.learners.forward_forward.online import Online
from wakesleep.learners.forward_forward.passes import Feedforward
from wakesleep.runtime.ranks import Ranks

WAYS = {"layers": pipeline.divide, "data": data_parallel.divide}


def spread(network: Any, ranks: Ranks, batch: int) -> None:
    """Let a network learn in several processes.

    Parameters
    ----------
    network
        Every process has built the same one.
    ranks
        The processes, and how they divide the work.
    batch
        Cases in every update.

    Raises
    ------
    InputError
        If it cannot be divided in this way.
    """
    way = ranks.way
    if not isinstance(network, Feedforward) or isinstance(network, Online):
        raise InputError(f"parallel '{way}' is for feed-forward Forward-Forward networks")
    if network.generator is not None:
        raise InputError(f"parallel '{way}' needs a network without a path down (top_down: false)")
    if network.boxes:
        raise InputError(f"parallel '{way}' needs a network without black boxes")
    if any(layer.devices is not None for layer in network.layers):
        raise InputError(f"parallel '{way}' needs a network without 'hardware'")
    if network.layers[0].bias.device.type != "cpu":
        raise InputError(f"parallel '{way}' runs on CPUs alone; give --device cpu")
    WAYS[way](network, ranks, batch)
