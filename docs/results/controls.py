"""Print what lost nights did against a control at the same time of day, from kept data.

python docs/results/controls.py
"""

from __future__ import annotations

from pathlib import Path

import xarray as xr
from tables import cell

import wakesleep as ws

HERE = Path(__file__).parent


def row(label: str, its: xr.Dataset) -> str:
    one = its.sel(layer="1")
    cells = [
        cell(one["false_positive_rate"], 100, sign="+"),
        cell(one["hit_rate"], 100, sign="+"),
        cell(one["criterion"], digits=2, sign="+"),
        cell(one["d_prime"], digits=2, sign="+"),
        cell(its["error"].sel(readout="goodness"), 100, sign="+"),
    ]
    return f"| {label} | {' | '.join(cells)} |"


def main() -> None:
    runs = {
        lost: xr.load_dataset(HERE / f"deprivation_{lost}.nc", engine="scipy") for lost in (0, 1, 5)
    }
    hours = 24 / 200  # a day is 200 updates; these records are older than the protocol's clock
    runs = {lost: its.assign_coords(time_h=7 + hours * its["step"]) for lost, its in runs.items()}
    print("| | false positives, points | hits, points | criterion c | d' | error, points |")
    print("|---|---|---|---|---|---|")
    for lost in (1, 5):
        for label, at in (("the next evening", "wake"), ("the morning after that", "recovery")):
            its = ws.statistics.against_control(runs[lost], runs[0], at)
            print(row(f"{lost} lost: {label}", its))
    ends = {
        at: runs[0].isel(
            probe=(
                (runs[0]["phase"] == at)
                & (runs[0]["block"] == "baseline")
                & (runs[0]["cycle"] == 59)
            ).values.nonzero()[0][-1]
        )
        for at in ("wake", "sleep")
    }
    keep = ["false_positive_rate", "hit_rate", "criterion", "d_prime", "error"]
    swing = ends["wake"][keep].reset_coords(drop=True) - ends["sleep"][keep].reset_coords(drop=True)
    print(row("an ordinary day: evening less the morning before", swing))
    kinds()


def kinds() -> None:
    """Print what five lost nights did to three kinds of network, from the study three_kinds."""
    found = xr.load_dataset(HERE / "three_kinds.nc", engine="scipy")
    print(
        "| | error that evening, control % | lost | difference | false positives, control | lost "
        "| d', difference | c, difference | error after recovery, control | lost |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for model in found["model"].values:
        control, lost = (found.sel(model=model, lost_nights=its) for its in (0, 5))
        cells = [
            cell(its[name], 100)
            for name in ("evening", "evening_false_positives")
            for its in (control, lost)
        ]
        cells.insert(2, cell(lost["evening"] - control["evening"], 100, sign="+"))
        cells += [
            cell(lost[name] - control[name], digits=2, sign="+")
            for name in ("evening_d_prime", "evening_criterion")
        ]
        cells += [cell(its["recovered"], 100) for its in (control, lost)]
        print(f"| {model} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
