"""The works that files and results refer to."""

from __future__ import annotations

from pathlib import Path

from wakesleep.errors import InputError
from wakesleep.files import documents, library
from wakesleep.reports.page import citations


def references_of(name: str) -> list[str]:
    """Return the references of a file by its name or path, or of a run's or a study's result.

    Raises
    ------
    InputError
        If there is no such file or result.
    """
    path = Path(name)
    if path.is_dir() or path.suffix in (".zarr", ".nc"):
        return _of_result(path)
    try:
        document = documents.read(library.find(name))
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{name}: there is no such file, or it is not text") from None
    found = document.tree.get("references", [])
    if not isinstance(found, list) or not all(isinstance(its, str) and its for its in found):
        raise document.error(("references",), "'references' must be a list of texts")
    return found


def _of_result(path: Path) -> list[str]:
    from wakesleep.results.store import open_result

    made = open_result(path / "study.zarr" if (path / "study.zarr").is_dir() else path).attrs
    texts = [made[its] for its in ("study_text", "protocol_text", "model_text") if its in made]
    if not texts:
        raise InputError(f"{path}: does not hold the files that it was made from")
    return citations(*texts)
