"""From raw cases to a data set: cases are checked, scaled to the range of networks, and split."""

from __future__ import annotations

import warnings

import numpy as np

from wakesleep.data.raw import Raw
from wakesleep.data.sets import Cases, DataSet
from wakesleep.data.source import DataSource
from wakesleep.errors import InputError, listed

LARGEST = 1e30  # a value that can be scaled; its square is a finite number
DIM = 64  # if the largest whole number is below this, division by 255 makes images dim
Arrays = dict[str, np.ndarray]


def assemble(raw: Raw, how: DataSource) -> DataSet:
    """Return a data set.

    Parameters
    ----------
    raw
        Cases as they were found.
    how
        Scale, shape and split from the file.

    Raises
    ------
    InputError
        If there are too few cases, arrays of another kind or length, missing or infinite values,
        values outside 0..1 without a scale, a single class, or a class that training lacks.
    """
    x = {part: _cases(raw, part) for part in raw.x}
    shapes = {its.shape[1:] for its in x.values()}
    if len(shapes) > 1:
        raise _error(raw, f"cases have different shapes: {listed(map(str, sorted(shapes)))}")
    flat_shape = _shape(raw, shapes.pop(), how)
    if len(flat_shape) == 3 and _first(raw, how):
        height, width, channels = flat_shape
        x = {
            part: np.moveaxis(its.reshape(-1, channels, height, width), 1, -1)
            for part, its in x.items()
        }
    y, names = _labels(raw, {part: len(its) for part, its in x.items()})
    x = {part: its.reshape(len(its), -1) for part, its in x.items()}
    x, y = _split(raw, x, y, how, bool(names))
    height, width, *_ = flat_shape
    x = _scaled(raw, x, how)
    if names:
        _check_classes(raw, y, names)
    return DataSet(
        name=raw.name,
        train=Cases(x["train"], y["train"]),
        validation=Cases(x["validation"], y["validation"]),
        test=Cases(x["test"], y["test"]),
        shape=(height, width),
        classes=max(1, len(names)),
        class_names=tuple(names) or None,
        labelled=bool(names),
    )


def _error(raw: Raw, sentence: str) -> InputError:
    return InputError(f"data '{raw.name}': {sentence}")


def _cases(raw: Raw, part: str) -> np.ndarray:
    """Return the cases of a part (cases, ...) as numbers, all of them finite."""
    x = np.asarray(raw.x[part])
    where = "" if part == "all" else f" of '{part}'"
    if x.dtype == object:
        raise _error(raw, f"the cases{where} are Python objects, which are never read; use numbers")
    if x.dtype.kind not in "buif":
        raise _error(raw, f"the cases{where} are of type {x.dtype}; expected numbers")
    if x.ndim < 2:
        raise _error(
            raw, f"the cases{where} have shape {x.shape}; expected (cases, features) or more"
        )
    if not x.size:
        raise _error(raw, f"there are no cases{where}: their shape is {x.shape}")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        bad = ~np.isfinite(x).reshape(len(x), -1).all(1)
        raise _error(
            raw,
            f"{int(bad.sum()):,} of {len(x):,} cases{where} have missing or infinite values; the "
            f"first is case {int(bad.argmax())}",
        )
    return x


def _first(raw: Raw, how: DataSource) -> bool:
    return raw.channels_first if how.channels is None else how.channels == "first"


def _shape(raw: Raw, found: tuple[int, ...], how: DataSource) -> tuple[int, ...]:
    """Return height and width of an image, and its channels where it has any."""
    size = int(np.prod(found))
    if how.shape is not None:
        if int(np.prod(how.shape)) != size:
            wanted = " x ".join(map(str, how.shape))
            raise _error(raw, f"shape: {wanted} is not {size}, the number of features of a case")
        return tuple(how.shape)
    if len(found) == 1:
        return 1, found[0]
    if len(found) == 2:
        return found
    if len(found) == 3:
        if _first(raw, how):
            return found[1], found[2], found[0]
        if how.channels is None and found[0] in (1, 3) and found[2] not in (1, 3, 4):
            raise _error(
                raw,
                f"images of shape {found} seem to have their channels first; say 'channels: first' "
                "or 'channels: last'",
            )
        return found
    raise _error(raw, f"a case has {len(found)} dimensions; at most height, width and channels")


def _labels(raw: Raw, lengths: dict[str, int]) -> tuple[Arrays, list[str]]:
    """Return labels as numbers by part, and the names of the classes (empty without labels)."""
    if not raw.y:
        return {part: np.zeros(count, np.int64) for part, count in lengths.items()}, []
    found: Arrays = {}
    for part, count in lengths.items():
        y = np.asarray(raw.y[part])
        where = "" if part == "all" else f" of '{part}'"
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim != 1:
            raise _error(raw, f"the labels{where} have shape {y.shape}; expected (cases,)")
        if len(y) != count:
            raise _error(raw, f"there are {len(y):,} labels{where} for {count:,} cases")
        found[part] = _as_words(raw, y, where)
    kinds = {its.dtype.kind for its in found.values()}
    if len(kinds) > 1:
        raise _error(raw, "some labels are numbers, others texts")
    names = np.unique(np.concatenate(list(found.values())))
    if len(names) < 2:
        raise _error(
            raw,
            f"all labels are '{names[0]}'; at least two classes are needed (networks that use no "
            "labels take data without them)",
        )
    numbers = {part: np.searchsorted(names, its).astype(np.int64) for part, its in found.items()}
    return numbers, [str(its) for its in names]


