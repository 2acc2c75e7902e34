"""The command that runs a grid: study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wakesleep.cli.common import names_of
from wakesleep.errors import RunError, one_line
from wakesleep.files.remote import address_of

if TYPE_CHECKING:
    from wakesleep.studies.grid import LoadedStudy


def study(
    file: Annotated[
        str,
        typer.Argument(
            help="Name of a shipped study, or a path.", autocompletion=names_of("studies")
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", metavar="FOLDER", help="Default the study's name; or an address."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Number of processes; default one per core.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Number of seeds, instead of the file's.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    executor: Annotated[
        str, typer.Option(help="Where the runs are made: local, dask or slurm.")
    ] = "local",
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.yaml", help="Describes a cluster; or the address of a dask scheduler."
        ),
    ] = None,
    rerun: Annotated[
        str | None, typer.Option(metavar="failed", help="Repeat only the failed runs.")
    ] = None,
    dry: Annotated[
        bool,
        typer.Option("--dry", help="List the runs, and estimate the time, without starting them."),
    ] = False,
    how_far: Annotated[
        bool, typer.Option("--status", help="Print the progress of the study in the folder.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print only the paths of written files.")
    ] = False,
) -> None:
    """Run a grid of models, protocols, inputs and seeds; continue it if it was stopped."""
    if dry:
        from wakesleep.studies.grid import load

        loaded = load(file, seeds)
        for job in loaded.jobs:
            typer.echo(job)
        _estimate(loaded, workers)
        return
    if how_far:
        _status(file, out, seeds)
        return
    from wakesleep.studies.run import run_study

    done = run_study(
        file,
        out,
        workers=workers,
        seeds=seeds,
        device=device,
        quiet=quiet,
        executor=executor,
        cluster=cluster,
        rerun=rerun,
    )
    if not quiet:
        from wakesleep.cli.tables import print_study

        print_study(done.tree)
    if (address := address_of(out)) is not None:
        typer.echo(f"address: {address}")
    for path in done.files:
        typer.echo(f"{'figure' if path.suffix == '.png' else 'result'}: {path}")
    for name, why in done.undrawn.items():
        typer.echo(f"figure '{name}' could not be drawn: {why}", err=True)
    if done.failed:
        first = next(iter(done.failed.items()))
        raise RunError(
            f"{len(done.failed)} of the study's runs failed; the others are kept, and the same "
            f"command tries again. {first[0]}: {first[1]}"
            + (
                f" (and {len(done.failed) - 1} more; see the result's 'failed')"
                if len(done.failed) > 1
                else ""
            )
        )


def _status(file: str, out: Path | None, seeds: int | None) -> None:
    """Print how many runs have ended, why some were stopped, and about how long the rest takes."""
    from wakesleep.runtime.progress import duration
    from wakesleep.studies.status import status

    its = status(file, out, seeds)
    told = ", ".join(f"{count:,} {name}" for name, count in its.counts.items() if count)
    typer.echo(f"{its.runs:,} runs: {told}")
    for name, why in (its.failed | its.stopped).items():
        typer.echo(f"{name}: {why}")
    if its.seconds_left:
        typer.echo(f"about {duration(its.seconds_left)} of computing are left, on one process")


def _estimate(loaded: LoadedStudy, workers: int | None) -> None:
    """Print about how long a study takes; print no estimate if its runs cannot be tried."""
    from wakesleep.checks.study_time import estimated_seconds
    from wakesleep.runtime.progress import duration

    try:
        seconds, tried = estimated_seconds(loaded, workers)
    except Exception as error:  # a failed estimate must not stop the study
        typer.echo(f"no estimate of the time: {one_line(error)}", err=True)
        return
    runs = len(loaded.jobs)
    told = f"{runs:,} run{'s' if runs > 1 else ''}: about {duration(seconds)} on this machine"
    typer.echo(f"{told} (estimated from {tried} short trials)", err=True)
