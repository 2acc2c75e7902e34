"""Simulations outside the loop: agreement, activity."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wakesleep.cli.common import absent, beside


def agreement(
    out: Annotated[
        Path,
        typer.Option("-o", metavar="FILE", help="A .png, .pdf or .svg; or .nc, one per sweep."),
    ] = Path("agreement.png"),
    theta: Annotated[
        float,
        typer.Option(help="Threshold of all but the first row, between one and two volleys."),
    ] = 1.17,
    trials: Annotated[int, typer.Option(help="Trials with agreement, and as many without.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all randomness.")] = 0,
) -> None:
    """Measure how well coincidence detectors detect agreement of two sources (one minute)."""
    from wakesleep.experiments.coincidence.agreement import SWEEPS, survey
    from wakesleep.plots import check_path, save_agreement
    from wakesleep.results.store import to_netcdf

    check_path(out, ".nc")
    parts = {name: out.with_name(f"{out.stem}_{name}.nc") for name in SWEEPS}
    if out.suffix == ".nc":
        absent(*parts.values())
    found = survey(theta=theta, count=trials, seed=seed)
    if out.suffix != ".nc":
        typer.echo(f"figure: {save_agreement(found, out)}")
        return
    for name, path in parts.items():
        to_netcdf(found[name].to_dataset(), path)
        typer.echo(f"result: {path}")


def activity(
    result: Path,
    out: Annotated[
        Path | None,
        typer.Option("-o", metavar="FILE", help="A .png, .pdf or .svg, or a .nc."),
    ] = None,
    stages: Annotated[
        int, typer.Option(min=1, help="Number of stages to simulate, counted from the last.")
    ] = 4,
    seconds: Annotated[float, typer.Option(help="Length of each stage, in seconds.")] = 5.0,
    downscaling: Annotated[
        float, typer.Option(help="Rate (1/s) at which NREM weakens recurrent excitation.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of connections and noise.")] = 0,
) -> None:
    """Simulate cortical activity for the last stages of a run (one minute)."""
    from wakesleep.experiments.cortex.activity import activity as simulated
    from wakesleep.experiments.cortex.activity import stages_of
    from wakesleep.plots import check_path, save_activity
    from wakesleep.results.store import open_result, to_netcdf

    out = out or beside(result, "-activity.png")
    check_path(out, ".nc")
    if out.suffix == ".nc":
        absent(out)
    table = stages_of(open_result(result), seconds, stages)
    found = simulated(table, cortex={"downscaling": downscaling}, seed=seed)
    if out.suffix == ".nc":
        to_netcdf(found, out)
        typer.echo(f"result: {out}")
    else:
        typer.echo(f"figure: {save_activity(found, out)}")
