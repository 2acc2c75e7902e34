"""Commands about one run: run, plot."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from wakesleep.cli.common import beside, names_of, settings_from
from wakesleep.errors import InputError
from wakesleep.files.remote import address_of, exists


def run(
    protocol: Annotated[
        str,
        typer.Argument(
            help="Name, path, or a result to repeat.", autocompletion=names_of("protocols")
        ),
    ],
    model: Annotated[
        str | None,
        typer.Argument(
            help="Name, path, or a result to repeat; default with --from: its model.",
            autocompletion=names_of("models"),
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            metavar="NAME=VALUE",
            help="An input of the protocol, model.NAME=VALUE for a parameter of the model "
            "(model.hardware.noise=2 for a part of one), or data.NAME=VALUE for how your data are "
            "read.",
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option("--from", metavar="RESULT", help="Start from the trained network of a run."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", help="Data instead of the model's: a name, a file or a folder."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    dtype: Annotated[
        str, typer.Option(help="float32, float64; on a CUDA GPU also tf32 (faster, less exact).")
    ] = "float32",
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", metavar="OUT.zarr", help="Default PROTOCOL-MODEL-seedN.zarr; or an address."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue the run in OUT; start it if there is none.",
        ),
    ] = False,
    parallel: Annotated[
        str | None,
        typer.Option(
            metavar="layers|data",
            help="What torchrun's processes divide: the layers, or the cases of every batch.",
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print only the path of the result.")
    ] = False,
) -> None:
    """Run a protocol on a model."""
    from wakesleep.results.store import finished
    from wakesleep.runtime.ranks import rank_here, size_here
    from wakesleep.runtime.speed import keep_freed
    from wakesleep.simulation.loading import load_model, load_protocol, recorded_data

    given = settings_from(settings)
    if model is None and start is None:
        raise InputError("Missing argument MODEL; give a model, or a trained network by --from")
    if start is not None:
        from wakesleep.results.store import open_result

        open_result(start)
    its = load_protocol(protocol, given.inputs)
    origin = start if model is None else model
    network = load_model(origin, given.parameters)  # type: ignore[arg-type]
    repeated = None
    if data is None:
        repeated = recorded_data((protocol, origin), given.inputs, its, network)
    out = out or Path(f"{its.name}-{network.name}-seed{seed}.zarr")
    from wakesleep.simulation.run import run as run_protocol

    keep_freed()
    address = address_of(out)
    if resume and not (out.exists() if address is None else exists(address)):
        typer.echo(f"{address or out}: no such run yet; starting it", err=True)
    ended = resume and finished(address or out)

    if parallel is None and size_here() > 1:
        raise InputError(
            f"torchrun has started {size_here()} processes; say what they divide, by --parallel "
            "layers or --parallel data"
        )
    silent = parallel is not None and rank_here() > 0  # process 0 reports the result
    result = run_protocol(
        its,
        network,
        seed=seed,
        device=device,
        dtype=dtype,
        out=address or out,
        resume=resume,
        quiet=quiet or silent,
        data=repeated or data,
        data_options=given.data,
        start=start,
        parallel=parallel,
    )
    if silent:
        return
    if ended:
        typer.echo(f"{address or out}: the run has already finished; nothing was run", err=True)
    shown = address or out
    if quiet:
        typer.echo(shown)
        return
    from wakesleep.cli.tables import print_summary

    print_summary(result)
    typer.echo(f"result: {shown}")
    if sys.stderr.isatty():  # for people; a program that reads the output does not want it
        typer.echo(
            f"next: wakesleep plot {shown}, or wakesleep report {shown} -o page.html", err=True
        )


def plot(
    what: Annotated[
        str, typer.Argument(metavar="RESULT_OR_PROTOCOL", help="A result, or a protocol.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            metavar="FILE.png",
            help="Default RESULT.png; the ending (png, pdf, svg) sets the format.",
        ),
    ] = None,
    first: Annotated[
        int | None,
        typer.Option(help="First step to show; by default shortly before the last change."),
    ] = None,
    last: Annotated[int | None, typer.Option(help="Last step to show.")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="For a protocol: estimate the running time on this model."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME=VALUE", help="For a protocol: as in run."),
    ] = None,
    data: Annotated[str | None, typer.Option("--data", help="For a protocol: as in run.")] = None,
    control: Annotated[
        Path | None,
        typer.Option(
            "--control", metavar="RESULT", help="Another result, whose curves are drawn dashed."
        ),
    ] = None,
) -> None:
    """Draw a run, or the schedule of a protocol that has not been run."""
    from wakesleep.results.store import open_result

    path = Path(what)
    if not (path.suffix in (".zarr", ".nc") or path.is_dir()):
        if control is not None:
            raise InputError(f"--control is for results; {what} is a protocol")
        _plot_protocol(what, out, (first, last), model, settings, data)
        return
    for name, its in (("--model", model), ("-p", settings), ("--data", data)):
        if its:
            raise InputError(f"{name} is for protocols; {what} is a result")
    from wakesleep.plots import save_overview
    from wakesleep.simulation.remote import is_held

    opened = open_result(path)
    state = opened.attrs["status"]
    if state != "finished":
        if state == "running" and not is_held(path):
            state = "its process was killed; --resume continues"
        typer.echo(f"{path}: the run has not finished ({state})", err=True)
    out = out or beside(path, ".png")
    beside_it = None if control is None else open_result(control)
    drawn = save_overview(opened, out, _between(opened, first, last), beside_it)
    typer.echo(f"figure: {drawn}")


def _between(opened: Any, first: int | None, last: int | None) -> tuple[int, int] | None:
    if first is None and last is None:
        return None
    return (first or 0, int(opened["step"].max()) if last is None else last)


def _plot_protocol(
    what: str,
    out: Path | None,
    between: tuple[int | None, int | None],
    model: str | None,
    settings: list[str] | None,
    data: str | None,
) -> None:
    from wakesleep.checks.schedule import planned
    from wakesleep.cli.tables import print_schedule
    from wakesleep.plots import check_path, save_hypnogram, window

    given = settings_from(settings)
    if out is not None:
        check_path(out)
    schedule = planned(
        what,
        given.inputs,
        model=model,
        parameters=given.parameters,
        data=data,
        data_options=given.data,
    )
    # Two edited copies of one protocol have the same name; a run of it is drawn as NAME.png.
    out = out or Path(f"{Path(what).stem}-schedule.png")
    shown = _between(schedule.events, *between) or window(schedule.events)
    print_schedule(schedule)
    typer.echo(f"figure: {save_hypnogram(schedule.events, out, shown)}")
