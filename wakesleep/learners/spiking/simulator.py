"""The simulator of presentations that learn: Brian2 in one of its modes, or the twin."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wakesleep.errors import RunError
from wakesleep.learners.spiking import brian, twin
from wakesleep.learners.spiking.builds import build_folder, built, chosen_target, writable
from wakesleep.learners.spiking.parameters import Parameters
from wakesleep.runtime.brian import brian2

SPIKES = 4_000_000  # most numbers in one block's raster
LARGEST_BLOCK = 400  # presentations in a run of a compiled network
RUNTIME_BLOCK = 20  # in its run-time modes, which are slow


class Simulator:
    """Presents cases one after another, and changes the weights after each.

    Parameters
    ----------
    parameters
        Parameters of the model; ``target`` selects the simulator.
    pixels, classes
        Inputs of the network.

    Attributes
    ----------
    target
        ``standalone``, ``cython``, ``numpy`` or ``twin``.
    block
        Best number of presentations for one call.
    network
        Brian2's network (run-time modes), or the folder and manifest of a compiled one; None before
        it is needed.

    Raises
    ------
    InputError
        If the target needs a compiler and there is none, or its files cannot be written.
    """

    def __init__(self, parameters: Parameters, pixels: int, classes: int) -> None:
        self.parameters, self.pixels, self.classes = parameters, pixels, classes
        self.target = chosen_target(parameters.target)
        if self.target == "standalone":
            writable(build_folder())
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
        """Present cases and learn, in place; see :func:`wakesleep.learners.spiking.twin.learn`."""
        raster = raster.double()
        if self.target == "twin":
            twin.learn(self.parameters, weights, raster, sign, gain, label)
            return
        steps = len(raster)
        arrays = {
            # In order of time; the rest of the block has no spikes, and no learning.
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
                start_new_session=True,  # Ctrl-C must not reach it: it would look finished
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
