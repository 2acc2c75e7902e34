"""A trained network as an object: its weights, and its responses to your own images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from wakesleep.errors import InputError, choices
from wakesleep.files.remote import fetched
from wakesleep.networks.kept import kept_network

if TYPE_CHECKING:
    from torch import Tensor

    from wakesleep.data import DataSet
    from wakesleep.learners.model_file import LoadedModel

CASE_AND_PIXELS = ("case", "row", "column", "channel")


def trained(
    result: str | Path | xr.Dataset, data: Any = None, *, step: int | None = None
) -> TrainedNetwork:
    """Return the network of a run, at its end or at an earlier step.

    Parameters
    ----------
    result
        The run's store (also one of a study that keeps networks), by its path or as opened by
        :func:`wakesleep.open`, or its address. Its checkpoint must lie beside it.
    data
        The data that it was trained on, if they were given in Python.
    step
        Number of steps after which the network was kept; default the end of the run. A protocol
        keeps networks during the run if it has ``record: {networks: phase_ends}``. The possible
        numbers are the coordinate ``step`` of the result where ``phase_end`` is true.

    Raises
    ------
    InputError
        If there is no such run or no checkpoint, its data cannot be loaded, or no network was kept
        at that step.
    """
    from wakesleep.simulation.loading import load_model

    if not isinstance(result, xr.Dataset):
        path = fetched(result) if isinstance(result, str | Path) else result
    else:
        place = result.encoding.get("source")
        if not place or not Path(place).is_dir():
            raise InputError(
                "a trained network lies beside the store of a run; this result was not opened from "
                "one (give 'out' to wakesleep.run)"
            )
        path = Path(place)
    learner, its = kept_network(path, data, step)
    return TrainedNetwork(learner, its, load_model(Path(path).resolve()))


# The calls that a notebook lists: the call, what it returns, and the capability it needs.
CALLS = (
    ("net.weights", "weights as an xarray data set", "synapses"),
    ("net.classify(images)", "labels that the network picks", "classify"),
    ("net.goodness(images, labels)", "goodness of each layer", "goodness"),
    ("net.activities(images, labels)", "activities of the units", "label_goodness"),
    ("net.dream(labels)", "dreams of some classes", "dream"),
    ("net.state_dict()", "all tensors, for PyTorch", None),
)


@dataclass(frozen=True)
class TrainedNetwork:
    """The trained network of a run; no method changes it.

    Attributes
    ----------
    learner
        The learner itself, with all its methods and tensors.
    data
        The data that it was trained on.
    model
        The model file with its parameters.
    """

    learner: Any
    data: DataSet
    model: LoadedModel

    def __repr__(self) -> str:
        """Say which model it is, and what it can do."""
        return (
            f"<trained {self.model.name} ({self.model.spec.kind}) on {self.data.name}: "
            f"{', '.join(self.model.offers)}>"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the model, its layers, and what to call."""
        from html import escape

        layers = ", ".join(
            f"layer {name}: {' x '.join(map(str, its.shape))}"
            for name, its in zip(self._layer_names(), self._synapses(), strict=True)
        )
        rows = "".join(
            f"<tr><td><code>{escape(call)}</code></td><td>{escape(what)}</td></tr>"
            for call, what, needs in CALLS
            if needs is None or needs in self.model.offers
        )
        spec = self.model.spec
        return (
            f"<b>{escape(self.model.name)}</b> ({escape(spec.kind)}), trained on "
            f"{escape(self.data.name)}<br>{escape(spec.description)}<br>{escape(layers)}"
            f"<table>{rows}</table>"
        )

    def _synapses(self) -> list[Tensor]:
        offers = "synapses" in self.model.offers
        return list(self.learner.synapses()) if offers else []

    def _layer_names(self) -> list[str]:
        """Return a name for each tensor of weights; numbers where layers have no names."""
        tensors, names = self._synapses(), list(getattr(self.learner, "layer_names", ()))
        if len(names) != len(tensors):
            names = [str(number) for number in range(1, len(tensors) + 1)]
        return names

    @property
    def weights(self) -> xr.Dataset:
        """Weights between units: ``weight_LAYER`` over ``unit_LAYER`` and ``input_LAYER``.

        Tensors of another shape (receptive fields) have dimensions ``weight_LAYER_0`` and so on.
        Biases and read-outs are in :meth:`state_dict`.
        """
        self._needs("synapses")
        found = {}
        for name, its in zip(self._layer_names(), self._synapses(), strict=True):
            flat = its.ndim == 2
            dims = [f"weight_{name}_{place}" for place in range(its.ndim)]
            dims = [f"unit_{name}", f"input_{name}"] if flat else dims
            found[f"weight_{name}"] = (dims, _array(its))
        return xr.Dataset(found, attrs={"model": self.model.name, "data": self.data.name})

    def activities(self, images: Any, labels: Any) -> xr.Dataset:
        """Return ``activity_LAYER`` over ``case`` and ``unit_LAYER`` for images shown with labels.

        Parameters
        ----------
        images
            (cases, features), or (cases, rows, columns[, channels]), from 0 to 1.
        labels
            (cases,), whole numbers.

        Raises
        ------
        InputError
            If the model has no such activities, or an argument does not fit.
        """
        self._needs("label_goodness")
        found = self.learner.activities(self._images(images), self._labels(labels, len(images)))
        names = self.learner.layer_names
        return xr.Dataset(
            {
                f"activity_{name}": (("case", f"unit_{name}"), _array(its))
                for name, its in zip(names, found, strict=True)
            }
        )

    def goodness(self, images: Any, labels: Any) -> xr.DataArray:
        """Return the goodness of each case in each layer (layer, case); see :meth:`activities`."""
        self._needs("goodness")
        found = self.learner.goodness(self._images(images), self._labels(labels, len(images)))
        layers = list(self.learner.layer_names)
        return xr.DataArray(_array(found), {"layer": layers}, ("layer", "case"), name="goodness")

    def classify(self, images: Any, readout: str | None = None) -> xr.DataArray:
        """Return the class (case,) that a read-out picks; default the model's first read-out.

        Raises
        ------
        InputError
            If the model does not classify or has no such read-out, or images do not fit.
        """
        self._needs("classify")
        readouts = list(self.learner.readouts)
        chosen = readouts[0] if readout is None else readout
        if chosen not in readouts:
            raise InputError(f"there is no read-out '{chosen}'{choices(chosen, readouts)}")
        found = self.learner.classify(self._images(images), chosen)
        return xr.DataArray(_array(found), dims="case", name="class", attrs={"readout": chosen})

    def label_probabilities(self, images: Any) -> xr.DataArray:
        """Return the network's probability of every label (case, class); see :meth:`classify`."""
        import torch

        self._needs("label_probabilities")
        with torch.inference_mode():
            found = self.learner.label_probabilities(self._images(images))
        return xr.DataArray(_array(found), dims=("case", "class"), name="probability")

    def dream(
        self, labels: Any, *, settle: int = 2, spread: float = 1.0, seed: int = 0
    ) -> xr.DataArray:
        """Return dreams (case, row, column, channel) of classes (cases,), drawn from a seed.

        Parameters
        ----------
        labels
            Classes to dream of (cases,).
        settle, spread
            Number of passes up and down, and the size of the noise at the start.
        seed
            Seed of the noise.

        Raises
        ------
        InputError
            If the model does not dream, or an argument does not fit.
        """
        import torch

        from wakesleep.learners.capabilities import DreamSettings
        from wakesleep.negatives import DREAM

        self._needs("dream")
        for name, value in (("settle", settle), ("spread", spread)):
            DREAM[name].checked(name, value, "option")
        wanted = self._labels(labels, len(np.atleast_1d(labels)))
        generator = torch.Generator(wanted.device).manual_seed(seed)
        images, _ = self.learner.dream(wanted, DreamSettings("label", settle, spread), generator)
        if self.data.window is not None:
            raise InputError(f"'{self.data.name}' has strings, not images")
        rows, columns = self.data.shape
        shown = _array(images).reshape(len(images), rows, columns, -1)
        return xr.DataArray(shown, {"class": ("case", _array(wanted))}, CASE_AND_PIXELS, "dream")

    def state_dict(self) -> dict[str, Tensor]:
        """Return every tensor of the network by a name such as ``layers.0.weight``."""
        return dict(_tensors(self.learner.state_dict()))

    def _needs(self, capability: str) -> None:
        if capability not in self.model.offers:
            raise InputError(
                f"model '{self.model.name}', of kind '{self.model.spec.kind}', does not offer "
                f"'{capability}'"
            )

    def _images(self, images: Any) -> Tensor:
        import torch

        array = np.asarray(images, dtype=float)
        features = self.data.features
        flat = array.reshape(len(array), -1) if array.ndim > 1 else array
        if flat.ndim != 2 or flat.shape[1] != features:
            rows, columns = self.data.shape
            raise InputError(
                f"images have the shape {array.shape}; the network takes (cases, {features}), "
                f"such as {rows} x {columns} pixels"
            )
        if not np.isfinite(flat).all() or flat.min(initial=0) < 0 or flat.max(initial=0) > 1:
            raise InputError("images have values outside of 0 to 1")
        return torch.tensor(flat).to(self._like())

    def _labels(self, labels: Any, cases: int) -> Tensor:
        import torch

        array = np.atleast_1d(np.asarray(labels))
        if array.dtype.kind not in "iu" or array.ndim != 1:
            raise InputError("labels must be whole numbers (cases,)")
        if len(array) != cases:
            raise InputError(f"there are {cases} images and {len(array)} labels")
        if array.size and not 0 <= array.min() <= array.max() < self.data.classes:
            raise InputError(f"labels must be from 0 to {self.data.classes - 1}")
        return torch.tensor(array.astype(np.int64), device=self._like().device)

    def _like(self) -> Tensor:
        return next(its for its in self.state_dict().values() if its.is_floating_point())


def _array(its: Tensor) -> np.ndarray:
    found: np.ndarray = its.detach().cpu().numpy()
    return found


def _tensors(state: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor in nested dictionaries and lists, by its path."""
    import torch

    if isinstance(state, torch.Tensor):
        yield name, state
        return
    items: Any = ()
    if isinstance(state, Mapping):
        items = state.items()
    elif isinstance(state, list | tuple):
        items = enumerate(state)
    for key, its in items:
        yield from _tensors(its, f"{name}.{key}" if name else str(key))
