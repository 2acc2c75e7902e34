"""Runs that begin with a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wakesleep.errors import InputError
from wakesleep.results.store import open_result
from wakesleep.simulation import checkpoint
from wakesleep.simulation.request import Request, recorded_identity


def take_up(learner: Any, start: Path, request: Request) -> None:
    """Give a learner the state that the network of another run ended with.

    Raises
    ------
    InputError
        If there is no such run or network, or the network is of another kind or size.
    """
    made = open_result(start).attrs
    state = checkpoint.load(checkpoint.path_for(start), request.device, recorded_identity(made))
    if state is None:
        raise InputError(f"{start}: has no checkpoint, which holds the trained network")
    try:
        learner.load_state_dict(state["learner"])
    except Exception as error:
        raise InputError(
            f"{start}: its network, a '{made['model']}', does not fit model "
            f"'{request.model.name}' with these parameters ({type(error).__name__})"
        ) from None
