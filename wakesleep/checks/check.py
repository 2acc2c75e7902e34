"""The verb ``check``: checks files, and whether a model offers what protocols need."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wakesleep.data import load as load_data
from wakesleep.data.names import DOWNLOADED
from wakesleep.data.source import DataSource
from wakesleep.errors import InputError
from wakesleep.files import documents, library, own_errors, references
from wakesleep.learners import build, chunks
from wakesleep.learners.model_file import LoadedModel
from wakesleep.protocols.protocol_file import LoadedProtocol
from wakesleep.simulation.loading import check_fit, file_kind, from_document, load_model
from wakesleep.simulation.request import Request, chosen, given_data
from wakesleep.simulation.trial import ready


def check(
    *names: str | Path,
    model: str | Path | None = None,
    inputs: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    data: Any = None,
    data_options: Mapping[str, Any] | None = None,
    import_code: bool = False,
) -> None:
    """Check files, and that a model offers what the protocols among them need.

    Parameters
    ----------
    names
        Names of shipped files, or paths.
    model
        A model that every protocol must fit. If its data need no download, the model is built, so
        that the check finds every error that a run would find.
    inputs, parameters
        Inputs of every protocol, and parameters of ``model``, as for a run.
    data, data_options
        Data that replace those of the files, and how they are read, as for a run.
    import_code
        Import the user's code that the files name, and check it too. Otherwise this code is not
        imported, and errors that depend on it are not found.

    Raises
    ------
    InputError
        At the first error.
    """
    if not names:
        raise InputError("nothing to check; give the name or path of a file")
    if parameters and model is None:
        raise InputError("parameters are a model's; name the model too (--model)")
    fitted = None if model is None else load_model(model, parameters)
    models = fitted is not None
    for name in names:
        document = documents.read(library.find(str(name)))
        if "study" in document.tree:
            from wakesleep.studies import grid

            if inputs or parameters:
                given = next(iter({**(inputs or {}), **(parameters or {})}))
                raise InputError(f"{name}: is a study, which sets its own inputs; '{given}' is not")
            study = grid.load(name)
            if import_code:
                from wakesleep.studies.gather import import_code as import_study_code

                import_study_code(study)
            continue
        loaded = from_document(
            document, (inputs or {}) if file_kind(document) == "protocol" else {}
        )
        if isinstance(loaded, LoadedModel):
            models = True
            _check_build(loaded, None, data, data_options, import_code)
        if fitted is None:
            continue
        if not isinstance(loaded, LoadedProtocol):
            raise InputError(f"{name}: is a model; only a protocol can be checked against a model")
        check_fit(loaded, fitted)
        _check_build(fitted, loaded, data, data_options, import_code)
    if not models and (data is not None or data_options):
        raise InputError("data are checked with a model; name it too (--model)")


def _check_build(
    fitted: LoadedModel, its: LoadedProtocol | None, data: Any, options: Any, import_code: bool
) -> None:
    """Find errors that depend on the data, such as a field larger than the image.

    The data are those that were given, or the protocol's, or the model's; nothing is downloaded.
    """
    import torch

    cpu, dtype = torch.device("cpu"), torch.float32
    given, left = given_data(data, options)
    source = given or (fitted.source if its is None else chosen(its, fitted))
    if isinstance(source, DataSource) and source.source in DOWNLOADED:
        return
    if its is not None:
        request = Request(its, fitted, 0, cpu, dtype, given, left)
        if import_code or not json.loads(request.code()):
            ready(request)
        return
    code = references.references([fitted.values, fitted.own_kind])
    if isinstance(source, DataSource):
        code += [source.code] if source.code else []
        if code and not import_code:
            return
        source = load_data(source)
    if import_code or not code:
        with own_errors.in_one_line(code, InputError):
            build.build(fitted, chunks.Setting.of(source, cpu, dtype, seed=0))


def own_code(*names: str | Path) -> list[str]:
    """Return the references to the user's code in some files."""
    return references.references([documents.read(library.find(str(its))).tree for its in names])
