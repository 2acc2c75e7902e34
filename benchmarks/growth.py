"""How the time and memory of a Forward-Forward step grow with width, depth, batch and data.

    python -m benchmarks.growth [--warm 200] [--rounds 5] [--threads 1] [--only width]

Every shape is measured in a process of its own, so that its peak memory is its own. After some
steps that warm it up, rounds of 20 steps alternate with rounds of 5 steps of backpropagation
through the same layers. The last line of each table gives the exponent of a power law.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SHAPES: dict[str, dict[int, dict[str, Any]]] = {
    "width": {its: {"layers": [its] * 3} for its in (250, 500, 1000, 2000)},
    "depth": {its: {"layers": [1000] * its} for its in (2, 3, 4, 6)},
    "batch": {its: {"batch": its} for its in (25, 50, 100, 200, 400)},
    "data": {its: {"data": its} for its in (5000, 10_000, 20_000, 50_000)},
}
STEPS, FEW = 20, 5  # of ours, and of the rival, in a round


def memory(what: str) -> float:
    """Return the memory that this process has (VmRSS), or had at most (VmHWM), in MB; Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(its.split()[1]) / 1024 for its in lines if its.startswith(what))


def one(layers: list[int], batch: int, data: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return milliseconds of a step, of a rival's step, and memory in MB."""
    import torch

    from benchmarks import rivals
    from wakesleep import data as sets
    from wakesleep.learners.chunks import Chunk, Setting
    from wakesleep.learners.forward_forward.network import ForwardForward
    from wakesleep.learners.forward_forward.parameters import Parameters
    from wakesleep.negatives import Context, bind
    from wakesleep.runtime.randomness import Streams
    from wakesleep.runtime.speed import keep_freed

    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    train = sets.load("mnist").train
    images, labels = torch.from_numpy(train.images[:data]), torch.from_numpy(train.labels[:data])
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = memory("VmRSS")
    keep_freed()  # memory that reading the data freed has gone back to the system
    streams = Streams(0)
    network = ForwardForward(
        Parameters(layers=tuple(layers)),
        Setting(784, 10, torch.device("cpu"), torch.float32, streams),
    )
    negatives = bind("hard_label", Context(10, (28, 28), streams("negatives")))

    def ours(steps: int) -> float:
        index = torch.randint(len(images), (steps, batch), generator=streams("order"))
        begin = time.perf_counter()
        network.learn(Chunk("both", images, labels, index, [1.0] * steps, negatives))
        return (time.perf_counter() - begin) / steps

    ours(options.warm)
    most = memory("VmHWM") - before
    rival = rivals.Backpropagation(layers)
    found: dict[str, list[float]] = {"ours": [], "rival": []}
    for _ in range(options.rounds):
        found["ours"].append(ours(STEPS))
        index = torch.randint(len(images), (FEW, batch))
        begin = time.perf_counter()
        for some in index:
            rival.step(images[some], labels[some])
        found["rival"].append((time.perf_counter() - begin) / FEW)
    ratios = [a / b for a, b in zip(found["ours"], found["rival"], strict=True)]
    return {
        "ours": 1e3 * statistics.median(found["ours"]),
        "rival": 1e3 * statistics.median(found["rival"]),
        "ratio": statistics.median(ratios),
        "memory": most,
        "parameters": sum(weights.numel() for weights in rival.network.parameters()) / 1e6,
    }


def exponent(sizes: list[int], values: list[float]) -> float:
    """Return the slope of a straight line through the logarithms."""
    x, y = [math.log(its) for its in sizes], [math.log(its) for its in values]
    slope, _ = statistics.linear_regression(x, y)
    return slope


def loader(options: argparse.Namespace) -> None:
    """Print what a data loader adds to a step of the autograd rival."""
    import torch

    from benchmarks import rivals
    from wakesleep import data as sets

    torch.set_num_threads(options.threads)
    train = sets.load("mnist").train
    images, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels)
    rival = rivals.ForwardForward([1000] * 3)
    batches = iter(rivals.loader(images, labels, 100))
    alone, both = [], []
    for _ in range(options.rounds):
        index = torch.randint(len(images), (FEW, 100))
        begin = time.perf_counter()
        for some in index:
            rival.step(images[some], labels[some])
        alone.append((time.perf_counter() - begin) / FEW)
        begin = time.perf_counter()
        for _ in range(FEW):
            rival.step(*next(batches))
        both.append((time.perf_counter() - begin) / FEW)
    ratio = statistics.median(a / b for a, b in zip(both, alone, strict=True))
    print(
        f"autograd Forward-Forward, 3 x 1000: {1e3 * statistics.median(alone):.1f} ms a step with "
        f"the data in memory, {1e3 * statistics.median(both):.1f} ms with torch's data loader: "
        f"ratio {ratio:.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--warm", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=[*SHAPES, "loader"], default=None)
    parser.add_argument("--most", type=int, default=10**9, help="Largest size to try.")
    parser.add_argument("--shape", help="Measure this one, as JSON; used by the program itself.")
    options = parser.parse_args()
    if options.shape:
        print(json.dumps(one(**json.loads(options.shape), options=options)))
        return
    usual = {"layers": [1000] * 3, "batch": 100, "data": 50_000}
    more = [f"--{name}={getattr(options, name)}" for name in ("warm", "rounds", "threads")]
    for what, shapes in SHAPES.items():
        if options.only not in (None, what):
            continue
        print(f"{what:>6}  ms a step  backpropagation  ratio  peak memory, MB  million weights")
        found = {}
        for size, its in shapes.items():
            if size > options.most:
                continue
            shape = json.dumps({**usual, **its})
            command = [sys.executable, "-m", "benchmarks.growth", "--shape", shape, *more]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            row = found[size] = json.loads(done.stdout)
            print(
                f"{size:>6}  {row['ours']:>9.1f}  {row['rival']:>15.1f}  {row['ratio']:>5.2f}"
                f"  {row['memory']:>15.0f}  {row['parameters']:>15.2f}",
                flush=True,
            )
        if len(found) > 1:
            ours, rival = (
                exponent([*found], [its[name] for its in found.values()])
                for name in ("ours", "rival")
            )
            print(f" power  {ours:>9.2f}  {rival:>15.2f}", flush=True)
    if options.only in (None, "loader"):
        loader(options)


if __name__ == "__main__":
    main()
