"""A Forward-Forward step in several processes that divide layers or cases, against one process.

    torchrun --nproc-per-node 2 -m benchmarks.layers [--layers 2000 2000 2000 2000] [--warm 100]
        [--parallel data]

Rounds of one process alone alternate with rounds of all; every process has one thread. Rounds of
all include what a run does at the end of a chunk of 100 steps: every process gets all weights.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from dataclasses import replace

import torch

from wakesleep import data as sets
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward.divided import spread
from wakesleep.learners.forward_forward.network import ForwardForward
from wakesleep.learners.forward_forward.parameters import Parameters
from wakesleep.negatives import Context, bind
from wakesleep.runtime.randomness import Streams
from wakesleep.runtime.ranks import joined

BATCH = 100


def main() -> None:
    """Print the time of a step in one process and in all, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, nargs="+", default=[2000] * 4)
    parser.add_argument("--warm", type=int, default=100)
    parser.add_argument("--steps", type=int, default=100, help="of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parallel", choices=("layers", "data"), default="layers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    train = sets.load("mnist").train
    images, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels)
    streams = Streams(0)
    parameters = Parameters(layers=tuple(options.layers), top_down=False)
    setting = Setting(784, 10, torch.device("cpu"), torch.float32, streams)
    network = ForwardForward(parameters, setting)
    negatives = bind("wrong_label", Context(10, (28, 28), streams("negatives")))
    with joined(options.parallel) as ranks:
        assert ranks is not None

        def steps(count: int) -> float:
            index = torch.randint(len(images), (count, BATCH), generator=streams("order"))
            ranks.wait()
            begin = time.perf_counter()
            network.learn(Chunk("both", images, labels, index, [1.0] * count, negatives))
            ranks.wait()
            return (time.perf_counter() - begin) / count

        spread(network, ranks, BATCH)
        together, shared = network.divided, network.pieces
        steps(options.warm)
        alone, all_ = [], []
        for _ in range(options.rounds):
            all_.append(steps(options.steps))
            # The others wait, then take the weights that they would have had.
            state = copy.deepcopy(network.state_dict())
            network.divided, network.pieces = None, replace(shared, mean=None)
            alone.append(steps(options.steps if not ranks.rank else 1))
            network.load_state_dict(state)
            network.divided, network.pieces = together, shared
        ratios = sorted(one / other for one, other in zip(alone, all_, strict=True))
        if not ranks.rank:
            print(f"layers {options.layers}, batch {BATCH}, divided: {options.parallel}")
            if options.parallel == "layers":
                depth = [f"{its.start + 1}-{its.stop}" for its in together.shares]
                print(f"layers by process: {', '.join(depth)}")
            print(f"one process: {1000 * statistics.median(alone):.1f} ms a step")
            print(f"{ranks.size} processes: {1000 * statistics.median(all_):.1f} ms a step")
            middle = statistics.median(ratios)
            print(f"ratio {middle:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
