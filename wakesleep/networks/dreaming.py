"""Dreams of a trained network, as labelled data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError
from wakesleep.learners.capabilities import DreamSettings
from wakesleep.negatives import SOURCES
from wakesleep.negatives.dream import check_dreams
from wakesleep.networks.kept import kept_network

if TYPE_CHECKING:
    import xarray as xr


MOST_DREAMS = 10_000  # of every class


def dreams(
    store: str | Path,
    *,
    start: str = "label",
    settle: int = 2,
    spread: float = 1.0,
    noise: float = 0.0,
    each: int = 10,
    seed: int = 0,
    data: Any = None,
) -> xr.Dataset:
    """Let a trained network dream.

    Parameters
    ----------
    store
        A run's store, with its checkpoint beside it.
    start, settle, spread, noise
        As the options of the negative data ``dream``.
    each
        Number of dreams per class.
    seed
        Seed of the dreams' random stream.
    data
        The data that the network was trained on, if they were given in Python.

    Returns
    -------
    xarray.Dataset
        ``image`` (dream, row, column): the activity at the input; ``label`` (dream): the class
        that a dream started from (if it started from a label); ``dreamt_label`` (dream): the label
        at the label inputs; ``classified`` (readout, dream): the network's class for the image.

    Raises
    ------
    InputError
        As :func:`trained`; also if the model cannot dream or an option is wrong.
    """
    import numpy as np
    import torch
    import xarray as xr

    from wakesleep.results.store import as_numpy, open_result
    from wakesleep.runtime.device import resolve
    from wakesleep.runtime.randomness import Streams
    from wakesleep.simulation.loading import load_model

    options = SOURCES["dream"].options
    given: dict[str, Any] = {"start": start, "settle": settle, "spread": spread, "noise": noise}
    for name, value in given.items():
        options[name].checked(name, value, "option")
    if not 1 <= each <= MOST_DREAMS:
        raise InputError(
            f"a network dreams from 1 to {MOST_DREAMS:,} times of every class, not {each:.6g}"
        )
    made = open_result(store).attrs
    model = load_model(store)
    if "dream" not in model.offers:
        raise InputError(
            f"{store}: model '{model.name}' cannot dream; a Forward-Forward or backpropagation "
            "model dreams if it learned with top_down: true"
        )
    learner, its = kept_network(store, data)
    how = DreamSettings(**given)
    check_dreams(learner, noise, start)
    generator = Streams(seed, resolve(made["device"]))("dreams")
    labels = torch.arange(its.classes, device=generator.device).repeat_interleave(each)
    with torch.inference_mode():
        images, chances = learner.dream(labels, how, generator)
        read = [as_numpy(learner.classify(images, readout)) for readout in learner.readouts]
    shape = its.shape
    return xr.Dataset(
        {
            "image": (("dream", "row", "column"), as_numpy(images).reshape(-1, *shape)),
            "dreamt_label": ("dream", as_numpy(chances.argmax(1))),
            "classified": (("readout", "dream"), np.array(read).reshape(-1, len(labels))),
        },
        coords={"label": ("dream", as_numpy(labels)), "readout": list(learner.readouts)},
        attrs={**given, "seed": seed},
    )
