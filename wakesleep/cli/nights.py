"""The command about hypnograms: of a run, or of a scored night."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from wakesleep.cli.common import absent
from wakesleep.errors import InputError
from wakesleep.files import outputs


def hypnogram(
    result: Annotated[Path | None, typer.Argument(help="A result.")] = None,
    night: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="NIGHT",
            help="Turn a scored night (.tsv, .csv, EDF+ or one stage per line) into a protocol.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            metavar="FILE",
            help="For a result: a .tsv (with a .json that describes it), or a .png, .pdf, .svg. "
            "For a scored night: a protocol (.yaml).",
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="For a result: seconds per step; default from the clock.")
    ] = None,
    epoch: Annotated[
        float, typer.Option(help="For a night: seconds per epoch, if the file has none.")
    ] = 30.0,
    numbers: Annotated[
        str | None, typer.Option(help="For a night: meaning of stage numbers, yasa or rk.")
    ] = None,
    start: Annotated[
        float, typer.Option(help="For a night: the time of day at which it begins, in hours.")
    ] = 23.0,
    day: Annotated[float, typer.Option(help="For a night: hours awake before it.")] = 16.0,
    steps_per_hour: Annotated[
        float, typer.Option(help="For a night: updates of the network per hour.")
    ] = 120.0,
) -> None:
    """Print or draw the phases of a run, or turn a scored night into a protocol."""
    if (result is None) == (night is None):
        raise InputError("give either a result, or a scored night by --import")
    if night is not None:
        _imported(night, out, epoch, numbers, start, day, steps_per_hour)
        return
    assert result is not None  # one of the two is given
    _exported(result, out, seconds)


def _exported(result: Path, out: Path | None, seconds: float | None) -> None:
    from wakesleep.results.store import open_result

    if out is not None and out.suffix != ".tsv":
        from wakesleep.plots import check_path, save_hypnogram

        check_path(out, ".tsv")
        typer.echo(f"figure: {save_hypnogram(open_result(result), out)}")
        return
    if out is not None:
        absent(outputs.checked(out, "the table"), out.with_suffix(".json"))
    from wakesleep.results.hypnograms import events, sidecar

    table = events(open_result(result), seconds).to_csv(sep="\t", index=False, lineterminator="\n")
    if out is None:
        typer.echo(table, nl=False)
        return
    out.write_text(table, encoding="utf-8")
    beside = out.with_suffix(".json")
    beside.write_text(json.dumps(sidecar(), indent=2) + "\n", encoding="utf-8")
    typer.echo(f"table: {out}")
    typer.echo(f"description: {beside}")


def _imported(
    night: Path,
    out: Path | None,
    epoch: float,
    numbers: str | None,
    start: float,
    day: float,
    steps_per_hour: float,
) -> None:
    import re

    from wakesleep.protocols.scored_night import protocol_text
    from wakesleep.results.scored import sleep_statistics
    from wakesleep.results.scored_files import NUMBERS, read

    if numbers is not None and numbers not in NUMBERS:
        raise InputError(f"--numbers is yasa or rk, not '{numbers}'")
    if out is not None:
        outputs.checked(out, "the protocol")
        if out.suffix not in (".yaml", ".yml"):
            raise InputError(f"{out}: a protocol is a .yaml file")
        absent(out)
    its = read(night, epoch, numbers)  # type: ignore[arg-type]
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", (out or night).stem)
    name = name if re.match(r"[A-Za-z]", name) else f"night_{name}"
    text = protocol_text(its, name, night.name, start, day, steps_per_hour)
    if out is None:
        typer.echo(text, nl=False)
        return
    out.write_text(text, encoding="utf-8")
    found = sleep_statistics(its)
    told = ", ".join(
        f"{label} {found[label]:.1f}"
        for label in ("TIB", "TST", "WASO", "SOL", "N1", "N2", "N3", "REM")
        if found[label] == found[label]
    )
    typer.echo(f"minutes: {told}; sleep efficiency {found['SE']:.1f} %")
    if not found["TST"]:
        typer.echo(f"{night}: no stage of this night is sleep", err=True)
    typer.echo(f"protocol: {out}")
