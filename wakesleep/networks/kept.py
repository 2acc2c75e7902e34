"""The network that a run ended with, from the checkpoint beside its store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError
from wakesleep.simulation import along, checkpoint
from wakesleep.simulation.request import recorded_identity

if TYPE_CHECKING:
    from wakesleep.data import DataSet


def kept_network(
    store: str | Path, data: Any = None, step: int | None = None
) -> tuple[Any, DataSet]:
    """Return the network of a run, at its end or at an earlier step, and its data.

    Parameters
    ----------
    store
        The run's store; its checkpoint must lie beside it.
    data
        The data that it was trained on, if they were given in Python.
    step
        Number of steps after which the network was kept; default the end of the run.

    Raises
    ------
    InputError
        If there is no such run or no checkpoint, or its data are not available.
    """
    from wakesleep.learners.build import build
    from wakesleep.learners.chunks import Setting
    from wakesleep.results.store import open_result
    from wakesleep.runtime.device import number_format, resolve
    from wakesleep.simulation.loading import load_model

    its = lived_on(store, data)
    store = Path(store).resolve()
    made, model = open_result(store).attrs, load_model(store)
    device = resolve(made["device"])
    dtype, _ = number_format(made["dtype"], device)
    learner = build(model, Setting.of(its, device, dtype, int(made["seed"])))
    path = checkpoint.path_for(store) if step is None else along.folder_of(store)
    state = (
        checkpoint.load(path, device, recorded_identity(made))
        if step is None
        else along.load(store, step, device, recorded_identity(made))
    )
    if state is None:
        why = "a study keeps them where its file says 'networks: true'"
        if made["status"] != "finished":
            why = f"the run has not ended: {made['status']}"
        raise InputError(f"{path}: there is no checkpoint, which holds the trained network ({why})")
    with checkpoint.understood(path):
        learner.load_state_dict(state["learner"])
    return learner, its


def lived_on(store: str | Path, data: Any = None) -> DataSet:
    """Return the data of a run; these are ``data`` if they were given in Python.

    Raises
    ------
    InputError
        If there is no such run, or its data are not available.
    """
    from wakesleep.results.store import open_result

    check_store(store)
    store = Path(store).resolve()
    return _data(store, open_result(store).attrs, data)


def check_store(store: object) -> None:
    """Refuse a store that is not a path, such as a result that is already open.

    Raises
    ------
    InputError
        If it is not a path.
    """
    if not isinstance(store, str | Path):
        raise InputError(
            "a trained network is that of a run's store, given by its path, not by a "
            f"{type(store).__name__}"
        )


def _data(store: Path, made: Mapping[str, Any], given: Any) -> DataSet:
    """Return the data of a run."""
    from wakesleep import data
    from wakesleep.data.source import DataSource
    from wakesleep.simulation.request import given_data

    text = made.get("data_source", json.dumps({"source": made["data"]}))
    if given is not None:
        found, _ = given_data(given, json.loads(made.get("data_options") or "{}"))
        its = data.load(found) if isinstance(found, DataSource) else found
        assert its is not None  # something was given
    elif text:
        its = data.load(DataSource.model_validate_json(text, strict=False))
    else:
        raise InputError(
            f"{store}: its data were given in Python, and are not in the result; give them again "
            "by 'data'"
        )
    if its.digest != made["data_sha256"]:
        raise InputError(f"{store}: its data, '{its.name}', have changed since the run")
    return its
