"""Streams of batches of some of the classes, and cases that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wakesleep.errors import InputError, listed
from wakesleep.negatives import SOURCES
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.negatives import Negatives
from wakesleep.protocols.timetable import Entry

if TYPE_CHECKING:
    import torch

    from wakesleep.data.batches import BatchStream
    from wakesleep.runtime.randomness import Streams


def stream_name(entry: Entry) -> str:
    """Return the name of the stream of batches that a phase takes its real cases from."""
    name = "asleep" if PHASES[entry.phase].asleep else "awake"
    return name if entry.classes is None else f"{name} {' '.join(map(str, entry.classes))}"


def some_classes(
    entries: Sequence[Entry], labels: torch.Tensor, batch: int, streams: Streams
) -> dict[str, BatchStream]:
    """Return a stream of batches for every choice of classes that phases present.

    Raises
    ------
    InputError
        If a choice has fewer cases than a batch.
    """
    import torch

    from wakesleep.data.batches import BatchStream

    found: dict[str, BatchStream] = {}
    for entry in entries:
        name = stream_name(entry)
        if entry.classes is None or name in found:
            continue
        wanted = torch.tensor(entry.classes, device=labels.device)
        among = torch.isin(labels, wanted).nonzero().squeeze(1)
        if len(among) < batch:
            raise InputError(
                f"data: batch is {batch}, but the classes {listed(map(str, entry.classes))} have "
                f"{len(among)} training cases"
            )
        found[name] = BatchStream(len(among), batch, streams(f"batches {name}"), among)
    return found


def stored_cases(
    negatives: Negatives, images: torch.Tensor, labels: torch.Tensor, classes: int
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return the first training cases of every class, in order, for a source that keeps some."""
    if negatives.source != "stored":
        return None
    import torch

    count = negatives.options.get("per_class", SOURCES["stored"].options["per_class"].default)
    kept = torch.cat([(labels == its).nonzero().squeeze(1)[:count] for its in range(classes)])
    return images[kept], labels[kept]
