"""The command line: every verb of the package, and no logic of its own."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from wakesleep import __version__, library
from wakesleep.errors import InputError, RunError, choices, listed
from wakesleep.speed import spin_briefly

app = typer.Typer(
    name="wakesleep",
    help="Run wake/sleep protocols on networks that learn by local rules.",
    epilog="Exit codes: 0; 2 for a bad input, and nothing is written; 1 for a failed run, and what "
    "it recorded is kept.",
    rich_markup_mode=None,
    add_completion=False,
)


@app.callback(invoke_without_command=True)
def about(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Say which version this is, or what there is to say."""
    if version:
        typer.echo(__version__)
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("list")
def list_(shelf: Annotated[str, typer.Argument(metavar="[models|protocols|studies]")] = "") -> None:
    """List the shipped files, with one line of description each."""
    if shelf and shelf not in library.SHELVES:
        raise InputError(f"'{shelf}' cannot be listed{choices(shelf, library.SHELVES)}")
    for name in [shelf] if shelf else library.SHELVES:
        entries = list(library.descriptions(name))
        width = max((len(entry) for entry, _ in entries), default=0)
        if not entries:
            typer.echo(f"{name}: none yet")
        elif not shelf:
            typer.echo(f"{name}:")
        for entry, description in entries:
            typer.echo(f"{'' if shelf else '  '}{entry:<{width}}  {description}")


@app.command()
def show(name: str) -> None:
    """Print a file, to be redirected and edited."""
    path = library.find(name)
    try:
        typer.echo(path.read_text(encoding="utf-8"), nl=False)
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path}: there is no such file, or it is not text") from None


@app.command()
def copy(
    name: str,
    target: Annotated[Path | None, typer.Argument(help="File or folder; default here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the target.")] = False,
) -> None:
    """Copy a shipped file, to be edited."""
    typer.echo(library.copy(name, target, force))


@app.command()
def check(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Names or paths.")],
    model: Annotated[
        str | None, typer.Option("--model", help="A model that the protocols must fit.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME=VALUE", help="As for a run: an input, or model.NAME."),
    ] = None,
) -> None:
    """Check protocol, model and study files; with --model, that it can do what protocols ask."""
    from wakesleep.loading import check as check_files

    inputs, parameters = _settings(settings or [])
    check_files(*files, model=model, inputs=inputs, parameters=parameters)
    fits = f", and model '{model}' fits" if model else ""
    typer.echo(f"{listed(files)}: in order{fits}")


@app.command()
def run(
    protocol: Annotated[str, typer.Argument(help="Name, path, or a result to repeat.")],
    model: Annotated[str, typer.Argument(help="Name, path, or a result to repeat.")],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            metavar="NAME=VALUE",
            help="An input of the protocol, or model.NAME=VALUE for a parameter of the model.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The one seed of all randomness.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    out: Annotated[
        Path | None,
        typer.Option("-o", metavar="OUT.zarr", help="Default PROTOCOL-MODEL-seedN.zarr."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the run in OUT where it was stopped; begin it if there is none.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the result's path alone.")] = False,
) -> None:
    """Run a protocol on a model."""
    from wakesleep.loading import load_model, load_protocol
    from wakesleep.speed import keep_freed

    inputs, parameters = _settings(settings or [])
    its, network = load_protocol(protocol, inputs), load_model(model, parameters)
    out = out or Path(f"{its.name}-{network.name}-seed{seed}.zarr")
    from wakesleep.running import run as run_protocol

    keep_freed()
    if resume and not out.exists():
        typer.echo(f"{out}: there is no such run yet; it begins", err=True)

    result = run_protocol(
        its, network, seed=seed, device=device, out=out, resume=resume, quiet=quiet
    )
    if quiet:
        typer.echo(out)
        return
    from wakesleep.report import print_summary

    print_summary(result)
    typer.echo(f"result: {out}")


@app.command()
def plot(
    result: Path,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            metavar="FILE.png",
            help="Default RESULT.png; the ending (png, pdf, svg) sets the format.",
        ),
    ] = None,
    first: Annotated[
        int | None, typer.Option(help="First step to be shown; default what leads to a change.")
    ] = None,
    last: Annotated[int | None, typer.Option(help="Last step to be shown.")] = None,
) -> None:
    """Draw the hypnogram and the goodness of every layer over the phases of a run."""
    from wakesleep.plots import save_overview
    from wakesleep.results import open_result

    opened = open_result(result)
    out = out or _beside(result, ".png")
    between = None
    if first is not None or last is not None:
        between = (first or 0, int(opened["step"].max()) if last is None else last)
    typer.echo(f"figure: {save_overview(opened, out, between)}")


