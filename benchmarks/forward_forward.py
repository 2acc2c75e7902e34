"""How fast a Forward-Forward step is: the closed form against autograd, in one run.

    python benchmarks/forward_forward.py [--threads 2] [--rounds 15]

Both do the author's supervised step (784-1000-1000-1000, batches of 100, positive, neutral and
negative pass, hard labels) on the same random images; the rival leaves out peer normalisation.
It is what a tutorial would write: one autograd graph per layer and ``torch.optim.SGD``. Rounds
alternate, so that both see the same machine; the ratio is taken round by round.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward.network import ForwardForward
from wakesleep.learners.forward_forward.parameters import Parameters
from wakesleep.negatives import Context, bind
from wakesleep.runtime.randomness import Streams

LAYERS, BATCH, STEPS, CLASSES = (1000, 1000, 1000), 100, 10, 10


class Autograd:
    """The same step with losses and ``backward``."""

    def __init__(self) -> None:
        widths = (784, *LAYERS)
        self.layers = [
            torch.nn.Linear(below, above) for below, above in zip(widths, LAYERS, strict=False)
        ]
        self.readout = torch.nn.Linear(sum(LAYERS[1:]), CLASSES)
        self.optimiser = torch.optim.SGD(
            [tensor for layer in self.layers for tensor in layer.parameters()],
            lr=0.01,
            momentum=0.9,
            dampening=0.9,
            weight_decay=0.001,
        )
        self.readout_optimiser = torch.optim.SGD(
            self.readout.parameters(), lr=0.1, momentum=0.9, dampening=0.9, weight_decay=0.003
        )

    def states(self, images: torch.Tensor, label_part: torch.Tensor) -> list[torch.Tensor]:
        x = torch.cat((label_part, images[:, CLASSES:]), 1)
        found = []
        for layer in self.layers:
            x = x / (x.square().mean(1, keepdim=True).sqrt() + 1e-8)
            x = torch.relu(layer(x.detach()))
            found.append(x)
        return found

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        with torch.no_grad():
            neutral = self.states(images, torch.full((len(images), CLASSES), 0.1))
        voters = torch.cat(
            [y / (y.square().mean(1, keepdim=True).sqrt() + 1e-8) for y in neutral[1:]], 1
        )
        logits = self.readout(voters)
        chances = logits.detach().softmax(1).scatter(1, labels[:, None], 0) + 1e-12
        wrong = torch.multinomial(chances.scatter(1, labels[:, None], 0), 1).squeeze(1)
        loss = torch.zeros(())
        for shown, sign in ((labels, 1), (wrong, -1)):
            one_hot = torch.nn.functional.one_hot(shown, CLASSES).float()
            for y in self.states(images, one_hot):
                odds = y.square().sum(1) - y.shape[1]
                loss = loss - 0.5 * torch.nn.functional.logsigmoid(sign * odds).mean()
        for optimiser in (self.optimiser, self.readout_optimiser):
            optimiser.zero_grad()
        (loss + torch.nn.functional.cross_entropy(logits, labels)).backward()
        self.optimiser.step()
        self.readout_optimiser.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    streams = Streams(0)
    images = torch.rand(BATCH * STEPS, 784, generator=streams("images"))
    labels = torch.randint(CLASSES, (BATCH * STEPS,), generator=streams("labels"))
    index = torch.arange(BATCH * STEPS).view(STEPS, BATCH)
    network = ForwardForward(
        Parameters(layers=LAYERS),
        Setting(784, CLASSES, torch.device("cpu"), torch.float32, streams),
    )
    chunk = Chunk(
        "both",
        images,
        labels,
        index,
        [1.0] * STEPS,
        bind("hard_label", Context(CLASSES, (28, 28), streams("negatives"))),
    )
    rival = Autograd()

    def closed_form() -> None:
        network.learn(chunk)

    def autograd() -> None:
        for rows in index:
            rival.step(images[rows], labels[rows])

    times: dict[str, list[float]] = {"closed form": [], "autograd": []}
    for round_ in range(options.rounds + 1):
        for name, work in (("closed form", closed_form), ("autograd", autograd)):
            begin = time.perf_counter()
            work()
            if round_:  # the first warms up
                times[name].append((time.perf_counter() - begin) / STEPS)
    print(
        f"torch {torch.__version__}, {options.threads} threads, {options.rounds} rounds of "
        f"{STEPS} steps; median (minimum to maximum)"
    )
    for name, its in times.items():
        print(
            f"{name:<12} {1e3 * statistics.median(its):7.1f} ms a step "
            f"({1e3 * min(its):.1f} to {1e3 * max(its):.1f}), "
            f"{BATCH / statistics.median(its):,.0f} images a second"
        )
    ratios = [
        slow / fast for slow, fast in zip(times["autograd"], times["closed form"], strict=True)
    ]
    print(
        f"{'ratio':<12} {statistics.median(ratios):7.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )


if __name__ == "__main__":
    main()
