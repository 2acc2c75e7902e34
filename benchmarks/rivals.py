"""Steps of the same size as a tutorial would write them with autograd, for benchmarks."""

from __future__ import annotations

from collections.abc import Sequence

import torch

CLASSES = 10


class Backpropagation:
    """A net of rectified linear units, cross-entropy and SGD with momentum."""

    def __init__(self, layers: Sequence[int]) -> None:
        widths = (784, *layers)
        parts: list[torch.nn.Module] = []
        for below, above in zip(widths, layers, strict=False):
            parts += [torch.nn.Linear(below, above), torch.nn.ReLU()]
        self.network = torch.nn.Sequential(*parts, torch.nn.Linear(layers[-1], CLASSES))
        self.optimiser = torch.optim.SGD(
            self.network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4
        )

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """Take one step."""
        self.optimiser.zero_grad()
        torch.nn.functional.cross_entropy(self.network(images), labels).backward()
        self.optimiser.step()


class ForwardForward:
    """The author's supervised step with hard labels, one graph per layer; no peer term."""

    def __init__(self, layers: Sequence[int]) -> None:
        widths = (784, *layers)
        self.layers = [
            torch.nn.Linear(below, above) for below, above in zip(widths, layers, strict=False)
        ]
        self.readout = torch.nn.Linear(sum(layers[1:]), CLASSES)
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
        """Return every layer's activity (n, units)."""
        x = torch.cat((label_part, images[:, CLASSES:]), 1)
        found = []
        for layer in self.layers:
            x = x / (x.square().mean(1, keepdim=True).sqrt() + 1e-8)
            x = torch.relu(layer(x.detach()))
            found.append(x)
        return found

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """Take one step: neutral, positive and negative pass."""
        with torch.no_grad():
            neutral = self.states(images, torch.full((len(images), CLASSES), 0.1))
        voters = torch.cat(
            [y / (y.square().mean(1, keepdim=True).sqrt() + 1e-8) for y in neutral[1:]], 1
        )
        logits = self.readout(voters)
        chances = logits.detach().softmax(1) + 1e-12
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


def loader(images: torch.Tensor, labels: torch.Tensor, batch: int) -> torch.utils.data.DataLoader:
    """Return what a tutorial reads its data with: one case at a time, collected into batches."""
    its = torch.utils.data.TensorDataset(images, labels)
    return torch.utils.data.DataLoader(its, batch_size=batch, shuffle=True)
