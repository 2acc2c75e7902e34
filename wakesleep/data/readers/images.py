"""A folder of images with one subfolder for each class, perhaps within train, validation, test."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from wakesleep.data.raw import PARTS, Raw, from_arrays
from wakesleep.data.source import DataSource
from wakesleep.errors import InputError, listed

MOST_NAMED = 5  # files that a message lists
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
GREY = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L", "LA")


def look(root: Path) -> None:
    """Refuse a folder without images; this checks the names of its files, and opens only a few.

    Raises
    ------
    InputError
        If none of its files seems to be an image.
    """
    paths = [path for files in _parts(root).values() for path, _ in files]
    if any(path.suffix.lower() in ENDINGS for path in paths) or (paths and _is_image(paths[0])):
        return
    raise InputError(
        f"{root}: there are no images; expected one subfolder of images for each class"
    )


def _is_image(path: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(path):
            return True
    except Exception:  # whatever it is
        return False


def read(how: DataSource) -> Raw:
    """Return the images of a folder, in order of class and name.

    Raises
    ------
    InputError
        If there are no images, some cannot be read (the message names them), or sizes differ.
    """
    root = Path(how.source)
    files = _parts(root)
    paths = [path for its in files.values() for path, _ in its]
    images = _images(root, paths, how)
    arrays: dict[str, Any] = {}
    done = 0
    for part, its in files.items():
        ending = "" if part == "all" else f"_{part}"
        arrays[f"x{ending}"] = images[done : done + len(its)]
        arrays[f"y{ending}"] = np.array([label for _, label in its])
        done += len(its)
    return from_arrays(how.shown, arrays)


def _parts(root: Path) -> dict[str, list[tuple[Path, str]]]:
    """Return every file with its class, by part."""
    folders = _subfolders(root)
    if folders and {its.name.lower() for its in folders} <= set(PARTS) - {""}:
        files: dict[str, list[tuple[Path, str]]] = {}
        for folder in folders:
            part = PARTS[folder.name.lower()]
            if part in files:
                raise InputError(f"{root}: two folders hold the cases of '{part}'")
            files[part] = _labelled(folder)
        return files
    return {"all": _labelled(root)}


def _subfolders(folder: Path) -> list[Path]:
    return sorted(its for its in folder.iterdir() if its.is_dir() and not its.name.startswith("."))


def _labelled(folder: Path) -> list[tuple[Path, str]]:
    """Return every file of every class with the name of its class."""
    loose = [its.name for its in folder.iterdir() if its.is_file() and not its.name.startswith(".")]
    classes = _subfolders(folder)
    if loose and not classes:
        raise InputError(
            f"{folder}: has {len(loose):,} files and no subfolders; expected one subfolder "
            "for each class"
        )
    return [
        (path, its.name)
        for its in classes
        for path in sorted(its.iterdir())
        if path.is_file() and not path.name.startswith(".") and path.name != "Thumbs.db"
    ]


def _images(root: Path, paths: list[Path], how: DataSource) -> np.ndarray:
    """Return all images (cases, height, width), or (cases, height, width, 3) if in colour."""
    from PIL import Image

    from wakesleep.runtime.progress import progress

    found: list[Any] = []
    broken: list[str] = []
    grey = True
    with progress(len(paths), quiet=False) as tell:
        for number, path in enumerate(paths):
            if number % 100 == 0:
                tell(number, f"reading images of {root.name}")
            try:
                with Image.open(path) as image:
                    grey &= image.mode in GREY
                    found.append(_array(image, how))
            except Exception:  # a broken file can fail anywhere in its decoder
                broken.append(path.relative_to(root).as_posix())
    if broken:
        more = f" and {len(broken) - MOST_NAMED} more" if len(broken) > MOST_NAMED else ""
        raise InputError(
            f"{root}: {len(broken):,} of {len(paths):,} files cannot be read as images: "
            f"{listed(broken[:MOST_NAMED])}{more}"
        )
    if how.colour == "grey" or (how.colour is None and grey):
        found = [its if its.ndim == 2 else _luminance(its) for its in found]
    else:
        found = [its if its.ndim == 3 else np.repeat(its[..., None], 3, 2) for its in found]
    _check_sizes(root, paths, (its.shape[:2] for its in found))
    return np.stack(found)


def _array(image: Any, how: DataSource) -> np.ndarray:
    """Return an image as (height, width), or (height, width, 3) if in colour."""
    # Converted first: images of two colours, or of a palette, cannot be resized smoothly.
    if image.mode in ("1", "LA"):
        image = image.convert("L")
    elif image.mode not in GREY:
        image = image.convert("RGB")
    if how.resize is not None:
        image = image.resize((how.resize[1], how.resize[0]))
    return np.asarray(image)


def _luminance(image: np.ndarray) -> np.ndarray:
    """Return the grey levels of a colour image, as Pillow computes them (ITU-R 601-2)."""
    from PIL import Image

    return np.asarray(Image.fromarray(image).convert("L"))


def _check_sizes(root: Path, paths: list[Path], shapes: Iterable[tuple[int, ...]]) -> None:
    sizes: dict[tuple[int, ...], list[Path]] = {}
    for path, shape in zip(paths, shapes, strict=True):
        sizes.setdefault(shape, []).append(path)
    if len(sizes) > 1:
        usual = max(sizes, key=lambda shape: len(sizes[shape]))
        others = [path for shape, its in sizes.items() if shape != usual for path in its]
        raise InputError(
            f"{root}: most images have {usual[0]} x {usual[1]} pixels, but {len(others):,} have "
            f"others, such as {others[0].relative_to(root).as_posix()}; say 'resize: [HEIGHT, "
            "WIDTH]' to bring all to one size"
        )
