"""Commands that use a trained network: dream, look, likelihood, export, teach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wakesleep.cli.common import DATA_AGAIN, absent, beside
from wakesleep.errors import InputError, choices
from wakesleep.files import outputs


def dream(
    result: Path,
    out: Annotated[
        Path | None, typer.Option("-o", metavar="FILE.png", help="Default RESULT-dreams.png.")
    ] = None,
    start: Annotated[
        str, typer.Option(help="label, last_waking, stored, mixed or noise.")
    ] = "label",
    settle: Annotated[
        int, typer.Option(help="Number of passes up and down before the dream is read.")
    ] = 2,
    spread: Annotated[float, typer.Option(help="Size of the noise at the start.")] = 1.0,
    noise: Annotated[
        float, typer.Option(help="Noise at every layer below (forward_forward, backprop).")
    ] = 0.0,
    each: Annotated[int, typer.Option(help="Dreams of every class.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the dreams.")] = 0,
    data: Annotated[str | None, typer.Option("--data", help=DATA_AGAIN)] = None,
) -> None:
    """Draw the dreams of a trained network."""
    from wakesleep.networks import dreams
    from wakesleep.plots import save_dreams

    dreamt = dreams(
        result,
        start=start,
        settle=settle,
        spread=spread,
        noise=noise,
        each=each,
        seed=seed,
        data=data,
    )
    out = out or beside(result, "-dreams.png")
    typer.echo(f"figure: {save_dreams(dreamt, out)}")


def look(
    what: Annotated[str, typer.Argument(help="fields, activity, labels, spikes or hybrids.")],
    result: Annotated[str, typer.Argument(help="A result; for hybrids the name of a data set.")],
    out: Annotated[
        Path | None, typer.Option("-o", metavar="FILE.png", help="Default RESULT-WHAT.png.")
    ] = None,
    first: Annotated[int, typer.Option(help="Number of the (first) validation image.")] = 0,
    number: Annotated[int | None, typer.Option("-n", help="Number of units or images.")] = None,
    blurs: Annotated[
        int | None, typer.Option(help="Number of times that the masks of hybrids are blurred.")
    ] = None,
    data: Annotated[str | None, typer.Option("--data", help=DATA_AGAIN)] = None,
) -> None:
    """Draw fields, activity, labels or spikes of a trained network, or hybrid images."""
    from wakesleep.networks import views
    from wakesleep.plots import save_look

    kinds = {
        "fields": "n",
        "activity": "first",
        "labels": "n first",
        "spikes": "n first",
        "hybrids": "n blurs",
    }
    if what == "hybrids" and data is not None:
        raise InputError("--data does not apply to 'look hybrids', which names its data")
    given = {"n": number is not None, "first": first != 0, "blurs": blurs is not None}
    for name, there in given.items():
        if there and what in kinds and name not in kinds[what].split():
            option = "-n" if name == "n" else f"--{name}"
            raise InputError(f"{option} does not apply to 'look {what}'")
    some = {} if number is None else {"units" if what == "fields" else "cases": number}
    match what:
        case "fields":
            found = views.receptive_fields(result, data=data, **some)
        case "activity":
            found = views.activities(result, case=first, data=data)
        case "labels":
            found = views.label_goodness(result, first=first, data=data, **some)
        case "spikes":
            from wakesleep.networks import spikes

            if number is not None and number > views.MOST_CASES:
                raise InputError(
                    f"-n: at most {views.MOST_CASES} can be looked at, not {number}; in Python "
                    "ws.spikes gives more"
                )
            found = spikes(result, first=first, cases=4 if number is None else number, data=data)
        case "hybrids":
            found = views.hybrids(result, blurs=blurs, **some)
        case _:
            raise InputError(f"'{what}' cannot be looked at{choices(what, kinds)}")
    place = Path(f"{result}-hybrids.png") if what == "hybrids" else None
    out = out or place or beside(Path(result), f"-{what}.png")
    typer.echo(f"figure: {save_look(found, what, out)}")


def likelihood(
    result: Path,
    temperatures: Annotated[
        int, typer.Option(help="Number of temperatures of annealed importance sampling.")
    ] = 1000,
    runs: Annotated[int, typer.Option(help="Number of independent sampling runs.")] = 100,
    test: Annotated[bool, typer.Option("--test", help="Read the test data too.")] = False,
    pseudo: Annotated[
        bool,
        typer.Option("--pseudo", help="Also compute the pseudo-likelihood; slow for many pixels."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sampling.")] = 0,
    out: Annotated[
        Path | None, typer.Option("-o", metavar="FILE", help="Write the estimate to a .nc file.")
    ] = None,
    data: Annotated[str | None, typer.Option("--data", help=DATA_AGAIN)] = None,
) -> None:
    """Estimate the log-likelihood of data under a Boltzmann machine, in nats per case."""
    from wakesleep.data import SPLITS
    from wakesleep.networks import likelihood as estimated

    splits = SPLITS if test else SPLITS[:2]
    if out is not None:
        outputs.checked(out)
        if out.suffix != ".nc":
            raise InputError(f"{out}: a likelihood is kept as .nc (NetCDF)")
        absent(out)
    found = estimated(
        result,
        temperatures=temperatures,
        runs=runs,
        splits=splits,
        pseudo=pseudo,
        seed=seed,
        data=data,
    )
    typer.echo("log probability of a case, mean, in nats (three standard errors of log Z)")
    if found.attrs["binarised_at"]:
        typer.echo(f"the grey images were made binary at {found.attrs['binarised_at']}")
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
        from wakesleep.results.store import to_netcdf

        to_netcdf(found, out)
        typer.echo(f"result: {out}")


def export(
    result: Path,
    out: Annotated[
        Path, typer.Option("-o", metavar="FILE", help="FILE.safetensors, FILE.npz or FILE.nc.")
    ],
    step: Annotated[
        int | None, typer.Option(help="The network kept after this step; default the last one.")
    ] = None,
    data: Annotated[str | None, typer.Option("--data", help=DATA_AGAIN)] = None,
) -> None:
    """Write a trained network to a file for other programs."""
    from wakesleep.networks.export import export as written

    absent(outputs.checked(out))
    typer.echo(f"network: {written(result, out, data, step=step)}")


def teach(
    result: Path,
    out: Annotated[Path, typer.Option("-o", metavar="FILE.npz", help="Data for the pupil.")],
    images: Annotated[
        str | None,
        typer.Option(help="Data whose training images get labels; default the teacher's own."),
    ] = None,
    dreams: Annotated[
        int, typer.Option(min=0, help="Use this many dreams of every class instead of images.")
    ] = 0,
    spread: Annotated[float, typer.Option(help="Size of the noise that dreams start from.")] = 1.5,
    draws: Annotated[
        int,
        typer.Option(
            min=0,
            help="Draw this many labels per image from the teacher's probabilities; 0: the most "
            "probable label.",
        ),
    ] = 0,
    readout: Annotated[
        str | None, typer.Option(help="The read-out that gives the labels; default softmax.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of dreams and drawn labels.")] = 0,
    data: Annotated[str | None, typer.Option("--data", help=DATA_AGAIN)] = None,
) -> None:
    """Write images labelled by a trained network (the teacher) for another network (the pupil)."""
    from wakesleep.networks.teaching import lessons, write_lessons

    absent(outputs.checked(out))
    if out.suffix != ".npz":
        raise InputError(f"{out}: lessons are written to FILE.npz")
    shown = None
    if images is not None:
        from wakesleep.data import load
        from wakesleep.data.source import DataSource
        from wakesleep.simulation.request import given_data

        source, _ = given_data(images)
        assert isinstance(source, DataSource)  # a text names a source
        shown = load(source).train.images
    found = lessons(
        result,
        images=shown,
        dreamt=dreams,
        spread=spread,
        draws=draws,
        readout=readout,
        seed=seed,
        data=data,
    )
    typer.echo(f"lessons: {write_lessons(out, found)} ({len(found['x_train'])} training images)")
    typer.echo(f"next: wakesleep run interleaved MODEL --data {out}", err=True)
