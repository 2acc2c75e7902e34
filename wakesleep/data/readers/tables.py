"""Tables: ``.csv`` and ``.parquet``, one row for each case and one column for each feature."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.data.raw import Raw, by_split, from_arrays
from wakesleep.data.source import DataSource
from wakesleep.errors import InputError, choices, listed

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMED = 8  # columns that a message lists


def read(how: DataSource) -> Raw:
    """Return the cases of a table.

    The labels are in the column ``label`` (or the one that the source names), the parts in the
    column that ``split`` names, and all other columns are features.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, or a feature is not a number.
    """
    path = Path(how.source)
    table = _table(path)
    if not len(table):
        raise InputError(f"{path}: the table has no rows")
    columns = [str(name) for name in table.columns]
    table.columns = columns
    twice = {name for name in columns if columns.count(name) > 1}
    if twice:
        raise InputError(f"{path}: two columns are called '{min(twice)}'")
    if len(columns) == 1 and ";" in columns[0]:
        raise InputError(
            f"{path}: its columns are separated by ';'; save it with commas between columns and "
            "points in numbers"
        )
    label = _label(how, columns)
    if how.split is not None and how.split not in columns:
        raise _missing(how.split, "split", columns, path)
    features = table.drop(columns=[name for name in (label, how.split) if name is not None])
    if not len(features.columns):
        raise InputError(f"{path}: there is no column of features")
    for name in features.columns:
        if features[name].dtype.kind not in "buif":
            raise InputError(
                f"{path}: column '{name}' does not hold numbers but "
                f"'{features[name].dropna().iloc[0] if features[name].notna().any() else ''}'; "
                "take the column out of the file, or name it as 'label' or 'split'"
            )
        missing = int(features[name].isna().sum())
        if missing:
            where = int(features[name].isna().to_numpy().argmax())
            raise InputError(
                f"{path}: column '{name}' has missing values ({missing}); the first is in row "
                f"{where + 1}"
            )
    true_or_false = [name for name in features.columns if features[name].dtype.kind == "b"]
    x = features.astype(dict.fromkeys(true_or_false, "int64")).to_numpy()
    y = None if label is None else table[label].to_numpy()
    if how.split is not None:
        return by_split(how.shown, x, y, table[how.split], tabular=how.shape is None)
    arrays = {"x": x} if y is None else {"x": x, "y": y}
    return from_arrays(how.shown, arrays, tabular=how.shape is None)


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd

    read: Any = pd.read_parquet if path.suffix.lower() == ".parquet" else pd.read_csv
    try:
        return read(path)
    except ImportError:
        raise InputError(
            f"{path}: reading .parquet needs pyarrow; install it by 'pip install pyarrow'"
        ) from None
    except Exception as error:  # each engine has errors of its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: cannot be read as a table ({reason})") from None


def _label(how: DataSource, columns: list[str]) -> str | None:
    if how.label == "none":
        return None
    if how.label is not None:
        if how.label not in columns:
            raise _missing(how.label, "label", columns, Path(how.source))
        return how.label
    if "label" in columns:
        return "label"
    raise InputError(
        f"{how.source}: no column is called 'label'; say which one holds the labels by 'label: "
        f"COLUMN' or 'label: none' (on the command line -p data.label=COLUMN); there are "
        f"{_some(columns)}"
    )


def _missing(name: str, what: str, columns: list[str], path: Path) -> InputError:
    return InputError(
        f"{path}: there is no column '{name}' ({what})"
        f"{choices(name, columns[:MOST_NAMED], 'there are')}"
    )


def _some(columns: list[str]) -> str:
    more = len(columns) - MOST_NAMED
    return listed(columns[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
