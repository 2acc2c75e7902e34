"""The command about data: data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wakesleep.cli.common import settings_from
from wakesleep.errors import InputError


def data(
    source: Annotated[
        str, typer.Argument(metavar="NAME_OR_FILE", help="A data set, file, folder or function.")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME=VALUE", help="Reading option, such as scale=minmax."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", metavar="FILE.png", help="Draw some cases of every class."),
    ] = None,
) -> None:
    """Describe a data set: cases, shape, range, classes, duplicates."""
    from wakesleep.cli.tables import print_data
    from wakesleep.data import load
    from wakesleep.data.describe import describe
    from wakesleep.data.sets import DataSet
    from wakesleep.simulation.request import given_data

    its = settings_from(settings)
    if its.parameters:
        raise InputError(f"-p model.{min(its.parameters)}: there is no model here")
    found, _ = given_data(source, {**its.inputs, **its.data})
    assert found is not None  # a source was given
    if out is not None:
        from wakesleep.plots import check_path

        check_path(out)
    loaded = found if isinstance(found, DataSet) else load(found)
    described = describe(loaded)
    print_data(described)
    if out is not None:
        from wakesleep.plots import save_sheet

        cases = loaded.train
        images = cases.images.reshape(len(cases), *described.shape)
        names = list(described.classes) or ["cases"]
        typer.echo(f"figure: {save_sheet(images, cases.labels, names, loaded.name, out)}")
