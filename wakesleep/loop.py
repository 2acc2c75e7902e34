"""The one loop: a timetable drives a model, probe by probe, into a store."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep import checkpoint, results
from wakesleep.errors import InputError, RunError, listed
from wakesleep.loading import check_fit, load_model, load_protocol
from wakesleep.model import Chunk, LoadedModel, Setting, build
from wakesleep.protocol import PHASES, Condition, LoadedProtocol
from wakesleep.provenance import git_commit, now, sha256, versions
from wakesleep.signals import stop_signals
from wakesleep.timetable import Entry, timetable

if TYPE_CHECKING:
    import numpy as np
    import torch
    import xarray as xr

    from wakesleep.data import Cases, DataSet

LONGEST_CHUNK = 100  # steps; a signal is answered, and a checkpoint written, between chunks
FLUSH_SECONDS = 1.0  # what a kill can cost of the record, and how far a reader lags behind
CHECKPOINT_SECONDS = 15.0  # what a kill can cost of the work


def run(
    protocol: str | Path | LoadedProtocol,
    model: str | Path | LoadedModel,
    *,
    seed: int = 0,
    device: str = "auto",
    out: str | Path | None = None,
    resume: bool = False,
    quiet: bool = True,
    inputs: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    dtype: str = "float32",
) -> xr.Dataset:
    """Run a protocol on a model.

    Parameters
    ----------
    protocol, model
        Library names, paths, or what :func:`wakesleep.load` returned.
    seed
        The one seed of all randomness.
    device
        ``auto``, ``cpu`` or ``cuda``.
    out
        Zarr store to be written; None keeps the result in memory alone.
    resume
        Go on with the run in ``out`` where it was stopped; if there is none yet, begin it.
    quiet
        Show no progress bar. Without a terminal on stderr none is shown anyway.
    inputs
        Values for the protocol's inputs.
    parameters
        Values for the model's parameters.
    dtype
        ``float32`` or ``float64``.

    Returns
    -------
    xarray.Dataset
        See :mod:`wakesleep.results` for its variables.

    Raises
    ------
    InputError
        If something given is wrong; then nothing has been written.
    RunError
        If weights stop being finite or the run is interrupted; what was recorded is kept.
    """
    import torch

    from wakesleep.device import resolve

    protocol = load_protocol(protocol, inputs)
    model = load_model(model, parameters)
    check_fit(protocol, model)
    if type(seed) is not int or seed < 0:
        raise InputError(f"seed must be a whole number of at least 0, not {seed!r}")
    if dtype not in ("float32", "float64"):
        raise InputError(f"dtype must be float32 or float64, not '{dtype}'")
    job = Job(
        protocol,
        model,
        seed,
        resolve(device),
        getattr(torch, dtype),
        None if out is None else Path(out),
    )
    return job.run(resume, quiet)


@dataclass
class Place:
    """Where a run is: which phase, how many of its steps are done, and how many in all."""

    entry: int = 0
    done: int = 0
    step: int = 0
    probes: int = 0
    seconds: float = 0.0


@dataclass
class Job:
    """One run, from its checked input to its result."""

    protocol: LoadedProtocol
    model: LoadedModel
    seed: int
    device: torch.device
    dtype: torch.dtype
    out: Path | None
    place: Place = field(default_factory=Place)

    def run(self, resume: bool, quiet: bool) -> xr.Dataset:
        """Do the run; see :func:`run`."""
        going_on = self._going_on(resume)
        if going_on and self._status() == "finished":
            return results.open_result(self.out)
        self._prepare()
        if not going_on:
            self._create_store()
        return self._live(going_on, quiet)

    # Before the first step ------------------------------------------------------------------------

    def _going_on(self, resume: bool) -> bool:
        """Say whether there is a run to go on with; refuse whatever must not be overwritten."""
        if self.out is None:
            if resume:
                raise InputError("resume needs 'out', the store of the run to go on with")
            return False
        if not self.out.exists():
            return False
        if not resume:
            raise InputError(
                f"{self.out}: exists already; choose another -o, or go on with it by --resume"
            )
        old = results.open_result(self.out).attrs
        for name, value in self._identity().items():
            if old.get(name) != value:
                raise InputError(
                    f"{self.out}: cannot be resumed, for its {name} was {old.get(name)} and now is "
                    f"{value}"
                )
        return True

    def _status(self) -> str:
        return str(results.open_result(self.out).attrs["status"])

    def _identity(self) -> dict[str, Any]:
        """Return what must be the same for a run to be the same run."""
        return {
            "protocol": self.protocol.name,
            "inputs": json.dumps(dict(self.protocol.values)),
            "protocol_sha256": sha256(self.protocol.resolved),
            "model": self.model.name,
            "parameters": json.dumps(self.model.values),
            "seed": self.seed,
            "device": self.device.type,
            "dtype": str(self.dtype).removeprefix("torch."),
        }

    def _prepare(self) -> None:
        """Load the data, build the model and unroll the timetable."""
        from wakesleep import data
        from wakesleep.data.batches import BatchStream
        from wakesleep.negatives import negatives
        from wakesleep.randomness import Streams
        from wakesleep.record import Probe

        spec = self.protocol.spec
        self.data: DataSet = data.load(
            self.model.spec.data if spec.data.set == "model" else spec.data.set
        )
        train = self.data.train.first(spec.data.train)
        if spec.data.train is not None and spec.data.train > len(self.data.train):
            raise InputError(
                f"data: train is {spec.data.train}, but '{self.data.name}' has only "
                f"{len(self.data.train)} training cases"
            )
        self.entries = timetable(spec, len(train))
        self.streams = Streams(self.seed, self.device)
        self.learner = build(
            self.model,
            Setting(self.data.features, self.data.classes, self.device, self.dtype, self.streams),
        )
        self.quantities = tuple(
            name
            for name, its in results.QUANTITIES.items()
            if (
                its.needs in self.model.offers
                if spec.record.quantities is None
                else name in spec.record.quantities
            )
        )

        self.images, self.labels = self._placed(train)
        shown = self.data.validation.first(spec.record.cases)
        source = spec.negatives.source
        self.probe = Probe(
            *self._placed(shown),
            fresh_negatives=lambda: negatives(
                source, self.data.classes, self.streams.fresh("probe negatives")
            ),
            quantities=self.quantities,
        )
        self.words = {
            "phase": tuple(PHASES),
            # A flag needs a word: what stands in no named block is called by the protocol's name.
            "block": tuple(dict.fromkeys(self._block(entry) for entry in self.entries)),
            "sign": results.SIGNS,
            "layer": tuple(getattr(self.learner, "layer_names", ())),
            "readout": tuple(getattr(self.learner, "readouts", ())),
        }
        for condition in {entry.until for entry in self.entries if entry.until is not None}:
            self._check_condition(condition)
        # Awake and asleep the cases come in orders of their own; interleaved steps use the waking.
        self.batches = {
            name: BatchStream(len(train), spec.data.batch, self.streams(f"batches {name}"))
            for name in ("awake", "asleep")
        }
        self.negatives = negatives(source, self.data.classes, self.streams("negatives"))

    def _check_condition(self, condition: Condition) -> None:
        for dim in ("layer", "readout"):
            chosen = getattr(condition, dim)
            if chosen is not None and chosen not in self.words[dim]:
                raise InputError(
                    f"condition on '{condition.quantity}': model '{self.model.name}' has no {dim} "
                    f"'{chosen}'; allowed are {listed(self.words[dim])}"
                )
        if condition.quantity not in self.quantities:
            raise InputError(
                f"condition on '{condition.quantity}': it is not among the quantities "
                f"that the protocol records, {listed(self.quantities)}"
            )

    def _create_store(self) -> None:
        import zarr

        blank = results.blank(
            1 + sum(entry.probes for entry in self.entries),
            self.words,
            self.quantities,
            self._attributes(),
        )
        if "goodness" in self.model.offers:
            blank["threshold"] = results.constant(
                results.as_numpy(self.learner.thresholds()),
                "layer",
                "goodness at which real and negative are equally probable",
            )
        if self.out is None:
            self.store: Any = zarr.storage.MemoryStore()
            results.write_blank(blank, self.store)
            return
        self.store = self.out
        # Made under another name and renamed, so that a store is never there by half.
        partial = self.out.with_name(f".{self.out.name}.{os.getpid()}")
        try:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            results.write_blank(blank, partial)
            partial.rename(self.out)
            checkpoint.path_for(self.out).unlink(missing_ok=True)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise InputError(f"{self.out}: cannot be written ({error.strerror or error})") from None

    def _block(self, entry: Entry) -> str:
        return entry.block or self.protocol.name

    def _attributes(self) -> dict[str, Any]:
        from wakesleep.device import describe

        return {
            "wakesleep_schema": results.SCHEMA_VERSION,
            "title": f"{self.protocol.name} on {self.model.name}",
            "status": "running",
            **self._identity(),
            "model_sha256": sha256(self.model.document.text),
            "protocol_text": self.protocol.document.text,
            "protocol_resolved": self.protocol.resolved,
            "model_text": self.model.document.text,
            "data": self.data.name,
            "data_sha256": self.data.digest(),
            "device_name": describe(self.device),
            "versions": json.dumps(versions()),
            "git_commit": git_commit(),
            "started": now(),
        }

    # Steps ----------------------------------------------------------------------------------------

    def _live(self, going_on: bool, quiet: bool) -> xr.Dataset:
        import zarr

        from wakesleep.progress import progress
        from wakesleep.record import Recorder

        if going_on:
            self.store = self.out
            self._restore()
        self.group = zarr.open_group(self.store, mode="r+")
        self.recorder = Recorder(self.group, self.place.probes)
        self._started = time.monotonic() - self.place.seconds
        self._saved = self._flushed = time.monotonic()
        total = sum(entry.steps for entry in self.entries)
        self.group.attrs["status"] = "running"
        try:
            with stop_signals(self.out is not None) as stop, progress(total, quiet) as tell:
                if not going_on or self.place.probes == 0:
                    self._take_probe(self.entries[0], ends=False)
                while self.place.entry < len(self.entries):
                    self._advance()
                    entry = self.entries[min(self.place.entry, len(self.entries) - 1)]
                    tell(self.place.step, f"{self._block(entry)} {entry.cycle + 1}: {entry.phase}")
                    self._save(stop)
        except RunError as error:
            self.recorder.flush()
            self.group.attrs["status"] = f"stopped: {error}"
            raise
        return self._finish()

    def _advance(self) -> None:
        """Go on to the next probe or as far as one chunk reaches, and probe if it is time."""
        place = self.place
        entry = self.entries[place.entry]
        to_probe = entry.probe_every - place.done % entry.probe_every
        steps = min(to_probe, entry.steps - place.done, LONGEST_CHUNK)
        self._learn(entry, steps)
        place.done += steps
        place.step += steps
        ends = place.done == entry.steps
        if ends or place.done % entry.probe_every == 0:
            ends = self._take_probe(entry, ends)
        if ends:
            place.entry, place.done = place.entry + 1, 0

    def _learn(self, entry: Entry, steps: int) -> None:
        kind = PHASES[entry.phase]
        if kind.sign is None:
            return
        batches = self.batches["asleep" if kind.sign == "negative" else "awake"]
        bad = self.learner.learn(
            Chunk(
                sign=kind.sign,
                images=self.images,
                labels=self.labels,
                index=batches.take(steps),
                gains=entry.gains(self.place.done, steps),
                negatives=None if kind.sign == "positive" else self.negatives,
                separate_states=self.protocol.spec.optimiser_state == "separate",
            )
        )
        if bad is not None:
            raise RunError(
                f"weights are no longer finite: phase '{entry.phase}' ({self._block(entry)}, cycle "
                f"{entry.cycle + 1}), step {self.place.done + bad + 1} of {entry.steps}, step "
                f"{self.place.step + bad + 1} of the run; a lower model.rate may help"
            )

    def _take_probe(self, entry: Entry, ends: bool) -> bool:
        """Record a probe; return whether the phase ends here."""
        place = self.place
        measured = self.probe.measure(self.learner)
        if entry.until is not None and place.done and self._holds(entry.until, measured):
            ends = True
        clock = self.protocol.spec.clock
        self.recorder.add(
            {
                "step": place.step,
                "time_h": clock.start_h + place.step / clock.steps_per_hour if clock else math.nan,
                "phase": self.words["phase"].index(entry.phase),
                "phase_index": place.entry,
                "phase_end": int(ends),
                "block": self.words["block"].index(self._block(entry)),
                "cycle": entry.cycle,
            },
            measured,
        )
        place.probes = self.recorder.row
        return ends

    def _holds(self, condition: Condition, measured: Mapping[str, np.ndarray]) -> bool:
        """Say whether a condition holds; what it does not select is averaged over."""
        values = measured[condition.quantity]
        for axis, dim in reversed(list(enumerate(results.QUANTITIES[condition.quantity].dims))):
            chosen = getattr(condition, dim)
            values = (
                values.mean(axis)
                if chosen is None
                else values.take(self.words[dim].index(chosen), axis)
            )
        return bool(
            values < condition.below if condition.below is not None else values > condition.above
        )

    # State ----------------------------------------------------------------------------------------

    def _save(self, stop: list[int]) -> None:
        """Write probes and a checkpoint if they are due; stop here if a signal has asked for it."""
        if self.out is None:
            return
        now = time.monotonic()
        if now - self._flushed > FLUSH_SECONDS:
            self.recorder.flush()
            self._flushed = now
        if stop or now - self._saved > CHECKPOINT_SECONDS:
            self._checkpoint()
            self._saved = now
        if stop:
            raise RunError(
                f"interrupted by {signal.Signals(stop[0]).name} after step "
                f"{self.place.step}; --resume goes on from here"
            )

    def _checkpoint(self) -> None:
        assert self.out is not None
        self.recorder.flush()
        self.place.seconds = time.monotonic() - self._started
        checkpoint.save(
            {
                "place": vars(self.place).copy(),
                "learner": self.learner.state_dict(),
                "streams": self.streams.state_dict(),
                "batches": {name: its.state_dict() for name, its in self.batches.items()},
            },
            checkpoint.path_for(self.out),
        )

    def _restore(self) -> None:
        assert self.out is not None
        path = checkpoint.path_for(self.out)
        if not path.exists():
            return  # killed before the first checkpoint: everything is done again, the same way
        state = checkpoint.load(path, self.device)
        self.place = Place(**state["place"])
        self.learner.load_state_dict(state["learner"])
        self.streams.load_state_dict(state["streams"])
        for name, its in self.batches.items():
            its.load_state_dict(state["batches"][name])

    def _finish(self) -> xr.Dataset:
        if self.out is not None:
            self._checkpoint()
        self.recorder.flush()
        if "classify" in self.model.offers:
            self._write_error("validation", self.data.validation)
            if self.protocol.spec.record.test:
                self._write_error("test", self.data.test)
        self.group.attrs.update(
            {
                "status": "finished",
                "ended": now(),
                "wall_seconds": round(time.monotonic() - self._started, 3),
            }
        )
        return results.open_result(self.store)

    def _write_error(self, split: str, cases: Cases) -> None:
        """Write the error on every case of a split, once, with the weights the run ends with."""
        from wakesleep.record import error

        values = error(self.learner, *self._placed(cases))
        array = self.group.create_array(
            f"{split}_error",
            shape=values.shape,
            dtype="float32",
            dimension_names=("readout",),
            overwrite=True,
        )
        array[:] = values
        array.attrs.update(
            {"long_name": f"classification error on all {split} data at the end", "units": "1"}
        )

    def _placed(self, cases: Cases) -> tuple[torch.Tensor, torch.Tensor]:
        """Return images and labels as tensors on the run's device."""
        import torch

        return (
            torch.tensor(cases.images, dtype=self.dtype, device=self.device),
            torch.tensor(cases.labels, device=self.device),
        )
