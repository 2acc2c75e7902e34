"""What runs the presentations that learn: Brian2 in one of its ways, or the twin."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wakesleep.brian import brian2, in_a_process
from wakesleep.errors import InputError, RunError
from wakesleep.spiking import brian, twin
from wakesleep.spiking.parameters import Parameters

SPIKES = 4_000_000  # most numbers in one block's raster
LARGEST_BLOCK = 400  # presentations in a run of a compiled network
RUNTIME_BLOCK = 20  # in its run-time modes, which are slow
BUILT_IN = {"layers", "presentation", "dt", "top_down"}  # parameters that a compiled network fixes


class Simulator:
    """Presents cases one after another, and changes the weights after each.

    Parameters
    ----------
    parameters
        Of the model; ``target`` says what simulates.
    pixels, classes
        Inputs of the network.

    Attributes
    ----------
    target
        ``standalone``, ``cython``, ``numpy`` or ``twin``.
    block
        How many presentations are best handed over at once.
    network
        Brian2's network (run-time modes), or the folder and manifest of a compiled one; None before
        it is needed.

    Raises
    ------
    InputError
        If the target needs a compiler and there is none, or there is no place for what it makes.
    """

    def __init__(self, parameters: Parameters, pixels: int, classes: int) -> None:
        self.parameters, self.pixels, self.classes = parameters, pixels, classes
        self.target = chosen_target(parameters.target)
        if self.target == "standalone":
            _writable(build_folder())
        elif self.target != parameters.target:
            warnings.warn(
                "there is no C++ compiler (or no make): the spiking network runs in torch, more "
                "slowly and with the same spikes",
                stacklevel=2,
            )
        per_case = parameters.steps * (pixels + classes)
        most = RUNTIME_BLOCK if self.target in ("numpy", "cython") else LARGEST_BLOCK
        self.block = max(2, min(most, SPIKES // per_case // 2 * 2))
        self.constants = brian.constants(parameters)
        self.network: Any = None

    def learn(
        self, weights: twin.Weights, raster: Tensor, sign: Tensor, gain: Tensor, label: Tensor
    ) -> None:
        """Present cases and learn, in place; see :func:`wakesleep.spiking.twin.learn`."""
        raster = raster.double()
        if self.target == "twin":
            twin.learn(self.parameters, weights, raster, sign, gain, label)
            return
        steps = len(raster)
        arrays = {
            # In the order of time; what is left of the block has no spikes, and teaches nothing.
            "raster": _padded(raster.transpose(0, 1), self.block).reshape(self.block * steps, -1),
            "way": _padded(sign, self.block),
            "gain": _padded(gain * self.parameters.rate, self.block),
            "label": _padded(label, self.block),
        }
        run = self._standalone if self.target == "standalone" else self._runtime
        found = run(arrays, {name: its.numpy().ravel() for name, its in named(weights).items()})
        for name, its in named(weights).items():
            its.copy_(torch.from_numpy(found[name]).view(its.shape))

    def _runtime(
        self, arrays: dict[str, np.ndarray], states: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Run a block in Brian2's run-time mode."""
        b2 = brian2()

        if self.network is None:
            b2.device.reinit()
            b2.set_device("runtime")
            self.network = brian.build(
                self.parameters, self.pixels, self.classes, self.block, self.target
            )
            self.network.network.store()
        its = self.network
        its.network.restore()
        for name, value in self.constants.items():
            group, _, variable = name.partition(".")
            setattr(its.network[group], f"{variable}_", value)  # in SI units
        for name, its_array in its.arrays.items():
            its_array.values[...] = arrays[name]
        for name, values in states.items():
            its.states[name][:] = values
        its.network.run(its.seconds * b2.second)
        return {name: np.array(view[:], dtype=float) for name, view in its.states.items()}

    def _standalone(
        self, arrays: dict[str, np.ndarray], states: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Run a block of a compiled network, which is built once for all runs like it."""
        if self.network is None:
            self.network = built(self.parameters, self.pixels, self.classes, self.block)
        folder, manifest = self.network
        with tempfile.TemporaryDirectory(prefix="wakesleep-") as place:
            given = [f"{name}={value!r}" for name, value in self.constants.items()]
            for values, group in ((arrays, "arrays"), (states, "states")):
                for name, its in manifest[group].items():
                    path = Path(place) / name
                    np.ascontiguousarray(values[name], dtype=np.float64).tofile(path)
                    given.append(f"{its['set']}={path}")
            results = Path(place) / "results"
            results.mkdir()
            done = subprocess.run(
                ["./main", "--results_dir", f"{results}/", *given],
                cwd=folder,
                start_new_session=True,  # Ctrl-C is for us: what it cut short would look finished
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode or done.stderr:
                told = (done.stderr or done.stdout).strip().splitlines()
                raise RunError(
                    f"the compiled network in {folder} failed: "
                    f"{told[-1] if told else f'exit code {done.returncode}'}"
                )
            return {
                name: np.fromfile(results / its["file"]) for name, its in manifest["states"].items()
            }


def built(p: Parameters, pixels: int, classes: int, block: int) -> tuple[Path, dict[str, Any]]:
    """Return the folder of a compiled network and what its runs are given and leave.

    It is kept under a name made of all that decides it, in the user's cache (or where
    ``WAKESLEEP_BUILD_DIR`` says), and built if it is not there.
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


def _writable(folder: Path) -> None:
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
    in_a_process("wakesleep.spiking.compile", task, "the spiking network cannot be compiled")


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
    """Return what simulates: what is wanted, or for ``auto`` the fastest there is.

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


def named(weights: twin.Weights) -> dict[str, Tensor]:
    """Return all that is learnt by the names that Brian2's objects have."""
    named = {f"forward_{number}": its for number, its in enumerate(weights.forward, 1)}
    named |= {f"down_{number}": its for number, its in enumerate(weights.down, 1)}
    named |= {f"bias_{number}": its for number, its in enumerate(weights.bias)}
    return named if weights.memory is None else {**named, "memory": weights.memory}


def _padded(values: Tensor, length: int) -> np.ndarray:
    """Return values (cases, ...) followed by zeros up to a length."""
    found = np.zeros((length, *values.shape[1:]))
    found[: len(values)] = values.numpy()
    return found
