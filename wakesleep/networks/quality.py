"""How similar dreams are to the real cases of their class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError
from wakesleep.networks.dreaming import dreams

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


def dream_quality(
    store: str | Path,
    *,
    start: str = "label",
    settle: int = 2,
    spread: float = 1.0,
    noise: float = 0.0,
    each: int = 100,
    seed: int = 0,
    neighbours: int = 5,
    data: Any = None,
) -> xr.Dataset:
    """Compare a network's dreams with the real validation cases of the same classes.

    Parameters
    ----------
    store
        A run's store, with its checkpoint beside it.
    start, settle, spread, noise, each, seed, data
        As for :func:`wakesleep.dreams`. The class of a dream is the one that it started from, so
        ``start`` is usually ``label``.
    neighbours
        Rank of the nearest neighbour that sets the radius around a case (precision and recall).

    Returns
    -------
    xarray.Dataset
        ``variance_ratio``: variance within classes of dreams, relative to that of real cases;
        ``mean_distance``: distance of the mean dream of a class from the mean real case, relative
        to the mean distance between class means; ``accuracy``: accuracy on real cases of a logistic
        regression trained on dreams only; ``accuracy_real``: the same, trained on as many
        real training cases (or all, if there are fewer); ``accuracy_means``: trained on the
        class means of real training cases; ``precision``, ``recall``: share of dreams among real
        cases, and of real cases among dreams (Kynkaanniemi et al. 2019, arXiv 1904.06991, eqs. 1
        and 2, on pixels instead of features).

    Raises
    ------
    InputError
        As :func:`wakesleep.dreams`; also if a class has too few cases.
    """
    import numpy as np
    import xarray as xr
    from sklearn.linear_model import LogisticRegression

    from wakesleep.networks.kept import lived_on

    dreamt = dreams(
        store,
        start=start,
        settle=settle,
        spread=spread,
        noise=noise,
        each=each,
        seed=seed,
        data=data,
    )
    its = lived_on(store, data)
    images = dreamt["image"].values.reshape(dreamt.sizes["dream"], -1).astype(float)
    labels = dreamt["label"].values
    real, named = its.validation.images.astype(float), its.validation.labels
    if not 1 <= neighbours < min(len(images), len(real)):
        raise InputError(
            f"neighbours must be from 1 to {min(len(images), len(real)) - 1}, one less than there "
            f"are dreams or real cases, not {neighbours}"
        )
    if its.classes < 2 or len(np.unique(named)) < its.classes:
        raise InputError(
            f"dreams are compared by class, and '{its.name}' has no validation case of some class"
        )

    def accuracy(x: np.ndarray, y: np.ndarray) -> float:
        return float(LogisticRegression(max_iter=5000).fit(x, y).score(real, named))

    rng = np.random.default_rng(seed)
    train, told = its.train.images.astype(float), its.train.labels
    some = np.concatenate(
        [rng.permutation(np.flatnonzero(told == its_class))[:each] for its_class in np.unique(told)]
    )
    classes = np.arange(its.classes)
    means = np.stack([train[told == number].mean(0) for number in classes])
    ours = np.stack([images[labels == number].mean(0) for number in classes])
    theirs = np.stack([real[named == number].mean(0) for number in classes])
    apart = np.linalg.norm(theirs[:, None] - theirs[None], axis=2)
    found = {
        "variance_ratio": within(images, labels) / within(real, named),
        "mean_distance": np.linalg.norm(ours - theirs, axis=1).mean()
        / apart[~np.eye(len(apart), dtype=bool)].mean(),
        "accuracy": accuracy(images, labels),
        "accuracy_real": accuracy(train[some], told[some]),
        "accuracy_means": accuracy(means, classes),
        "precision": covered(images, real, neighbours),
        "recall": covered(real, images, neighbours),
    }
    return xr.Dataset(
        {name: ((), float(value), {"units": "1"}) for name, value in found.items()},
        attrs={**dreamt.attrs, "each": each, "neighbours": neighbours},
    )


def within(images: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean over classes of the variance within a class, summed over pixels."""
    import numpy as np

    return float(np.mean([images[labels == its].var(0).sum() for its in np.unique(labels)]))


def covered(cases: np.ndarray, by: np.ndarray, neighbours: int) -> float:
    """Return the share of ``cases`` that lie in the manifold of the cases ``by``.

    The manifold is the union of balls around the cases ``by``. The radius of a ball is the distance
    to the k-th nearest neighbour among ``by``, with k = ``neighbours``.
    """
    from sklearn.metrics import pairwise_distances
    from sklearn.neighbors import NearestNeighbors

    # Every case is its own nearest neighbour.
    radius = NearestNeighbors(n_neighbors=neighbours + 1).fit(by).kneighbors(by)[0][:, -1]
    return float((pairwise_distances(cases, by) <= radius).any(1).mean())
