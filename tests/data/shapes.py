"""A small data set that tests write in every format: noisy 12x12 images of four shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

NAMES = ("column", "diagonal", "row", "square")


def shapes(cases: int = 1000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images (cases, 12, 12), whole numbers from 0 to 255, and the names of their shapes."""
    random = np.random.default_rng(seed)
    labels = np.arange(cases) % 4
    images = random.integers(0, 60, (cases, 12, 12))
    for image, label in zip(images, labels, strict=True):
        row, column = random.integers(1, 5, 2)
        if label == 0:
            image[:, column + 2] += 180
        elif label == 1:
            image[np.arange(12), np.arange(12)] += 180
        elif label == 2:
            image[row + 2] += 180
        else:
            image[row : row + 6, column : column + 6] += 150
    return images.clip(0, 255).astype(np.uint8), np.array(NAMES)[labels]


def write(form: str, folder: Path, cases: int = 1000) -> Path:
    """Write the shapes as npz, npy, csv, parquet, images (a folder), nc or zarr."""
    import pandas as pd
    import xarray as xr
    from PIL import Image

    x, y = shapes(cases)
    path = folder / f"shapes.{form}"
    if form == "npz":
        np.savez(path, x=x, y=y)
    elif form == "npy":
        np.save(path, x)
        np.save(folder / "labels.npy", y)
    elif form in ("csv", "parquet"):
        table = pd.DataFrame(x.reshape(cases, -1), columns=[f"pixel_{n}" for n in range(144)])
        table["shape"] = y
        if form == "csv":
            table.to_csv(path, index=False)
        else:
            table.to_parquet(path)
    elif form == "images":
        path = folder / "shapes"
        for number, (image, name) in enumerate(zip(x, y, strict=True)):
            (path / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path / name / f"{number:04d}.png")
    else:
        codes = np.unique(y, return_inverse=True)[1].astype("int32")
        data = xr.Dataset(
            {"image": (("case", "row", "column"), x.astype("int32")), "label": ("case", codes)},
        )
        if form == "nc":
            data.to_netcdf(path, engine="scipy")
        else:
            data.to_zarr(path, zarr_format=3, consolidated=False)
    return path
