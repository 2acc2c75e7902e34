"""Results at addresses: against a local S3 server, and against plain files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
import xarray as xr

import wakesleep as ws
from wakesleep.files import remote
from wakesleep.simulation.remote import held, take
from wakesleep.studies.run import run_study

SMALL = {"layers": [8]}
STUDY = """study: small
models: [{name: ff, use: ff_digits, set: {layers: [8]}}]
protocols: [phase_separation]
set: {nights: 2, phase_steps: 4}
vary:
  - model.rate: [0.01, 0.02]
seeds: 2
outcomes:
  error: {quantity: error, at: sleep, readout: goodness}
"""


@pytest.fixture(scope="module")
def server():
    """Return the environment in which s3:// means a server of this machine."""
    pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    its = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    its.start()
    host, port = its.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    its.stop()


@pytest.fixture(params=["s3", pytest.param("file", marks=pytest.mark.long)])
def place(request, tmp_path, monkeypatch):
    """Return an address below which nothing is yet, and clear this machine's copies."""
    monkeypatch.setenv("WAKESLEEP_REMOTE_DIR", str(tmp_path / "copies"))
    if request.param == "file":
        return f"file://{tmp_path}/there"
    for name, value in request.getfixturevalue("server").items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{abs(hash(str(tmp_path))):x}"
    remote.system(f"s3://{bucket}/x")[0].mkdir(bucket)
    return f"s3://{bucket}/there"


def forget(tmp_path):
    """Be another machine: one without copies."""
    (tmp_path / "copies").rename(tmp_path / f"copies-{time.monotonic_ns()}")


def small_run(out, nights=2, **more):
    return ws.run("phase_separation", "ff_digits", parameters=SMALL, out=out, quiet=True,
                  inputs={"nights": nights, "phase_steps": 4}, **more)  # fmt: skip


def test_a_run_at_an_address_equals_a_local_one(place, tmp_path):
    local = small_run(tmp_path / "local.zarr")
    small_run(f"{place}/run.zarr")
    forget(tmp_path)
    again = ws.open(f"{place}/run.zarr")
    xr.testing.assert_equal(again, local)
    one, two = (ws.trained(its) for its in (tmp_path / "local.zarr", f"{place}/run.zarr"))
    xr.testing.assert_equal(one.weights, two.weights)
    assert not held(f"{place}/run.zarr")
    # Plain xarray reads it where it is.
    plain = xr.open_zarr(f"{place}/run.zarr", consolidated=False, decode_times=False)
    assert plain.attrs["status"] == "finished"


def test_what_is_there_is_not_overwritten(place, wakesleep):
    small_run(f"{place}/run.zarr")
    with pytest.raises(ws.InputError, match=r"there/run.zarr: exists already"):
        small_run(f"{place}/run.zarr")
    assert small_run(f"{place}/run.zarr", resume=True).attrs["status"] == "finished"
    words = ("run", "phase_separation", "ff_digits", "-p", "nights=2", "-p", "phase_steps=4")
    more = [word for name, its in SMALL.items() for word in ("-p", f"model.{name}={its}")]
    for name, told in (("run", "the run has already finished"), ("new", "no such run yet")):
        out = f"{place}/{name}.zarr"
        code, _, said = wakesleep(*words, *more, "--resume", "--quiet", "-o", out)
        assert code == 0, said
        assert f"{out}: {told}" in said
    with pytest.raises(ws.InputError, match=r"there/no\.zarr: there is no such result"):
        ws.open(f"{place}/no.zarr")


def test_a_stopped_run_continues_on_another_machine(place, tmp_path):
    whole = small_run(tmp_path / "whole.zarr", 60)
    with pytest.raises(ws.RunError, match="interrupted"):
        small_run(f"{place}/run.zarr", 60, progress=lambda done, steps: done >= 8)
    forget(tmp_path)
    half = ws.open(f"{place}/run.zarr")
    assert 0 < half.sizes["probe"] < whole.sizes["probe"]
    forget(tmp_path)
    steps = []
    again = small_run(f"{place}/run.zarr", 60, resume=True,
                      progress=lambda done, _: steps.append(done))  # fmt: skip
    assert steps[0] >= 8  # it did not begin anew
    xr.testing.assert_equal(again.drop_attrs(deep=False), whole.drop_attrs(deep=False))


def test_invalid_input_writes_nothing(place, tmp_path):
    with pytest.raises(ws.InputError, match="no parameter 'lairs'"):
        ws.run("phase_separation", "ff_digits", parameters={"lairs": 1}, out=f"{place}/run.zarr")
    assert remote.names(place) == []


def test_one_process_at_a_time(place):
    its = take(f"{place}/x")
    assert held(f"{place}/x")
    with pytest.raises(ws.InputError, match=r"another process is writing it \(process \d+\)"):
        small_run(f"{place}/x")
    assert its.mine()
    its.renew()
    its.release()
    assert not held(f"{place}/x")


