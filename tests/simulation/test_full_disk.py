"""Disks without room: real ones, in a mount namespace where this system lets us have one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import zarr

import wakesleep as ws
from wakesleep.simulation import loop

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]


def disks(folder: Path, what: str, *sizes: int) -> str:
    """Try disks of so many kilobytes; return what was printed."""
    probe = [*NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"]
    if shutil.which("unshare") is None or subprocess.run(probe, check=False).returncode:
        pytest.skip("needs a mount namespace")
    done = subprocess.run(
        [*NAMESPACE, sys.executable, "-m", "tests.full_disk", folder, what, *map(str, sizes)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_run_on_a_full_disk_stops_in_one_line_and_goes_on(tmp_path):
    shown = disks(tmp_path, "run", 100, 250)
    assert "100 kB: exit code 1" in shown
    assert "cannot be written (No space left on device)" in shown
    assert "250 kB: exit code 1" in shown
    assert "No space left on device; --resume continues when there is room" in shown


@pytest.mark.long
def test_a_run_on_disks_of_every_size(tmp_path):
    shown = disks(tmp_path, "run", *range(40, 440, 40), 600, 1000, 2000, 4000)
    assert shown.count("exit code 1") >= 6
    assert shown.count("exit code 0") >= 4


@pytest.mark.long
def test_a_study_on_disks_of_every_size(tmp_path):
    shown = disks(tmp_path, "study", 100, 200, 300, *range(500, 1900, 200), 2500, 4000)
    assert shown.count("exit code 1") >= 8
    assert shown.count("exit code 0") >= 2


@pytest.mark.parametrize("how", ["removed", "renamed"])
def test_a_store_that_goes_during_a_run_is_told_in_one_line(
    tmp_path, protocol_file, model_file, how, monkeypatch
):
    monkeypatch.setattr(loop, "FLUSH_SECONDS", 0.0)
    out = tmp_path / "out.zarr"

    def take_away(done: int, steps: int) -> None:
        if done >= 20 and out.exists():
            if how == "renamed":
                out.rename(tmp_path / "elsewhere.zarr")
            else:
                shutil.rmtree(out)

    told = "was removed or renamed while it was written; stopped after step"
    with pytest.raises(ws.RunError, match=told) as raised:
        ws.run(protocol_file, model_file, out=out, progress=take_away)
    assert "\n" not in str(raised.value)
    if how == "renamed":  # what was recorded opens
        assert ws.open(tmp_path / "elsewhere.zarr").sizes["probe"] >= 1


def test_what_a_dead_process_left_is_removed(tmp_path, protocol_file, model_file):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    out = tmp_path / "out.zarr"
    mine = tmp_path / f".out.zarr.{gone.pid}"
    zarr.open_group(mine, mode="w")
    theirs = tmp_path / f".another.zarr.{gone.pid}"  # of another run, for that one to remove
    zarr.open_group(theirs, mode="w")
    partial = tmp_path / "out.zarr.checkpoint.pt.partial"
    partial.write_bytes(b"half of a checkpoint")
    ws.run(protocol_file, model_file, out=out, resume=True)
    assert sorted(its.name for its in tmp_path.iterdir()) == sorted(
        [theirs.name, "out.zarr", "out.zarr.checkpoint.pt", protocol_file.name, model_file.name]
    )
