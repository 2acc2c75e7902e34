"""Checks of negative data, of analog devices, and of runs in several processes.

All errors are raised before anything is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError
from wakesleep.learners.model_file import LoadedModel
from wakesleep.negatives import source
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.negatives import Negatives
from wakesleep.protocols.timetable import Entry
from wakesleep.simulation.refusals import check_negatives, meant_by
from wakesleep.simulation.request import Request

if TYPE_CHECKING:
    from wakesleep.data import DataSet

SPECIAL = ("noise", "start", "ascent")  # options of dreams that not every network has


def check_all_negatives(
    entries: Sequence[Entry], request: Request, its: DataSet, learner: Any, batch: int
) -> None:
    """Refuse negative data and replay of phases that do not suit the data, the model or the batch.

    Raises
    ------
    InputError
        If there are some.
    """
    model = request.model
    asked = [phase.negatives for phase in entries if PHASES[phase.phase].sign != "positive"]
    asked += [phase.replay.told for phase in entries if phase.replay]
    for negatives in (*asked, request.protocol.spec.negatives):
        if source(negatives.source).sequences and its.window is None:
            raise InputError(
                f"negative data '{negatives.source}' are strings, but '{its.name}' has none"
            )
        if negatives.source in ("hybrid", "noise") and its.window is not None:
            raise InputError(
                f"negative data '{negatives.source}' are images, but '{its.name}' has strings"
            )
        meant = meant_by(negatives, model)
        if meant.source == "hybrid" and batch < 2:
            raise InputError(
                "negative data 'hybrid' mix images of a batch, and batch is 1; use 2 or more"
            )
        if meant.source in ("dream", "mixture"):
            _check_dreams(meant, its, learner, model)
        check_negatives(meant, its, learner, model.name)


def _check_dreams(meant: Negatives, its: DataSet, learner: Any, model: LoadedModel) -> None:
    """Refuse options of dreams that not every network has, or that do not suit the data."""
    from wakesleep.negatives.dream import check_dreams

    told = {name: meant.options[name] for name in SPECIAL if name in meant.options}
    check_dreams(learner, **told)
    if told.get("ascent") and its.window is not None:
        raise InputError("dreams have 'ascent' for images; these data are strings")
    if told.get("ascent") and getattr(model.parameters, "hardware", None) is not None:
        raise InputError(
            "dreams have no 'ascent' on analog devices ('hardware'): it needs the weights, "
            "which are unknown"
        )


def check_devices(entries: Sequence[Entry], model: LoadedModel) -> None:
    """Refuse phases that need to know the weights if these are on analog devices.

    Raises
    ------
    InputError
        If there is one.
    """
    if getattr(model.parameters, "hardware", None) is None:
        return
    for entry in entries:
        spares = entry.downscale is not None and entry.downscale.spare > 0
        if entry.phase == "spontaneous" or spares:
            what = "'spare' in phase 'downscale'" if spares else f"phase '{entry.phase}'"
            raise InputError(
                f"{what} needs the values of the weights, which are unknown on analog devices "
                "('hardware')"
            )


def check_parallel(entries: Sequence[Entry], updates_per_batch: int, model: LoadedModel) -> None:
    """Refuse phases that do not work if layers are in several processes: nothing is passed down.

    Raises
    ------
    InputError
        If a phase needs the whole network.
    """
    if updates_per_batch > 1:
        raise InputError("parallel 'layers' takes one update per batch ('updates_per_batch: 1')")
    for entry in entries:
        kind = PHASES[entry.phase]
        if entry.replay is not None or kind.sign is None:
            raise InputError(f"parallel 'layers' cannot make a phase '{entry.phase}'")
        its = meant_by(entry.negatives, model)
        if kind.sign != "positive" and (source(its.source).needs or source(its.source).own):
            raise InputError(
                f"negative data '{its.source}' ask the whole network, and parallel 'layers' passes "
                "nothing down; use wrong_label, hybrid, noise or stored"
            )
