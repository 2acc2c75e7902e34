"""The verb ``study``: runs a grid, gathers it, writes its result, its table and its figures."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wakesleep.errors import InputError, RunError
from wakesleep.files import outputs
from wakesleep.files.remote import address_of
from wakesleep.results.store import attributes
from wakesleep.runtime.signals import Stopped
from wakesleep.simulation import checkpoint
from wakesleep.simulation.lease import sole_writer
from wakesleep.studies import executors, grid, index
from wakesleep.studies.at_address import copied_study, fetch_runs
from wakesleep.studies.work import Options

if TYPE_CHECKING:
    import xarray as xr

MOST_KEPT = 2**28  # bytes of results that wait in memory for the end of a study


@dataclass(frozen=True)
class Studied:
    """The outcome of a study.

    Attributes
    ----------
    tree
        Its result (see :func:`wakesleep.studies.gather.gather`).
    failed
        Reasons why runs failed, by name.
    files
        Files that were written: the store, the table of outcomes, the figures.
    undrawn
        Reasons why figures could not be drawn, by name.
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
    executor: str = "local",
    cluster: str | Path | None = None,
    rerun: str | None = None,
) -> Studied:
    """Run a study, or continue it.

    Every run has its own store in ``OUT/runs``. Finished runs are skipped, and stopped runs are
    continued. A run that fails does not stop the others.

    Parameters
    ----------
    name
        Name of a shipped study, or path of a file.
    out
        Folder for its result, or an address such as ``s3://bucket/study``; default a folder of the
        study's name.
    workers
        Processes of the executor ``local``; default one per core (a single one on a GPU).
    seeds
        Number of seeds, instead of the file's.
    device
        ``auto``, ``cpu`` or ``cuda``.
    quiet
        Show no progress bars.
    executor
        Where runs are made: ``local``, ``dask`` or ``slurm``
        (see :mod:`wakesleep.studies.executors`).
    cluster
        The file that describes a cluster, or the address of a dask scheduler.
    rerun
        ``failed`` repeats only the runs that failed.

    Raises
    ------
    InputError
        If the file or anything it names is wrong; then nothing has been written.
    RunError
        If it is interrupted, or its executor is lost.
    """
    from wakesleep.runtime.device import resolve
    from wakesleep.studies.gather import import_code

    if rerun not in (None, "failed"):
        raise InputError(f"rerun is 'failed' or nothing, not '{rerun}'")
    make, its_cluster = executors.executor(executor), executors.cluster(executor, cluster)
    if executor != "local" and workers is not None:
        raise InputError(f"workers are for the executor 'local', not for '{executor}'")
    # A login node needs no GPU of its own.
    elsewhere = executor != "local" and device == "cuda"
    kind = "cuda" if elsewhere else resolve(device).type
    loaded = grid.load(name, seeds, kind)
    if workers is None:
        workers = (os.cpu_count() or 1) if kind == "cpu" else 1
    if workers < 1:
        raise InputError(f"a study needs at least one worker, not {workers}")
    import_code(loaded)
    address = address_of(out)
    if address is not None and executor == "slurm":
        raise InputError(f"{address}: --executor slurm needs a folder that all nodes share")
    if address is None:
        own = outputs.checked(loaded.spec.study if out is None else out, "the study's result")
        if own.is_file():
            raise InputError(f"{own}: is a file; a study writes into a folder")
    with nullcontext(own) if address is None else copied_study(address) as folder:
        new = not folder.exists()
        try:
            (folder / "runs").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror})") from None
        # Runs are named after the device, so all machines must use the same kind.
        at = None if address is None else f"{address}/runs"
        options = Options(folder / "runs", kind, loaded.spec.networks, address=at)
        how = executors.How(workers, quiet, folder, its_cluster)
        with sole_writer(folder, folder / ".lease"):
            index.write_plan(folder, loaded, seeds)
            results = _Results(folder)
            try:
                _run_left(loaded, options, how, make, results, rerun)
            except InputError:
                if new and not results.done:  # then nothing has been run
                    shutil.rmtree(folder, ignore_errors=True)
                raise
            others = len(index.stores(folder) - set(loaded.jobs))
            if others:
                warnings.warn(
                    f"{address or folder}: {others} run{'s' * (others > 1)} of earlier "
                    "settings in this folder, not in the result",
                    stacklevel=2,
                )
            if address is not None:
                fetch_runs(address, folder, loaded.jobs)
            try:
                return finish(loaded, folder, results.failed, results.made)
            except OSError as error:
                raise RunError(
                    f"{folder}: the study's result cannot be written ({error.strerror}); its runs "
                    "are kept, and the same command continues"
                ) from error


def _run_left(
    loaded: grid.LoadedStudy,
    options: Options,
    how: executors.How,
    make: executors.Executor,
    results: _Results,
    rerun: str | None,
) -> None:
    """Make the runs of a study that have not finished."""
    ended = index.look(how.folder, loaded.jobs)
    left = [
        job
        for name, job in loaded.jobs.items()
        if (ended[name].status != "finished" if name in ended else rerun is None)
    ]
    if not loaded.spec.networks:  # of a worker that died between a run's end and this
        for name in (name for name, its in ended.items() if its.status == "finished"):
            checkpoint.path_for(options.folder / f"{name}.zarr").unlink(missing_ok=True)
    if not left:
        return
    try:
        make(left, options, how, results.ended)
    except (KeyboardInterrupt, Stopped):
        raise RunError(
            f"interrupted: {results.done} of {len(left)} runs have ended; the same command "
            "continues"
        ) from None


@dataclass
class _Results:
    """The outcomes of runs, collected as they end."""

    folder: Path
    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    made: dict[str, xr.Dataset] = field(default_factory=dict)
    bytes_made: int = 0

    def ended(self, job: grid.Job, found: str | xr.Dataset | None) -> None:
        """Take note of a run that has ended."""
        self.done += 1
        if isinstance(found, str):
            self.failed[job.name] = found
            index.add(self.folder, [index.Ended(job.name, "failed", found)])
            return
        if found is None:
            took = (attributes(self.folder / "runs" / f"{job.name}.zarr") or {}).get("wall_seconds")
        else:
            took = found.attrs.get("wall_seconds")
            self.bytes_made += found.nbytes
            if self.bytes_made < MOST_KEPT:  # the others are read again from their stores
                self.made[job.name] = found
        index.add(self.folder, [index.Ended(job.name, "finished", "", float(took or 0))])


def finish(
    loaded: grid.LoadedStudy,
    folder: Path,
    failed: Mapping[str, str],
    made: Mapping[str, xr.Dataset],
) -> Studied:
    """Gather a study's runs, and write its result and figures into its folder."""
    from wakesleep.plots.study import save_figures
    from wakesleep.results.store import to_netcdf
    from wakesleep.studies.gather import gather

    tree = gather(loaded, folder / "runs", folder / "study.zarr", failed, made)
    failed = json.loads(tree.attrs["failed"])
    outcomes = folder / "outcomes.nc"
    outcomes.unlink(missing_ok=True)
    table = tree["outcomes"].to_dataset()
    to_netcdf(table.assign_attrs(tree.attrs), outcomes)
    # If every run has failed there is nothing to draw; the failure is reported instead.
    wanted = loaded.spec.figures if len(failed) < len(loaded.jobs) else ()
    figures, undrawn = save_figures(wanted, tree, folder / "figures")
    return Studied(tree, failed, [folder / "study.zarr", outcomes, *figures], undrawn)
