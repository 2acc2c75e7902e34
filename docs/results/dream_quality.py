"""Measure how well dreams stand for real digits, and keep the numbers.

python docs/results/dream_quality.py run    # ten runs of 100 nights; writes dream_quality.nc
python docs/results/dream_quality.py        # the table again, from dream_quality.nc
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import xarray as xr
from tables import cell, keep

import wakesleep as ws

HERE = Path(__file__).parent
VARY = ("by_unit", "jointly")
HOW = {"straight down": (0, 1.0), "settled twice": (2, 1.0), "spread 1.5": (0, 1.5)}


def measured() -> xr.Dataset:
    """Return the quality of dreams over the ways they vary, how they are dreamt, and seeds."""
    found = []
    for vary in VARY:
        for seed in range(5):
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "run.zarr"
                inputs = {"negatives": "dream", "nights": 100, "probed_nights": 1}
                parameters = {"dreams_vary": vary}
                ws.run(
                    "phase_separation",
                    "ff_digits",
                    inputs=inputs,
                    parameters=parameters,
                    seed=seed,
                    out=out,
                )
                for name, (settle, spread) in HOW.items():
                    its = ws.dream_quality(out, settle=settle, spread=spread)
                    its = its.drop_attrs().assign_coords(vary=vary, seed=seed, how=name)
                    found.append(its.expand_dims(["vary", "seed", "how"]))
            print(vary, seed, file=sys.stderr, flush=True)
    joined = xr.combine_by_coords(found)
    assert isinstance(joined, xr.Dataset)
    return joined


def main() -> None:
    if len(sys.argv) > 1:
        keep(measured(), HERE / "dream_quality.nc")
    found = xr.load_dataset(HERE / "dream_quality.nc", engine="scipy")
    print("| units vary | dreamt | variance | dreams | real | means | precision | recall |")
    print("|---|---|---|---|---|---|---|---|")
    names = ("variance_ratio", "accuracy", "accuracy_real", "accuracy_means", "precision", "recall")
    for vary in VARY:
        for how in HOW:
            its = found.sel(vary=vary, how=how)
            cells = [cell(its[name], 100) for name in names]
            print(f"| {vary} | {how} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
