"""Executors: the same numbers wherever runs are made, and whatever dies while they are."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray as xr

import wakesleep as ws
from wakesleep.studies import index

STUDY = """\
study: spread
models: [{name: ff, use: ff_digits, set: {layers: [8], top_down: false}}]
protocols: [phase_separation]
set: {phase_steps: STEPS, nights: 2}
vary: [{model.rate: RATES}]
seeds: 2
outcomes: {error: {quantity: validation_error}, goodness: {quantity: goodness, at: sleep}}
"""
LOCAL = "scheduler: local\n"
OTHER_TORCH = """\
import importlib.metadata as its
true = its.version
its.version = lambda name: "0.1" if name == "torch" else true(name)
"""
SECONDS = 240


def written(folder: Path, rates: int = 3, steps: int = 5) -> Path:
    file = folder / "spread.yaml"
    values = [round(0.01 + 0.001 * number, 4) for number in range(rates)]
    file.write_text(STUDY.replace("RATES", str(values)).replace("STEPS", str(steps)))
    return file


def outcomes(folder: Path) -> xr.Dataset:
    return ws.open_study(folder)["outcomes"].to_dataset()


def command(file: Path, out: Path, *options: object) -> list[str]:
    told = [sys.executable, "-m", "wakesleep", "study", str(file), "-o", str(out), "--quiet"]
    return [*told, *map(str, options)]


def when_finished(folder: Path, count: int) -> dict[str, str]:
    """Wait until so many runs have finished; return when each of them ended."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = ends(folder)
        if len(found) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{len(ends(folder))} runs have finished, not {count}")


def ends(folder: Path) -> dict[str, str]:
    found = {}
    for store in (folder / "runs").glob("*.zarr"):
        try:
            made = json.loads((store / "zarr.json").read_text())["attributes"]
        except (OSError, ValueError):
            continue
        if made["status"] == "finished":
            # The time of change tells a store that was touched again.
            found[store.name] = f"{made['ended']} {(store / 'zarr.json').stat().st_mtime_ns}"
    return found


def assert_undisturbed(file: Path, out: Path, seeds: int | None = None) -> None:
    """Compare with the same study, made in one process that nothing disturbs."""
    whole = out.with_name("whole")
    ws.study(file, whole, workers=1, seeds=seeds)
    xr.testing.assert_identical(outcomes(out), outcomes(whole))


class Dask:
    """A scheduler and its workers, as processes that can be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes, self.number = folder, [], 0
        self.scheduler, self.address = self._scheduler()

    def _scheduler(self) -> tuple[subprocess.Popen[bytes], str]:
        self.number += 1
        file = self.folder / f"scheduler{self.number}.json"
        process = self._start("scheduler", "--port", "0", "--scheduler-file", file)
        deadline = time.monotonic() + SECONDS
        while not file.exists() or not file.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return process, json.loads(file.read_text())["address"]

    def _start(self, *options: object, **environment: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, options), "--no-dashboard"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env=os.environ | environment,
        )
        self.processes.append(process)
        return process

    def again(self) -> None:
        """Start a new scheduler in place of the old one."""
        self.scheduler, self.address = self._scheduler()

    def worker_on_another_host(self, number: int) -> subprocess.Popen[bytes]:
        """Start a worker in namespaces of its own: network, host name and process numbers."""
        port = self.address.rpartition(":")[2]
        inside = f"hostname far{number}; exec {sys.executable} -m dask worker"
        inside += f" tcp://10.77.{number}.1:{port} --nthreads 1 --no-nanny --no-dashboard"
        inside += f" --host 10.77.{number}.2 --death-timeout 20"
        apart = ["unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        process = subprocess.Popen(
            ["ip", "netns", "exec", f"wakesleep{number}", *apart, "sh", "-c", inside],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
        )
        self.processes.append(process)
        return process

    def worker(self, threads: int = 1, **environment: str) -> subprocess.Popen[bytes]:
        options = ("--nthreads", threads, "--no-nanny", "--death-timeout", 20)
        return self._start("worker", self.address, *options, **environment)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def dask(tmp_path):
    its = Dask(tmp_path)
    yield its
    its.close()


@pytest.fixture
def here(tmp_path):
    """Give a file that describes a cluster on this machine."""
    file = tmp_path / "here.yaml"
    file.write_text(LOCAL)
    return file


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Give the outcomes of the executor ``local`` with one process."""
    folder = tmp_path_factory.mktemp("alone")
    ws.study(written(folder), folder / "out", workers=1)
    return outcomes(folder / "out")


