"""From the text of a protocol file to a checked protocol: inputs are filled in here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wakesleep.data.source import DataSource, as_source, is_path
from wakesleep.errors import InputError, choices
from wakesleep.files import documents, expressions, references, specs
from wakesleep.files.inputs import Input
from wakesleep.protocols.spec import Protocol


@dataclass(frozen=True)
class LoadedProtocol:
    """A protocol file with values for its inputs.

    Attributes
    ----------
    spec
        The protocol with the values filled in.
    values
        Value of every input.
    document
        The file it came from.
    """

    spec: Protocol
    values: Mapping[str, bool | int | float | str]
    document: documents.Document

    @property
    def name(self) -> str:
        """The protocol's name."""
        return self.spec.protocol

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the file refer to."""
        return self.document.folder or Path.cwd()

    @property
    def source(self) -> DataSource | None:
        """The data that the protocol names, with whole paths; None for the model's."""
        named = self.spec.data.set
        return None if named == "model" else as_source(named).placed(self.folder)

    @property
    def resolved(self) -> str:
        """The filled-in protocol as JSON, without what changes no number."""
        words = {"inputs", "description", "references"}
        return json.dumps(self.spec.model_dump(exclude_none=True, exclude=words))


def from_document(document: documents.Document, values: Mapping[str, object]) -> LoadedProtocol:
    """Check a document and fill in its inputs.

    Parameters
    ----------
    document
        A parsed protocol file.
    values
        Inputs to be set; the others have their defaults.

    Raises
    ------
    InputError
        If a value does not fit its input, an input is not declared, or the file is wrong.
    """
    tree = dict(document.tree)
    inputs = _inputs(document)
    for name in values:
        if name not in inputs:
            raise InputError(
                f"protocol '{tree.get('protocol')}' declares no input '{name}'"
                f"{choices(name, inputs, 'its inputs are')} (a parameter of the model is set by "
                "-p model.NAME=VALUE, how data are read by -p data.NAME=VALUE; in Python by "
                "parameters={'NAME': VALUE}, data_options={'NAME': VALUE})"
            )
    folder = document.folder or Path.cwd()
    values = _placed(values, tree, Path.cwd())
    defaults = _placed({name: its.default for name, its in inputs.items()}, tree, folder)
    chosen = {}
    for name, its in inputs.items():
        try:
            chosen[name] = its.checked(name, defaults[name])
        except InputError as error:
            raise document.error(("inputs", name, "default"), str(error)) from None
        if name in values:
            chosen[name] = its.checked(name, values[name])
    used: set[str] = set()
    filled = {
        key: value
        if key in ("protocol", "inputs", "description", "references")
        else references.placed(_filled(value, (key,), chosen, document, used), folder)
        for key, value in tree.items()
    }
    spec = specs.validate(Protocol, filled, document)
    for name in inputs:
        if name not in used:
            raise document.error(
                ("inputs", name), f"input '{name}' is declared, but '${name}' is not used"
            )
    return LoadedProtocol(spec, chosen, document)


def _placed(values: Mapping[str, object], tree: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return inputs with relative paths, which refer to a folder, replaced by whole paths."""
    found: dict[str, Any] = references.placed(values, folder)
    data = tree.get("data")
    named = data.get("set") if isinstance(data, Mapping) else None
    name = named.removeprefix("$") if isinstance(named, str) else ""
    given = found.get(name)
    if isinstance(given, str) and is_path(given) and not references.is_reference(given):
        parts = references.pair(given, folder)
        found[name] = ",".join(str(references.whole_path(part, folder)) for part in parts)
    return found


def _inputs(document: documents.Document) -> dict[str, Input]:
    declared = document.tree.get("inputs") or {}
    if not isinstance(declared, Mapping):
        raise document.error(("inputs",), "'inputs' must be a mapping of names to their defaults")
    return {
        name: specs.validate(Input, its, document, ("inputs", name))
        for name, its in declared.items()
    }


def _filled(
    node: Any,
    path: documents.Path_,
    values: Mapping[str, object],
    document: documents.Document,
    used: set[str],
) -> Any:
    """Replace every ``$name`` by the value of that input, and note the name as used."""
    if isinstance(node, Mapping):
        return {
            key: _filled(value, (*path, key), values, document, used) for key, value in node.items()
        }
    if isinstance(node, list):
        return [
            _filled(value, (*path, number), values, document, used)
            for number, value in enumerate(node)
        ]
    if isinstance(node, str) and expressions.is_expression(node, values):
        try:
            found, names = expressions.evaluate(node, values)
        except KeyError as error:
            raise InputError(
                f"{document.where(path)}: '{node}' is not a declared input"
                f"{choices(error.args[0], values, 'declared are')}"
            ) from None
        except ValueError as error:
            raise InputError(f"{document.where(path)}: {error}") from None
        used |= names
        return found
    if isinstance(node, str) and node.startswith("$"):
        name = node[1:]
        if name not in values:
            raise InputError(
                f"{document.where(path)}: '{node}' is not a declared input"
                f"{choices(name, values, 'declared are')}"
            )
        used.add(name)
        return values[name]
    return node
