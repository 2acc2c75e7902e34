"""The schedule of a protocol that has not been run: its phases, hours and updates."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.data import load as load_data
from wakesleep.data.sets import DataSet
from wakesleep.data.source import DataSource
from wakesleep.errors import InputError
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.phases import walk
from wakesleep.protocols.protocol_file import LoadedProtocol
from wakesleep.protocols.timetable import Entry, timetable
from wakesleep.simulation.loading import check_fit, load_model, load_protocol
from wakesleep.simulation.request import Request, given_data

if TYPE_CHECKING:
    import xarray as xr

TRIED_SECONDS = 1.0  # how long updates of each sign are tried for an estimate
TRIED_STEPS = 50


@dataclass(frozen=True)
class Schedule:
    """The schedule of a protocol, in numbers.

    Attributes
    ----------
    name
        The protocol's name.
    events
        Phase ends over ``probe``, in the form of a result, so that plots can draw it.
    updates
        Steps by stage of sleep scoring, in order of their first phase.
    hours
        The same in hours of the clock; empty where there is none.
    probes
        How often the network is measured.
    waits
        Whether a phase waits for a condition: its longest length is counted.
    warnings
        Warnings about settings that are allowed but probably not intended.
    model
        The model whose run was estimated; empty if none.
    seconds
        About how long its run takes; None if no model was named.
    """

    name: str
    events: xr.Dataset
    updates: dict[str, int]
    hours: dict[str, float]
    probes: int
    waits: bool
    warnings: list[str]
    model: str = ""
    seconds: float | None = None


def planned(
    protocol: str | Path | LoadedProtocol,
    inputs: Mapping[str, Any] | None = None,
    *,
    model: str | Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    data: Any = None,
    data_options: Mapping[str, Any] | None = None,
) -> Schedule:
    """Return the schedule of a protocol, and about how long a model needs for it.

    Parameters
    ----------
    protocol, inputs
        As of a run.
    model, parameters
        A model whose running time is estimated: it is built, run for a moment and discarded.
    data, data_options
        As of a run; their size turns sweeps into steps.

    Raises
    ------
    InputError
        If an argument is wrong, or the size of the data is needed but unknown.
    """
    its = load_protocol(protocol, inputs)
    given, options = given_data(data, data_options)
    if model is None:
        if parameters:
            raise InputError("parameters are a model's; name the model too (--model)")
        if options:
            raise InputError(
                f"option '{min(options)}' of the data needs the data (--data) or a model (--model)"
            )
        source = given or its.source
        found = load_data(source) if isinstance(source, DataSource) else source
        return _schedule(its, None if found is None else _train_cases(its, found))
    import torch

    network = load_model(model, parameters)
    check_fit(its, network)
    request = Request(its, network, 0, torch.device("cpu"), torch.float32, given, options)
    schedule = _schedule(its, _train_cases(its, request.load()))
    return replace(schedule, model=network.name, seconds=estimated_seconds(request))


def _train_cases(its: LoadedProtocol, data: DataSet) -> int:
    return len(data.train.first(its.spec.data.train or None))


def _schedule(protocol: LoadedProtocol, train_cases: int | None) -> Schedule:
    spec = protocol.spec
    in_sweeps = any(phase.sweeps for phase in walk(spec.phases)) or spec.record.every_sweeps
    if train_cases is None and in_sweeps:
        raise InputError(
            f"protocol '{protocol.name}' is stated in sweeps, whose length depends on the data; "
            "name a model (--model) or data (--data)"
        )
    entries = timetable(spec, train_cases or 1)
    updates: dict[str, int] = {}
    for entry in entries:
        updates[entry.stage] = updates.get(entry.stage, 0) + entry.steps
    speed = spec.clock.steps_per_hour if spec.clock else None
    return Schedule(
        name=protocol.name,
        events=_events(protocol, entries),
        updates=updates,
        hours={} if speed is None else {name: its / speed for name, its in updates.items()},
        probes=1 + sum(entry.probes for entry in entries),
        waits=any(entry.until is not None for entry in entries),
        warnings=spec.warnings(),
    )


def _events(protocol: LoadedProtocol, entries: Sequence[Entry]) -> xr.Dataset:
    """Return the ends of all phases in the form of a result, after one row for the start."""
    import numpy as np
    import xarray as xr

    ends = np.cumsum([0, *(entry.steps for entry in entries)])
    shown = [entries[0], *entries]
    clock = protocol.spec.clock
    hours = (
        np.full(len(ends), np.nan) if clock is None else clock.start_h + ends / clock.steps_per_hour
    )
    return xr.Dataset(
        coords={
            "step": ("probe", ends),
            "time_h": ("probe", hours),
            "phase": ("probe", [its.phase for its in shown]),
            "phase_index": ("probe", [0, *range(len(entries))]),
            "phase_end": ("probe", [False, *[True] * len(entries)]),
            "phase_onset": ("probe", [0, *ends[:-1]]),
            "stage": ("probe", [its.stage for its in shown]),
            "block": ("probe", [its.block or protocol.name for its in shown]),
            "cycle": ("probe", [its.cycle for its in shown]),
        },
        attrs={"title": f"{protocol.name}, as planned"},
    )


def estimated_seconds(request: Request) -> float:
    """Return about how long a run will take, by trying some updates and one probe.

    The network is built, tried and discarded; nothing is written.
    """
    from wakesleep.simulation.trial import ready

    prepared = ready(request)
    learner = prepared.learner
    prepared.probe.measure(learner)
    begun = time.perf_counter()
    prepared.probe.measure(learner)
    total = (1 + sum(entry.probes for entry in prepared.entries)) * (time.perf_counter() - begun)
    by_kind: dict[str, list[Entry]] = {}
    for entry in prepared.entries:
        sign = PHASES[entry.phase].sign
        kind = entry.phase if sign is None else f"{sign} {entry.negatives.source}"
        by_kind.setdefault(kind, []).append(entry)
    for entries in by_kind.values():
        total += sum(entry.steps for entry in entries) * _seconds_per_step(prepared, entries[0])
    return total


def _seconds_per_step(prepared: Any, entry: Entry) -> float:
    """Return how long a step of a phase takes, by trying some; the first is not counted."""
    from wakesleep.simulation.chunks import ByItself, chunk_of

    def take(steps: int) -> float:
        begun = time.perf_counter()
        if PHASES[entry.phase].sign is None:
            ByItself(prepared).go_on(entry, 0, min(steps, entry.steps))
        else:
            prepared.learner.learn(chunk_of(prepared, entry, 0, min(steps, entry.steps)))
        return (time.perf_counter() - begun) / min(steps, entry.steps)

    take(1)  # compiling, and first uses of memory
    once = take(1)
    return take(max(1, min(TRIED_STEPS, round(TRIED_SECONDS / max(once, 1e-6)))))
