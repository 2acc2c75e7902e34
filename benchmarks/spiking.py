"""How fast a spiking network learns: compiled, in Brian2's run-time modes, and as the twin.

    python benchmarks/spiking.py [--rounds 5] [--runtime]

Presentations that learn, one after another: 74 inputs, 300 neurons, 30 ms each, time step
1 ms; and wall time per biological second of 1000 neurons at 0.1 ms. Networks are compiled before
the clock starts. ``--runtime`` also times Brian2's run-time modes, which take minutes to compile.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from wakesleep.learners.spiking import twin
from wakesleep.learners.spiking.parameters import Parameters
from wakesleep.learners.spiking.simulator import Simulator

REST = 0.2  # seconds between two timings


def seconds(p: Parameters, pixels: int, blocks: int, rounds: int) -> tuple[list[float], int]:
    """Return how long each round of so many blocks takes, and presentations in a round."""
    runs = Simulator(p, pixels, 10)
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(pixels + 10, *p.layers, generator=generator, dtype=torch.double)
    raster = torch.rand(p.steps, runs.block, pixels + 10, generator=generator) < 0.3 * p.dt
    ways = torch.tensor([1.0, -1.0]).repeat(runs.block // 2)
    found = []
    for round_ in range(rounds + 1):
        weights = twin.Weights([0.02 + 0.1 * first])
        time.sleep(REST)
        began = time.perf_counter()
        for _ in range(blocks):
            runs.learn(
                weights,
                raster.double(),
                ways,
                torch.ones(runs.block),
                torch.zeros(runs.block, dtype=torch.long),
            )
        if round_:  # the first one compiles
            found.append(time.perf_counter() - began)
    return found, blocks * runs.block


def main() -> None:
    """Run the benchmark and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runtime", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("300 neurons, 1 ms: presentations per second, median (minimum to maximum)")
    typical = {}
    for target, blocks in (("standalone", 10), ("twin", 1), ("cython", 2), ("numpy", 2)):
        if target in ("cython", "numpy") and not options.runtime:
            continue
        p = Parameters(layers=(300,), target=target)
        times, count = seconds(p, 64, blocks, options.rounds)
        rates = [count / one for one in times]
        typical[target] = statistics.median(rates)
        print(f"{target:<12}{statistics.median(rates):8.0f} ({min(rates):.0f} to {max(rates):.0f})")
    for target in list(typical)[1:]:
        print(
            f"ratio       {typical['standalone'] / typical[target]:8.1f} (standalone to {target})"
        )
    print("1000 neurons, 90 + 10 inputs, 0.1 ms: wall seconds per biological second")
    for target in ("standalone", "cython") if options.runtime else ("standalone",):
        p = Parameters(layers=(1000,), dt=0.1, target=target)
        times, count = seconds(p, 90, 1, options.rounds)
        ratios = [one / (count * p.presentation / 1000) for one in times]
        print(
            f"{target:<12}{statistics.median(ratios):8.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        )


if __name__ == "__main__":
    main()