def _as_words(raw: Raw, y: np.ndarray, where: str) -> np.ndarray:
    """Return labels as whole numbers or as texts."""
    if y.dtype == object:
        missing = sum(its is None or its != its for its in y.tolist())
        if missing:
            raise _error(raw, f"labels{where} are missing: {missing}")
        if not all(isinstance(its, str) for its in y.tolist()):
            raise _error(raw, f"the labels{where} are Python objects; use whole numbers or texts")
        y = y.astype(str)
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise _error(raw, f"labels{where} are missing: {int((~np.isfinite(y)).sum())}")
        if (y != np.round(y)).any():
            raise _error(raw, f"the labels{where} are fractions, such as {y[y != np.round(y)][0]}")
        if (abs(y) >= 2.0**63).any():
            raise _error(raw, f"a label{where} is {y[abs(y) >= 2.0**63][0]:g}, which is too large")
        y = y.astype(np.int64)
    if y.dtype.kind == "u" and y.max() > np.iinfo(np.int64).max:
        raise _error(raw, f"a label{where} is {y.max()}, which is too large")
    if y.dtype.kind in "bui":
        return y.astype(np.int64)
    if y.dtype.kind not in "US":
        raise _error(raw, f"the labels{where} are of type {y.dtype}; whole numbers or texts")
    if y.dtype.kind == "S":
        try:
            return np.char.decode(y, "utf-8")
        except UnicodeDecodeError:
            raise _error(raw, f"the labels{where} are bytes that are not UTF-8") from None
    return y


def _split(
    raw: Raw, x: Arrays, y: Arrays, how: DataSource, labelled: bool
) -> tuple[Arrays, Arrays]:
    """Return cases and labels of all three parts; missing parts are split off at random."""
    if "all" in x:
        x, y = {"train": x["all"]}, {"train": y["all"]}
    missing = [part for part in ("validation", "test") if part not in x]
    shares = [getattr(how, part) for part in missing]
    if missing:
        random = np.random.Generator(np.random.PCG64(how.split_seed))
        cut = _cut(y["train"], shares, random)
        if not all(len(its) for its in cut):  # every class is too small to be cut by itself
            cut = _cut(np.zeros_like(y["train"]), shares, random, y["train"])
        if not all(len(its) for its in cut):
            raise _error(
                raw,
                f"{len(y['train'])} cases are too few to cut {listed(missing)} from; give them in "
                "the file, or more cases",
            )
        whole_x, whole_y = x["train"], y["train"]
        x, y = dict(x), dict(y)
        for part, its in zip(("train", *missing), cut, strict=True):
            x[part], y[part] = whole_x[its], whole_y[its]
    return x, y


def _cut(
    labels: np.ndarray,
    shares: list[float],
    random: np.random.Generator,
    kept: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Return indices of the training cases and of each other part, with the same split per class.

    At least one case of each of the labels ``kept`` is a training case.
    """
    parts: list[list[np.ndarray]] = [[] for _ in range(len(shares) + 1)]
    for label in np.unique(labels):
        its = random.permutation(np.flatnonzero(labels == label))
        if kept is not None:
            first = np.unique(kept[its], return_index=True)[1]
            its = np.concatenate((np.delete(its, first), its[first]))  # the last ones train
        used = 0
        for number, share in enumerate(shares, 1):
            count = min(round(share * len(its)), len(its) - 1 - used)
            parts[number].append(its[used : used + count])
            used += count
        parts[0].append(its[used:])
    # In random order, so that the first N cases are a sample of all.
    return [random.permutation(np.concatenate(its)) for its in parts]


def _check_classes(raw: Raw, y: Arrays, names: list[str]) -> None:
    """Refuse data whose training cases lack a class."""
    counts = np.bincount(y["train"], minlength=len(names))
    lacking = [name for name, count in zip(names, counts, strict=True) if not count]
    if lacking:
        raise _error(
            raw,
            f"no training case is of class {listed(lacking[:5])}, which the validation or test "
            "cases have",
        )


def _scaled(raw: Raw, x: Arrays, how: DataSource) -> Arrays:
    """Return cases as float32 in the range of the scale."""
    low = float(min(its.min() for its in x.values()))
    high = float(max(its.max() for its in x.values()))
    whole = all(its.dtype.kind in "bui" for its in x.values())
    if how.scale == "none":
        if low >= 0 and high <= 1:
            return {part: its.astype(np.float32) for part, its in x.items()}
        if whole and low >= 0 and high <= 255:
            if high < DIM:
                warnings.warn(
                    f"data '{raw.name}': whole numbers are divided by 255, and the largest is "
                    f"{high:g}; 'scale: minmax' would use the whole range",
                    stacklevel=2,
                )
            return {part: its.astype(np.float32) / np.float32(255) for part, its in x.items()}
        kind = "whole numbers" if whole else "values"
        raise _error(
            raw,
            f"{kind} go from {low:g} to {high:g}; allowed are 0 to 1, or whole numbers from 0 to "
            "255; otherwise set 'scale: minmax' or 'scale: standardise' (on the command line -p "
            "data.scale=minmax, in Python data_options={'scale': 'minmax'})",
        )
    if max(abs(low), abs(high)) > LARGEST:
        raise _error(raw, f"values go from {low:g} to {high:g}, which is too far to be scaled")
    axis = 0 if raw.tabular else None
    train = x["train"].astype(np.float64)
    if how.scale == "minmax":
        least, span = train.min(axis), np.ptp(train, axis)
        span = np.where(span > 0, span, 1.0)
        # Values of other cases outside the range of the training cases are clipped.
        return {
            part: np.clip((its - least) / span, 0, 1).astype(np.float32) for part, its in x.items()
        }
    mean, spread = train.mean(axis), train.std(axis)
    spread = np.where(spread > 0, spread, 1.0)
    return {part: ((its - mean) / spread).astype(np.float32) for part, its in x.items()}
