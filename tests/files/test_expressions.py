"""Combined inputs: what Python's own arithmetic says, and nothing but arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep.files import documents
from wakesleep.files.expressions import evaluate, is_expression
from wakesleep.protocols import protocol_file

NAMES = ("a", "b", "day_h", "rate-2")
NUMBERS = st.one_of(st.integers(-50, 50), st.floats(-50, 50).map(lambda x: round(x, 3)))


def trees():
    leaves = st.one_of(st.sampled_from([f"${name}" for name in NAMES]), st.integers(0, 99).map(str))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda its: " ".join(its)),
            inner.map(lambda its: f"({its})"),
        ),
        max_leaves=8,
    )


@given(text=trees(), values=st.tuples(*[NUMBERS] * len(NAMES)))
def test_it_is_pythons_arithmetic(text, values):
    known = dict(zip(NAMES, values, strict=True))
    plain = text
    for name in sorted(NAMES, key=len, reverse=True):
        plain = plain.replace(f"${name}", f"({known[name]!r})")
    try:
        expected = eval(plain, {"__builtins__": {}})  # our own text, made above
    except ZeroDivisionError:
        with pytest.raises(ValueError, match=r"divides by zero"):
            evaluate(text, known)
        return
    assume(abs(expected) < 1e300)
    found, used = evaluate(text, known)
    assert found == expected
    assert used == {name for name in NAMES if f"${name}" in text}


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "$a.real",
        "$a ** 9",
        "[$a]",
        "$a if $b else 1",
        "(lambda: $a)()",
        "$a % 2",
        "'x' * $a",
        "$a +",
        "$a and $b",
        "True + $a",
        "9e999 + $a",
        "(" * 500 + "$a" + ")" * 500,
    ],
)
def test_nothing_but_arithmetic(text):
    with pytest.raises(ValueError, match=r"cannot be worked out|finite|too large"):
        evaluate(text, {"a": 1, "b": 2})


def test_longest_names_first_and_whole_numbers():
    assert evaluate("$a-1", {"a": 5, "a-1": 9}) == (9, {"a-1"})
    assert evaluate("$a-1", {"a": 5}) == (4, {"a"})
    assert is_expression("$a-1", {"a": 5})
    assert not is_expression("$a-1", {"a": 5, "a-1": 9})
    value, _ = evaluate("$a / 2", {"a": 6})
    assert type(value) is int
    with pytest.raises(ValueError, match="'\\$a' is 'x', and only numbers"):
        evaluate("$a + 1", {"a": "x"})
    with pytest.raises(KeyError, match=r"b"):
        evaluate("$a + $b", {"a": 1})
    assert not is_expression("$a")
    assert not is_expression("sleep")


TEXT = """\
protocol: p
inputs: {{night_h: {{default: 8.0}}, source: {{default: noise}}}}
clock: {{steps_per_hour: 2}}
negatives: {{source: $source}}
phases:
  - {{phase: wake, hours: {}}}
  - {{phase: sleep, hours: $night_h}}
"""


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("24 - $nigth_h", r"p:6:19: '24 - \$nigth_h' is not a declared input.*mean 'night_h'"),
        ("24 - $source", r"p:6:19: '\$source' is 'noise', and only numbers can be combined"),
        ("24 / ($night_h - 8)", "divides by zero"),
        ("$night_h - 8", r"'hours' must be greater than 0, not 0 \(the value of \$night_h - 8\)"),
        ("24 - $night_h; 1", "cannot be worked out; allowed are numbers"),
    ],
)
def test_faults_say_where_they_are(expression, message):
    document = documents.parse(TEXT.format(expression), "p")
    with pytest.raises(ws.InputError, match=message):
        protocol_file.from_document(document, {})


def test_an_input_used_in_an_expression_alone_is_used():
    document = documents.parse(
        TEXT.format("24 - $night_h").replace("hours: $night_h", "steps: 3"), "p"
    )
    loaded = protocol_file.from_document(document, {"night_h": 6.5})
    assert loaded.spec.phases[0].hours == 17.5
