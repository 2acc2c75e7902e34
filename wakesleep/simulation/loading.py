"""From a name, a path or a result to a checked protocol or model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wakesleep.data.source import DataSource
from wakesleep.errors import InputError
from wakesleep.files import documents, library
from wakesleep.learners import model_file
from wakesleep.learners.model_file import LoadedModel
from wakesleep.protocols import protocol_file
from wakesleep.protocols.protocol_file import LoadedProtocol
from wakesleep.results.store import attributes


def load(name: str | Path, **values: Any) -> LoadedProtocol | LoadedModel:
    """Load a protocol or a model.

    Parameters
    ----------
    name
        Name of a shipped file, or path of a file.
    values
        A protocol's inputs, or a model's parameters, to be set.

    Raises
    ------
    InputError
        If there is no such file, it is neither a protocol nor a model, or anything in it is wrong.
    """
    return from_document(documents.read(library.find(str(name), ("protocols", "models"))), values)


def from_document(
    document: documents.Document, values: Mapping[str, Any]
) -> LoadedProtocol | LoadedModel:
    """Check a document that is a protocol or a model, and set some of its values."""
    if file_kind(document) == "protocol":
        return protocol_file.from_document(document, values)
    return model_file.from_document(document, values)


def load_protocol(
    given: str | Path | LoadedProtocol, values: Mapping[str, Any] | None = None
) -> LoadedProtocol:
    """Return a protocol from a name, a path, a result's path or a loaded protocol.

    Raises
    ------
    InputError
        As :func:`load`; also if the file is a model.
    """
    if values is not None and not isinstance(values, Mapping):
        raise InputError(f"inputs must be a mapping of names to values, not {values!r}")
    if isinstance(given, LoadedProtocol):
        document, values = given.document, {**given.values, **(values or {})}
    else:
        document, kept = _document(given, "protocol")
        values = {**kept, **(values or {})}
    return protocol_file.from_document(document, values)


def load_model(
    given: str | Path | LoadedModel, values: Mapping[str, Any] | None = None
) -> LoadedModel:
    """Return a model from a name, a path, a result's path or a loaded model.

    Raises
    ------
    InputError
        As :func:`load`; also if the file is a protocol.
    """
    if values is not None and not isinstance(values, Mapping):
        raise InputError(f"parameters must be a mapping of names to values, not {values!r}")
    if isinstance(given, LoadedModel):
        return (
            given
            if not values
            else model_file.from_document(given.document, {**given.values, **values})
        )
    document, kept = _document(given, "model")
    return model_file.from_document(document, {**kept, **(values or {})})


def recorded_data(
    given: tuple[object, object],
    inputs: Mapping[str, Any],
    protocol: LoadedProtocol,
    model: LoadedModel,
) -> DataSource | None:
    """Return the data of a result that is repeated, where the files name others.

    Parameters
    ----------
    given
        What the protocol and the model were given as. Only a model that is the path of a result
        has recorded data.
    inputs
        The inputs that were set. Data that the protocol names are meant, unless it is that of the
        same result and its data are not set again.
    protocol, model
        What is run.

    Raises
    ------
    InputError
        If its data were given in Python, and so are not in the result.
    """
    first, second = given
    path = Path(second) if isinstance(second, str | Path) else None
    made = None if path is None else attributes(path)
    whole = first == second and "data" not in inputs
    if made is None or "data_source" not in made or not (whole or protocol.source is None):
        return None
    if not made["data_source"]:
        raise InputError(
            f"{path}: its data were given in Python, and are not in the result; give them again "
            "(--data, in Python data=...)"
        )
    found = DataSource.model_validate_json(made["data_source"], strict=False)
    return None if found == (protocol.source or model.source) else found


def check_fit(its: LoadedProtocol, fitted: LoadedModel) -> None:
    """Check that a model offers what a protocol needs.

    Raises
    ------
    InputError
        If a capability is missing; the message names the first one.
    """
    lacking = model_file.unmet(its.spec.needs(fitted.offers), fitted)
    if lacking:
        raise InputError(f"protocol '{its.name}' cannot run: {lacking}")


def file_kind(document: documents.Document) -> str:
    """Return ``protocol`` or ``model``.

    Raises
    ------
    InputError
        If the document is neither.
    """
    for kind in ("protocol", "model"):
        if kind in document.tree:
            return kind
    raise InputError(
        f"{document.source}:1:1: neither a protocol nor a model: it needs a key "
        "'protocol' or 'model' that names it"
    )


def _document(given: str | Path, wanted: str) -> tuple[documents.Document, Mapping[str, Any]]:
    """Return a document of the wanted kind, and the values that come with it (from a result)."""
    if not isinstance(given, (str, Path)):
        raise InputError(f"a {wanted} is given by its name or path, not by {given!r}")
    path = Path(given)
    if path.is_dir() and (path / "zarr.json").exists():
        from wakesleep.results.store import open_result, provenance

        made = provenance(open_result(path))
        values = made["inputs" if wanted == "protocol" else "parameters"]
        folder = Path(made.get(f"{wanted}_folder") or path.parent)
        return documents.parse(made[f"{wanted}_text"], f"{path} ({wanted})", folder), values
    document = documents.read(library.find(str(given), (f"{wanted}s",)))
    found = file_kind(document)
    if found != wanted:
        raise InputError(f"{document.source}: this is a {found}, not a {wanted}")
    return document, {}
