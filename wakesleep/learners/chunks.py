"""The inputs of a learner: the setting in which it is built, and chunks of steps.

A learner does not know the protocol. It receives chunks of steps of one sign, and answers probes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from wakesleep.data import DataSet
    from wakesleep.runtime.randomness import Streams


MakesNegatives = Callable[[Any, "Tensor", "Tensor"], "tuple[Tensor, Tensor]"]


@dataclass(frozen=True)
class Setting:
    """The setting in which a model is built: the shape of its data, its device and its streams.

    Attributes
    ----------
    features, classes
        Number of inputs (pixels) and of classes.
    places
        Places of a window of symbols, each coded one of ``classes``; 0 where cases are images.
    shape
        Height and width of an image, in pixels.
    device, dtype
        Device of the tensors, and their floating-point type.
    streams
        Named random streams; a model draws its weights from ``streams("weights")``.
    """

    features: int
    classes: int
    device: torch.device
    dtype: torch.dtype
    streams: Streams
    places: int = 0
    shape: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, its: DataSet, device: torch.device, dtype: torch.dtype, seed: int) -> Setting:
        """Return the setting for a data set, with the random streams of a seed."""
        from wakesleep.runtime.randomness import Streams

        streams = Streams(seed, device)
        return cls(its.features, its.classes, device, dtype, streams, its.window or 0, its.shape)

    @property
    def image(self) -> tuple[int, int, int]:
        """Rows, columns and channels of an image."""
        height, width = self.shape
        return height, width, self.features // max(1, height * width)


@dataclass(frozen=True)
class Chunk:
    """Consecutive steps of one sign, without a probe between them.

    Attributes
    ----------
    sign
        ``positive`` (raise goodness on real data), ``negative`` (lower it on negative data) or
        ``both`` (both in every step).
    images, labels
        The whole training set (cases, features) and (cases,), on the model's device.
    index
        Which cases each step uses (steps, batch).
    gains
        Factor of the learning rate at each step (steps,).
    negatives
        Function ``negatives(model, images, labels)`` of a batch that returns negative images and
        labels; None if the sign is positive, or if the model draws its own samples
        (see :class:`wakesleep.learners.capabilities.Samples`).
    separate_states
        Whether the optimiser keeps one state for each sign, or one for both.
    fresh_state
        Whether the optimiser's state is reset before the first of these steps.
    momentum
        Weight of the past in the running mean of gradients; None for the learner's own.
    mode
        What a negative step does: ``negative`` (a plain update), ``centred`` (the stored baseline
        subtracted) or ``measure`` (no change of weights); the last two refresh the baseline.
    subtract_baseline
        Whether positive steps subtract the stored baseline.
    updates_per_batch
        Updates that every step makes on its batch; if more than one, each layer makes them all
        before the next layer starts.
    layers
        Layers that learn (1 is the lowest); None for all.
    seen
        Change of images at every presentation, such as a new shift; None for no change.
    replay
        In replay, a function ``replay(images, labels)`` of a batch of real cases that returns cases
        which the network has made itself; None awake.
    top_down
        Whether a path that dreams learns in positive steps: not from its own dreams.
    classes
        The classes that the phase presents; None for all.
    """

    sign: str
    images: Tensor
    labels: Tensor
    index: Tensor
    gains: Sequence[float]
    negatives: MakesNegatives | None = None
    separate_states: bool = False
    fresh_state: bool = False
    momentum: float | None = None
    mode: str = "negative"
    subtract_baseline: bool = False
    updates_per_batch: int = 1
    layers: tuple[int, ...] | None = None
    seen: Callable[[Tensor], Tensor] | None = None
    replay: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None
    top_down: bool = True
    classes: tuple[int, ...] | None = None

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cases of some indices as they are presented: images and labels."""
        images = self.images[index]
        if self.replay is not None:
            return self.replay(images, self.labels[index])
        return images if self.seen is None else self.seen(images), self.labels[index]

    def presented(self) -> tuple[Tensor, Tensor]:
        """Return the training cases of the classes that the phase presents."""
        import torch

        if self.classes is None:
            return self.images, self.labels
        some = torch.isin(self.labels, self.labels.new_tensor(self.classes))
        return self.images[some], self.labels[some]
