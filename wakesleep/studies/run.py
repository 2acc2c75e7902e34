"""The verb ``study``: runs a grid, gathers it, writes its result, its table and its figures."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wakesleep.errors import InputError, RunError
from wakesleep.files import outputs
from wakesleep.simulation import checkpoint
from wakesleep.studies import grid
from wakesleep.studies.workers import Options, run_all

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Studied:
    """What came of a study.

    Attributes
    ----------
    tree
        Its result (see :func:`wakesleep.studies.gather.gather`).
    failed
        Why runs failed, by name.
    files
        What was written: the store, the table of outcomes, the figures.
    undrawn
        Why figures could not be drawn, by name.
    """

    tree: xr.DataTree
    failed: Mapping[str, str]
    files: list[Path]
    undrawn: Mapping[str, str]


def run_study(
    name: str | Path,
    out: str | Path | None = None,
    *,
    workers: int | None = None,
    seeds: int | None = None,
    device: str = "auto",
    quiet: bool = True,
) -> Studied:
    """Run a study, or go on with it.

    Every run has a store of its own in ``OUT/runs``. Those that are finished are skipped, those
    that were stopped are gone on with; one that fails does not stop the others.

    Parameters
    ----------
    name
        Name of a shipped study, or path of a file.
    out
        Folder for its result; default a folder of the study's name.
    workers
        Processes; default one for each core (one alone on a GPU).
    seeds
        How many seeds, instead of what the file says.
    device
        ``auto``, ``cpu`` or ``cuda``.
    quiet
        Show no progress bars.

    Raises
    ------
    InputError
        If the file or anything it names is wrong; then nothing has been written.
    RunError
        If it is interrupted.
    """
    from wakesleep.runtime.device import resolve
    from wakesleep.studies.gather import import_code

    kind = resolve(device).type
    loaded = grid.load(name, seeds, kind)
    if workers is None:
        workers = (os.cpu_count() or 1) if kind == "cpu" else 1
    if workers < 1:
        raise InputError(f"a study needs at least one worker, not {workers}")
    import_code(loaded)
    folder = outputs.checked(loaded.spec.study if out is None else out, "the study's result")
    if folder.is_file():
        raise InputError(f"{folder}: is a file; a study writes into a folder")
    try:
        (folder / "runs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror})") from None
    with checkpoint.sole_writer(folder):
        left = [
            job
            for job in loaded.jobs.values()
            if not is_finished(job, folder / "runs" / f"{job.name}.zarr", kind)
        ]
        if not loaded.spec.networks:  # of a worker that died between a run's end and this
            for name in loaded.jobs.keys() - {job.name for job in left}:
                checkpoint.path_for(folder / "runs" / f"{name}.zarr").unlink(missing_ok=True)
        options = Options(folder / "runs", device, loaded.spec.networks)
        failed, made = run_all(left, options, min(workers, len(left)), quiet) if left else ({}, {})
        try:
            return finish(loaded, folder, failed, made)
        except OSError as error:
            raise RunError(
                f"{folder}: the study's result cannot be written ({error.strerror}); its runs are "
                "kept, and the same command goes on"
            ) from error


def is_finished(job: grid.Job, store: Path, device: str) -> bool:
    """Say whether a run's store holds all of it; one of another run is left to the worker."""
    import torch

    from wakesleep.results.store import attributes
    from wakesleep.simulation.request import Request, recorded_identity

    made = attributes(store)
    if made is None:
        return False
    request = Request(job.protocol, job.model, job.seed, torch.device(device), torch.float32)
    return made.get("status") == "finished" and recorded_identity(made) == request.identity()


def finish(
    loaded: grid.LoadedStudy,
    folder: Path,
    failed: Mapping[str, str],
    made: Mapping[str, xr.Dataset],
) -> Studied:
    """Gather a study's runs, and write its result and figures into its folder."""
    from wakesleep.plots.study import save_figures
    from wakesleep.results.store import to_netcdf
    from wakesleep.studies.gather import gather, save

    tree = gather(loaded, folder / "runs", failed, made)
    failed = json.loads(tree.attrs["failed"])
    save(tree, folder / "study.zarr")
    outcomes = folder / "outcomes.nc"
    outcomes.unlink(missing_ok=True)
    table = tree["outcomes"].to_dataset()
    to_netcdf(table.assign_attrs(tree.attrs), outcomes)
    # Where every run has failed there is nothing to draw, and the failure is what is told.
    wanted = loaded.spec.figures if len(failed) < len(loaded.jobs) else ()
    figures, undrawn = save_figures(wanted, tree, folder / "figures")
    return Studied(tree, failed, [folder / "study.zarr", outcomes, *figures], undrawn)
