"""The file of ``wakesleep study --cluster``: which machines make the runs of a study."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from wakesleep.errors import InputError
from wakesleep.files import documents, specs

QUEUES = ("slurm", "pbs", "sge", "lsf")
ADDRESS = re.compile(r"^[a-z]+://\S+$")
Lines = Annotated[tuple[str, ...], Field(strict=False)]
Number = Annotated[int, Field(gt=0, le=100_000)]


class DaskCluster(specs.Spec):
    """For ``--executor dask``: a running scheduler, or one that is started for the study."""

    cluster: specs.Name = Field("dask", description="Its name.")
    scheduler: str = Field(
        "local",
        description=(
            "Address of a running scheduler (tcp://host:8786); or how workers are started: local "
            "(this machine), slurm, pbs, sge, lsf (by dask-jobqueue)."
        ),
    )
    workers: Number = Field(2, description="How many workers to start, each with one thread.")
    retries: Annotated[int, Field(ge=0, le=1000)] = Field(
        3,
        description="How often a run may lose its worker and move to another; for schedulers "
        "that are started for the study.",
    )
    options: dict[str, Any] = Field(
        {},
        description=(
            "Passed on to dask: to LocalCluster, SLURMCluster or a similar class (cores, memory, "
            "queue, walltime, job_extra_directives ...)."
        ),
    )


class SlurmCluster(specs.Spec):
    """For ``--executor slurm``: job arrays by submitit."""

    cluster: specs.Name = Field("slurm", description="Its name.")
    scheduler: Literal["slurm", "local"] = Field(
        "slurm", description="slurm; or local: submitit's processes on this machine, for tests."
    )
    minutes: Annotated[int, Field(gt=0, le=60 * 24 * 365)] = Field(
        60, description="Time limit of a job; at the limit it is saved and queued again."
    )
    runs_per_job: Number = Field(1, description="Runs that a job makes one after another.")
    at_most: Number = Field(256, description="Jobs of the array that run at the same time.")
    cpus: Number = Field(1, description="Cores of a job.")
    gpus: Annotated[int, Field(ge=0, le=1000)] = Field(0, description="GPUs of a job.")
    memory_gb: specs.Positive = Field(4.0, description="Memory of a job.")
    partition: str | None = Field(None, description="Partition to submit to.")
    setup: Lines = Field((), description="Shell commands before Python starts (module load ...).")
    restarts: Number = Field(100, description="How often a job may reach its time limit.")
    options: dict[str, Any] = Field(
        {}, description="Passed on to submitit, such as {slurm_account: lab}."
    )


def dask(given: str | Path | None) -> DaskCluster:
    """Return a cluster for dask, from a file or the address of a scheduler.

    Raises
    ------
    InputError
        If the file is wrong, or neither an address nor one of the known names.
    """
    if given is None:
        return DaskCluster()
    if ADDRESS.match(str(given)):
        return DaskCluster(scheduler=str(given))
    its, document = _read(DaskCluster, given)
    known = ("local", *QUEUES)
    if its.scheduler not in known and not ADDRESS.match(its.scheduler):
        raise document.error(
            ("scheduler",),
            f"'{its.scheduler}' is not an address such as tcp://host:8786, nor one of "
            f"{', '.join(known)}",
        )
    return its


def slurm(given: str | Path | None) -> SlurmCluster:
    """Return a cluster for SLURM, from a file.

    Raises
    ------
    InputError
        If the file is wrong.
    """
    return SlurmCluster() if given is None else _read(SlurmCluster, given)[0]


def _read(kind: Any, given: str | Path) -> tuple[Any, documents.Document]:
    path = Path(given)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; --cluster takes a YAML file")
    document = documents.read(path)
    return specs.validate(kind, document.tree, document), document
