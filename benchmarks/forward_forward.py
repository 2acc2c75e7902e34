"""How long a Forward-Forward step takes as a network learns MNIST, beside what autograd needs.

    python -m benchmarks.forward_forward [--layers 1000 1000 1000] [--steps 5000] [--threads 1]
        [--skip-below 0] [--json FILE]

Batches of 100, hard labels, the author's constants. Every hundred steps of our network, two rivals
take a few steps on the same images, so that all see the same machine: backpropagation in a net of
the same layers, and Forward-Forward with one autograd graph per layer. Ratios are taken within each
round. The time of the largest layer's product, measured in the same rounds, gives the share of the
machine's speed in matrix products; only products that are needed are counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks import rivals
from wakesleep import data as sets
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward import rows
from wakesleep.learners.forward_forward.network import ForwardForward
from wakesleep.learners.forward_forward.parameters import Parameters
from wakesleep.negatives import Context, bind
from wakesleep.runtime.randomness import Streams
from wakesleep.runtime.speed import keep_freed

BATCH, ROUND, FEW = 100, 100, 5  # cases; steps of ours, and of a rival, in a round


def timed(work: Callable[[], object], steps: int) -> float:
    """Return the seconds that each of some steps takes."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) / steps


def measure(
    layers: tuple[int, ...], steps: int, skip_below: float, quiet: bool = False
) -> dict[str, Any]:
    """Train a network, and return the time of steps in every round."""
    train = sets.load("mnist").train
    images, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels)
    streams = Streams(0)
    network = ForwardForward(
        Parameters(layers=layers, skip_below=skip_below),
        Setting(784, 10, torch.device("cpu"), torch.float32, streams),
    )
    negatives = bind("hard_label", Context(10, (28, 28), streams("negatives")))
    others = {
        "backpropagation": rivals.Backpropagation(layers),
        "autograd Forward-Forward": rivals.ForwardForward(layers),
    }
    largest = max(layers)
    left, right = torch.randn(BATCH, largest), torch.randn(largest, largest)
    kept: list[tuple[int, int]] = []
    look = rows.of_effect

    def looking(layer: Any, wrong: torch.Tensor, first: int) -> Any:
        index = look(layer, wrong, first)
        kept.append((len(wrong) if index is None else len(index), len(wrong)))
        return index

    rows.of_effect = looking
    found: dict[str, list[float]] = {"ours": [], "product": [], **{name: [] for name in others}}
    share: list[float] = []
    sweeps = -(-steps * BATCH // len(images))
    for sweep in range(sweeps):
        order = torch.randperm(len(images), generator=streams("order")).view(-1, BATCH)
        for index in order[: steps - sweep * len(order)].split(ROUND):
            chunk = Chunk("both", images, labels, index, [1.0] * len(index), negatives)
            kept.clear()
            found["ours"].append(timed(lambda chunk=chunk: network.learn(chunk), len(index)))
            share.append(sum(its for its, _ in kept) / max(1, sum(its for _, its in kept)))
            for name, rival in others.items():

                def take(rival: Any = rival, some: torch.Tensor = index[:FEW]) -> None:
                    for batch in some:
                        rival.step(images[batch], labels[batch])

                found[name].append(timed(take, FEW))
            found["product"].append(timed(lambda: [left @ right for _ in range(10)], 10))
        if not quiet:
            ours, his = statistics.median(found["ours"][-5:]), found["backpropagation"][-5:]
            print(
                f"sweep {sweep + 1}: {1e3 * ours:.1f} ms, backpropagation "
                f"{1e3 * statistics.median(his):.1f} ms, rows multiplied {100 * share[-1]:.0f} %",
                flush=True,
            )
    rows.of_effect = look
    return {"layers": layers, "skip_below": skip_below, "seconds": found, "rows": share}


def products(layers: tuple[int, ...], share: float) -> float:
    """Return the multiplications that a step needs: all passes, and the rows that move weights."""
    pairs = list(zip((784, *layers), layers, strict=False))
    first, rest = pairs[0][0] * pairs[0][1], sum(a * b for a, b in pairs[1:])
    return BATCH * (first + 3 * rest) + 2 * BATCH * share * (first + rest)


def summary(found: dict[str, Any], first: int, last: int) -> dict[str, float]:
    """Return medians of ratios and times over rounds that lie within some steps."""
    some = slice(first // ROUND, last // ROUND)
    seconds = {name: its[some] for name, its in found["seconds"].items()}
    ours = seconds["ours"]
    wide = max(found["layers"])
    share = statistics.mean(found["rows"][some])
    speed = [BATCH * wide * wide / its for its in seconds["product"]]
    need = products(tuple(found["layers"]), share)
    back, plain = seconds["backpropagation"], seconds["autograd Forward-Forward"]
    return {
        "ours_ms": 1e3 * statistics.median(ours),
        "backpropagation_ms": 1e3 * statistics.median(back),
        "autograd_ms": 1e3 * statistics.median(plain),
        "to_backpropagation": statistics.median(a / b for a, b in zip(ours, back, strict=True)),
        "mean_to_backpropagation": statistics.mean(ours) / statistics.mean(back),
        "autograd_to_ours": statistics.median(b / a for a, b in zip(ours, plain, strict=True)),
        "rows_multiplied": share,
        "share_of_peak": statistics.median(
            need / a / its for a, its in zip(ours, speed, strict=True)
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, nargs="+", default=[1000, 1000, 1000])
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--skip-below", type=float, default=0.0)
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    keep_freed()
    found = measure(tuple(options.layers), options.steps, options.skip_below)
    steps = ROUND * len(found["rows"])
    print(
        f"torch {torch.__version__}, {options.threads} threads, layers {options.layers}, "
        f"skip_below {options.skip_below:g}"
    )
    spans = [(0, steps)] + ([(3000, 4000)] if steps >= 4000 else [])
    found["spans"] = {f"{a}-{b}": summary(found, a, b) for a, b in spans}
    for span, its in found["spans"].items():
        print(
            f"steps {span}: {its['ours_ms']:.1f} ms a step, backpropagation "
            f"{its['backpropagation_ms']:.1f}, autograd Forward-Forward {its['autograd_ms']:.1f}; "
            f"{its['to_backpropagation']:.2f} x the time of backpropagation (mean "
            f"{its['mean_to_backpropagation']:.2f}), {its['autograd_to_ours']:.2f} x as fast as "
            f"autograd Forward-Forward; {100 * its['rows_multiplied']:.0f} % of the rows "
            f"multiplied, {100 * its['share_of_peak']:.0f} % of the speed of products"
        )
    if options.json:
        options.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
