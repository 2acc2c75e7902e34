"""Leases: one process at a time writes a store, whichever dies or stands still."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import wakesleep as ws
from wakesleep.simulation import lease

HOLD = """\
import sys, time
from pathlib import Path
from wakesleep.simulation.lease import sole_writer
with sole_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def other_machine(store: Path, age: float = 0.0) -> None:
    """Write the lease of a process on another machine, last renewed so many seconds ago."""
    path = lease.lease_of(store)
    told = {"token": "a", "host": "far", "boot": "another", "pid": os.getpid(), "born": "1"}
    path.write_text(json.dumps(told))
    os.utime(path, (time.time() - age,) * 2)


def test_a_second_writer_is_refused_until_the_first_has_ended(tmp_path):
    store = tmp_path / "run.zarr"
    with lease.sole_writer(store) as mine:
        assert mine()
        assert lease.held(store)
        told = rf"another process is writing it \(process {os.getpid()}\)"
        with pytest.raises(ws.InputError, match=told), lease.sole_writer(store):
            pass
        assert mine()
    assert not list(tmp_path.iterdir())
    with lease.sole_writer(store):
        pass


def test_a_killed_process_leaves_the_store_free(tmp_path):
    store = tmp_path / "run.zarr"
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(store)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(ws.InputError, match="another process"), lease.sole_writer(store):
        pass
    process.kill()  # not waited for: what is left of it is no writer either
    deadline = time.monotonic() + 20
    while lease.held(store):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with lease.sole_writer(store) as mine:
        assert mine()
    process.wait()
    process.stdout.close()
    assert not list(tmp_path.iterdir())


def test_a_number_that_was_given_to_another_process_does_not_hold_it(tmp_path):
    store = tmp_path / "run.zarr"
    with lease.sole_writer(store):
        told = json.loads(lease.lease_of(store).read_text())
    lease.lease_of(store).write_text(json.dumps(told | {"born": "1"}))
    with lease.sole_writer(store) as mine:
        assert mine()


def test_a_process_on_another_machine_holds_it_until_its_lease_expires(tmp_path):
    store = tmp_path / "run.zarr"
    other_machine(store, lease.EXPIRES_AFTER - 30)
    told = rf"another process is writing it \(process {os.getpid()} on far\)"
    with pytest.raises(ws.InputError, match=told), lease.sole_writer(store):
        pass
    other_machine(store, lease.EXPIRES_AFTER + 1)
    with lease.sole_writer(store) as mine:
        assert mine()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_damaged_lease_expires_like_any_other(tmp_path, text):
    store = tmp_path / "run.zarr"
    path = lease.lease_of(store)
    path.write_text(text)
    with pytest.raises(ws.InputError, match="another process"), lease.sole_writer(store):
        pass
    os.utime(path, (time.time() - lease.EXPIRES_AFTER - 1,) * 2)
    with lease.sole_writer(store) as mine:
        assert mine()


def test_a_lease_is_renewed(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "RENEWED_EVERY", 0.05)
    store = tmp_path / "run.zarr"
    with lease.sole_writer(store):
        path = lease.lease_of(store)
        os.utime(path, (0, 0))
        deadline = time.monotonic() + 20
        while path.stat().st_mtime < time.time() - 10:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_who_stood_still_for_too_long_writes_no_more(tmp_path):
    """A run whose store another machine has taken over stops, and leaves what that one wrote."""
    out = tmp_path / "run.zarr"
    stolen = []

    def steal(done: int, steps: int) -> None:
        if done and not stolen:
            other_machine(out)
            stolen.append((out / "zarr.json").read_bytes())

    inputs = {"nights": 40, "phase_steps": 5}
    with pytest.raises(ws.RunError, match="another process has taken it over"):
        ws.run("phase_separation", "ff_digits", inputs=inputs, parameters={"layers": [8]},
               out=out, progress=steal)  # fmt: skip
    assert (out / "zarr.json").read_bytes() == stolen[0]
    assert json.loads(lease.lease_of(out).read_text())["host"] == "far"


def take(store: str, barrier, found) -> None:
    barrier.wait()
    try:
        with lease.sole_writer(Path(store)):
            found.put(True)
            time.sleep(0.5)
    except ws.InputError:
        found.put(False)


def test_one_of_many_takes_over_from_the_dead(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(4), context.Queue()
    store = tmp_path / "run.zarr"
    other_machine(store, lease.EXPIRES_AFTER + 100)
    processes = [context.Process(target=take, args=(str(store), barrier, found)) for _ in range(4)]
    for process in processes:
        process.start()
    taken = [found.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    assert sum(taken) == 1
    assert not list(tmp_path.iterdir())
