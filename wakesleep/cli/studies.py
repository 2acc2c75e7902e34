"""The command that runs a grid: study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wakesleep.cli.common import names_of
from wakesleep.errors import RunError


def study(
    file: Annotated[
        str,
        typer.Argument(
            help="Name of a shipped study, or a path.", autocompletion=names_of("studies")
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("-o", metavar="FOLDER", help="Default the study's name.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Number of processes; default one per core.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Number of seeds, instead of the file's.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    dry: Annotated[
        bool, typer.Option("--dry", help="List the runs without starting them.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print only the paths of written files.")
    ] = False,
) -> None:
    """Run a grid of models, protocols, inputs and seeds; continue it if it was stopped."""
    if dry:
        from wakesleep.studies.grid import load

        for job in load(file, seeds).jobs:
            typer.echo(job)
        return
    from wakesleep.studies.run import run_study

    done = run_study(file, out, workers=workers, seeds=seeds, device=device, quiet=quiet)
    if not quiet:
        from wakesleep.cli.tables import print_study

        print_study(done.tree)
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
