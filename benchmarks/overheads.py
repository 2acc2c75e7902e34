"""What a user waits for beside the steps: start-up, probes, the runs of a study; as ratios.

    python -m benchmarks.overheads [--rounds 5] [--runs 100] [--steps 300]

Start-up: one step of ``ff_digits`` from the command line against ``import torch``, pairs in turn.
Probing: ``ff_mnist_1000x3`` with a probe of 100 validation cases every 100 steps, against none.
Studies: the share of two workers' time that goes into steps, with runs of 200 steps.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STEP = ["run", "interleaved", "ff_digits", "-p", "sweeps=1", "-p", "batch=1200", "--quiet"]
PROTOCOL = """\
protocol: probed
inputs: {{steps: {{default: 300}}}}
requires: [interleaved]
data: {{batch: 100}}
negatives: {{source: hard_label}}
phases: [{{phase: interleaved, steps: $steps}}]
record: {{every: {every}, cases: {cases}, test: false}}
"""
STUDY = """\
study: short
models: [ff_digits]
protocols: [phase_separation]
set: {{phase_steps: 100, nights: 1}}
seeds: {runs}
keep: nothing
outcomes: {{error: {{quantity: error, at: sleep, readout: goodness}}}}
"""


def seconds(command: list[str]) -> float:
    """Return how long a command takes."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def start_up(rounds: int) -> None:
    """Print the start-up ratio."""
    ours, torch_alone = [], []
    for _ in range(rounds):
        torch_alone.append(seconds([sys.executable, "-c", "import torch"]))
        with tempfile.TemporaryDirectory() as place:
            out = ["-o", str(Path(place) / "out.zarr")]
            ours.append(seconds([sys.executable, "-m", "wakesleep", *STEP, *out]))
    ratios = [a / b for a, b in zip(ours, torch_alone, strict=True)]
    print(
        f"one step from the command line {statistics.median(ours):.2f} s, import torch "
        f"{statistics.median(torch_alone):.2f} s: ratio {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f})",
        flush=True,
    )


def probing(rounds: int, steps: int) -> None:
    """Print what probes cost, for a few numbers of cases."""
    import wakesleep as ws

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "probed.yaml"

        def run(every: int, cases: int) -> float:
            path.write_text(PROTOCOL.format(every=every, cases=cases))
            begin = time.perf_counter()
            ws.run(path, "ff_mnist_1000x3", inputs={"steps": steps})
            return time.perf_counter() - begin

        for cases in (100, 1000):
            with_probes, without = [], []
            for _ in range(rounds):
                # Every run probes at its beginning and its end; these are in both.
                without.append(run(steps, cases))
                with_probes.append(run(100, cases))
            more = steps // 100 - 1
            ratios = [a / b for a, b in zip(with_probes, without, strict=True)]
            print(
                f"{more} more probes of {cases} cases in {steps} steps: ratio "
                f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})",
                flush=True,
            )


def study(runs: int) -> None:
    """Print the share of workers' time that goes into steps."""
    import torch

    import wakesleep as ws
    from wakesleep.simulation.loop import Run

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "short.yaml"
        path.write_text(STUDY.format(runs=runs))
        torch.set_num_threads(1)
        learning = [0.0]
        learn = Run._learn

        def timed(self: Run, entry: object, steps: int) -> None:
            begin = time.perf_counter()
            learn(self, entry, steps)  # type: ignore[arg-type]
            learning[0] += time.perf_counter() - begin

        Run._learn = timed  # type: ignore[method-assign, assignment]
        inputs = {"phase_steps": 100, "nights": 1}
        for number in range(6):  # the first warms up
            if number == 1:
                learning[0] = 0.0
            ws.run("phase_separation", "ff_digits", inputs=inputs, seed=number)
        Run._learn = learn  # type: ignore[method-assign]
        one = learning[0] / 5
        command = [sys.executable, "-m", "wakesleep", "study", str(path), "--workers", "2"]
        whole = seconds([*command, "-o", str(Path(place) / "out"), "--quiet"])
    print(
        f"a study of {runs} runs of 200 steps, two workers: {whole:.1f} s; {1e3 * one:.0f} ms of "
        f"steps in each run; ratio of steps to workers' time {runs * one / (2 * whole):.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    start_up(options.rounds)
    study(options.runs)
    probing(options.rounds, options.steps)


if __name__ == "__main__":
    main()
