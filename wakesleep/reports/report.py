"""One self-contained page about a run or a study."""

from __future__ import annotations

from pathlib import Path

from wakesleep.errors import InputError
from wakesleep.files import outputs
from wakesleep.reports.of_run import of_run
from wakesleep.reports.of_study import of_study


def report(target: str | Path, out: str | Path) -> Path:
    """Write a page about the result of a run or of a study.

    Parameters
    ----------
    target
        The store of a run (or its NetCDF file), or the folder of a study.
    out
        The HTML file. It needs no network and no other file.

    Raises
    ------
    InputError
        If there is no such result, the ending is not .html, or the file exists.
    """
    import jinja2

    path = outputs.checked(out, "the report")
    if path.suffix not in (".html", ".htm"):
        raise InputError(f"{path}: a report is an .html file")
    if path.exists():
        raise InputError(f"{path}: exists already; nothing was written")
    page = of_study(Path(target)) if _is_study(Path(target)) else of_run(Path(target))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("wakesleep.reports", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    path.write_text(environment.get_template("page.html.j2").render(page=page), encoding="utf-8")
    return path


def _is_study(target: Path) -> bool:
    return (target / "study.zarr").is_dir() or target.name == "study.zarr"
