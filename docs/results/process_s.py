"""Fit process S to what a network needs sleep for, and let it drive a model of cortex.

python docs/results/process_s.py measure    # ten minutes; writes process_s.nc
python docs/results/process_s.py            # tables and figure again, from process_s.nc

S is the share of negative images that the network takes for real. After ordinary days it is
measured every hour through 40 hours awake and 12 hours of sleep. Exponentials are fitted to both.
The S of each hour of that sleep, relative to its start, sets the adaptation of a cortical model
between its waking and its NREM value.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy.optimize import curve_fit
from tables import cell, keep

import wakesleep as ws

HERE = Path(__file__).parent
SEEDS = range(5)
AWAKE, ASLEEP = 40, 12  # hours of the part that is measured
PER_HOUR = 20  # updates
PEOPLE = {"rise": 18.2, "fall": 4.2}  # hours; Daan, Beersma & Borbely 1984
HOURS = ((0, 1, 2), (3, 4, 8))  # of sleep, at which cortex is looked at
CORTEX_SEEDS = range(3)
SECONDS = 8.0  # of each
B_WAKE, B_NREM = 1.0, 60.0  # pA

TEXT = f"""\
protocol: process_s
data: {{batch: 50}}
negatives: {{source: wrong_label}}
clock: {{steps_per_hour: {PER_HOUR}, start_h: 7}}
phases:
  - repeat: 30
    block: days
    phases:
      - {{phase: wake, hours: 16}}
      - {{phase: sleep, hours: 8}}
  - repeat: 1
    block: measured
    phases:
      - {{phase: wake, hours: {AWAKE}}}
      - {{phase: sleep, hours: {ASLEEP}}}
