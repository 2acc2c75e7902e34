"""Compiled networks: what they depend on, where they are kept, and whether they can be made."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any

from wakesleep.errors import InputError
from wakesleep.learners.spiking.parameters import Parameters
from wakesleep.runtime.brian import in_a_process

BUILT_IN = {"layers", "presentation", "dt", "top_down"}  # parameters that a compiled network fixes


def built(p: Parameters, pixels: int, classes: int, block: int) -> tuple[Path, dict[str, Any]]:
    """Return the folder of a compiled network, and the inputs and outputs of its runs.

    Its name is a digest of all that determines it. It is kept in the user's cache (or in the folder
    ``WAKESLEEP_BUILD_DIR``), and built if it does not exist.
    """
    folder = build_folder() / _digest(p, pixels, classes, block)
    manifest = folder / "manifest.json"
    if not manifest.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix="building-", dir=folder.parent))
        try:
            _build(p, pixels, classes, block, place)
            try:
                place.rename(folder)
            except OSError:  # another process was quicker
                if not manifest.exists():
                    raise
        finally:
            shutil.rmtree(place, ignore_errors=True)
    return folder, json.loads(manifest.read_text(encoding="utf-8"))


def build_folder() -> Path:
    """Return where compiled networks are kept."""
    import pooch

    said = os.environ.get("WAKESLEEP_BUILD_DIR")
    return Path(said) if said else Path(pooch.os_cache("wakesleep")) / "builds"


def writable(folder: Path) -> None:
    """Refuse a folder for compiled networks that cannot be used.

    Raises
    ------
    InputError
        If it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InputError(
            f"{folder}: no compiled network can be kept here ({error.strerror}); "
            "WAKESLEEP_BUILD_DIR may name another folder"
        ) from None


def _build(p: Parameters, pixels: int, classes: int, block: int, folder: Path) -> None:
    """Generate and compile a network, in a process of its own: Brian2's device is global."""
    task = {
        "parameters": p.model_dump_json(),
        "inputs": [pixels, classes, block],
        "folder": str(folder),
    }
    in_a_process(
        "wakesleep.learners.spiking.compile", task, "the spiking network cannot be compiled"
    )


def _digest(p: Parameters, pixels: int, classes: int, block: int) -> str:
    """Return the name of all that a compiled network depends on."""
    from importlib.metadata import version

    here = Path(__file__).parent
    decides = {
        "source": [(here / name).read_text("utf-8") for name in ("brian.py", "compile.py")],
        "brian2": version("brian2"),
        "compiler": compiler(),
        "machine": _machine(),  # the compiler uses whatever this very processor can do
        "parameters": p.model_dump(mode="json", include=BUILT_IN),
        "inputs": [pixels, classes, block],
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]


def _machine() -> str:
    """Return what tells processors apart for which programs may differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def compiler() -> str | None:
    """Return the path of the C++ compiler that is used; None if it, or make, is not there."""
    command = shlex.split(os.environ.get("CXX", "g++"))
    if not command or shutil.which("make") is None:
        return None
    return shutil.which(command[0])


def chosen_target(wanted: str) -> str:
    """Return the target of the simulation: ``wanted``, or for ``auto`` the fastest available one.

    Raises
    ------
    InputError
        If it needs a compiler, and there is none.
    """
    there = compiler() is not None
    if wanted in ("standalone", "cython") and not there:
        raise InputError(
            f"target: '{wanted}' needs make and a C++ compiler (g++, or what CXX names), which are "
            "not here; use target: numpy or twin"
        )
    if wanted == "auto":
        return "standalone" if there else "twin"
    return wanted
