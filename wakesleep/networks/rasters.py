"""All spikes of a trained network for a few cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wakesleep.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


def spikes(
    store: str | Path,
    *,
    first: int = 0,
    cases: int = 10,
    split: str = "validation",
    late: float = 0.0,
    data: Any = None,
) -> xr.Dataset:
    """Present cases to the network that a run ended with, and return every spike.

    Parameters
    ----------
    store
        The run's store, with its checkpoint beside it.
    first, cases
        Number of the first case of the split, and number of cases.
    split
        Part of the data: ``train``, ``validation``, ``test``.
    late
        Delay of the label's volley in ms (code ``latency``).
    data
        The data that the network was trained on, if they were given in Python.

    Returns
    -------
    xarray.Dataset
        Ragged arrays over ``spike``: ``time`` (s, from when the case is shown), ``neuron``,
        ``layer`` (0 for the inputs: pixels, off cells if there are any, labels) and ``case``;
        ``goodness`` (layer_name, shown), ``label`` and ``read`` (shown), the label that the
        network reads. The attribute ``neurons`` holds the number of neurons per layer, with the
        inputs first. The last ``label_inputs`` of the inputs name the label.

    Raises
    ------
    InputError
        If the run's model does not spike, or a number is out of its range.
    """
    import torch
    import xarray as xr

    from wakesleep.data import check_split
    from wakesleep.learners.spiking import twin
    from wakesleep.networks.kept import kept_network
    from wakesleep.results.phases import run_title
    from wakesleep.results.store import open_result
    from wakesleep.simulation.loading import load_model

    run = open_result(store)  # otherwise a wrong path would be read as a model's name
    model = load_model(store)
    if model.spec.kind != "spiking":
        raise InputError(
            f"{store}: model '{model.name}' is of kind '{model.spec.kind}', and has no spikes"
        )
    check_split(split)
    for name, number in (("first", first), ("cases", cases)):
        if type(number) is not int:
            raise InputError(f"{name}: a whole number, not {number!r}")
    if not isinstance(late, int | float):
        raise InputError(f"late: a number of ms, not {late!r}")
    learner, its = kept_network(store, data)
    there = getattr(its, split)
    if not 0 <= first < len(there):
        raise InputError(f"first: the split has {len(there)}, so there is no case {first}")
    if not 1 <= cases <= len(there) - first:
        raise InputError(
            f"cases: the split has {len(there) - first} from case {first} on, so there cannot be "
            f"{cases}"
        )
    if late:
        learner.parameters = learner.parameters.with_label_late(late)
    p = learner.parameters
    chosen = slice(first, first + cases)
    images = torch.tensor(there.images[chosen])
    labels = torch.tensor(there.labels[chosen])
    with torch.inference_mode():
        raster = learner.raster(images, labels)
        seen = twin.present(p, learner.forward(), raster, keep=True)
        read = learner.classify(images, "goodness")
    found = [np.nonzero(fired.numpy()) for fired in (raster, *seen.spikes)]
    step, case, neuron = (np.concatenate([its[place] for its in found]) for place in range(3))
    layers = np.repeat(np.arange(len(found)), [len(its[0]) for its in found])
    order = np.lexsort((step, case))
    return xr.Dataset(
        {
            "time": ("spike", step[order] * p.dt / 1000, {"units": "s"}),
            "neuron": ("spike", neuron[order], {"units": "1"}),
            "layer": ("spike", layers[order], {"units": "1"}),
            "case": ("spike", first + case[order], {"units": "1"}),
            "goodness": (("layer_name", "shown"), seen.goodness.numpy(), {"units": "1"}),
            "label": ("shown", labels.numpy()),
            "read": ("shown", read.numpy()),
        },
        coords={"layer_name": list(learner.layer_names), "shown": np.arange(first, first + cases)},
        attrs={
            "title": run_title(run),
            "split": split,
            "late_ms": late,
            "duration_s": p.steps * p.dt / 1000,
            "neurons": [raster.shape[2], *p.layers],
            "label_inputs": learner.classes,
        },
    )
