"""YAML 1.2 and the places of things."""

from __future__ import annotations

import pytest

from wakesleep.errors import InputError
from wakesleep.files import documents


def test_yaml_1_2():
    tree = documents.parse(
        "a: on\nb: 1e-3\nc: yes\nd: 012\ne: true\nf: ~\ng: 0o17\nh: .5\ni: 12:30", "test"
    ).tree
    assert tree == {
        "a": "on",
        "b": 0.001,
        "c": "yes",
        "d": 12,
        "e": True,
        "f": None,
        "g": 15,
        "h": 0.5,
        "i": "12:30",
    }
    assert {type(value) for value in tree.values()} == {str, float, int, bool, type(None)}


def test_places():
    document = documents.parse("top:\n  - x: 1\n  - {y: 2, z: 3}\n", "its.yaml")
    assert document.where(("top",)) == "its.yaml:1:1"
    assert document.where(("top", 1, "z")) == "its.yaml:3:12"
    assert document.where(("top", 1, "absent")) == "its.yaml:3:5"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n  \n", "the file is empty"),
        ("# only a comment\n", "expected keys and values at the top"),
        ("just words", "found text"),
        ("- 1\n- 2", "found a list"),
        ("a: [1, 2", "its.yaml:1:9: this is not YAML"),
        ("a: 1\na: 2", r"its.yaml:2:1: this is not YAML.*duplicate key"),
        ("\tx: 1", "its.yaml:1:1: this is not YAML"),
        ("\0", "this is not YAML"),
        ("1: x", "its.yaml:1:1: a key must be a word"),
        ("a: " + "[" * 100 + "]" * 100, "its.yaml:1:28: nested more than 24 levels deep"),
        ("a: " + "[" * 5000, "nested more than 24 levels deep"),
        ("a: &x [*x]", ""),
        ("day: 2026-13-45", "this is not YAML"),
    ],
)
def test_what_is_refused(text, message):
    if not message:
        assert documents.parse(text, "its.yaml").tree  # odd, but finite
        return
    with pytest.raises(InputError, match=message) as caught:
        documents.parse(text, "its.yaml")
    assert str(caught.value).startswith("its.yaml:")
    assert "\n" not in str(caught.value)


def test_values_on_the_command_line_are_yaml():
    assert documents.scalar("1e-3") == 0.001
    assert documents.scalar("[500, 500]") == [500, 500]
    assert documents.scalar("on") == "on"
