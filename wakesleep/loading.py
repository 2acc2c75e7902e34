"""The verbs ``load`` and ``check``: from a name or path to a checked protocol or model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wakesleep import files, library, model, protocol
from wakesleep.errors import InputError
from wakesleep.model import LoadedModel
from wakesleep.protocol import LoadedProtocol


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
    return _loaded(files.read(library.find(str(name), ("protocols", "models"))), values)


def _loaded(document: files.Document, values: Mapping[str, Any]) -> LoadedProtocol | LoadedModel:
    if _is(document) == "protocol":
        return protocol.from_document(document, values)
    return model.from_document(document, values)


def check(
    *names: str | Path,
    model: str | Path | None = None,
    inputs: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Check files, and that a model can do what the protocols among them ask.

    Parameters
    ----------
    names
        Names of shipped files, or paths.
    model
        A model that every protocol must fit; with data that need no download it is built, so that
        whatever a run would refuse is refused.
    inputs, parameters
        Inputs of every protocol, and parameters of ``model``, as a run would be given them.

    Raises
    ------
    InputError
        At the first thing that is wrong.
    """
    if not names:
        raise InputError("nothing to check; give the name or path of a file")
    if parameters and model is None:
        raise InputError("parameters are a model's; name the model too (--model)")
    fitted = None if model is None else load_model(model, parameters)
    for name in names:
        document = files.read(library.find(str(name)))
        if "study" in document.tree:
            from wakesleep import studies

            studies.load(name)
            continue
        loaded = _loaded(document, (inputs or {}) if _is(document) == "protocol" else {})
        if isinstance(loaded, LoadedModel):
            _check_build(loaded)
        if fitted is None:
            continue
        if not isinstance(loaded, LoadedProtocol):
            raise InputError(f"{name}: is a model; only a protocol can be checked against a model")
        check_fit(loaded, fitted)
        _check_build(fitted, loaded)


def _check_build(fitted: LoadedModel, its: LoadedProtocol | None = None) -> None:
    """Refuse what only shows with the data at hand, such as a field larger than the image.

    The data are the protocol's, or without one the model's own; nothing is downloaded for it.
    """
    from wakesleep import data
    from wakesleep.prepare import Request, data_name, prepare

    name = fitted.spec.data if its is None else data_name(its, fitted)
    if name in data.DOWNLOADED:
        return
    import torch

    cpu, dtype = torch.device("cpu"), torch.float32
    if its is None:
        model.build(fitted, model.Setting.of(data.load(name), cpu, dtype, seed=0))
    else:
        prepare(Request(its, fitted, 0, cpu, dtype))


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
    return protocol.from_document(document, values)


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
            given if not values else model.from_document(given.document, {**given.values, **values})
        )
    document, kept = _document(given, "model")
    return model.from_document(document, {**kept, **(values or {})})


def check_fit(its: LoadedProtocol, fitted: LoadedModel) -> None:
    """Check that a model offers what a protocol needs.

    Raises
    ------
    InputError
        Naming the first capability that is missing.
    """
    lacking = model.unmet(its.spec.needs(fitted.offers), fitted)
    if lacking:
        raise InputError(f"protocol '{its.name}' cannot run: {lacking}")


def _is(document: files.Document) -> str:
    for kind in ("protocol", "model"):
        if kind in document.tree:
            return kind
    raise InputError(
        f"{document.source}:1:1: neither a protocol nor a model: it needs a key "
        "'protocol' or 'model' that names it"
    )


def _document(given: str | Path, wanted: str) -> tuple[files.Document, Mapping[str, Any]]:
    """Return a document of the wanted kind, and the values that come with it (from a result)."""
    if not isinstance(given, (str, Path)):
        raise InputError(f"a {wanted} is given by its name or path, not by {given!r}")
    path = Path(given)
    if path.is_dir() and (path / "zarr.json").exists():
        from wakesleep.results import open_result, provenance

        made = provenance(open_result(path))
        values = made["inputs" if wanted == "protocol" else "parameters"]
        return files.parse(made[f"{wanted}_text"], f"{path} ({wanted})", path.parent), values
    document = files.read(library.find(str(given), (f"{wanted}s",)))
    found = _is(document)
    if found != wanted:
        raise InputError(f"{document.source}: this is a {found}, where a {wanted} is wanted")
    return document, {}
