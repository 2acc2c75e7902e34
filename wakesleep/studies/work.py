"""One run of a study, in any process."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wakesleep.errors import InputError, Interrupted, RunError

if TYPE_CHECKING:
    import xarray as xr

    from wakesleep.studies.grid import Job

SECONDS_BETWEEN_LOOKS = 0.5
SAME_EVERYWHERE = ("wakesleep", "torch", "numpy", "zarr")


@dataclass(frozen=True)
class Options:
    """How runs are made.

    Attributes
    ----------
    folder
        Folder of their stores.
    device
        ``cpu`` or ``cuda``.
    networks
        Keep the checkpoint of a finished run, which holds the trained network.
    versions
        Versions of packages that a process must have; empty if it uses those of its parent.
    address
        The address of the stores; None if the folder is where they stay.
    """

    folder: Path
    device: str
    networks: bool
    versions: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None


def work(job: Job, options: Options, tell: Callable[[int, int], bool | None]) -> str | xr.Dataset:
    """Make a run, or continue it; return its result, or why it failed.

    Parameters
    ----------
    job
        The run.
    options
        How it is made.
    tell
        Called with the steps done and the total number of steps. If it returns True, the run stops
        at a safe point.

    Raises
    ------
    Interrupted
        If a signal stopped it, or ``tell``.
    """
    from wakesleep.simulation.remote import is_held
    from wakesleep.simulation.run import run

    out: str | Path = options.folder / f"{job.name}.zarr"
    if options.address is not None:
        out = f"{options.address}/{job.name}.zarr"
    wrong = other_versions(options.versions)
    if wrong:
        return wrong
    # A worker whose client is gone may still be making it. A run whose last process was killed is
    # free at once on the same machine; on another one its lease has to expire first.
    try:
        while is_held(out):
            if tell(0, 0):
                raise Interrupted("interrupted while another process was making it", signal.SIGTERM)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return run(
            job.protocol,
            job.model,
            seed=job.seed,
            device=options.device,
            out=out,
            resume=True,
            progress=tell,
            network=options.networks,
        )
    except Interrupted:
        raise
    except (InputError, RunError) as error:
        return str(error)
    except (Exception, SystemExit) as error:  # a model of the user's own may raise anything
        return f"{type(error).__name__}: {error}"


def versions_here() -> dict[str, str]:
    """Return the versions that must be the same in all processes of a study."""
    from wakesleep.results.provenance import versions

    its = versions()
    return {name: its[name] for name in SAME_EVERYWHERE if name in its}


def other_versions(wanted: Mapping[str, str]) -> str:
    """Return a sentence with the versions that differ in this process; empty if none."""
    here = versions_here() if wanted else {}
    told = [
        f"{name} {here.get(name, 'missing')} instead of {its}"
        for name, its in wanted.items()
        if here.get(name) != its
    ]
    return f"a worker has {', '.join(told)}" if told else ""
