"""How fast a restricted Boltzmann machine learns, against scikit-learn's, in one run.

    python benchmarks/boltzmann.py [--threads 2] [--rounds 15] [--grow]

Both do persistent one-step contrastive divergence, 784-500, batches of 100, as many chains,
float32, on the same random binary images. Rounds alternate, so that both see the same machine; the
ratio is taken round by round. ``--grow`` also times other numbers of sweeps, chains and units.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings

import numpy as np
import torch
from sklearn.neural_network import BernoulliRBM

from wakesleep.learners.boltzmann.machine import Boltzmann
from wakesleep.learners.boltzmann.parameters import Parameters
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.runtime.randomness import Streams

BATCH, STEPS, PIXELS = 100, 60, 784
REST = 0.3  # seconds between two timings


def ours(hidden: int = 500, sweeps: int = 1, chains: int = BATCH) -> Boltzmann:
    """Return a machine like ``models/boltzmann/rbm_mnist.yaml``, without its read-out."""
    parameters = Parameters.model_validate(
        {
            "hidden": [hidden],
            "label_units": False,
            "binarise": "none",
            "sweeps": sweeps,
            "chains": chains,
            "linear_readout": False,
        }
    )
    return Boltzmann(
        parameters, Setting(PIXELS, 10, torch.device("cpu"), torch.float32, Streams(0))
    )


def seconds(machine: Boltzmann, images: torch.Tensor) -> float:
    """Return how long one chunk of steps takes."""
    index = torch.arange(STEPS * BATCH).view(STEPS, BATCH) % len(images)
    labels = torch.zeros(len(images), dtype=torch.long)
    chunk = Chunk("both", images, labels, index, [1.0] * STEPS)
    began = time.perf_counter()
    machine.learn(chunk)
    return time.perf_counter() - began


def spread(values: list[float]) -> str:
    """Return median, minimum and maximum."""
    return f"{statistics.median(values):8.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Run the benchmark and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--grow", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    random = np.random.default_rng(0)
    data = (random.random((STEPS * BATCH, PIXELS)) < 0.2).astype(np.float32)
    images = torch.tensor(data)
    machine = ours()
    rival = BernoulliRBM(500, learning_rate=0.05, batch_size=BATCH, n_iter=1, random_state=0)

    def theirs() -> float:
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rival.fit(data)
        return time.perf_counter() - began

    seconds(machine, images)
    theirs()
    mine, its = [], []
    for _ in range(options.rounds):
        # Threads of the library that has just been used wait busily for a while.
        time.sleep(REST)
        mine.append(seconds(machine, images))
        time.sleep(REST)
        its.append(theirs())
    print(
        f"torch {torch.__version__}, {options.threads} threads, {options.rounds} rounds of {STEPS} "
        "steps of 100 cases, 784-500; median (minimum to maximum)"
    )
    for name, values in (("wakesleep", mine), ("scikit-learn", its)):
        print(f"{name:<14}{spread([1000 * value / STEPS for value in values])} ms a step")
    ratios = [theirs_ / mine_ for mine_, theirs_ in zip(mine, its, strict=True)]
    print(f"{'ratio':<14}{spread(ratios)}")
    if options.grow:
        for name, values in (
            ("sweeps", (1, 5, 25)),
            ("chains", (10, 100, 1000)),
            ("hidden", (100, 500, 2000)),
        ):
            for value in values:
                other = ours(**{name: value})
                seconds(other, images)
                each = [1000 * seconds(other, images) / STEPS for _ in range(3)]
                print(f"{name + ' ' + str(value):<14}{spread(each)} ms a step")


if __name__ == "__main__":
    main()
