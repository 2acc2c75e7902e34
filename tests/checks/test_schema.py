"""JSON Schema for editors."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from wakesleep.checks.schema import json_schema
from wakesleep.files import library

SHIPPED = {shelf: library.shipped(shelf) for shelf in library.SHELVES}


@pytest.mark.parametrize("kind", ["protocol", "model", "study"])
def test_schema_accepts_every_shipped_file_and_no_typo(wakesleep, kind):
    code, out, _ = wakesleep("schema", kind)
    assert code == 0
    schema = json.loads(out)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in SHIPPED["studies" if kind == "study" else f"{kind}s"].values():
        tree = YAML(typ="safe", pure=True).load(path)
        validator.validate(tree)
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({**tree, "tpyo": 1})
    wrong = {
        "protocol": {"phases": [{"phase": "weak", "steps": 1}]},
        "model": {"parameters": {"layers": [5], "lyers": 1}},
        "study": {"outcomes": {"error": {"quantity": "error", "at": "noon"}}},
    }[kind]
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**tree, **wrong})


@pytest.mark.parametrize("kind", ["protocol", "model", "study"])
def test_the_committed_schema_is_that_of_the_code(kind):
    kept = library.root() / "docs" / "schemas" / f"{kind}.json"
    assert json.loads(kept.read_text()) == json_schema(kind), "run 'make schemas'"


def test_every_shipped_file_names_its_schema_and_a_copy_the_installed_one(tmp_path):
    for shelf, kind in library.SINGULAR.items():
        for path in SHIPPED[shelf].values():
            first = path.read_text(encoding="utf-8").splitlines()[0]
            place = first.removeprefix("# yaml-language-server: $schema=")
            schema = (path.parent / place).resolve()
            assert schema == (library.root() / "docs" / "schemas" / f"{kind}.json").resolve(), path
        name = next(iter(SHIPPED[shelf]))
        copied = library.copy(f"{shelf}/{name}", tmp_path / f"{shelf}.yaml").read_text()
        place = copied.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
        assert json.loads(Path(place).read_text())["title"] == f"wakesleep {kind}"
        assert copied.splitlines()[1:] == SHIPPED[shelf][name].read_text().splitlines()[1:]
