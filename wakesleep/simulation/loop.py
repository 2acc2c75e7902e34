"""The one loop: a timetable drives a model, probe by probe, into a store."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wakesleep.errors import InputError, Interrupted, RunError, one_line
from wakesleep.files import own_errors
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.pressure import process_s
from wakesleep.protocols.timetable import Entry
from wakesleep.results import schema, store
from wakesleep.results.provenance import now
from wakesleep.runtime.progress import progress
from wakesleep.runtime.ranks import Ranks, lost
from wakesleep.runtime.signals import stop_signals
from wakesleep.runtime.speed import denormals_flushed
from wakesleep.simulation import checkpoint
from wakesleep.simulation.along import keep_network
from wakesleep.simulation.chunks import ByItself, chunk_of
from wakesleep.simulation.conditions import holds
from wakesleep.simulation.prepare import Prepared
from wakesleep.simulation.recorder import Recorder, write_error

if TYPE_CHECKING:
    import xarray as xr

LONGEST_CHUNK = 100  # steps; a signal is answered, and a checkpoint written, between chunks
FLUSH_SECONDS = 1.0  # longest part of the record that a kill can lose; delay for readers
CHECKPOINT_SECONDS = 15.0  # longest part of the work that a kill can lose
AGAIN = "; without the file, --resume does the run again from its beginning"


@dataclass
class Place:
    """The position of a run: the phase, the steps done in it, and all steps done.

    Also the step at which the phase began, and the sleep pressure.
    """

    entry: int = 0
    done: int = 0
    step: int = 0
    probes: int = 0
    seconds: float = 0.0
    onset: int = 0
    pressure: float = math.nan


@dataclass
class Run:
    """A run in progress."""

    prepared: Prepared
    store: Any
    out: Path | None
    network: bool = True
    mine: Callable[[], bool] = lambda: True  # whether this process is still the one that may write
    ranks: Ranks | None = None  # the processes that make the run together
    resumes: Path | None = None  # the store of the checkpoint, for a process that writes none
    place: Place = field(default_factory=Place)
    recorder: Recorder = field(init=False)
    group: Any = field(init=False)
    by_itself: ByItself = field(init=False)
    at: object = field(init=False)
    lost: bool = field(init=False, default=False)
    begun: float = field(init=False)
    saved: float = field(init=False)
    flushed: float = field(init=False)

    def go(
        self, quiet: bool, watcher: Callable[[int, int], bool | None] | None = None
    ) -> xr.Dataset:
        """Run from the checkpoint, or from the beginning, to the end."""
        import zarr

        self.group = zarr.open_group(self.store, mode="r+")
        self.at = store.place(self.out) if self.out else None
        pressure = self.prepared.request.protocol.spec.sleep_pressure
        if pressure is not None:
            self.place.pressure = pressure.start
        self.by_itself = ByItself(self.prepared)
        self._restore()
        self.recorder = Recorder(self.group, self.place.probes)
        self.saved = self.flushed = time.monotonic()
        self.begun = self.saved - self.place.seconds
        entries = self.prepared.entries
        total = sum(entry.steps for entry in entries)
        try:
            self.group.attrs["status"] = "running"
            with denormals_flushed(), progress(total, quiet, watcher) as tell:
                with stop_signals(self.out is not None or self.ranks is not None) as stop:
                    if self.place.probes == 0:
                        self._take_probe(entries[0], ends=False)
                    while self.place.entry < len(entries):
                        entry = entries[self.place.entry]
                        what = f"{self.prepared.block(entry)} {entry.cycle}: {entry.phase}"
                        if tell(self.place.step, what):
                            stop.append(signal.SIGTERM)
                        self._advance(entry)
                        self._save(stop)
                    tell(total, self._last_words())
                    self._save(stop)
                return self._finish()
        except Exception as error:
            code = json.loads(self.prepared.request.code())
            own = own_errors.told(error, own_errors.files_of(code))
            if isinstance(error, InputError) and own is None:
                raise
            if own is not None and not isinstance(error, RunError):
                raise self._stopped(RunError(own)) from error
            if self.ranks is not None and lost(error):
                told = "another process of this run was lost; --resume continues"
                raise self._stopped(RunError(told)) from error
            raise self._stopped(error) from error

    def _stopped(self, error: Exception) -> RunError:
        """Save what can be saved, and store in the result why the run stopped."""
        told = (
            error
            if isinstance(error, RunError)
            else RunError(
                f"stopped after step {self.place.step}: "
                f"{getattr(error, 'strerror', None) or one_line(error)}"
                + ("; --resume continues when there is room" if store.is_full(error) else "")
            )
        )
        if self.lost:
            return told
        gone = self._gone()
        if gone is not None:
            return gone  # writing now would create an incomplete store at the old path
        status = {"status": f"stopped: {told}"}
        for keep in (self.recorder.flush, lambda: self.group.attrs.update(status)):
            try:
                keep()
            except Exception:
                continue  # a full disk may take neither
        return told

    def _gone(self) -> RunError | None:
        """Return an error if the store is no longer where it was, or None."""
        if self.out is None or store.place(self.out) == self.at:
            return None
        told = f"was removed or renamed while it was written; stopped after step {self.place.step}"
        return RunError(f"{self.out}: {told}")

    def _advance(self, entry: Entry) -> None:
        """Advance to the next probe, but by at most one chunk, and take a probe if it is due."""
        place = self.place
        if place.done == 0:
            place.onset = place.step
            for its in self.prepared.sources_of(entry):
                its.context.memory.clear()
        to_probe = entry.probe_every - place.done % entry.probe_every
        steps = min(to_probe, entry.steps - place.done, LONGEST_CHUNK)
        self._learn(entry, steps)
        place.done += steps
        place.step += steps
        self._grow_tired(entry, steps)
        ends = place.done == entry.steps
        if entry.recorded and (ends or place.done % entry.probe_every == 0):
            ends = self._take_probe(entry, ends)
        if ends:
            place.entry, place.done = place.entry + 1, 0

    def _grow_tired(self, entry: Entry, steps: int) -> None:
        """Update process S (sleep pressure) for ``steps`` steps."""
        spec = self.prepared.request.protocol.spec
        if spec.sleep_pressure is None or spec.clock is None:
            return
        its = spec.sleep_pressure
        awake = not PHASES[entry.phase].asleep
        hours = steps / spec.clock.steps_per_hour
        self.place.pressure = process_s(self.place.pressure, hours, awake, its.rise_h, its.fall_h)

    def _learn(self, entry: Entry, steps: int) -> None:
        its = self.prepared
        if PHASES[entry.phase].sign is None:
            self.by_itself.go_on(entry, self.place.done, steps)
            return
        bad = its.learner.learn(chunk_of(its, entry, self.place.done, steps))
        if bad is not None:
            raise RunError(
                f"{schema.NOT_FINITE}: phase '{entry.phase}' ({its.block(entry)}, cycle "
                f"{entry.cycle}, counted from 0), step {self.place.done + bad + 1} of "
                f"{entry.steps}, step {self.place.step + bad + 1} of the run; "
                "a lower learning rate may help"
            )

    def _take_probe(self, entry: Entry, ends: bool) -> bool:
        """Record a probe; return whether the phase ends here."""
        place, words = self.place, self.prepared.words
        measured = self.prepared.probe.measure(self.prepared.learner)
        if "sleep_pressure" in self.prepared.quantities:
            measured["sleep_pressure"] = np.array(place.pressure)
        if entry.until is not None and place.done:
            ends = ends or holds(self.prepared, entry, measured, self._time_h())
        self.recorder.add(
            {
                "step": place.step,
                "time_h": self._time_h(),
                "phase": words["phase"].index(entry.phase),
                "phase_index": place.entry,
                "phase_end": int(ends),
                "phase_onset": place.onset,
                "stage": words["stage"].index(entry.stage),
                "block": words["block"].index(self.prepared.block(entry)),
                "cycle": entry.cycle,
                **{schema.counter(name): entry.counters.get(name, -1) for name in words["repeat"]},
            },
            measured,
        )
        place.probes = self.recorder.row
        if ends and self.prepared.request.protocol.spec.record.networks and self.out is not None:
            keep_network(self.out, place.step, self.prepared)
        return ends

    def _time_h(self) -> float:
        """Return the time on the protocol's clock in hours; not a number where it has none."""
        clock = self.prepared.request.protocol.spec.clock
        return clock.start_h + self.place.step / clock.steps_per_hour if clock else math.nan

    def _save(self, stop: list[int]) -> None:
        """Write probes and a checkpoint if they are due; stop here if a signal has asked for it."""
        if self.ranks is not None and self.ranks.any(bool(stop)) and not stop:
            stop.append(signal.SIGTERM)  # another process was asked to stop
        if self.out is None:
            if stop and self.ranks is not None:
                raise Interrupted(f"interrupted after step {self.place.step}", stop[0])
            return
        if gone := self._gone():
            raise gone
        moment = time.monotonic()
        if moment - self.flushed > FLUSH_SECONDS:
            self._still_mine()
            self.recorder.flush()
            self.flushed = moment
        if stop or moment - self.saved > CHECKPOINT_SECONDS:
            self._checkpoint()
            self.saved = moment
        if stop:
            raise Interrupted(
                f"interrupted by {signal.Signals(stop[0]).name} after step {self.place.step}; "
                "--resume continues from here",
                stop[0],
            )

    def _still_mine(self) -> None:
        """Stop without writing anything if another process has taken over the store."""
        if not self.mine():
            self.lost = True
            raise RunError(
                f"{self.out}: another process has taken it over, because this one did not "
                "respond for too long"
            )

    def _checkpoint(self) -> None:
        self._still_mine()
        self.recorder.flush()
        self.place.seconds = time.monotonic() - self.begun
        its = self.prepared
        assert self.out is not None  # else there is nothing to go on with
        state = {
            "identity": its.request.identity(),
            "place": vars(self.place).copy(),
            "learner": its.learner.state_dict(),
            "streams": its.streams.state_dict(),
            "batches": {name: stream.state_dict() for name, stream in its.batches.items()},
            "by_itself": self.by_itself.state_dict(),
            "memories": {key: source.context.memory for key, source in its.sources.items()},
        }
        checkpoint.save(state, checkpoint.path_for(self.out))

    def _restore(self) -> None:
        """Load the checkpoint; without one, the run is repeated with the same results."""
        kept = self.out or self.resumes
        if kept is None:
            return
        its, path = self.prepared, checkpoint.path_for(kept)
        state = checkpoint.load(path, its.request.device, its.request.identity(), AGAIN)
        if state is None:
            return
        with checkpoint.understood(path, AGAIN):
            place = Place(**state["place"])
            its.learner.load_state_dict(state["learner"])
            its.streams.load_state_dict(state["streams"])
            for name, stream in its.batches.items():
                stream.load_state_dict(state["batches"][name])
            for key, memory in state["memories"].items():
                its.sources[key].context.memory.update(memory)
            self.by_itself.load_state_dict(state.get("by_itself"), place.entry, place.done)
            if not 0 <= place.entry <= len(its.entries) or (
                place.entry < len(its.entries)
                and not 0 <= place.done < max(1, its.entries[place.entry].steps)
            ):
                raise ValueError("a place beyond the timetable")
        if self.out is not None:  # else another process has the store with the probes so far
            steps = self.group["step"][: place.probes]
            if (steps < 0).any() or steps[-1] > place.step:
                raise InputError(
                    f"{self.out}: its checkpoint lists probes that the store lacks; "
                    "without the checkpoint, --resume does the run again"
                )
        self.place = place

    def _last_words(self) -> str:
        """Return the text that is shown during :meth:`_finish`."""
        its = self.prepared.request
        if "classify" not in its.model.offers or not self.prepared.data.labelled:
            return "the end"
        test = " and test" if its.protocol.spec.record.test else ""
        return f"the end: all validation{test} cases"

    def _finish(self) -> xr.Dataset:
        if self.out is not None:
            self._still_mine()
        if self.out is not None and self.network:
            self._checkpoint()
        if self.resumes is not None and self.out is None:  # another process reports the end
            return store.open_result(self.resumes)
        self.recorder.flush()
        its = self.prepared
        if "classify" in its.request.model.offers and its.data.labelled:
            write_error(self.group, its, "validation")
            if its.request.protocol.spec.record.test:
                write_error(self.group, its, "test")
        if self.out is not None:  # measuring takes long
            self._still_mine()
        if self.out is not None and not self.network:  # one of an earlier moment
            checkpoint.path_for(self.out).unlink(missing_ok=True)
        took = round(time.monotonic() - self.begun, 3)
        # In one write, so that a finished result always holds all of this.
        told = {"status": "finished", "ended": now(), "wall_seconds": took}
        self.group.update_attributes(told)
        return store.open_result(self.store)