record: {{every: {PER_HOUR}, cycles: 2, quantities: [false_positive_rate, error]}}
"""


def grown(t: np.ndarray, start: float, end: float, tau: float) -> np.ndarray:
    """Return an exponential from ``start`` towards ``end``."""
    return end - (end - start) * np.exp(-t / tau)


def fitted(s: np.ndarray) -> tuple[float, float, float]:
    """Return the level that is approached, the time constant in hours, and R2."""
    t = np.arange(len(s), dtype=float)
    guess = (s[0], s[-1], 2.0)
    low, high = (0, 0, 0.05), (1, 1, 200)
    (start, end, tau), _ = curve_fit(grown, t, s, guess, bounds=(low, high), max_nfev=20_000)
    left = ((s - grown(t, start, end, tau)) ** 2).sum()
    return float(end), float(tau), float(1 - left / ((s - s.mean()) ** 2).sum())


def network(folder: Path) -> xr.Dataset:
    """Return S of every hour, awake and asleep, for all seeds."""
    file = folder / "process_s.yaml"
    file.write_text(TEXT)
    parts = []
    for seed in SEEDS:
        run = ws.run(file, "ff_digits", parameters={"top_down": False}, seed=seed)
        its = run.isel(probe=run["block"].values == "measured")
        s = its["false_positive_rate"].mean("layer").values
        begins = run.isel(probe=run["block"].values == "days").isel(probe=-1)
        s = np.concatenate([[float(begins["false_positive_rate"].mean())], s])
        assert len(s) == AWAKE + ASLEEP + 1
        parts.append(
            xr.Dataset(
                {
                    "awake": ("hour_awake", s[: AWAKE + 1]),
                    "asleep": ("hour_asleep", s[AWAKE:]),
                }
            ).expand_dims(seed=[seed])
        )
        print(seed, s.round(3), flush=True)
    found = xr.concat(parts, dim="seed")
    return found.assign_coords(
        hour_awake=np.arange(AWAKE + 1.0), hour_asleep=np.arange(ASLEEP + 1.0)
    )


def cortex(s: xr.DataArray) -> xr.Dataset:
    """Return what the cortical model does at some hours of sleep, for some seeds.

    A stage only sets the adaptation, so that one simulation shows three hours, one in each stage.
    """
    parts = []
    for seed in CORTEX_SEEDS:
        share = s.sel(seed=seed) / s.sel(seed=seed, hour_asleep=0)
        b = B_WAKE + (B_NREM - B_WAKE) * share.clip(0, 1)
        for hours in HOURS:
            values = [float(b.sel(hour_asleep=hour)) for hour in hours]
            constants = dict(zip(("b_wake", "b_nrem", "b_rem"), values, strict=True))
            stages = [(name, SECONDS) for name in ("WAKE", "NREM", "REM")]
            found = ws.activity(stages, cortex=constants, seed=seed)
            for place, hour in enumerate(hours):
                its = found.isel(stage=place)
                measured = {name: float(its[name]) for name in ("down_share", "delta_share")}
                parts.append(
                    xr.Dataset({"adaptation": values[place], **measured}).expand_dims(
                        cortex_seed=[seed], hour_asleep_seen=[hour]
                    )
                )
                print(seed, hour, round(values[place], 1), measured, flush=True)
    found = xr.combine_by_coords(parts, combine_attrs="drop")
    assert isinstance(found, xr.Dataset)
    return found


def main() -> None:
    kept = HERE / "process_s.nc"
    if sys.argv[1:] == ["measure"]:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            found = network(Path(folder))
        keep(found, kept)
    if sys.argv[1:] in (["measure"], ["cortex"]):  # cortex alone takes S from the file
        found = xr.load_dataset(kept, engine="scipy")[["awake", "asleep"]]
        found = found.merge(cortex(found["asleep"]))
        keep(found, kept)
    found = xr.load_dataset(kept, engine="scipy")
    rows: dict[str, list[tuple[float, float, float]]] = {"rise": [], "fall": []}
    for seed in found["seed"].values:
        rows["rise"].append(fitted(found["awake"].sel(seed=seed).values))
        rows["fall"].append(fitted(found["asleep"].sel(seed=seed).values))
    fits = {name: xr.DataArray(np.array(its), dims=("seed", "value")) for name, its in rows.items()}
    print("| part | approaches | time constant, h | R2 | people, h |")
    print("|---|---|---|---|---|")
    for name, its in fits.items():
        print(
            f"| {'awake' if name == 'rise' else 'asleep'} | {cell(its[:, 0], 1, 2)} | "
            f"{cell(its[:, 1], 1, 1)} | {cell(its[:, 2], 1, 2)} | {PEOPLE[name]} |"
        )
    ratio = fits["rise"][:, 1] / fits["fall"][:, 1]
    print(f"\nratio of the two: {cell(ratio, 1, 2)} (people {PEOPLE['rise'] / PEOPLE['fall']:.1f})")
    print(
        "\n| hour of sleep | S | adaptation, pA | Down states, share | power in 0.5-4 Hz, share |"
    )
    print("|---|---|---|---|---|")
    for hour in found["hour_asleep_seen"].values:
        one = found[["adaptation", "down_share", "delta_share"]].sel(hour_asleep_seen=hour)
        one = one.rename(cortex_seed="seed")
        s = found["asleep"].sel(hour_asleep=hour)
        print(
            f"| {hour:g} | {cell(s, 1, 3)} | {cell(one['adaptation'], 1, 1)} | "
            f"{cell(one['down_share'], 1, 2)} | {cell(one['delta_share'], 1, 2)} |"
        )
    _figure(found).savefig(HERE.parent / "figures" / "process_s.png", dpi=150)


def _figure(found: xr.Dataset) -> Figure:
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    awake, asleep = found["awake"], found["asleep"]
    for its, offset, colour in ((awake, 0, "#c98500"), (asleep, AWAKE, "#2a5d9f")):
        hours = its[its.dims[1]] + offset
        left.plot(hours, 100 * its.mean("seed"), color=colour)
        for seed in its["seed"]:
            left.plot(hours, 100 * its.sel(seed=seed), color=colour, alpha=0.25, linewidth=0.8)
    left.axvspan(AWAKE, AWAKE + ASLEEP, color="#2a5d9f", alpha=0.1)
    left.set(xlabel="hours (40 awake, then sleep)", ylabel="negative images taken for real (%)")
    interval = ws.statistics.interval(found["delta_share"], "cortex_seed")
    hours = found["hour_asleep_seen"]
    right.plot(hours, interval["mean"], "o-", color="#2a5d9f")
    right.fill_between(hours, interval["low"], interval["high"], color="#2a5d9f", alpha=0.2)
    right.set(xlabel="hour of sleep", ylabel="power in 0.5-4 Hz (share)", ylim=(0, None))
    return figure


if __name__ == "__main__":
    main()
