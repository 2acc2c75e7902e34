"""The written form of a result: its variables, coordinates, words and units."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr


SCHEMA_VERSION = 1


SIGNS = ("positive", "negative")


# How the error of a run begins that cannot be continued.
NOT_FINITE = "weights are no longer finite"


# Phases in which the network is asleep.
ASLEEP = ("sleep", "recovery", "replay", "downscale", "spontaneous")


# What a hypnogram calls a phase: the terms of sleep scoring, as YASA and BIDS know them.
STAGES = ("WAKE", "N1", "N2", "N3", "NREM", "REM", "ART", "UNS")


@dataclass(frozen=True)
class Quantity:
    """A recorded quantity.

    Attributes
    ----------
    dims
        Its dimensions beside ``probe``.
    long_name
        Its name in axis labels.
    needs
        The capabilities that a model must offer for it.
    units
        CF units.
    function
        The function that measures a user-defined quantity: ``f(model, images, labels)``.
    """

    dims: tuple[str, ...]
    long_name: str
    needs: tuple[str, ...]
    units: str = "1"
    function: Callable[..., Any] | None = None


def _detection(against: str, needs: tuple[str, ...], prefix: str) -> dict[str, Quantity]:
    """Return the quantities of how well each layer distinguishes real data from other data."""
    return {
        f"{prefix}false_positive_rate": Quantity(
            ("layer",), f"fraction of {against} taken for real", needs
        ),
        f"{prefix}d_prime": Quantity(
            ("layer",), f"sensitivity d' of real against {against}", needs
        ),
        f"{prefix}criterion": Quantity(("layer",), f"criterion c of real against {against}", needs),
        f"{prefix}auc": Quantity(
            ("layer",), f"area under the ROC curve, real against {against}", needs
        ),
    }


QUANTITIES: dict[str, Quantity] = {
    "error": Quantity(("readout",), "classification error on validation data", ("classify",)),
    "class_error": Quantity(
        ("readout", "class"), "classification error on the cases of each class", ("classify",)
    ),
    "view_error": Quantity(
        ("readout", "view"),
        "classification error on validation images as each task presents them",
        ("classify",),
    ),
    "bits": Quantity(
        (), "cross-entropy of the label probabilities", ("label_probabilities",), "bit"
    ),
    "kl": Quantity(
        (), "KL divergence from the true label probabilities", ("label_probabilities",), "bit"
    ),
    "log_likelihood": Quantity(
        (), "mean log likelihood of validation data", ("likelihood",), "nat"
    ),
    "divergence": Quantity((), "KL divergence of the model from the data", ("likelihood",), "nat"),
    "distinct_codes": Quantity(
        (), "fraction of cases whose hidden code is theirs alone", ("codes",)
    ),
    "completion": Quantity(
        (), "fraction of images whose second half is completed from the first", ("complete",)
    ),
    "stable_fraction": Quantity(
        (), "fraction of stored patterns that are fixed points", ("memories",)
    ),
    "goodness": Quantity(("layer", "sign"), "mean goodness", ("goodness",)),
    "p_positive": Quantity(
        ("layer", "sign"), "mean probability of being taken for real", ("goodness",)
    ),
    "hit_rate": Quantity(("layer",), "fraction of real data taken for real", ("goodness",)),
    **_detection("negative data", ("goodness",), ""),
    **_detection("dreams", ("goodness", "dream"), "dream_"),
    **_detection("noise", ("goodness",), "noise_"),
    "weight_norm": Quantity(("layer",), "root sum of squared weights per unit", ("weight_norms",)),
    "pulses": Quantity(("layer",), "pulses that a device has received, mean", ("pulses",)),
    "threshold_rise": Quantity(
        ("layer",), "mean rise of the units' thresholds (adaptation)", ("adaptation",)
    ),
    "sleep_pressure": Quantity((), "sleep pressure (process S)", ()),
}


# Recorded where a protocol asks for it by ``record: {activities: N}``: far larger than all others.
ACTIVITY = "activity"
ACTIVITIES = Quantity(("case", "unit"), "activity of hidden units", ("label_goodness",))


def stated_quantity(name: str) -> Quantity:
    """Return the description of a quantity without importing the user's code."""
    return QUANTITIES.get(name, Quantity((), "", ()))


def equal_parts(classes: int, count: int) -> list[tuple[int, ...]]:
    """Divide all classes, in order, into ``count`` tasks; return the classes of each task."""
    edges = [round(place * classes / count) for place in range(count + 1)]
    return [tuple(range(*its)) for its in itertools.pairwise(edges)]


def view_name(rotate: float, permute: int, data: str = "") -> str:
    """Return the name of a task's images: ``rotate_90``, ``permute_1``, ``plain`` for neither.

    The name of other data comes first, without folder, ending and digest.
    """
    base = re.sub("@[0-9a-f]{12}.*$", "", PurePath(data).name)
    file, _, function = base.partition(":")
    other = ["_".join(its for its in (PurePath(file).stem, function) if its)] if data else []
    turned = [f"rotate_{rotate:g}"] if rotate else []
    moved = [f"permute_{permute}"] if permute else []
    return "_".join([*other, *turned, *moved]) or "plain"


