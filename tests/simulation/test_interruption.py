"""Real processes, really killed: what was written stays, and resuming changes no bit."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import torch
import xarray as xr
import zarr

import wakesleep as ws
from tests.conftest import command_line
from wakesleep.simulation import checkpoint
from wakesleep.simulation.request import recorded_identity

COMMAND = [
    "run",
    "total_sleep_deprivation",
    "ff_digits",
    "-p",
    "nights=1",
    "-p",
    "recovery_nights=1",
    "-p",
    "model.layers=[24, 24]",
    "--seed",
    "5",
    "--quiet",
]


def start(out: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command_line(0.1), *COMMAND, "-o", str(out), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a process; return its exit code and what it said on stderr."""
    _, err = process.communicate(timeout=120)
    return process.returncode, err


def wait_for_probes(out: Path, count: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (
            out.exists()
            and checkpoint.path_for(out).exists()
            and ws.open(out).sizes["probe"] >= count
        ):
            return
        time.sleep(0.1)
    raise AssertionError(f"{out} never had {count} probes")


@pytest.fixture(scope="module")
def never_stopped(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "whole.zarr"
    assert ended(start(out)) == (0, "")
    return ws.open(out)


def assert_resumes(out: Path, never_stopped) -> None:
    assert ended(start(out, "--resume")) == (0, "")  # and says nothing on stderr
    resumed = ws.open(out)
    assert resumed.drop_attrs().identical(never_stopped.drop_attrs())
    assert resumed.attrs["status"] == "finished"


def test_kill_9_and_resume(tmp_path, never_stopped):
    out = tmp_path / "killed.zarr"
    process = start(out)
    wait_for_probes(out, 8)  # and this reader reads while the run goes on
    process.send_signal(signal.SIGKILL)
    assert ended(process)[0] == -signal.SIGKILL
    killed = ws.open(out)
    assert killed.attrs["status"] == "running"
    assert 8 <= killed.sizes["probe"] < never_stopped.sizes["probe"]
    kept = never_stopped.isel(probe=slice(killed.sizes["probe"]))
    assert killed.drop_attrs().identical(kept[list(killed.data_vars)].drop_attrs())
    assert_resumes(out, never_stopped)


@pytest.mark.long
def test_kill_9_twice(tmp_path, never_stopped):
    out = tmp_path / "killed.zarr"
    for count in (4, 20):
        process = start(out, "--resume")
        wait_for_probes(out, count)
        process.kill()
        assert ended(process)[0] == -signal.SIGKILL
    assert_resumes(out, never_stopped)


def test_killed_before_the_first_checkpoint(tmp_path, never_stopped):
    out = tmp_path / "killed.zarr"
    process = start(out)
    wait_for_probes(out, 4)
    process.kill()
    assert ended(process)[0] == -signal.SIGKILL
    checkpoint.path_for(out).unlink()
    assert_resumes(out, never_stopped)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
        pytest.param(signal.SIGHUP, marks=pytest.mark.long),
        pytest.param(signal.SIGUSR1, marks=pytest.mark.long),
        pytest.param(signal.SIGXCPU, marks=pytest.mark.long),
    ],
)
def test_polite_signals_save_everything(tmp_path, never_stopped, number):
    out = tmp_path / "stopped.zarr"
    process = start(out)
    wait_for_probes(out, 8)
    process.send_signal(number)
    code, err = ended(process)
    assert code == 1
    assert f"interrupted by {number.name} after step" in err
    assert "--resume continues" in err
    assert "Traceback" not in err
    stopped = ws.open(out)
    assert stopped.attrs["status"].startswith("stopped: interrupted")
    assert_resumes(out, never_stopped)


