"""Commands about files: list, show, copy, check, cite, schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from wakesleep.cli.common import settings_from
from wakesleep.errors import InputError, choices, listed
from wakesleep.files import library, references

NOT_IMPORTED = "; code of your own was not imported (--import checks it too)"


def list_(
    shelf: Annotated[
        str, typer.Argument(metavar="[models|protocols|studies|data|negatives|...]")
    ] = "",
) -> None:
    """List the shipped files, or the names that files can use."""
    if shelf and shelf not in (*library.SHELVES, *references.GROUPS):
        known = (*library.SHELVES, *references.GROUPS)
        raise InputError(f"'{shelf}' cannot be listed{choices(shelf, known)}")
    if shelf in references.GROUPS:
        _list_names(shelf)
        return
    for name in [shelf] if shelf else library.SHELVES:
        entries = list(library.descriptions(name))
        width = max((len(entry) for entry, _ in entries), default=0)
        if not entries:
            typer.echo(f"{name}: none yet")
        elif not shelf:
            typer.echo(f"{name}:")
        for entry, description in entries:
            typer.echo(f"{'' if shelf else '  '}{entry:<{width}}  {description}")
    if not shelf:
        _list_extensions()


def _list_names(group: str) -> None:
    """List the names of a group, each with a line about it and the package it comes from."""
    from wakesleep.checks.extensions import description, names

    found = list(names(group))
    width = max(len(name) for name, _ in found)
    for name, package in found:
        told = [description(group, name), f"(from {package})" if package else ""]
        typer.echo(f"{name:<{width}}  {' '.join(filter(None, told))}".rstrip())


def _list_extensions() -> None:
    """List the names that installed packages add, and the other lists that exist."""
    from wakesleep.checks.extensions import installed

    for group in references.GROUPS:
        for name, package in installed(group):
            typer.echo(f"{group}: {name}  (from {package})")
    typer.echo(f"'wakesleep list' also knows {listed(references.GROUPS)}")


def show(name: str) -> None:
    """Print the text of a shipped file."""
    path = library.find(name)
    try:
        typer.echo(path.read_text(encoding="utf-8"), nl=False)
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path}: there is no such file, or it is not text") from None


def howto(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Topic; without it, all topics are listed.")
    ] = "",
) -> None:
    """Print a how-to page."""
    pages = library.howtos()
    if not name:
        for page, path in pages.items():
            title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
            typer.echo(f"{page:<10} {title}")
        return
    if name not in pages:
        raise InputError(f"there is no page '{name}'{choices(name, pages, 'there are')}")
    typer.echo(pages[name].read_text(encoding="utf-8"), nl=False)


def copy(
    name: str,
    target: Annotated[Path | None, typer.Argument(help="File or folder; default here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the target.")] = False,
) -> None:
    """Copy a shipped file so that you can edit it."""
    typer.echo(library.copy(name, target, force))


def check(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Names or paths.")],
    model: Annotated[
        str | None, typer.Option("--model", help="A model that the protocols must fit.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME=VALUE", help="As in run: an input, or model.NAME."),
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="As in run: use these data instead.")
    ] = None,
    import_code: Annotated[
        bool,
        typer.Option("--import", help="Import and check your own code too."),
    ] = False,
) -> None:
    """Check protocol, model and study files; with --model, also whether the model fits."""
    from wakesleep.checks.check import check as check_files
    from wakesleep.checks.check import own_code

    its = settings_from(settings)
    check_files(
        *files,
        model=model,
        inputs=its.inputs,
        parameters=its.parameters,
        data=data,
        data_options=its.data,
        import_code=import_code,
    )
    fits = f", and model '{model}' fits" if model else ""
    left = "" if import_code or not own_code(*files, *([model] if model else [])) else NOT_IMPORTED
    typer.echo(f"{listed(files)}: valid{fits}{left}")


def cite(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Files or results; without any, the package."),
    ] = None,
) -> None:
    """Print BibTeX entries of the works that files or results refer to."""
    from wakesleep.files import citations
    from wakesleep.reports.cited import references_of

    found = [its for name in names or () for its in references_of(name)]
    if names and not found:
        typer.echo(f"{listed(names)}: no references", err=True)
    shown = [citations.package(), *citations.entries(found)]
    typer.echo("\n\n".join(map(str, shown)))


def schema(kind: Annotated[str, typer.Argument(metavar="protocol|model|study")]) -> None:
    """Print the JSON Schema of protocol, model or study files, for editors."""
    from wakesleep.checks.schema import json_schema

    typer.echo(json.dumps(json_schema(kind), indent=2))
