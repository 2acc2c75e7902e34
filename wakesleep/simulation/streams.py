"""The cases that phases present: some of the classes, changed images, and stored cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wakesleep.data.views import View
from wakesleep.errors import InputError, listed
from wakesleep.negatives import SOURCES
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.negatives import Negatives
from wakesleep.protocols.timetable import Entry
from wakesleep.results.schema import view_name

if TYPE_CHECKING:
    import torch

    from wakesleep.data import DataSet
    from wakesleep.data.batches import BatchStream
    from wakesleep.runtime.randomness import Streams


def stream_name(entry: Entry) -> str:
    """Return the name of the stream of batches that a phase takes its real cases from."""
    name = "asleep" if PHASES[entry.phase].asleep else "awake"
    if entry.view is not None and entry.view.data:
        return f"{name} {entry.view.data}"
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


def views_of(entries: Sequence[Entry]) -> dict[str, View]:
    """Return every way in which tasks present their images, by its name in results.

    Raises
    ------
    InputError
        If two different ones have the same name.
    """
    views = dict.fromkeys(its.view for its in entries if its.view is not None)
    found: dict[str, View] = {}
    for its in views:
        name = view_name(its.rotate, its.permute, its.data)
        if name in found:
            raise InputError(
                f"two tasks with different images have the same name '{name}'; rename one of "
                f"the files {listed(one.data for one in (found[name], its) if one.data)}"
            )
        found[name] = its
    return found


def other_data(entries: Sequence[Entry], its: DataSet, folder: Path) -> dict[str, DataSet]:
    """Return the other data sets that tasks present, by their name in the file.

    Parameters
    ----------
    entries
        The timetable.
    its
        The data of the run.
    folder
        Where relative paths start.

    Raises
    ------
    InputError
        If one has no labels, images of another shape, or another number of classes.
    """
    from wakesleep.data import load
    from wakesleep.data.source import as_source

    found: dict[str, DataSet] = {}
    for name in dict.fromkeys(e.view.data for e in entries if e.view is not None and e.view.data):
        one = found[name] = load(as_source(name).placed(folder))
        if its.labelled and not one.labelled:
            raise InputError(f"a task's data '{one.name}' have no labels")
        for what, there, wanted in (
            ("images of ", _size(one), _size(its)),
            ("", f"{one.classes} classes", f"{its.classes} classes"),
        ):
            if there != wanted:
                raise InputError(
                    f"a task's data '{one.name}' have {what}{there}, but '{its.name}' has {wanted}"
                )
    return found


def _size(its: DataSet) -> str:
    """Return the size of an image in words."""
    rows, columns = its.shape
    channels = its.features // (rows * columns)
    return f"{rows} x {columns} pixels" + (f" and {channels} channels" if channels > 1 else "")


@dataclass
class Presented:
    """Training images as the current task presents them.

    Attributes
    ----------
    images, shape
        The original images (cases, features); rows and columns of an image.
    labels
        Their labels (cases,).
    others
        Images and labels of other data that tasks present, by their name in the file.
    view, seen
        The view that was used last, and its images. Only one such copy is kept, since data sets
        can be large.
    """

    images: torch.Tensor
    labels: torch.Tensor
    shape: tuple[int, int]
    others: Mapping[str, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    view: View | None = None
    seen: torch.Tensor | None = None

    def __call__(self, entry: Entry) -> torch.Tensor:
        """Return the images (cases, features) of a phase."""
        if entry.view is None:
            return self.images
        if self.seen is None or entry.view != self.view:
            images = self.others[entry.view.data][0] if entry.view.data else self.images
            self.view, self.seen = entry.view, entry.view(images, self.shape)
        return self.seen

    def labels_of(self, entry: Entry) -> torch.Tensor:
        """Return the labels (cases,) of the images of a phase."""
        other = entry.view.data if entry.view is not None else ""
        return self.others[other][1] if other else self.labels