def test_every_executor_gives_the_same_numbers(alone, here, tmp_path):
    file = written(tmp_path, rates=1)
    for name in ("dask", "slurm"):
        ws.study(file, tmp_path / name, executor=name, cluster=here)
        xr.testing.assert_identical(outcomes(tmp_path / name), alone.isel(rate=[0]))


@pytest.mark.long
def test_a_study_goes_on_with_another_executor(alone, here, tmp_path):
    file, out = written(tmp_path), tmp_path / "out"
    ws.study(written(tmp_path, rates=1), out, workers=1, seeds=1)
    written(tmp_path, rates=2)
    before = ends(out)
    ws.study(file, out, executor="slurm", cluster=here, seeds=1)
    written(tmp_path, rates=3)
    ws.study(file, out, executor="dask", cluster=here)
    xr.testing.assert_identical(outcomes(out), alone)
    assert before.items() <= ends(out).items()


@pytest.mark.parametrize("cells", [6, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "victim",
    [
        "worker",
        pytest.param("scheduler", marks=pytest.mark.long),
        pytest.param("client", marks=pytest.mark.long),
    ],
)
def test_whatever_is_killed_no_run_is_lost_or_made_twice(victim, cells, dask, tmp_path):
    file, out = written(tmp_path, rates=cells // 2, steps=60), tmp_path / "out"
    workers = [dask.worker(), dask.worker()]
    told = command(file, out, "--executor", "dask", "--cluster")
    client = subprocess.Popen([*told, dask.address], stderr=subprocess.PIPE, text=True)
    before = when_finished(out, 2)
    if victim == "worker":
        workers[0].kill()
        dask.worker()
        _, said = client.communicate(timeout=SECONDS)
        assert client.returncode == 0, said
    elif victim == "scheduler":
        dask.scheduler.kill()
        _, said = client.communicate(timeout=SECONDS)
        assert client.returncode == 1
        assert said.startswith("wakesleep: the scheduler was lost")
        assert said.count("\n") == 1
        dask.again()
        dask.worker()
        subprocess.run([*told, dask.address], check=True, timeout=SECONDS)
    else:
        client.kill()
        client.communicate()
        subprocess.run([*told, dask.address], check=True, timeout=SECONDS)
    after = ends(out)
    assert len(after) == cells
    assert before.items() <= after.items()
    assert_undisturbed(file, out)


def test_a_full_disk_is_not_told_as_a_lost_scheduler(here, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "index.jsonl")

    monkeypatch.setattr(index, "add", full)
    with pytest.raises(OSError, match="No space left"):
        ws.study(written(tmp_path, rates=1), tmp_path / "out", executor="dask", cluster=here)


@pytest.fixture
def hosts():
    """Give two network namespaces, each with a link to this machine."""
    if os.geteuid() or not all(shutil.which(its) for its in ("ip", "unshare")):
        pytest.skip("network namespaces need root, ip and unshare")

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True)

    try:
        for number in (1, 2):
            name, here, there = f"wakesleep{number}", f"ws{number}a", f"ws{number}b"
            ip("netns", "add", name)
            ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
            ip("addr", "add", f"10.77.{number}.1/24", "dev", here)
            ip("link", "set", here, "up")
            ip("-n", name, "addr", "add", f"10.77.{number}.2/24", "dev", there)
            ip("-n", name, "link", "set", there, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield
    finally:
        for number in (1, 2):
            subprocess.run(["ip", "netns", "del", f"wakesleep{number}"], check=False)


@pytest.mark.long
def test_two_hosts_and_one_of_them_is_lost(alone, hosts, dask, tmp_path):
    """What another machine was writing is free once its lease has expired."""
    file, out = written(tmp_path), tmp_path / "out"
    dask.worker_on_another_host(1)
    dask.worker_on_another_host(2)
    wait_for_workers(dask.address, 2)
    ws.study(file, out, executor="dask", cluster=dask.address)
    xr.testing.assert_identical(outcomes(out), alone)
    file, out = written(tmp_path, rates=4, steps=200), tmp_path / "lost"
    told = command(file, out, "--executor", "dask", "--cluster", dask.address)
    client = subprocess.Popen(told)
    before = when_finished(out, 2)
    lost = dask.processes[1]
    lost.kill()
    assert client.wait(SECONDS + 120) == 0
    assert len(ends(out)) == 8
    assert before.items() <= ends(out).items()
    assert_undisturbed(file, out)


@pytest.mark.long
@pytest.mark.parametrize("executor", ["dask", "slurm"])
def test_a_whole_process_group_is_killed(executor, here, tmp_path):
    file, out = written(tmp_path, rates=4, steps=60), tmp_path / "out"
    told = command(file, out, "--executor", executor, "--cluster", here)
    client = subprocess.Popen(told, start_new_session=True)
    before = when_finished(out, 2)
    os.killpg(client.pid, signal.SIGKILL)
    client.wait()
    subprocess.run(told, check=True, timeout=SECONDS)
    after = ends(out)
    assert len(after) == 8
    assert before.items() <= after.items()
    assert_undisturbed(file, out)


@pytest.mark.long
def test_jobs_of_a_batch_system_outlive_the_client(here, tmp_path):
    file, out = written(tmp_path, rates=4, steps=60), tmp_path / "out"
    told = command(file, out, "--executor", "slurm", "--cluster", here)
    client = subprocess.Popen(told)
    before = when_finished(out, 1)
    client.kill()
    client.wait()
    jobs = {path.name for path in (out / "jobs").iterdir() if path.name.isdigit()}
    subprocess.run(told, check=True, timeout=SECONDS)
    # The second client has waited for the jobs of the first.
    assert {path.name for path in (out / "jobs").iterdir() if path.name.isdigit()} == jobs
    assert len(ends(out)) == 8
    assert before.items() <= ends(out).items()


@pytest.mark.long
def test_a_job_at_its_time_limit_is_saved_and_queued_again(here, tmp_path):
    file, out = written(tmp_path, rates=1, steps=3000), tmp_path / "out"
    told = command(file, out, "--executor", "slurm", "--cluster", here, "--seeds", 1)
    client = subprocess.Popen(told)
    deadline = time.monotonic() + SECONDS
    while not list((out / "runs").glob("*.zarr")) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    (lease,) = (out / "runs").glob("*.lease")
    first = json.loads(lease.read_text())["pid"]
    os.kill(first, signal.SIGUSR2)  # what SLURM sends before the limit
    assert client.wait(SECONDS) == 0
    (log,) = (out / "jobs").glob("[0-9]*/*.err")
    assert "Caught signal SIGUSR2" in log.read_text()
    (store,) = (out / "runs").glob("*.zarr")
    result = ws.open(store)
    assert result.attrs["status"] == "finished"
    assert_undisturbed(file, out, seeds=1)


def test_what_cannot_work_is_refused_and_leaves_nothing(dask, tmp_path, wakesleep):
    file, out = written(tmp_path), tmp_path / "out"
    wrong = tmp_path / "wrong.yaml"

    def refused(*options: object) -> str:
        code, _, told = wakesleep("study", file, "-o", out, *options)
        assert code == 2
        assert told.count("\n") == 1, told
        assert not out.exists()
        return told

    on_dask = ("--executor", "dask", "--cluster")
    assert "no dask scheduler at tcp://127.0.0.1:9" in refused(*on_dask, "tcp://127.0.0.1:9")
    wrong.write_text("scheduler: local\nworkrs: 2\n")
    assert "wrong.yaml:2:1: unknown key 'workrs' (did you mean 'workers'?)" in refused(
        *on_dask, wrong
    )
    wrong.write_text("scheduler: lokal\n")
    assert "wrong.yaml:1:1: 'lokal' is not an address" in refused(*on_dask, wrong)
    wrong.write_text("scheduler: pbs\n")
    assert "the command 'qsub' is not found" in refused(*on_dask, wrong)
    assert "there is no such file" in refused(*on_dask, tmp_path / "none.yaml")
    assert "there is no executor 'slrm' (did you mean 'slurm'?)" in refused("--executor", "slrm")
    assert "--cluster goes with --executor" in refused("--cluster", wrong)
    assert "srun" in refused("--executor", "slurm")
    assert "rerun is 'failed' or nothing" in refused("--rerun", "all")
    assert "workers are for the executor 'local'" in refused("--executor", "dask", "--workers", 2)
    dask.worker(threads=2)
    wait_for_workers(dask.address)
    assert "has 2 threads" in refused(*on_dask, dask.address)


def test_workers_of_another_version_are_refused(dask, tmp_path, wakesleep):
    from wakesleep.studies import work

    here = work.versions_here()
    (tmp_path / "sitecustomize.py").write_text(OTHER_TORCH)
    dask.worker(PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    wait_for_workers(dask.address)
    options = ("--executor", "dask", "--cluster", dask.address)
    code, _, told = wakesleep("study", written(tmp_path), "-o", tmp_path / "out", *options)
    assert code == 2
    assert f"has torch 0.1 (here {here['torch']})" in told
    # A worker that comes later makes no run either.
    assert work.other_versions(here | {"numpy": "0.1"}) == (
        f"a worker has numpy {here['numpy']} instead of 0.1"
    )
    assert work.other_versions(here) == ""


def wait_for_workers(address: str, count: int = 1) -> None:
    from distributed import Client

    with Client(address) as client:
        client.wait_for_workers(count, timeout=SECONDS)


def test_the_index_can_be_made_again(tmp_path):
    file, out = written(tmp_path, rates=1), tmp_path / "out"
    ws.study(file, out, workers=1)
    before = ends(out)
    text = (out / index.FILE).read_text()
    assert len(text.splitlines()) == 2
    (out / index.FILE).write_text(text[:-20])  # cut within a line
    again = index.look(out, index.planned(out, file, None))
    assert {its.status for its in again.values()} == {"finished"}
    (out / index.FILE).unlink()
    ws.study(file, out, workers=1)
    assert ends(out) == before
    assert len(index.read(out)) == 2


def test_only_what_failed_is_made_again(tmp_path, wakesleep):
    file, out = written(tmp_path, rates=1), tmp_path / "out"
    file.write_text(file.read_text().replace("[0.01]", "[0.01, 1.0e30]"))
    options = ("study", file, "-o", out, "--workers", 1, "--quiet")
    assert wakesleep(*options)[0] == 1
    assert wakesleep(*options, "--status")[1].splitlines()[0] == "4 runs: 2 finished, 2 failed"
    # A third rate has not been run at all; only the second one is tried again.
    file.write_text(file.read_text().replace("1.0e30]", "1.0e30, 0.5]"))
    before = ends(out)
    assert wakesleep(*options, "--rerun", "failed")[0] == 1
    assert ends(out) == before
    told = wakesleep(*options, "--status")[1].splitlines()[0]
    assert told == "6 runs: 2 finished, 2 failed, 2 not begun"


def test_a_run_that_was_stopped_is_no_result_and_keeps_its_checkpoint(tmp_path, wakesleep):
    file, out = written(tmp_path, rates=1, steps=4000), tmp_path / "out"
    file.write_text(file.read_text().replace("[0.01]", "[0.01, 1.0e30]"))
    client = subprocess.Popen([*command(file, out, "--workers", 1, "--seeds", 1)])
    deadline = time.monotonic() + SECONDS
    while not list((out / "runs").glob("*0.01*.zarr/step/c/0")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    client.send_signal(signal.SIGINT)
    assert client.wait(SECONDS) == 1
    kept = list((out / "runs").glob("*.checkpoint.pt"))
    assert kept
    options = ("study", file, "-o", out, "--workers", 1, "--seeds", 1, "--quiet")
    code, _, told = wakesleep(*options, "--rerun", "failed")
    assert code == 1
    assert "it has not ended (stopped: interrupted" in told or "it has not begun" in told
    assert list((out / "runs").glob("*.checkpoint.pt")) == kept
    assert bool(outcomes(out)["error"].isnull().all())


def test_a_damaged_index_is_read_as_far_as_it_goes(tmp_path, wakesleep):
    file, out = written(tmp_path, rates=1), tmp_path / "out"
    ws.study(file, out, workers=1)
    with (out / index.FILE).open("ab") as stream:
        stream.write(b"\xff\xfe\n")
    code, told, _ = wakesleep("study", file, "-o", out, "--status")
    assert code == 0
    assert told.splitlines()[0] == "2 runs: 2 finished"


def test_a_plan_is_used_only_for_the_files_it_was_made_from(tmp_path):
    file, out = written(tmp_path), tmp_path / "out"
    ws.study(file, out, workers=1, seeds=1)
    assert len(index.planned(out, file, 1)) == 3
    assert index.planned(out, file, None) is None
    file.write_text(file.read_text() + "# changed\n")
    assert index.planned(out, file, 1) is None
