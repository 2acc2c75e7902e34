"""Runs that begin with a trained network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError, one_line
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.known import resolve
from wakesleep.protocols.timetable import timetable
from wakesleep.results.schema import NOT_FINITE
from wakesleep.results.store import open_result
from wakesleep.simulation import checkpoint
from wakesleep.simulation.loading import load_protocol
from wakesleep.simulation.request import Request, recorded_identity

if TYPE_CHECKING:
    from wakesleep.runtime.randomness import Streams


def take_up(learner: Any, request: Request, streams: Streams) -> None:
    """Give a learner the state that the network of another run ended with.

    Random streams start from the run's own seed.

    Raises
    ------
    InputError
        If there is no such run or network, the run has not ended, or the network is of another
        kind or size.
    """
    start = request.start
    assert start is not None  # else there is nothing to take up
    made = open_result(start).attrs
    status = str(made["status"])
    if NOT_FINITE in status:
        raise InputError(f"{start}: its run failed, so it has no trained network ({status})")
    if status != "finished":
        raise InputError(f"{start}: has not ended ({status}); finish it by --resume first")
    kind, mine = json.loads(made["model_resolved"])["kind"], request.model.spec.kind
    if kind != mine:
        raise InputError(f"{start}: its network is of kind '{kind}', the model of kind '{mine}'")
    state = checkpoint.load(checkpoint.path_for(start), request.device, recorded_identity(made))
    if state is None:
        raise InputError(f"{start}: has no checkpoint, which holds the trained network")
    before = _sizes(learner)
    try:
        learner.load_state_dict(state["learner"])
    except Exception as error:
        raise _unfit(request, str(made["model"]), one_line(error)) from None
    if _sizes(learner) != before:
        raise _unfit(request, str(made["model"]), "another size")
    if hasattr(learner, "copied"):
        learner.copied()
    streams.restart()


def met(request: Request, classes: int) -> frozenset[int]:
    """Return the classes that the network at the start has been shown; none for a new network."""
    if request.start is None:
        return frozenset()
    open_result(request.start)  # a result, not any protocol
    spec = load_protocol(request.start).spec
    shown: set[int] = set()
    for entry in resolve(timetable(spec, spec.data.batch or 1), classes):
        if PHASES[entry.phase].shows:
            shown |= set(range(classes) if entry.classes is None else entry.classes)
    return frozenset(shown)


def _sizes(learner: Any) -> list[tuple[int, ...]]:
    return [tuple(its.shape) for its in learner.synapses()] if hasattr(learner, "synapses") else []


def _unfit(request: Request, donor: str, why: str) -> InputError:
    return InputError(
        f"{request.start}: its network ('{donor}') does not fit model '{request.model.name}' "
        f"with these parameters and data ({why})"
    )
