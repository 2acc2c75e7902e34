"""How fast local layers are: windows gathered against one masked matrix, in one run.

    python benchmarks/local_fields.py [--threads 1] [--rounds 15] [--batch 100]

Both do what a learning step does to one layer (total inputs, gradient, momentum, weights) with the
same numbers: 32 x 32 places of 3 units, fields of 11 x 11 x 3 cut at the edges, without weight
sharing; the masked matrix is the form of footnote 14 of Hinton 2022. Rounds of ten steps each, as
learning takes them one after another, alternate, so that both see the same machine; the ratio is
taken round by round.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from wakesleep.learners.parts.connections import local
from wakesleep.learners.parts.receptive_fields import LocalLayer

STEPS = 10  # of each way in a round


def steps(batch: int) -> dict[str, Callable[[], torch.Tensor]]:
    """Return both ways to do a step; each returns the layer's total inputs."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(batch, 3072, generator=generator)
    left = torch.randn(batch, 3072, generator=generator)
    its = LocalLayer(field=11, channels=3, edges="cut")
    wires = local(torch.arange(3072).view(32, 32, 3), its, "1", torch.device("cpu"))
    weight = wires.start(generator, x)
    velocity = torch.zeros_like(weight)
    matrix = wires.as_dense(weight).contiguous()
    mask, matrix_velocity = (matrix != 0).float(), torch.zeros_like(matrix)

    def gathered() -> torch.Tensor:
        z = wires.drive(x, weight)
        wires.gradient(left, x)(velocity, 0.9, 0.1 / batch)
        weight.add_(velocity, alpha=0.01)
        wires.confine(weight)
        return z

    def masked() -> torch.Tensor:
        z = x @ matrix.T
        matrix_velocity.addmm_(left.T, x, beta=0.9, alpha=0.1 / batch)
        matrix.add_(matrix_velocity, alpha=0.01).mul_(mask)
        return z

    return {"gathered windows": gathered, "masked matrix": masked}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=100)
    told = parser.parse_args()
    torch.set_num_threads(told.threads)
    both = steps(told.batch)
    first, second = (step() for step in both.values())
    assert torch.allclose(first, second, atol=1e-4)
    took: dict[str, list[float]] = {name: [] for name in both}
    for _ in range(told.rounds):
        for name, step in both.items():
            begun = time.perf_counter()
            for _ in range(STEPS):
                step()
            took[name].append(1000 * (time.perf_counter() - begun) / STEPS)
    for name, its in took.items():
        print(
            f"{name:<18} {statistics.median(its):7.1f} ms a step (median of {told.rounds} rounds)"
        )
    ratios = sorted(b / a for a, b in zip(*took.values(), strict=True))
    low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
    print(
        f"ratio {statistics.median(ratios):.1f} (80 % of rounds: {low:.1f} to {high:.1f}); "
        f"{told.threads} thread(s), batch {told.batch}"
    )


if __name__ == "__main__":
    main()
