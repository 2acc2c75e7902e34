"""JSON Schema of protocol, model and study files, for completion and checks in editors."""

from __future__ import annotations

from typing import Any

from wakesleep.errors import InputError, choices

REFERENCE = {
    "type": "string",
    "pattern": r"\$[A-Za-z]",
    "description": "An input ($name), or numbers and inputs with + - * / and parentheses.",
}


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of ``protocol``, ``model`` or ``study`` files.

    Raises
    ------
    InputError
        If the kind is unknown.
    """
    if kind == "protocol":
        from wakesleep.protocols.spec import Protocol

        schema = Protocol.model_json_schema()
        for name, definition in schema["$defs"].items():
            if name != "Input":
                _allow_references(definition["properties"])
        own = ("protocol", "description", "references", "inputs")
        _allow_references(schema["properties"], keep=own)
        schema["title"] = "wakesleep protocol"
        return schema
    if kind == "model":
        from wakesleep.files.references import imported
        from wakesleep.learners.kinds import KINDS
        from wakesleep.learners.model_file import ModelSpec

        schema = ModelSpec.model_json_schema()
        schema["title"] = "wakesleep model"
        schema["allOf"] = []
        for name, its in KINDS.items():
            parameters = imported(its.parameters).model_json_schema()
            inner = parameters.pop("$defs", {})  # references are to the top
            schema.setdefault("$defs", {}).update({**inner, name: parameters})
            schema["allOf"].append(
                {
                    "if": {"properties": {"kind": {"const": name}}},
                    "then": {"properties": {"parameters": {"$ref": f"#/$defs/{name}"}}},
                }
            )
        return schema
    if kind == "study":
        from wakesleep.studies.spec import Study

        schema = Study.model_json_schema()
        schema["title"] = "wakesleep study"
        return schema
    kinds = ("protocol", "model", "study")
    raise InputError(f"'{kind}' has no schema{choices(kind, kinds)}")


def _allow_references(properties: dict[str, Any], keep: tuple[str, ...] = ()) -> None:
    """Allow ``$name`` for every scalar, also in lists, except the keys in ``keep``; in place."""
    for name, its in properties.items():
        if name in keep:
            continue
        for option in (its, *its.get("anyOf", ())):
            inner = option.get("items", {})
            if "enum" in inner or inner.get("type") in ("integer", "number"):
                option["items"] = {"anyOf": [option["items"], REFERENCE]}
        if its.get("type") in ("integer", "number", "boolean") or "enum" in its:
            properties[name] = {"anyOf": [its, REFERENCE]}
        elif "anyOf" in its and any(
            option.get("type") in ("integer", "number", "boolean")
            or "enum" in option
            or "const" in option
            for one in its["anyOf"]
            for option in (one, *one.get("oneOf", ()))
        ):
            its["anyOf"].append(REFERENCE)
