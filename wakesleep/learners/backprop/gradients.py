"""Gradients for networks on unknown devices: by a model of the devices, or by perturbation.

In: a :class:`wakesleep.learners.backprop.network.Backprop` and a batch.
Out: gradients at its weights and biases, and the loss.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

PERTURBATION = 1e-3  # of a weight or bias, up or down


@torch.no_grad()
def through_assumed(network: Any, images: Tensor, labels: Tensor, measured: bool = True) -> Tensor:
    """Backpropagate errors through assumed weights.

    Parameters
    ----------
    network
        Gets the gradients. The slope of an active unit is assumed to be 1.
    images, labels
        The batch (cases, features) and (cases,).
    measured
        Whether activities are those of the devices; else they too are computed from the assumed
        weights, with ideal units.

    Returns
    -------
    Tensor
        The mean cross-entropy of the activities used.
    """
    activities = [network.shown(images)]
    if measured:
        activities += network.hidden(images)
    else:
        layers = zip(network.connections[:-1], network.assumed, network.biases, strict=False)
        for wires, weight, bias in layers:
            activities.append(torch.relu(wires.drive(activities[-1], weight, bias)))
    logits = network.connections[-1].drive(activities[-1], network.weights[-1], network.biases[-1])
    classes = len(network.biases[-1])
    target = torch.nn.functional.one_hot(labels, classes).to(logits)
    target = target * (1 - network.label_smoothing) + network.label_smoothing / classes
    error = (logits.softmax(1) - target) / len(labels)
    loss = -(target * logits.log_softmax(1)).sum(1).mean()
    through = [*network.assumed, network.weights[-1]]
    for depth in reversed(range(len(network.weights))):
        network.weights[depth].grad = error.T @ activities[depth]
        network.biases[depth].grad = error.sum(0)
        if depth:
            error = (error @ through[depth]) * (activities[depth] > 0)
    return loss


@torch.no_grad()
def perturbed(
    network: Any,
    images: Tensor,
    labels: Tensor,
    trials: int,
    chance: torch.Generator | None,
    size: float = PERTURBATION,
) -> Tensor:
    """Estimate the gradient from the effect of random changes of all weights on the loss.

    All weights and biases are moved up or down at random at once, then the other way; the
    difference of the losses times the signs estimates the gradient, with a bias of second order in
    the size (Cauwenberghs 1993, Advances in Neural Information Processing Systems 5, 244-251;
    Spall 1992, IEEE Transactions on Automatic Control 37, 332-341, eq. 2.2). Nothing is sent back,
    and nothing about the devices is known.

    Parameters
    ----------
    network
        Gets the estimate as its gradients.
    images, labels
        The batch (cases, features) and (cases,).
    trials
        Random directions over which the estimate is averaged.
    chance
        Random stream.
    size
        How far each weight is moved.

    Returns
    -------
    Tensor
        The mean cross-entropy over the trials.
    """

    def loss() -> Tensor:
        return torch.nn.functional.cross_entropy(
            network.logits(images), labels, label_smoothing=network.label_smoothing
        )

    total = images.new_zeros(())
    for its in network.learnt:
        its.grad = torch.zeros_like(its)
    before = [its.clone() for its in network.learnt]
    for _ in range(trials):
        signs = [
            torch.randint(0, 2, its.shape, generator=chance, device=its.device).to(its) * 2 - 1
            for its in network.learnt
        ]
        for wires, sign in zip(network.connections, signs, strict=False):
            wires.confine(sign)  # weights outside a receptive field do not exist
        losses = []
        for way in (size, -size):
            for its, was, sign in zip(network.learnt, before, signs, strict=True):
                torch.add(was, sign, alpha=way, out=its)
            losses.append(loss())
        slope = (losses[0] - losses[1]) / (2 * size)
        total += (losses[0] + losses[1]) / 2
        for its, sign in zip(network.learnt, signs, strict=True):
            assert its.grad is not None  # set above
            its.grad.add_(sign, alpha=float(slope) / trials)
    for its, was in zip(network.learnt, before, strict=True):
        its.copy_(was)
    return total / trials