def dead(place):
    """Leave the lease of a process that has died, and return its address."""
    code = (
        "import os, signal, sys\n"
        "from wakesleep.simulation.remote import take\n"
        "take(sys.argv[1])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, f"{place}/x"], env=os.environ)
    assert done.returncode == -signal.SIGKILL
    return f"{place}/x"


def test_the_lease_of_a_dead_process_is_taken_over_by_one(place):
    address = dead(place)
    assert remote.names(f"{address}.held") == ["00000001.json"]
    assert not held(address)
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys, time\n"
                "from wakesleep.errors import InputError\n"
                "from wakesleep.simulation.remote import take\n"
                "try:\n"
                "    its = take(sys.argv[1])\n"
                "except InputError:\n"
                "    sys.exit(3)\n"
                "time.sleep(3)\n"  # so that all others find it at work
                "sys.exit(0 if its.mine() else 4)\n",
                address,
            ],
            env=os.environ,
        )
        for _ in range(4)
    ]
    codes = sorted(its.wait(timeout=120) for its in processes)
    assert codes.count(0) >= 1
    assert 4 not in codes


def test_a_process_that_was_replaced_sends_nothing_more(place, tmp_path):
    from wakesleep.simulation.remote import at_work

    sent = []
    system, path = remote.system(f"{place}/x.held")
    work = at_work(f"{place}/x", [tmp_path / "x"], lambda: None, lambda: sent.append(1))
    work.__enter__()
    system.pipe_file(f"{path}/00000002.json", b'{"token": "other"}')
    with pytest.raises(ws.RunError, match="another process has taken it over"):
        work.__exit__(None, None, None)
    assert sent == []


@pytest.mark.parametrize(
    "place", ["file", pytest.param("s3", marks=pytest.mark.long)], indirect=True
)
def test_a_study_at_an_address_equals_a_local_one(place, tmp_path, monkeypatch, wakesleep):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(STUDY)
    local = run_study("small.yaml", "here", workers=1).tree
    run_study("small.yaml", f"{place}/small", workers=2)
    forget(tmp_path)
    tree = ws.open_study(f"{place}/small")
    xr.testing.assert_equal(
        tree["outcomes"].to_dataset()["error"], local["outcomes"].to_dataset()["error"]
    )
    code, told, _ = wakesleep("study", "small.yaml", "-o", f"{place}/small", "--status")
    assert code == 0
    assert "4 runs: 4 finished" in told
    # A run that was lost is made again, and no other.
    runs = f"{place}/small/runs"
    stores = [name for name in remote.names(runs) if name.endswith(".zarr")]
    assert len(stores) == 4
    system, path = remote.system(f"{runs}/{stores[0]}")
    system.rm(path, recursive=True)
    when = {name: ws.open(f"{runs}/{name}").attrs["started"] for name in stores[1:]}
    forget(tmp_path)
    code, told, error = wakesleep(
        "study", "small.yaml", "-o", f"{place}/small", "--workers", "1", "--quiet"
    )
    assert code == 0, error
    assert f"address: {place}/small" in told
    forget(tmp_path)
    assert {name: ws.open(f"{runs}/{name}").attrs["started"] for name in when} == when
    assert ws.open(f"{runs}/{stores[0]}").attrs["status"] == "finished"


@pytest.mark.long
@pytest.mark.parametrize("place", ["file", "s3"], indirect=True)
def test_a_study_whose_processes_were_killed_continues(place, tmp_path):
    text = STUDY.replace("nights: 2, phase_steps: 4", "nights: 60, phase_steps: 4")
    (tmp_path / "small.yaml").write_text(text)
    command = [sys.executable, "-m", "wakesleep", "study", "small.yaml", "-o", f"{place}/small"]
    process = subprocess.Popen(
        [*command, "--workers", "1", "--quiet"], cwd=tmp_path, start_new_session=True
    )
    for _ in range(600):
        time.sleep(0.2)
        if any(name.endswith(".held") for name in remote.names(f"{place}/small/runs")):
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    left = remote.names(f"{place}/small/runs")
    assert any(name.endswith(".held") for name in left)
    forget(tmp_path)
    done = subprocess.run(
        [*command, "--workers", "2", "--quiet"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    forget(tmp_path)
    its = ws.open_study(f"{place}/small")
    assert its["outcomes"]["error"].notnull().all()
    assert not [name for name in remote.names(f"{place}/small/runs") if name.endswith(".held")]


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("nonsense://bucket/run.zarr", "nonsense://bucket/run.zarr: .*[Pp]rotocol"),
        ("s3://bucket", "expected an address such as"),
        ("s3://bucket/../run.zarr", "without '..'"),
        ("file:///proc/no/run.zarr", "cannot be reached"),
    ],
)
def test_wrong_addresses(out, message, tmp_path, monkeypatch, wakesleep):
    import re

    monkeypatch.setenv("WAKESLEEP_REMOTE_DIR", str(tmp_path / "copies"))
    code, _, told = wakesleep("run", "interleaved", "ff_digits", "-o", out)
    assert code == 2
    assert re.search(message, told), told
    assert told.count("\n") == 1


def test_a_service_that_is_not_there():
    pytest.importorskip("s3fs")
    nowhere = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_MAX_ATTEMPTS": "1",
    }
    command = ["run", "interleaved", "ff_digits", "-o", "s3://bucket/run.zarr"]
    done = subprocess.run(
        [sys.executable, "-m", "wakesleep", *command],
        env={**os.environ, **nowhere}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert "s3://bucket/run.zarr" in done.stderr
    assert "cannot be reached" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
