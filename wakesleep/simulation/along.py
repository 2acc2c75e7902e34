"""Networks that are saved during a run, in a folder beside its store."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError, listed
from wakesleep.files import outputs
from wakesleep.simulation import checkpoint

if TYPE_CHECKING:
    from wakesleep.simulation.prepare import Prepared

MOST_SHOWN = 20  # steps that an error lists


def folder_of(store: Path) -> Path:
    """Return where the networks of a store lie: ``run.zarr`` -> ``run.zarr.networks``."""
    return store.with_name(store.name + outputs.NETWORKS)


def keep_network(store: Path, step: int, prepared: Prepared) -> None:
    """Save the current network, ``step`` steps after the start of the run."""
    folder = folder_of(store)
    folder.mkdir(exist_ok=True)
    state = {"identity": prepared.request.identity(), "learner": prepared.learner.state_dict()}
    checkpoint.save(state, folder / f"{step}.pt")


def steps(store: str | Path) -> list[int]:
    """Return the steps after which networks of a run were saved, in order; may be empty."""
    names = [path.stem for path in folder_of(Path(store)).glob("*.pt")]
    return sorted(int(name) for name in names if re.fullmatch(r"[0-9]+", name))


def load(store: Path, step: int, device: Any, identity: Any) -> dict[str, Any]:
    """Return the state of the network that was saved after ``step`` steps.

    Raises
    ------
    InputError
        If none was kept then, or it is damaged.
    """
    path = folder_of(store) / f"{step}.pt"
    state = checkpoint.load(path, device, identity)
    if state is None:
        kept = [str(its) for its in steps(store)]
        told = listed(kept[:MOST_SHOWN]) + (" ..." if len(kept) > MOST_SHOWN else "")
        there = (
            f"networks were kept after {told} steps"
            if kept
            else "none was kept (a protocol keeps them by 'record: {networks: phase_ends}')"
        )
        raise InputError(f"{store}: there is no network after {step} steps; {there}")
    return state
