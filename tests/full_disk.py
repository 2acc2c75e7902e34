"""A run and a study on a disk of so many kilobytes, in a mount namespace of their own.

    unshare -Urm python -m tests.full_disk FOLDER run|study KILOBYTES...

On every disk the command must succeed, or stop with exit code 1 and one line; what is there must
open; and with more room the same command must come to the result that it has on a large disk. One
line is printed for each size.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import SMALL_MODEL, SMALL_PROTOCOL, command_line

STUDY = """\
study: small
models: [./tiny.yaml]
protocols: [./small.yaml]
vary: [{model.rate: [0.01, 0.02]}]
seeds: 2
outcomes: {error: {quantity: error, at: sleep, readout: goodness}}
figures: [{figure: lines, name: line, outcome: error, x: rate}]
"""
BEGINS = "no such run yet; starting it"  # what --resume says first


def mount(folder: Path, size: str, again: bool = False) -> None:
    how = f"{'remount,' if again else ''}size={size}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", how, "none", str(folder)], check=True)


def command(folder: Path, what: str, out: Path) -> list[str]:
    if what == "run":
        files = ["run", str(folder / "small.yaml"), str(folder / "tiny.yaml"), "--resume"]
    else:
        files = ["study", str(folder / "study.yaml"), "--workers", "1"]
    # A checkpoint and a write of the record at every opportunity.
    return [*command_line(0.0), *files, "-o", str(out), "--quiet"]


def state(what: str, out: Path) -> dict[str, object]:
    """Return what a command came to, without times and names of places."""
    import wakesleep as ws

    if what == "run":
        return {"run": ws.open(out).drop_attrs()}
    stores = sorted((out / "runs").glob("*.zarr"))
    return {its.name: ws.open(its).drop_attrs() for its in stores}


def main() -> int:
    import wakesleep as ws

    folder, what, *sizes = Path(sys.argv[1]), sys.argv[2], *sys.argv[3:]
    (folder / "small.yaml").write_text(SMALL_PROTOCOL)
    (folder / "tiny.yaml").write_text(SMALL_MODEL)
    (folder / "study.yaml").write_text(STUDY)
    disk = folder / "disk"
    disk.mkdir()
    mount(disk, "200m")
    subprocess.run(command(folder, what, disk / "out"), check=True, capture_output=True)
    whole, names = state(what, disk / "out"), sorted(its.name for its in disk.iterdir())
    subprocess.run(["umount", str(disk)], check=True)
    bad = 0
    for size in sizes:
        mount(disk, f"{size}k")
        found = []
        first = subprocess.run(
            command(folder, what, disk / "out"), capture_output=True, text=True, check=False
        )
        told = "\n".join(its for its in first.stderr.splitlines() if BEGINS not in its)
        if first.returncode not in (0, 1):
            found.append(f"exit code {first.returncode}")
        if first.returncode and ("\n" in told or not told or len(told) > 500):
            found.append("not one line")
        if first.returncode == 0 and size == sizes[0]:
            found.append("the smallest disk is large enough for everything")
        stores = [disk / "out"] if what == "run" else sorted((disk / "out" / "runs").glob("*.zarr"))
        for store in stores:
            if store.exists():
                made = ws.open(store)
                status = made.attrs["status"]
                if status not in ("running", "finished") and not status.startswith("stopped: "):
                    found.append(f"status {status}")
        mount(disk, "200m", again=True)
        second = subprocess.run(
            command(folder, what, disk / "out"), capture_output=True, text=True, check=False
        )
        if second.returncode:
            found.append(f"does not go on: {second.stderr[-300:]}")
        else:
            now = state(what, disk / "out")
            if now.keys() != whole.keys() or not all(now[k].identical(whole[k]) for k in whole):
                found.append("another result")
            if sorted(its.name for its in disk.iterdir()) != names:
                found.append(f"left behind: {sorted(its.name for its in disk.iterdir())}")
        print(f"{size} kB: exit code {first.returncode}; {told or 'enough room'}", flush=True)
        for its in found:
            print(f"  FOUND: {its}", flush=True)
        bad += bool(found)
        subprocess.run(["umount", str(disk)], check=True)
    return bad


if __name__ == "__main__":
    sys.exit(min(main(), 1))
