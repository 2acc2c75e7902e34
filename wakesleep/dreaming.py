"""The verb ``dream``: what a trained network dreams, as labelled data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep import checkpoint
from wakesleep.errors import InputError, listed
from wakesleep.negatives import SOURCES
from wakesleep.prepare import IDENTITY

if TYPE_CHECKING:
    import xarray as xr

    from wakesleep.data import DataSet


def trained(store: str | Path) -> tuple[Any, DataSet]:
    """Return the network that a run ended with, and the data it lived on.

    Parameters
    ----------
    store
        The run's store; its checkpoint must lie beside it.

    Raises
    ------
    InputError
        If there is no such run or no checkpoint, or its data are not to be had.
    """
    import torch

    from wakesleep import data
    from wakesleep.device import resolve
    from wakesleep.loading import load_model
    from wakesleep.model import Setting, build
    from wakesleep.results import open_result

    store = Path(store).resolve()
    made = open_result(store).attrs
    model, its = load_model(store), data.load(made["data"])
    device = resolve(made["device"])
    dtype = getattr(torch, made["dtype"])
    learner = build(model, Setting.of(its, device, dtype, int(made["seed"])))
    path = checkpoint.path_for(store)
    identity = {name: made[name] for name in IDENTITY}
    state = checkpoint.load(path, device, identity)
    if state is None:
        raise InputError(
            f"{path}: there is no checkpoint, which holds the trained network (a study keeps them "
            "where its file says 'networks: true')"
        )
    with checkpoint.understood(path):
        learner.load_state_dict(state["learner"])
    return learner, its


def dreams(
    store: str | Path,
    *,
    start: str = "label",
    settle: int = 2,
    spread: float = 1.0,
    each: int = 10,
    seed: int = 0,
) -> xr.Dataset:
    """Let a trained network dream.

    Parameters
    ----------
    store
        A run's store, with its checkpoint beside it.
    start, settle, spread
        As the options of the negative data ``dream``.
    each
        Dreams of every class.
    seed
        Of the dreams' random stream.

    Returns
    -------
    xarray.Dataset
        ``image`` (dream, row, column), what reaches the input; ``label`` (dream), the class a dream
        began from (where it began from a label); ``dreamt_label`` (dream), the label that came
        down; ``classified`` (readout, dream), what the network itself takes the image for.

    Raises
    ------
    InputError
        As :func:`trained`; also if the model cannot dream or an option is wrong.
    """
    import numpy as np
    import torch
    import xarray as xr

    from wakesleep.device import resolve
    from wakesleep.loading import load_model
    from wakesleep.randomness import Streams
    from wakesleep.results import as_numpy, open_result

    options = SOURCES["dream"].options
    for name, value in (("start", start), ("settle", settle), ("spread", spread)):
        options[name].checked(name, value, "option")
    if each < 1:
        raise InputError(f"a network dreams at least once of every class, not {each} times")
    made = open_result(store).attrs
    model = load_model(store)
    if "dream" not in model.offers:
        raise InputError(
            f"{store}: model '{model.name}' cannot dream; it offers {listed(model.offers)}"
        )
    learner, its = trained(store)
    generator = Streams(seed, resolve(made["device"]))("dreams")
    labels = torch.arange(its.classes, device=generator.device).repeat_interleave(each)
    with torch.inference_mode():
        images, chances = learner.dream(
            labels, start=start, settle=settle, spread=spread, generator=generator
        )
        read = [as_numpy(learner.classify(images, readout)) for readout in learner.readouts]
    shape = its.shape
    return xr.Dataset(
        {
            "image": (("dream", "row", "column"), as_numpy(images).reshape(-1, *shape)),
            "dreamt_label": ("dream", as_numpy(chances.argmax(1))),
            "classified": (("readout", "dream"), np.array(read).reshape(-1, len(labels))),
        },
        coords={"label": ("dream", as_numpy(labels)), "readout": list(learner.readouts)},
        attrs={"start": start, "settle": settle, "spread": spread, "seed": seed},
    )
