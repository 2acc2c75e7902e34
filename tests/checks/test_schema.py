"""JSON Schema for editors."""

from __future__ import annotations

import json

import jsonschema
import pytest
from ruamel.yaml import YAML

from wakesleep.files import library

SHIPPED = {shelf: library.shipped(shelf) for shelf in library.SHELVES}


@pytest.mark.parametrize("kind", ["protocol", "model", "study"])
def test_schema_accepts_every_shipped_file_and_no_typo(wakesleep, kind):
    code, out, _ = wakesleep("schema", kind)
    assert code == 0
    schema = json.loads(out)
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in SHIPPED["studies" if kind == "study" else f"{kind}s"].values():
        tree = YAML(typ="safe", pure=True).load(path)
        jsonschema.validate(tree, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**tree, "tpyo": 1}, schema)
    wrong = {
        "protocol": {"phases": [{"phase": "weak", "steps": 1}]},
        "model": {"parameters": {"layers": [5], "lyers": 1}},
        "study": {"outcomes": {"error": {"quantity": "error", "at": "noon"}}},
    }[kind]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**tree, **wrong}, schema)
