"""Distillation: images labelled by a trained network (the teacher) for another one (the pupil).

Hinton 2022 (arXiv 2212.13345), section 9: knowledge in the weights of one piece of hardware can
only be passed on through the network's outputs. Any model can be the pupil; it learns from the
file as from any other data.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from wakesleep.errors import InputError, choices, listed
from wakesleep.networks.dreaming import dreams
from wakesleep.networks.network import TrainedNetwork, trained

MOST_DRAWS = 100


def lessons(
    teacher: str | Path,
    *,
    images: Any = None,
    dreamt: int = 0,
    spread: float = 1.5,
    draws: int = 0,
    readout: str | None = None,
    seed: int = 0,
    data: Any = None,
) -> dict[str, np.ndarray]:
    """Return training data for a pupil, labelled by a trained network.

    Parameters
    ----------
    teacher
        The store of its run, with its checkpoint beside it.
    images
        Images that the teacher labels (cases, features) or (cases, rows, columns), from 0 to 1;
        default its own training images.
    dreamt
        Number of dreams per class that replace the images. The label of a dream is the class that
        it started from. 0 for none.
    spread
        Size of the noise that dreams start from.
    draws
        Number of copies of every image, each with a label drawn from the teacher's
        probabilities (soft labels); 0 for one copy with the most probable label.
    readout
        The teacher's read-out that gives the labels; default ``softmax`` if it has one.
    seed
        Seed of dreams and drawn labels.
    data
        The data that the teacher was trained on, if they were given in Python.

    Returns
    -------
    dict
        ``x_train``, ``y_train`` from the teacher; ``x_validation``, ``y_validation``, ``x_test``
        and ``y_test``, the true ones of its data. :func:`wakesleep.run` takes it as ``data``.

    Raises
    ------
    InputError
        If the teacher has no read-outs or cannot dream, images do not fit it, or an option is
        wrong.
    """
    if not 0 <= draws <= MOST_DRAWS:
        raise InputError(f"draws: 0 to {MOST_DRAWS}, not {draws}")
    if dreamt < 0:
        raise InputError(f"dreamt: 0 or more dreams of every class, not {dreamt}")
    if dreamt and (images is not None or draws or readout is not None):
        raise InputError("dreamt: dreams go with neither images, draws nor a read-out")
    its = trained(teacher, data)
    if its.data.window is not None:
        raise InputError(f"'{its.data.name}' has strings; lessons are made of images")
    if "classify" not in its.model.offers:
        raise InputError(f"model '{its.model.name}' has no read-outs, so it cannot teach labels")
    if dreamt:
        its_dreams = dreams(teacher, settle=0, spread=spread, each=dreamt, seed=seed, data=data)
        x = its_dreams["image"].values.reshape(its_dreams.sizes["dream"], -1).clip(0, 1)
        y = its_dreams["label"].values
    else:
        x = its.data.train.images if images is None else np.asarray(images, dtype=np.float32)
        x = x.reshape(len(x), -1) if x.ndim > 2 else x
        y = _labels(its, x, draws, readout, seed)
        x = np.tile(x, (max(1, draws), 1))
    missing = sorted(set(its.data.test.labels.tolist()) - set(y.tolist()))
    if missing:
        warnings.warn(
            f"the teacher never answers {listed(map(str, missing))}, and a pupil needs examples of "
            "every class; train the teacher for longer, or draw labels (--draws 4)",
            stacklevel=2,
        )
    found = {"x_train": _shaped(its, x), "y_train": y.astype(np.int64)}
    for part in ("validation", "test"):
        cases = getattr(its.data, part)
        found[f"x_{part}"] = _shaped(its, cases.images)
        found[f"y_{part}"] = cases.labels.astype(np.int64)
    return found


def write_lessons(out: str | Path, given: dict[str, np.ndarray]) -> Path:
    """Write lessons to a NumPy archive, ``FILE.npz``.

    Raises
    ------
    InputError
        If the file has another ending, exists, or cannot be written.
    """
    from wakesleep.files import outputs

    path = outputs.checked(out, "the lessons")
    if path.suffix != ".npz":
        raise InputError(f"{path}: lessons are written to FILE.npz")
    if path.exists():
        raise InputError(f"{path}: exists already; nothing was written")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **given)  # type: ignore[arg-type]
    return path


def _labels(
    its: TrainedNetwork, x: np.ndarray, draws: int, readout: str | None, seed: int
) -> np.ndarray:
    """Return the teacher's labels of all images, repeated for every draw."""
    readouts = list(its.learner.readouts)
    chosen = readout or ("softmax" if "softmax" in readouts else readouts[0])
    if chosen not in readouts:
        raise InputError(f"there is no read-out '{chosen}'{choices(chosen, readouts)}")
    if not draws:
        labels: np.ndarray = its.classify(x, chosen).values
        return labels
    if "label_probabilities" not in its.model.offers or chosen != "softmax":
        raise InputError(f"draws: read-out '{chosen}' gives no probabilities; use softmax")
    chances = its.label_probabilities(x).values
    rng = np.random.default_rng(seed)
    drawn = [
        (chances.cumsum(1) < rng.random((len(x), 1))).sum(1).clip(0, chances.shape[1] - 1)
        for _ in range(draws)
    ]
    return np.concatenate(drawn)


def _shaped(its: TrainedNetwork, x: np.ndarray) -> np.ndarray:
    rows, columns = its.data.shape
    shaped = x.reshape(len(x), rows, columns, -1)
    return shaped[..., 0] if shaped.shape[-1] == 1 else shaped
