"""Runs and studies that are stopped at random moments by random signals, and gone on with.

    python -m tests.campaign [--runs 50] [--studies 10] [--seed N] [--workers 1]

Every run must come to the bits of one that was never stopped, with no file left behind. In a study,
no finished run may be made again, and none may be missing. Prints one line for every finding.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conftest import command_line

SIGNALS = [
    signal.SIGKILL,
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGXCPU,
]
DAYS = ["total_sleep_deprivation", "-p", "recovery_nights=1"]
FAMILIES = {
    "forward_forward": [*DAYS, "-p", "nights=12", "ff_digits", "-p", "model.layers=[64, 64]"],
    "recurrent": ["interleaved", "recurrent.yaml", "-p", "sweeps=1", "-p", "batch=20"],
    "boltzmann": [*DAYS, "-p", "nights=12", "rbm_digits", "-p", "model.hidden=[32]"],
    "helmholtz": ["phase_separation", "helmholtz_digits", "-p", "nights=5"],
    "hopfield": ["unlearning", "hopfield_100"],
    "backprop": ["interleaved", "backprop_digits", "-p", "sweeps=8"],
}
RECURRENT = """\
model: recurrent
kind: recurrent
data: digits
parameters: {layers: [24, 24]}
"""
STUDY = """\
study: little
models: [{name: tiny, use: ff_digits, set: {layers: [24, 24], top_down: false}}]
protocols: [phase_separation]
set: {batch: 20}
vary: [{phase_steps: [20, 40], nights: [6, 3]}, {model.rate: [0.005, 0.01]}]
seeds: 2
outcomes: {sleep: {quantity: error, at: sleep, readout: goodness}}
figures: [{figure: lines, name: line, outcome: sleep, x: phase_steps, hue: rate}]
"""


def start(arguments: list[str], folder: Path) -> subprocess.Popen[str]:
    """Start a command in a folder, as the head of a group of processes."""
    return subprocess.Popen(
        [*command_line(0.05), *arguments, "--quiet"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def without_beginning(told: str) -> str:
    """Return what a command said, without the line that a run is begun which is not there yet."""
    lines = told.splitlines(keepends=True)
    return "".join(its for its in lines if "no such run yet; starting it" not in its)


def finish(arguments: list[str], folder: Path) -> str:
    """Run a command to its end; return what it said if it failed or said anything."""
    process = start(arguments, folder)
    err = without_beginning(process.communicate(timeout=600)[1])
    return err or ("" if process.returncode == 0 else f"exit code {process.returncode}")


def stopped(
    arguments: list[str], folder: Path, seconds: float, chance: random.Random
) -> tuple[str, list[str]]:
    """Start a command and stop it after a time; return by what, and what was wrong with it."""
    number = chance.choice(SIGNALS)
    process = start(arguments, folder)
    time.sleep(seconds)
    process.send_signal(number)
    if number != signal.SIGKILL and chance.random() < 0.2:
        process.send_signal(number)  # twice, as impatient users do
    err = without_beginning(process.communicate(timeout=600)[1])
    code, found = process.returncode, []
    if number == signal.SIGKILL:
        return "too late" if code == 0 else number.name, found
    if "Traceback" in err or err.count("\n") > 1:
        found.append(f"{number.name}: {err[-600:]}")
    # Before Python has set a handler, a process dies of its signal, as any program does.
    if code not in (0, 1) and not (code == -number and not err):
        found.append(f"{number.name}: exit code {code}")
    return "too late" if code == 0 else number.name, found


def try_run(name: str, seed: int, whole: Path, longest: float) -> tuple[list[str], list[str]]:
    """Stop one run one to three times; return by what, and findings."""
    import wakesleep as ws

    chance = random.Random(seed)
    by: list[str] = []
    found: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "recurrent.yaml").write_text(RECURRENT)
        arguments = ["run", *FAMILIES[name], "-o", "out.zarr", "--resume"]
        for _ in range(chance.choice((1, 2, 3))):
            how, wrong = stopped(arguments, folder, chance.uniform(0.2, 0.9 * longest), chance)
            by.append(how)
            found += wrong
        said = finish(arguments, folder)
        if said:
            return by, [*found, f"does not go on: {said[-500:]}"]
        if not ws.open(folder / "out.zarr").drop_attrs().identical(ws.open(whole).drop_attrs()):
            found.append("another result")
        left = sorted(its.name for its in folder.iterdir())
        if left != ["out.zarr", "out.zarr.checkpoint.pt", "recurrent.yaml"]:
            found.append(f"left behind: {left}")
    return by, found


def finished(runs: Path) -> dict[str, str]:
    """Return when each finished run of a study had ended."""
    import wakesleep as ws

    ended = {}
    for store in runs.glob("*.zarr"):
        attrs = ws.open(store).attrs
        if attrs["status"] == "finished":
            ended[store.name] = f"{attrs['ended']} {store.joinpath('zarr.json').stat().st_mtime_ns}"
    return ended


def try_study(seed: int, whole: Path, longest: float) -> tuple[list[str], list[str]]:
    """Stop one study one to three times; return by what, and findings."""
    import wakesleep as ws

    chance = random.Random(seed)
    by: list[str] = []
    found: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "little.yaml").write_text(STUDY)
        arguments = ["study", "little.yaml", "-o", "out", "--workers", "2"]
        done: dict[str, str] = {}
        for _ in range(chance.choice((1, 2, 3))):
            how, wrong = stopped(arguments, folder, chance.uniform(0.5, longest), chance)
            by.append(how)
            found += wrong
            time.sleep(0.5)  # workers of a killed parent end by themselves
            now = finished(folder / "out" / "runs")
            found += [f"{its} was made again" for its in done if now.get(its) != done[its]]
            done = now
        said = finish(arguments, folder)
        if said:
            return by, [*found, f"does not go on: {said[-500:]}"]
        now = finished(folder / "out" / "runs")
        found += [f"{its} was made again" for its in done if now.get(its) != done[its]]
        stores = {its.name for its in (whole / "runs").glob("*.zarr")}
        if now.keys() != stores:
            found.append(f"missing or too many: {sorted(stores ^ now.keys())}")
        for its in stores & now.keys():
            mine, theirs = ws.open(folder / "out" / "runs" / its), ws.open(whole / "runs" / its)
            if not mine.drop_attrs().identical(theirs.drop_attrs()):
                found.append(f"{its}: another result")
        for inner in ("", "runs", "figures"):
            mine = {p.name for p in (folder / "out" / inner).iterdir()}
            theirs = {p.name for p in (whole / inner).iterdir()}
            if mine != theirs:
                found.append(f"left behind in '{inner}': {sorted(mine ^ theirs)}")
    return by, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--studies", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=1)
    its = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    begun, findings, by = time.monotonic(), 0, Counter[str]()
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(its.workers) as pool:
        folder = Path(place)
        (folder / "recurrent.yaml").write_text(RECURRENT)
        (folder / "little.yaml").write_text(STUDY)
        names = [name for name, _ in zip(FAMILIES, range(its.runs), strict=False)]
        seconds = {}
        for name in names:
            since = time.monotonic()
            said = finish(["run", *FAMILIES[name], "-o", f"{name}.zarr"], folder)
            assert not said, f"{name}: {said}"
            seconds[name] = time.monotonic() - since
        if its.studies:
            since = time.monotonic()
            said = finish(["study", "little.yaml", "-o", "little"], folder)
            assert not said, said
            seconds["study"] = time.monotonic() - since
        print({name: f"{its:.1f} s" for name, its in seconds.items()}, flush=True)
        tries = {}
        for number in range(its.runs):
            name = names[number % len(names)]
            seed = its.seed * 1000 + number
            tries[f"{name} {seed}"] = pool.submit(
                try_run, name, seed, folder / f"{name}.zarr", seconds[name]
            )
        for number in range(its.studies):
            seed = its.seed * 1000 + its.runs + number
            tries[f"study {seed}"] = pool.submit(
                try_study, seed, folder / "little", seconds["study"]
            )
        for label, one in tries.items():
            how, found = one.result()
            by.update(how)
            print(f"{label}: {', '.join(how)}", flush=True)
            for finding in found:
                print(f"  FOUND: {finding}", flush=True)
            findings += len(found)
    minutes = (time.monotonic() - begun) / 60
    print(f"{its.runs} runs, {its.studies} studies, stopped by {dict(by)}")
    print(f"{findings} findings, seed {its.seed}, {minutes:.1f} min")
    return min(findings, 1)


if __name__ == "__main__":
    sys.exit(main())
