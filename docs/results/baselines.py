"""Print simple baselines on the digits, to stand beside every result on them.

python docs/results/baselines.py
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from tables import cell

import wakesleep as ws
from wakesleep import data


def main() -> None:
    digits = data.load("digits")
    train, validation = digits.train, digits.validation
    for name, its in (
        ("logistic regression on pixels (C = 1)", LogisticRegression(max_iter=10_000)),
        ("logistic regression on pixels (C = 0.1)", LogisticRegression(C=0.1, max_iter=10_000)),
        ("nearest neighbour", KNeighborsClassifier(1)),
    ):
        fit = its.fit(train.images, train.labels)
        error = 100 * (1 - fit.score(validation.images, validation.labels))
        print(f"{name}: {error:.1f} %")
    for name, fixed, readout, sweeps in (
        ("softmax on two fixed random layers of 128", True, "softmax", 200),
        ("two layers of 128, interleaved, wrong labels, goodness", False, "goodness", 100),
    ):
        errors = [
            ws.run(
                "interleaved",
                "ff_digits",
                seed=seed,
                inputs={
                    "sweeps": sweeps,
                    "batch": 50,
                    "negatives": "wrong_label",
                    "probe_cases": 20,
                },
                parameters={"fixed": fixed, "layers": [128, 128], "top_down": False},
            )["validation_error"].sel(readout=readout)
            for seed in range(5)
        ]
        print(f"{name}, {sweeps} sweeps: {cell(xr.concat(errors, 'seed'), 100)} %", flush=True)
    n = len(validation.labels)
    print(f"standard error of 4 % on {n} images: {100 * np.sqrt(0.04 * 0.96 / n):.1f} points")


if __name__ == "__main__":
    main()
