"""Commands that present results: report, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wakesleep.cli.common import absent, beside
from wakesleep.files import outputs


def report(
    target: Annotated[Path, typer.Argument(metavar="RESULT_OR_STUDY", help="A run or a study.")],
    out: Annotated[
        Path | None, typer.Option("-o", metavar="FILE.html", help="Default RESULT-report.html.")
    ] = None,
) -> None:
    """Write a self-contained page about a result or a study."""
    from wakesleep.reports.report import report as written

    typer.echo(f"report: {written(target, out or beside(target, '-report.html'))}")


def compare(
    results: Annotated[list[Path], typer.Argument(metavar="RESULT...", help="Two runs or more.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", metavar="FILE", help="Also a figure (.png, .pdf, .svg) or .csv, .nc."),
    ] = None,
) -> None:
    """Compare the errors of several runs, with intervals and differences to the first."""
    from wakesleep.plots.overview import check_path, saved
    from wakesleep.reports.compare import compare as compared
    from wakesleep.reports.compare import draw

    if out is not None:
        check_path(out, ".csv", ".nc")
        if out.suffix in (".csv", ".nc"):
            absent(out)
        outputs.checked(out)
    table = compared(results)
    from wakesleep.cli.tables import print_comparison

    print_comparison(table)
    if out is None:
        return
    if out.suffix == ".nc":
        from wakesleep.results.store import to_netcdf

        to_netcdf(table, out)
    elif out.suffix == ".csv":
        table.to_dataframe().to_csv(out)
    else:
        saved(draw(results, table), out)
    typer.echo(f"{'result' if out.suffix in ('.csv', '.nc') else 'figure'}: {out}")
