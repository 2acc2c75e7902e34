"""Cases as a reader finds them, before they are checked, scaled and split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError, choices, listed

if TYPE_CHECKING:
    import numpy as np

# Names under which files keep the parts of their data.
PARTS = {
    "": "all",
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class Raw:
    """Cases as they were found.

    Attributes
    ----------
    name
        Their name in messages.
    x
        By part (``all``, or ``train``, ``validation``, ``test``): an array (cases, ...).
    y
        Labels (cases,) by part, numbers or texts; empty where there are none.
    tabular
        Whether the features of a case are columns of a table, each with its own unit.
    channels_first
        Whether the channels of an image come before its rows.
    """

    name: str
    x: Mapping[str, np.ndarray]
    y: Mapping[str, np.ndarray]
    tabular: bool = False
    channels_first: bool = False


def from_arrays(name: str, arrays: Mapping[str, Any], **more: Any) -> Raw:
    """Return raw cases from arrays named ``x`` and ``y``, or ``x_train``, ``y_train``, ``x_test``.

    Raises
    ------
    InputError
        If there is another name, or no ``x``.
    """
    import numpy as np

    x: dict[str, np.ndarray] = {}
    y: dict[str, np.ndarray] = {}
    for key, array in arrays.items():
        which, _, part = str(key).lower().partition("_")
        if which not in ("x", "y") or part not in PARTS:
            raise InputError(
                f"data '{name}': the array '{key}' is not used"
                f"{choices(key, ('x', 'y', 'x_train', 'y_train', 'x_validation', 'x_test'))}"
            )
        into = x if which == "x" else y
        if PARTS[part] in into:
            raise InputError(f"data '{name}': two arrays are the {which} of '{PARTS[part]}'")
        try:
            into[PARTS[part]] = np.asarray(array)
        except ValueError as error:  # rows of different lengths
            raise InputError(f"data '{name}': '{key}' is not an array ({error})") from None
    if not x:
        raise InputError(
            f"data '{name}': there is no array 'x' or 'x_train'; "
            + (f"there are {listed(map(str, arrays))}" if arrays else "it is empty")
        )
    if "all" in x and len(x) > 1:
        raise InputError(f"data '{name}': there is 'x' beside 'x_train' or others; keep one")
    if "all" not in x and "train" not in x:
        raise InputError(f"data '{name}': there are cases to test with, but no 'x_train'")
    for part in y:
        if part not in x:
            raise InputError(f"data '{name}': there are labels '{part}' without cases")
    if y:
        for part in x:
            if part not in y:
                raise InputError(f"data '{name}': the cases of '{part}' have no labels")
    return Raw(name, x, y, **more)


def by_split(name: str, x: Any, y: Any, split: Any, **more: Any) -> Raw:
    """Return raw cases; ``split`` (cases,) names the part that each case belongs to.

    Raises
    ------
    InputError
        If ``split`` holds anything else.
    """
    import numpy as np

    if np.shape(split) != np.shape(x)[:1]:
        raise InputError(
            f"data '{name}': the split has shape {np.shape(split)}; expected {np.shape(x)[:1]}"
        )
    said = [str(its).lower() for its in split]
    wrong = sorted({its for its in said if not its or its not in PARTS})
    if wrong:
        raise InputError(
            f"data '{name}': the split says '{wrong[0]}'{choices(wrong[0], [*PARTS][1:])}"
        )
    parts = np.array([PARTS[its] for its in said])
    arrays = {f"x_{part}": np.asarray(x)[parts == part] for part in dict.fromkeys(parts.tolist())}
    if y is not None:
        arrays |= {
            f"y_{part}": np.asarray(y)[parts == part] for part in dict.fromkeys(parts.tolist())
        }
    return from_arrays(name, arrays, **more)