@app.command()
def dream(
    result: Path,
    out: Annotated[
        Path | None, typer.Option("-o", metavar="FILE.png", help="Default RESULT-dreams.png.")
    ] = None,
    start: Annotated[str, typer.Option(help="label, last_waking, stored or noise.")] = "label",
    settle: Annotated[int, typer.Option(help="Times up and down again.")] = 2,
    spread: Annotated[float, typer.Option(help="Size of the noise at the start.")] = 1.0,
    each: Annotated[int, typer.Option(help="Dreams of every class.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the dreams.")] = 0,
) -> None:
    """Draw what the network that a run ended with dreams."""
    from wakesleep.dreaming import dreams
    from wakesleep.plots import save_dreams

    dreamt = dreams(result, start=start, settle=settle, spread=spread, each=each, seed=seed)
    out = out or _beside(result, "-dreams.png")
    typer.echo(f"figure: {save_dreams(dreamt, out)}")


@app.command()
def look(
    what: Annotated[str, typer.Argument(help="fields, activity, labels, spikes or hybrids.")],
    result: Annotated[str, typer.Argument(help="A result; for hybrids the name of a data set.")],
    out: Annotated[
        Path | None, typer.Option("-o", metavar="FILE.png", help="Default RESULT-WHAT.png.")
    ] = None,
    first: Annotated[int, typer.Option(help="The (first) validation image.")] = 0,
    number: Annotated[int | None, typer.Option("-n", help="Units or images shown.")] = None,
    blurs: Annotated[int | None, typer.Option(help="Of the masks of hybrids.")] = None,
) -> None:
    """Draw what a trained network sees, or the hybrids that it learns against."""
    from wakesleep import looking
    from wakesleep.plots import save_look

    kinds = {
        "fields": "n",
        "activity": "first",
        "labels": "n first",
        "spikes": "n first",
        "hybrids": "n blurs",
    }
    given = {"n": number is not None, "first": first != 0, "blurs": blurs is not None}
    for name, there in given.items():
        if there and what in kinds and name not in kinds[what].split():
            option = "-n" if name == "n" else f"--{name}"
            raise InputError(f"{option} means nothing to 'look {what}'")
    some = {} if number is None else {"units" if what == "fields" else "cases": number}
    match what:
        case "fields":
            found = looking.receptive_fields(result, **some)
        case "activity":
            found = looking.activities(result, case=first)
        case "labels":
            found = looking.label_goodness(result, first=first, **some)
        case "spikes":
            from wakesleep.spiking.spikes import spikes

            if number is not None and number > looking.MOST_CASES:
                raise InputError(
                    f"-n: at most {looking.MOST_CASES} can be looked at, not {number}; in Python "
                    "ws.spikes gives more"
                )
            found = spikes(result, first=first, cases=4 if number is None else number)
        case "hybrids":
            found = looking.hybrids(result, blurs=blurs, **some)
        case _:
            raise InputError(f"'{what}' is nothing to look at{choices(what, kinds)}")
    place = Path(f"{result}-hybrids.png") if what == "hybrids" else None
    out = out or place or _beside(Path(result), f"-{what}.png")
    typer.echo(f"figure: {save_look(found, what, out)}")


