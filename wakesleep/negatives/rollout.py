"""The network's own strings: it predicts a symbol, appends it, and continues.

Hinton 2022 (arXiv 2212.13345), section 5: negative data for sequences that are made in advance,
while asleep; only their first window is real.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wakesleep.negatives import Context
from wakesleep.negatives.own_label import drawn_labels


def rollout(model: Any, images: Tensor, labels: Tensor, context: Context) -> tuple[Tensor, Tensor]:
    """Return windows out of strings that the network made up.

    At the first call of a phase, a string is dreamt from every window of the batch; the windows of
    all strings are then handed out in random order, each once, before new strings are dreamt.

    Parameters
    ----------
    model
        Offers ``label_probabilities``.
    images, labels
        Real windows (cases, places * symbols), one of k, and the symbols that follow (cases,).
    context
        Option ``length``: symbols in every string; ``memory`` keeps the strings.
    """
    memory, cases = context.memory, len(images)
    if "order" not in memory or int(memory["used"]) + cases > len(memory["order"]):
        memory |= dreamt_strings(model, images, context)
    first = int(memory["used"])
    chosen = memory["order"][first : first + cases]
    memory["used"] += cases
    window = images.shape[1] // context.classes
    return windows(memory["strings"], chosen, window, context.classes, images.dtype)


def dreamt_strings(model: Any, images: Tensor, context: Context) -> dict[str, Tensor]:
    """Dream strings that begin with real windows, and put their dreamt places in random order."""
    classes, length = context.classes, int(context.options["length"])
    view = images.view(len(images), -1, classes)
    window = view.shape[1]
    strings = torch.cat(
        (view.argmax(2), torch.zeros(len(images), length, dtype=torch.long, device=images.device)),
        dim=1,
    )
    for place in range(window, window + length):
        seen = torch.nn.functional.one_hot(strings[:, place - window : place], classes)
        chances = model.label_probabilities(seen.flatten(1).to(images.dtype))
        strings[:, place] = drawn_labels(chances, context.generator)
    order = torch.randperm(len(images) * length, generator=context.generator, device=images.device)
    return {"strings": strings, "order": order, "used": torch.zeros((), dtype=torch.long)}


def windows(
    strings: Tensor, chosen: Tensor, window: int, classes: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Cut windows out of strings.

    Parameters
    ----------
    strings
        Symbols (strings, window + length).
    chosen
        Numbers of dreamt places (cases,), counted through the strings one after another.
    window, classes
        Places in a window, and symbols there are.
    dtype
        Type of the windows.

    Returns
    -------
    images, labels
        One-of-k windows (cases, window * classes), and the symbol after each (cases,).
    """
    length = strings.shape[1] - window
    rows, places = chosen // length, chosen % length
    offsets = torch.arange(window, device=strings.device)
    seen = strings[rows.unsqueeze(1), places.unsqueeze(1) + offsets]
    coded = torch.nn.functional.one_hot(seen, classes).flatten(1).to(dtype)
    return coded, strings[rows, places + window]
