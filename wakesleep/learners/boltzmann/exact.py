"""Exact quantities by enumeration, for small machines."""

from __future__ import annotations

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.boltzmann import general, restricted
from wakesleep.learners.boltzmann.general import General
from wakesleep.learners.boltzmann.layout import Layout
from wakesleep.learners.boltzmann.restricted import Restricted

MOST_UNITS = 20  # a million states
Theta = dict[str, Tensor]


def check(units: int) -> None:
    """Refuse machines with too many units for an enumeration.

    Raises
    ------
    InputError
        If there are more than :data:`MOST_UNITS`.
    """
    if units > MOST_UNITS:
        raise InputError(
            f"exact quantities need an enumeration of {units} units; at most {MOST_UNITS} can be "
            "enumerated"
        )


def states(units: int, like: Tensor) -> Tensor:
    """Return every state (2**units, units) of so many binary units; the first unit goes slowest.

    Raises
    ------
    InputError
        If there are more than :data:`MOST_UNITS`.
    """
    check(units)
    numbers = torch.arange(2**units, device=like.device)
    powers = torch.arange(units - 1, -1, -1, device=like.device)
    return (numbers.unsqueeze(1) >> powers & 1).to(like.dtype)


def visible_states(layout: Layout, like: Tensor) -> Tensor:
    """Return every state of the visible units, exactly one label unit on."""
    pixels = states(layout.pixels, like)
    if not layout.labels:
        return pixels
    labels = torch.eye(layout.labels, dtype=like.dtype, device=like.device)
    return torch.cat(
        [pixels.repeat_interleave(layout.labels, 0), labels.repeat(len(pixels), 1)], dim=1
    )


def all_states(layout: Layout, like: Tensor) -> Tensor:
    """Return every state of all units, visible ones first."""
    check(layout.units)
    return _completed(layout, visible_states(layout, like))


def _completed(layout: Layout, visible: Tensor) -> Tensor:
    """Return visible units (n, visible), each with every state of the hidden ones (rows, units)."""
    hidden = states(sum(layout.hidden), visible)
    return torch.cat([visible.repeat_interleave(len(hidden), 0), hidden.repeat(len(visible), 1)], 1)


def model(machine: General | Restricted, theta: Theta) -> general.Rows | restricted.Rows:
    """Return rows whose statistics are the machine's own expectations."""
    if isinstance(machine, General):
        units = all_states(machine.layout, theta["bias"])
        p = torch.softmax(-machine.energy(theta, units), 0)
        return general.Rows(units, p)
    hidden = states(machine.layout.hidden[0], theta["hidden_bias"])
    drive = torch.addmm(theta["visible_bias"], hidden, theta["weight"].T)
    p = torch.softmax(_hidden_log_weight(machine, theta, hidden, drive), 0)
    pixels = machine.layout.pixels
    visible = torch.cat([torch.sigmoid(drive[:, :pixels]), drive[:, pixels:].softmax(1)], dim=1)
    return restricted.Rows(visible, hidden, weight=p)


def clamped(
    machine: General | Restricted, theta: Theta, visible: Tensor
) -> general.Rows | restricted.Rows:
    """Return rows whose statistics are the machine's expectations given these visible units."""
    if isinstance(machine, Restricted):
        return machine.inferred(theta, visible)
    units = _completed(machine.layout, visible)
    log_p = -machine.energy(theta, units).view(len(visible), -1)
    p = log_p.softmax(1) / len(visible)
    return general.Rows(units, p.view(-1))


def log_z(machine: General | Restricted, theta: Theta) -> float:
    """Return log Z: over everything, or for a restricted machine over its smaller side."""
    if isinstance(machine, General):
        units = all_states(machine.layout, theta["bias"])
        return float((-machine.energy(theta, units)).logsumexp(0))
    layout = machine.layout
    if layout.hidden[0] <= layout.visible:
        return float(log_z_over_hidden(machine, theta))
    return float(log_z_over_visible(machine, theta))


def log_z_over_hidden(machine: Restricted, theta: Theta) -> Tensor:
    """Return log Z of a restricted machine, its visible units summed out in closed form."""
    hidden = states(machine.layout.hidden[0], theta["hidden_bias"])
    drive = torch.addmm(theta["visible_bias"], hidden, theta["weight"].T)
    return _hidden_log_weight(machine, theta, hidden, drive).logsumexp(0)


def log_z_over_visible(machine: Restricted, theta: Theta) -> Tensor:
    """Return log Z of a restricted machine, its hidden units summed out in closed form."""
    visible = visible_states(machine.layout, theta["hidden_bias"])
    return machine.goodness(theta, visible).logsumexp(0)


def goodness(machine: General | Restricted, theta: Theta, visible: Tensor) -> Tensor:
    """Return the log probability of visible units (n,), plus log Z, never a bound."""
    if isinstance(machine, Restricted) or machine.hidden_alone:
        return machine.goodness(theta, visible)
    units = _completed(machine.layout, visible)
    return (-machine.energy(theta, units)).view(len(visible), -1).logsumexp(1)


def _hidden_log_weight(machine: Restricted, theta: Theta, hidden: Tensor, drive: Tensor) -> Tensor:
    pixels = machine.layout.pixels
    found = hidden @ theta["hidden_bias"]
    found = found + torch.nn.functional.softplus(drive[:, :pixels]).sum(1)
    return found + drive[:, pixels:].logsumexp(1) if machine.layout.labels else found