@app.command()
def likelihood(
    result: Path,
    temperatures: Annotated[int, typer.Option(help="Steps of importance sampling.")] = 1000,
    runs: Annotated[int, typer.Option(help="Independent runs of it.")] = 100,
    test: Annotated[bool, typer.Option("--test", help="Read the test data too.")] = False,
    pseudo: Annotated[
        bool, typer.Option("--pseudo", help="The pseudo-likelihood too; slow for many pixels.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sampling.")] = 0,
    out: Annotated[Path | None, typer.Option("-o", metavar="FILE", help="Keep it as .nc.")] = None,
) -> None:
    """Estimate how probable a trained Boltzmann machine finds data, in nats a case."""
    from wakesleep.data import SPLITS
    from wakesleep.likelihoods import likelihood as estimated

    splits = SPLITS if test else SPLITS[:2]
    if out is not None and out.suffix != ".nc":
        raise InputError(f"{out}: a likelihood is kept as .nc (NetCDF)")
    _absent(*([] if out is None else [out]))
    found = estimated(
        result, temperatures=temperatures, runs=runs, splits=splits, pseudo=pseudo, seed=seed
    )
    typer.echo("log probability of a case, mean, in nats (three standard errors of log Z)")
    for split in splits:
        its = found.sel(split=split)
        line = (
            f"{split:<10} {float(its.log_likelihood):9.2f}   "
            f"({float(its.lower):.2f} to {float(its.upper):.2f})"
        )
        if pseudo:
            line += f"   pseudo {float(its.pseudo_likelihood):.2f}"
        typer.echo(line)
    typer.echo(f"{'all alike':<10} {float(found.uniform):9.2f}   (every image as probable as any)")
    if out is not None:
        from wakesleep.results import to_netcdf

        to_netcdf(found, out)
        typer.echo(f"result: {out}")


@app.command()
def agreement(
    out: Annotated[
        Path,
        typer.Option("-o", metavar="FILE", help="A .png, .pdf or .svg; or .nc, one file a sweep."),
    ] = Path("agreement.png"),
    theta: Annotated[
        float,
        typer.Option(help="Threshold, between one and two volleys, of all but the first row."),
    ] = 1.17,
    trials: Annotated[int, typer.Option(help="Of agreement, and as many of disagreement.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all randomness.")] = 0,
) -> None:
    """Measure how well coincidence detectors tell agreement of two sources; takes a minute."""
    from wakesleep.coincidence.agreement import SWEEPS, survey
    from wakesleep.plots import check_path, save_agreement
    from wakesleep.results import to_netcdf

    parts = {name: out.with_name(f"{out.stem}_{name}.nc") for name in SWEEPS}
    if out.suffix == ".nc":
        _absent(*parts.values())
    else:
        check_path(out, ".nc")
    found = survey(theta=theta, count=trials, seed=seed)
    if out.suffix != ".nc":
        typer.echo(f"figure: {save_agreement(found, out)}")
        return
    for name, path in parts.items():
        to_netcdf(found[name].to_dataset(), path)
        typer.echo(f"result: {path}")


def _beside(result: Path, ending: str) -> Path:
    """Return the path beside a result that has its name and another ending."""
    whole = result if result.name else result.resolve()
    return whole.with_name(whole.name.removesuffix(".zarr").removesuffix(".nc") + ending)


def _absent(*paths: Path) -> None:
    """Refuse paths that exist, before any work is done."""
    for path in paths:
        if path.exists():
            raise InputError(f"{path}: exists already; nothing was written")


@app.command()
def activity(
    result: Path,
    out: Annotated[
        Path | None,
        typer.Option("-o", metavar="FILE", help="A .png, .pdf or .svg, or a .nc."),
    ] = None,
    stages: Annotated[int, typer.Option(min=1, help="How many of the last stages.")] = 4,
    seconds: Annotated[float, typer.Option(help="How long each is to last.")] = 5.0,
    downscaling: Annotated[
        float, typer.Option(help="Rate (1/s) at which NREM weakens recurrent excitation.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of connections and noise.")] = 0,
) -> None:
    """Simulate what cortex does through the last wake and sleep of a run; takes a minute."""
    from wakesleep.cortex.activity import activity as simulated
    from wakesleep.cortex.activity import stages_of
    from wakesleep.plots import check_path, save_activity
    from wakesleep.results import open_result, to_netcdf

    out = out or _beside(result, "-activity.png")
    if out.suffix == ".nc":
        _absent(out)
    else:
        check_path(out, ".nc")
    table = stages_of(open_result(result), seconds, stages)
    found = simulated(table, cortex={"downscaling": downscaling}, seed=seed)
    if out.suffix == ".nc":
        to_netcdf(found, out)
        typer.echo(f"result: {out}")
    else:
        typer.echo(f"figure: {save_activity(found, out)}")