def variable(name: str) -> str:
    """Return the name that a quantity has in a result: that of its function, if it is own code."""
    return name.rpartition(":")[2]


def counter(name: str) -> str:
    """Return the coordinate that counts the cycles of a named repeat."""
    return f"cycle_{name}"


# Coordinates along ``probe``: (type, value where nothing is recorded yet, long name, units).
COORDINATES: dict[str, tuple[str, Any, str, str]] = {
    "step": ("int64", -1, "weight updates so far", "1"),
    "time_h": ("float64", float("nan"), "time on the protocol's clock", "h"),
    "phase": ("int16", -1, "phase", "1"),
    "phase_index": ("int32", -1, "place of the phase in the timetable", "1"),
    "phase_end": ("int8", -1, "whether the phase ends here", "1"),
    "phase_onset": ("int64", -1, "step at which the phase began", "1"),
    "stage": ("int16", -1, "stage of sleep scoring", "1"),
    "block": ("int16", -1, "part of the protocol", "1"),
    "cycle": ("int32", -1, "cycle within the part", "1"),
}


def blank(
    probes: int,
    words: Mapping[str, Sequence[str]],
    quantities: Mapping[str, Quantity],
    attributes: Mapping[str, Any],
) -> xr.Dataset:
    """Return a dataset of full length with nothing recorded in it.

    Parameters
    ----------
    probes
        Largest possible number of probes of the run.
    words
        The words of ``phase``, ``block``, ``stage``, ``layer``, ``sign`` and ``readout``, in order;
        the label of every ``case`` and the layer of every ``unit`` whose activity is recorded.
    quantities
        What is recorded, by name.
    attributes
        Provenance.
    """
    import numpy as np
    import xarray as xr

    coordinates: dict[str, Any] = {
        name: ("probe", np.full(probes, empty, kind), {"long_name": long_name, "units": units})
        for name, (kind, empty, long_name, units) in COORDINATES.items()
    }
    coordinates["probe"] = ("probe", np.arange(probes), {"long_name": "probe", "units": "1"})
    for name in ("phase", "block", "stage"):
        coordinates[name][2].update(_flags(words[name]))
    for name in words.get("repeat", ()):
        long_name = f"cycle of '{name}'"
        coordinates[counter(name)] = (
            "probe",
            np.full(probes, -1, "int32"),
            {"long_name": long_name, "units": "1"},
        )
    used = {dim for quantity in quantities.values() for dim in quantity.dims}
    for dim in ("layer", "sign", "readout", "class", "view"):
        if dim in used:
            coordinates[dim] = (
                dim,
                np.arange(len(words[dim]), dtype="int16"),
                {"long_name": dim, "units": "1", **_flags(words[dim])},
            )
    if "unit" in used:
        layers = list(dict.fromkeys(words["unit"]))
        codes = np.array([layers.index(layer) for layer in words["unit"]], "int16")
        labels = np.array([int(label) for label in words["case"]])
        coordinates |= {
            "unit": ("unit", np.arange(len(codes)), {"long_name": "hidden unit"}),
            "unit_layer": ("unit", codes, {"long_name": "layer of the unit", **_flags(layers)}),
            "case": ("case", np.arange(len(labels)), {"long_name": "validation case"}),
            "case_label": ("case", labels, {"long_name": "label of the case"}),
        }
    variables = {
        name: (
            ("probe", *its.dims),
            np.full((probes, *(len(words[dim]) for dim in its.dims)), np.nan, "float32"),
            {"long_name": its.long_name, "units": its.units},
        )
        for name, its in quantities.items()
    }
    return xr.Dataset(variables, coordinates, dict(attributes))


def _flags(words: Sequence[str]) -> dict[str, Any]:
    import numpy as np

    return {"flag_values": np.arange(len(words), dtype="int16"), "flag_meanings": " ".join(words)}


def constant(values: Any, dim: str, long_name: str) -> xr.DataArray:
    """Return a variable that does not change during the run, such as a threshold."""
    import numpy as np
    import xarray as xr

    return xr.DataArray(
        np.asarray(values, "float32"), dims=(dim,), attrs={"long_name": long_name, "units": "1"}
    )


def in_words(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset with CF flags replaced by the words they stand for."""
    import numpy as np

    coordinates = {}
    for name, variable in dataset.variables.items():
        if "flag_meanings" in variable.attrs:
            words = np.array(variable.attrs["flag_meanings"].split(" "))
            attributes = {
                key: value for key, value in variable.attrs.items() if not key.startswith("flag_")
            }
            coordinates[name] = (variable.dims, words[variable.values], attributes)
    return dataset.assign_coords(coordinates)  # at once, for each call takes milliseconds


def as_flags(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset with words replaced by CF flags; the inverse of :func:`in_words`."""
    import numpy as np

    for name, variable in dataset.variables.items():
        if variable.dtype.kind == "U":
            words, numbers = np.unique(variable.values, return_inverse=True)
            coded = numbers.reshape(variable.shape).astype("int16")
            attributes = {**variable.attrs, **_flags([str(word) for word in words])}
            dataset = dataset.assign_coords({name: (variable.dims, coded, attributes)})
    return dataset
