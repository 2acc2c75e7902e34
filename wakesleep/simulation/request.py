"""The request for a run, and the identity of a run."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep import data
from wakesleep.data.names import DATA_SETS
from wakesleep.data.sets import DataSet
from wakesleep.data.source import DataSource, as_source
from wakesleep.errors import InputError
from wakesleep.files import references
from wakesleep.learners.model_file import LoadedModel
from wakesleep.protocols.protocol_file import LoadedProtocol
from wakesleep.simulation import checkpoint

if TYPE_CHECKING:
    import torch


# The identity of a run: attributes of its result that must be equal when it is resumed.
IDENTITY = (
    "protocol",
    "inputs",
    "protocol_resolved",
    "model",
    "model_resolved",
    "parameters",
    "data",
    "seed",
    "device",
    "dtype",
)


def recorded_identity(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the identity of a run from the attributes of its result."""
    if "identity" in attributes:
        found: dict[str, Any] = json.loads(attributes["identity"])
        return found
    return {name: attributes.get(name) for name in IDENTITY}  # a result of an older version


@dataclass(frozen=True)
class Request:
    """A request for a run.

    Attributes
    ----------
    given
        Data that replace the protocol's and the model's: a source, or a data set.
    options
        Options of the source, such as ``scale``, that replace those in the file.
    tf32
        Whether matrix products on a GPU may be rounded to TF32.
    start
        The store of the run whose trained network is the start; None for new weights.
    """

    protocol: LoadedProtocol
    model: LoadedModel
    seed: int
    device: torch.device
    dtype: torch.dtype
    given: DataSource | DataSet | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    tf32: bool = False
    start: Path | None = None

    @property
    def data(self) -> DataSource | DataSet:
        """The data: what was given, or the protocol's, or the model's."""
        its = self.given or chosen(self.protocol, self.model)
        if not self.options or not isinstance(its, DataSource):
            return its
        return as_source({**its.model_dump(exclude_unset=True), **self.options}).placed(Path.cwd())

    def load(self) -> DataSet:
        """Return the data set.

        Raises
        ------
        InputError
            If it is not available.
        """
        return data.load(self.data) if isinstance(self.data, DataSource) else self.data

    def code(self) -> str:
        """Return every piece of the user's code that is used, with its file and sha256, as JSON."""
        its = self.data
        used = [
            json.loads(self.protocol.resolved),
            self.model.values,
            [self.model.own_kind],
            [its.code] if isinstance(its, DataSource) else [],
        ]
        return references.table(used)

    @functools.cached_property
    def _identity(self) -> dict[str, Any]:
        # Computed once: files that change during the run do not change its identity.
        return {
            **identity(self.protocol, self.model, self.data),
            "seed": self.seed,
            "device": self.device.type,
            "dtype": "tf32" if self.tf32 else str(self.dtype).removeprefix("torch."),
            # Older runs have no such entry.
            **({} if self.start is None else {"begins_with": _digest(self.start)}),
        }

    def identity(self) -> dict[str, Any]:
        """Return the identity of the run: values that must be equal when it is resumed."""
        return dict(self._identity)


def _digest(start: Path) -> str:
    """Return a digest of a trained network, which does not depend on its path.

    Raises
    ------
    InputError
        If there is none.
    """
    import hashlib

    path = checkpoint.path_for(start)
    if not path.is_file():
        raise InputError(f"{path}: there is no checkpoint, which holds the trained network")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def identity(
    protocol: LoadedProtocol, model: LoadedModel, its: DataSource | DataSet | None = None
) -> dict[str, Any]:
    """Return what a protocol, a model and data contribute to a run's identity.

    It does not depend on paths: the user's code is represented by a hash of its file.
    """
    short = references.shortened
    its = its or chosen(protocol, model)
    named = its.identity() if isinstance(its, DataSource) else f"{its.name}@{its.digest[:12]}"
    return {
        "protocol": protocol.name,
        "inputs": json.dumps(short(dict(protocol.values))),
        "protocol_resolved": json.dumps(short(json.loads(protocol.resolved))),
        "model": model.name,
        "model_resolved": json.dumps(
            {"kind": model.spec.kind, "offers": model.decisive_offers, "code": model.code}
        ),
        "parameters": json.dumps(short(model.decisive)),
        "data": named,
    }


def chosen(protocol: LoadedProtocol, model: LoadedModel) -> DataSource:
    """Return the source of the data: the protocol's, or else the model's."""
    return protocol.source or model.source


def given_data(
    its: Any, options: Mapping[str, Any] | None = None
) -> tuple[DataSource | DataSet | None, Mapping[str, Any]]:
    """Return data that were given in Python or on the command line, and the options left over.

    Parameters
    ----------
    its
        None, a name, a path, a source, or an object that holds the cases.
    options
        Options of a source.

    Raises
    ------
    InputError
        If they are not data.
    """
    options = dict(options or {})
    if its is None:
        return None, options
    if (
        isinstance(its, str)
        and its
        and its not in DATA_SETS
        and "/" not in its
        and Path(its).exists()
    ):
        its = f"./{its}"  # a folder or a file in the current directory
    named = isinstance(its, str | Path | DataSource) or (
        isinstance(its, tuple | list) and all(isinstance(part, str | Path) for part in its)
    )
    if named:
        source = as_source(its).model_dump(exclude_unset=True)
        return as_source({**source, **options}).placed(Path.cwd()), {}
    from wakesleep.data.outside import from_python

    how = as_source({"source": "./given", **options})
    return from_python(its, how), options