@app.command()
def hypnogram(
    result: Path,
    out: Annotated[
        Path | None,
        typer.Option("-o", metavar="FILE", help="A .tsv for the table, or a .png, .pdf, .svg."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Seconds that a step lasts; default by the clock.")
    ] = None,
) -> None:
    """Print the phases of a run as a BIDS-style events table, or draw them."""
    from wakesleep.results import open_result

    opened = open_result(result)
    if out is not None and out.suffix != ".tsv":
        from wakesleep.plots import save_hypnogram

        typer.echo(f"figure: {save_hypnogram(opened, out)}")
        return
    from wakesleep.hypnograms import events

    table = events(opened, seconds).to_csv(sep="\t", index=False, lineterminator="\n")
    if out is None:
        typer.echo(table, nl=False)
        return
    out.write_text(table, encoding="utf-8")
    typer.echo(f"table: {out}")


@app.command()
def study(
    file: Annotated[str, typer.Argument(help="Name of a shipped study, or a path.")],
    out: Annotated[
        Path | None, typer.Option("-o", metavar="FOLDER", help="Default the study's name.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; default one for each core.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Number of seeds, instead of what the file says.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    dry: Annotated[bool, typer.Option("--dry", help="Only say what would be run.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print what was written alone.")] = False,
) -> None:
    """Run a grid of models, protocols, inputs and seeds, or go on with it."""
    if dry:
        from wakesleep.studies import load

        for job in load(file, seeds).jobs:
            typer.echo(job)
        return
    from wakesleep.studying import run_study

    done = run_study(file, out, workers=workers, seeds=seeds, device=device, quiet=quiet)
    if not quiet:
        from wakesleep.report import print_study

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


@app.command()
def schema(kind: Annotated[str, typer.Argument(metavar="protocol|model|study")]) -> None:
    """Print the JSON Schema of protocol, model or study files, for editors."""
    from wakesleep.schema import json_schema

    typer.echo(json.dumps(json_schema(kind), indent=2))


@app.command()
def info() -> None:
    """Print versions, the device that 'auto' takes, the compiler and the folders in use."""
    from wakesleep import data
    from wakesleep.device import describe, resolve
    from wakesleep.provenance import versions
    from wakesleep.spiking.builds import build_folder, compiler

    for name, version in versions().items():
        typer.echo(f"{name:<10} {version}")
    typer.echo(f"{'device':<10} {describe(resolve('auto'))}")
    typer.echo(f"{'compiler':<10} {compiler() or 'none: spiking networks run in torch'}")
    typer.echo(f"{'builds':<10} {build_folder()}")
    typer.echo(f"{'data':<10} {data.folder()}")
    typer.echo(f"{'library':<10} {library.root()}")


def _settings(pairs: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split ``name=value`` and ``model.name=value`` into inputs and parameters."""
    from wakesleep.files import scalar

    inputs: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InputError(f"-p {pair}: expected NAME=VALUE or model.NAME=VALUE")
        into, key = (
            (parameters, name.removeprefix("model."))
            if name.startswith("model.")
            else (inputs, name)
        )
        into[key] = scalar(value)
    return inputs, parameters


def main() -> None:
    """Run the command line; exit 2 for a bad input, 1 for a failed run, 0 otherwise."""
    spin_briefly()
    with warnings.catch_warnings():
        warnings.showwarning = _warn
        _run()


def _warn(message: Warning | str, category: type[Warning], *place: object, **more: object) -> None:
    print(f"wakesleep: warning: {message}", file=sys.stderr)


def _run() -> None:
    try:
        code = app(standalone_mode=False, prog_name="wakesleep")
    except InputError as error:
        _fail(str(error), 2)
    except RunError as error:
        _fail(str(error), 1)
    except TyperException as error:
        _fail(error.format_message(), error.exit_code)
    except OSError as error:  # a name too long, a folder without permission
        if isinstance(error, BrokenPipeError):  # the reader has seen enough
            sys.stderr.close()
            sys.exit(0)
        _fail(f"{error.filename or 'file'}: {error.strerror}", 2)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted", 1)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(sentence: str, code: int) -> None:
    print(f"wakesleep: {sentence}", file=sys.stderr)
    sys.exit(code)
