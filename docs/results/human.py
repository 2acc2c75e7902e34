"""Print how the debt of a stale baseline grows and recovers, beside numbers of people.

python docs/results/human.py    # from stale_baseline.nc and the published curves
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from tables import cell

import wakesleep as ws

HERE = Path(__file__).parent


def main() -> None:
    found = xr.load_dataset(HERE / "stale_baseline.nc", engine="scipy")
    total = found.sel(protocol="total") if "protocol" in found.dims else found
    total = total.isel({its: 0 for its in total.dims if its not in ("lost_nights", "seed")})
    rise = total["false_positives"] - total["false_positives"].sel(lost_nights=0)
    rise = rise.sel(lost_nights=[3, 6, 12])
    curvature = [
        np.polyfit(np.log(rise["lost_nights"]), np.log(rise.sel(seed=its)), 1)[0]
        for its in rise["seed"].values
        if (rise.sel(seed=its) > 0).all()
    ]
    exponent = cell(xr.DataArray(curvature, dims="seed"), digits=2)
    print(f"exponent of false positives against lost nights: {exponent} ({len(curvature)} seeds)")
    most = total.sel(lost_nights=12)
    back = (most["false_positives"] - most["recovered_false_positives"]) / rise.sel(lost_nights=12)
    print("recovered after three nights, %:", cell(back, 100))
    for name, base, last, after in (("belenky_2003", 0, 7, 10),):
        for arm, its in ws.published(name).groupby("arm"):
            its = its.squeeze()
            risen = float(its.sel(day=last) - its.sel(day=base))
            if risen > 1:
                regained = float(its.sel(day=last) - its.sel(day=after)) / risen
                print(f"people, {arm} in bed ({name}): {100 * regained:.0f} % of the rise")


if __name__ == "__main__":
    main()
