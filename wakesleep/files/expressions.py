"""Sums, differences, products and quotients of inputs: ``24 - $night_hours``.

The text is parsed by Python's own parser, and only numbers, inputs, + - * / and parentheses are
evaluated. Nothing is ever executed.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

INPUT = re.compile(r"\$([A-Za-z][A-Za-z0-9_-]*)")
OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
ALLOWED = "numbers, inputs ($name), + - * / and parentheses"


def is_expression(text: str, values: Collection[str] = ()) -> bool:
    """Return whether a text is an expression of inputs, and not a single input.

    If the names of the inputs are given, ``$a-1`` is a single input if there is an input ``a-1`` or
    if no shorter name fits.
    """
    alone = INPUT.fullmatch(text)
    if alone is None:
        return "$" in text
    name = alone.group(1)
    shorter = any(name.startswith(f"{known}-") for known in values)
    return name not in values and shorter


def evaluate(text: str, values: Mapping[str, Any]) -> tuple[int | float, set[str]]:
    """Return the value of an expression (an integer if it is a whole number), and its inputs.

    Parameters
    ----------
    text
        Such as ``24 - $night_hours``. The longest possible name is used: ``$a-1`` is the input
        ``a-1`` if there is one, otherwise ``$a`` minus 1.
    values
        Value of every input.

    Raises
    ------
    KeyError
        If an input is not declared; its argument is the name.
    ValueError
        If it is not such an expression, or its value is not a finite number.
    """
    used: dict[str, Any] = {}

    def name(match: re.Match[str]) -> str:
        whole = match.group(1)
        known = whole
        while known and known not in values:
            known = known.rpartition("-")[0]
        if not known:
            raise KeyError(whole)
        used[f"_{len(used)}_"] = values[known], known
        return f"(_{len(used) - 1}_)" + whole[len(known) :]

    plain = INPUT.sub(name, text)
    try:
        tree = ast.parse(plain, mode="eval")
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"'{text}' cannot be worked out; allowed are {ALLOWED}") from None
    try:
        found = _value(tree.body, used, text)
    except ZeroDivisionError:
        raise ValueError(f"'{text}' divides by zero") from None
    except (OverflowError, RecursionError):
        raise ValueError(f"'{text}' is too large to be worked out") from None
    if found != found or found in (float("inf"), float("-inf")):
        raise ValueError(f"'{text}' is not a finite number")
    names = {called for _, called in used.values()}
    return int(found) if found == int(found) else found, names


def _value(node: ast.expr, used: Mapping[str, Any], text: str) -> int | float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) if name in used:
            value, called = used[name]
            if isinstance(value, bool) or not isinstance(value, int | float):
                shown = "true or false" if isinstance(value, bool) else repr(value)
                raise ValueError(f"'${called}' is {shown}, and only numbers can be combined")
            return value
        case ast.BinOp(left=left, op=how, right=right) if type(how) in OPERATIONS:
            one, other = _value(left, used, text), _value(right, used, text)
            found: int | float = OPERATIONS[type(how)](one, other)
            return found
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, used, text)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner, used, text)
    raise ValueError(f"'{text}' cannot be worked out; allowed are {ALLOWED}")
