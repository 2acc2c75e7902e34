"""User-defined goodness and activation functions, checked against finite differences.

They are functions with attributes. An activation ``mine(z)`` has ``mine.slope(z)``; a goodness
``mine(y)`` has ``mine.slope(y)`` and ``mine.threshold(per_unit, units)``. Both may declare
``mine.options``, which come as keyword arguments to all of these.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.files import references
from wakesleep.files.inputs import chosen, options_of
from wakesleep.files.specs import OwnCode
from wakesleep.learners.forward_forward.activation import ACTIVATIONS, Activation
from wakesleep.learners.forward_forward.goodness import GOODNESS, Goodness

Piece = TypeVar("Piece", Activation, Goodness)

STEP = 1e-5  # of finite differences, in double precision
TOLERANCE = 1e-4  # relative; finite differences are good to 1e-8 or so where a function is smooth
ROWS, UNITS = 40, 6  # points at which a slope is tried


def activation(given: str | OwnCode) -> Activation:
    """Return an activation function by its name, or the user's own.

    Raises
    ------
    InputError
        If it cannot be imported, lacks its slope, or the slope is wrong.
    """
    return _piece(given, ACTIVATIONS, "activation", "activations", _own_activation)


def goodness(given: str | OwnCode) -> Goodness:
    """Return a goodness by its name, or the user's own.

    Raises
    ------
    InputError
        If it cannot be imported, lacks its slope or threshold, or the slope is wrong.
    """
    return _piece(given, GOODNESS, "goodness", "goodness", _own_goodness)


def _piece(
    given: str | OwnCode,
    shipped: Mapping[str, Piece],
    what: str,
    group: str,
    made: Callable[[Any, dict[str, Any], str], Piece],
) -> Piece:
    name, values = (given, {}) if isinstance(given, str) else (given.use, given.options)
    if name in shipped:
        if values:
            raise InputError(f"{what} '{name}' has no options")
        return shipped[name]
    try:
        references.check_name(what, name, tuple(shipped), group)
    except ValueError as error:
        raise InputError(str(error)) from None
    code = references.own(references.installed(group).get(name, name), what)
    told = f"{what} '{name}'"
    if not callable(code):
        raise InputError(f"{told} is not a function")
    return made(code, chosen(options_of(code, told), values, told), told)


def _attribute(code: Any, name: str, told: str, options: dict[str, Any]) -> Callable[..., Any]:
    its = getattr(code, name, None)
    if not callable(its):
        raise InputError(f"{told} lacks its {name}: write a function and set it as '.{name}'")
    return functools.partial(its, **options)


def _own_activation(code: Any, options: dict[str, Any], told: str) -> Activation:
    value = functools.partial(code, **options)
    slope = _attribute(code, "slope", told, options)
    z = 3 * torch.randn((ROWS, UNITS), generator=_stream(), dtype=torch.float64)
    _check(told, "total input", z, lambda its: value(its), slope, elementwise=True)
    return Activation(value=value, slope=slope)


def _own_goodness(code: Any, options: dict[str, Any], told: str) -> Goodness:
    value = functools.partial(code, **options)
    slope = _attribute(code, "slope", told, options)
    threshold = _attribute(code, "threshold", told, options)
    y = torch.randn((ROWS, UNITS), generator=_stream(), dtype=torch.float64)
    y[: ROWS // 2] = y[: ROWS // 2].abs()  # as rectified units have them
    _check(told, "activity", y, value, slope, elementwise=False)
    try:
        float(threshold(1.0, UNITS))
    except Exception as error:
        raise InputError(f"{told}: its threshold raises {type(error).__name__}: {error}") from error
    return Goodness(value=value, half_slope=lambda y: slope(y) / 2, threshold=threshold)


def _stream() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _check(
    told: str,
    what: str,
    at: Tensor,
    value: Callable[[Tensor], Tensor],
    slope: Callable[[Tensor], Tensor],
    *,
    elementwise: bool,
) -> None:
    """Refuse a slope that finite differences contradict; kinks are left out.

    Raises
    ------
    InputError
        Naming the worst point.
    """
    wanted = tuple(at.shape) if elementwise else tuple(at.shape[:1])
    try:
        with torch.inference_mode():
            middle, given = value(at), slope(at)
            if middle.dtype != at.dtype or given.dtype != at.dtype:
                other = middle.dtype if middle.dtype != at.dtype else given.dtype
                raise InputError(
                    f"{told}: for numbers of {at.dtype} it returns {other}; keep the type of what "
                    "comes in"
                )
            if tuple(middle.shape) != wanted:
                raise InputError(
                    f"{told} returns shape {tuple(middle.shape)} for shape {tuple(at.shape)}; "
                    f"expected {wanted}"
                )
            if given.shape != at.shape:
                raise InputError(
                    f"{told}: its slope has shape {tuple(given.shape)}; expected {tuple(at.shape)}"
                )
            above, below = (
                _stepped(at, value, way * STEP, elementwise=elementwise) for way in (1, -1)
            )
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{told} raises {type(error).__name__}: {error}") from error
    if not elementwise:
        middle = middle.unsqueeze(1)
    forward, backward = (above - middle) / STEP, (middle - below) / STEP
    central = (above - below) / (2 * STEP)
    size = 1 + central.abs()
    smooth = (forward - backward).abs() < 1e-2 * size
    wrong = ((given - central).abs() / size).nan_to_num(nan=torch.inf)
    wrong[~smooth & wrong.isfinite()] = 0.0
    if float(wrong.max()) > TOLERANCE:
        worst = int(wrong.argmax())
        raise InputError(
            f"{told}: its slope is wrong; worst at {what} {float(at.flatten()[worst]):.4g}, where "
            f"it is {float(given.flatten()[worst]):.4g} and finite differences give "
            f"{float(central.flatten()[worst]):.4g}"
        )


def _stepped(
    at: Tensor, value: Callable[[Tensor], Tensor], by: float, *, elementwise: bool
) -> Tensor:
    """Return the function's value (rows, units) with each unit in turn moved by a step."""
    if elementwise:
        return value(at + by)
    found = []
    for unit in range(at.shape[1]):
        moved = at.clone()
        moved[:, unit] += by
        found.append(value(moved))
    return torch.stack(found, dim=1)