def caught(process, number, seconds=60.0):
    """Wait until the process handles a signal itself."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        status = Path(f"/proc/{process.pid}/status").read_text()
        mask = int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16)
        # Python itself handles Ctrl-C from the start: the others tell that ours are there.
        if mask >> (signal.SIGTERM - 1) & 1 and mask >> (number - 1) & 1:
            return
        time.sleep(0.01)
    raise AssertionError("no handler")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_during_the_start_is_told_in_one_line(tmp_path, number):
    process = start(tmp_path / "out.zarr")
    caught(process, number)  # then it imports torch, for longer than this takes
    for _ in range(3):
        process.send_signal(number)
    code, err = ended(process)
    assert code == 1
    assert "interrupted" in err
    assert err.count("\n") == 1, err
    assert not list(tmp_path.iterdir()) or (tmp_path / "out.zarr").exists()


@pytest.mark.parametrize("where", ["spin_briefly", "_wait_for_the_first"])
def test_a_signal_before_a_command_and_during_its_error_is_told_in_one_line(where):
    program = (
        "import os, signal, sys\n"
        "from wakesleep.cli import main\n"
        f"main.{where} = lambda: os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.argv[1:] = ['show', 'no_such_file']\n"
        "main.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "wakesleep: interrupted by SIGTERM\n")


def test_a_flipped_bit_of_a_checkpoint_is_noticed(tmp_path, protocol_file, model_file):
    out = tmp_path / "out.zarr"
    made = ws.run(protocol_file, model_file, out=out)
    identity = recorded_identity(made.attrs)
    path = checkpoint.path_for(out)
    whole = path.read_bytes()
    chance = random.Random(0)
    for _ in range(100):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        with pytest.raises(ws.InputError, match="is not a checkpoint, or is damaged"):
            checkpoint.load(path, "cpu", identity)
    path.write_bytes(whole)
    assert checkpoint.load(path, "cpu", identity) is not None


def test_a_checkpoint_of_an_older_version_is_read(tmp_path, protocol_file, model_file):
    out = tmp_path / "out.zarr"
    identity = recorded_identity(ws.run(protocol_file, model_file, out=out).attrs)
    path = checkpoint.path_for(out)
    state = checkpoint.load(path, "cpu", identity)
    torch.save(state, path)  # as it was written before there were digests
    again = checkpoint.load(path, "cpu", identity)
    assert again.keys() == state.keys()
    assert again["place"]["step"] == state["place"]["step"]


def test_a_flipped_bit_of_a_chunk_is_noticed(tmp_path, protocol_file, model_file):
    out = tmp_path / "out.zarr"
    ws.run(protocol_file, model_file, out=out)
    chunks = [path for path in out.rglob("*") if path.is_file() and path.name != "zarr.json"]
    chance = random.Random(1)
    for _ in range(60):
        path = chance.choice(chunks)
        whole = path.read_bytes()
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        with pytest.raises(ws.InputError, match="it is damaged"):
            ws.open(out)
        path.write_bytes(whole)
    ws.open(out)


def test_a_place_beyond_the_timetable_is_refused(tmp_path, protocol_file, model_file):
    out = tmp_path / "out.zarr"
    identity = recorded_identity(ws.run(protocol_file, model_file, out=out).attrs)
    path = checkpoint.path_for(out)
    state = checkpoint.load(path, "cpu", identity)
    state["place"]["entry"] = 99
    checkpoint.save(state, path)
    zarr.open_group(out, mode="r+").attrs["status"] = "running"
    with pytest.raises(ws.InputError, match="a place beyond the timetable"):
        ws.run(protocol_file, model_file, out=out, resume=True)


def test_a_signal_at_the_very_end_loses_nothing(tmp_path, protocol_file, model_file):
    """As a study that is stopped tells its workers: through the watcher, at any step."""
    out, whole = tmp_path / "out.zarr", ws.run(protocol_file, model_file)

    def stop(done: int, steps: int) -> None:
        if done == steps:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(ws.RunError, match="interrupted by SIGTERM after step"):
        ws.run(protocol_file, model_file, out=out, progress=stop)
    again = ws.run(protocol_file, model_file, out=out, resume=True)
    xr.testing.assert_equal(again, whole)


def test_resuming_a_finished_run_leaves_it(tmp_path, wakesleep, protocol_file, model_file):
    out = tmp_path / "done.zarr"
    assert wakesleep("run", protocol_file, model_file, "-o", out)[0] == 0
    first = ws.open(out)
    code, shown, _ = wakesleep("run", protocol_file, model_file, "-o", out, "--resume")
    assert code == 0
    assert "recovery" in shown
    assert ws.open(out).identical(first)
    kept = checkpoint.path_for(out)
    kept.write_bytes(kept.read_bytes()[:-3])
    with warnings.catch_warnings():
        warnings.simplefilter("always")  # the command line prints them
        code, _, told = wakesleep("run", protocol_file, model_file, "-o", out, "--resume")
    assert code == 0
    assert f"{kept}: is not a checkpoint, or is damaged; the result is complete" in told


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--seed", 1], "seed was 0 and now is 1"),
        (["-p", "steps=3"], "its inputs 'steps' was"),
        (["-p", "model.rate=0.5"], "its parameters 'rate' was 0.01 and now is 0.5"),
    ],
)
def test_another_run_is_not_resumed(tmp_path, wakesleep, protocol_file, model_file, more, named):
    out = tmp_path / "done.zarr"
    wakesleep("run", protocol_file, model_file, "-o", out)
    code, _, err = wakesleep("run", protocol_file, model_file, "-o", out, "--resume", *more)
    assert code == 2
    assert named in err


def test_checkpoints_of_other_runs_and_damaged_ones(tmp_path, wakesleep, protocol_file, model_file):
    out = tmp_path / "done.zarr"
    wakesleep("run", protocol_file, model_file, "-o", out)
    other = tmp_path / "other.zarr"
    wakesleep("run", protocol_file, model_file, "-o", other, "-p", "model.layers=[8]")
    zarr.open_group(out, mode="r+").attrs["status"] = "running"
    mine, theirs = checkpoint.path_for(out), checkpoint.path_for(other)
    whole = mine.read_bytes()
    older = checkpoint.load(mine, "cpu", recorded_identity(ws.open(out).attrs))
    del older["learner"]["real_steps"]
    checkpoint.save(older, mine)
    for content, message in (
        (mine.read_bytes(), "does not fit this version of wakesleep"),
        (theirs.read_bytes(), "is the checkpoint of another run"),
        (b"not a checkpoint", "is not a checkpoint, or is damaged"),
        (whole[: len(whole) // 2], "is not a checkpoint, or is damaged"),
    ):
        mine.write_bytes(content)
        code, _, err = wakesleep("run", protocol_file, model_file, "-o", out, "--resume")
        assert code == 2
        assert message in err
        assert err.count("\n") == 1
    mine.unlink()
    assert wakesleep("run", protocol_file, model_file, "-o", out, "--resume")[0] == 0


def test_one_writer_at_a_time(tmp_path, wakesleep):
    out = tmp_path / "busy.zarr"
    process = start(out)
    wait_for_probes(out, 4)
    code, _, err = wakesleep(*COMMAND, "-o", out, "--resume")
    process.kill()
    ended(process)
    assert code == 2
    assert "another process is writing it" in err


def test_checkpoint_left_without_its_store(tmp_path, wakesleep, protocol_file, model_file):
    out = tmp_path / "gone.zarr"
    checkpoint.path_for(out).write_bytes(b"precious weights")
    code, _, err = wakesleep("run", protocol_file, model_file, "-o", out)
    assert code == 2
    assert "exists already, though its store does not" in err
    assert checkpoint.path_for(out).read_bytes() == b"precious weights"
    assert not out.exists()


EVERYTHING = """\
protocol: everything
data: {batch: 20}
negatives: {source: rollout, length: 30}
optimiser_state: reset
momentum: 0.8
clock: {steps_per_hour: 10}
sleep_pressure: {}
phases:
  - repeat: 12
    block: nights
    phases:
      - {phase: wake, until: {quantity: sleep_pressure, above: 0.6}, at_most: 100}
      - {phase: sleep, steps: 60, mode: centred}
      - {phase: sleep, steps: 30, mode: measure, negatives: {source: dream, start: stored}}
record: {every: 15, cases: 100, cycles: 9}
"""


@pytest.mark.long
def test_kill_9_with_all_that_a_run_can_remember(tmp_path):
    """Rollouts made in advance, stored patterns, baselines, process S, a velocity begun anew."""
    (tmp_path / "everything.yaml").write_text(EVERYTHING)
    command = ["run", str(tmp_path / "everything.yaml"), "ff_reber", "-p", "model.layers=[12, 12]"]

    def process(name: str, *more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command_line(0.1), *command, "--quiet", "-o", str(tmp_path / name), *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert ended(process("whole.zarr")) == (0, "")
    whole = ws.open(tmp_path / "whole.zarr")
    for count in (20, 60):
        stopped = process("killed.zarr", "--resume")
        wait_for_probes(tmp_path / "killed.zarr", count)
        stopped.kill()
        assert ended(stopped)[0] == -signal.SIGKILL
    assert ended(process("killed.zarr", "--resume")) == (0, "")
    resumed = ws.open(tmp_path / "killed.zarr")
    assert resumed.drop_attrs().identical(whole.drop_attrs())
