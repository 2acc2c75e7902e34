"""The capabilities of models: each one is a ``typing.Protocol`` with a few methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from wakesleep.learners.chunks import Chunk


@runtime_checkable
class Learner(Protocol):
    """Learns; offers ``wake``, ``sleep`` and ``interleaved``, or some of them.

    Every learner is built as ``Class(parameters, setting)``: ``parameters`` are those of the model
    file (checked by the kind's own pydantic class; a plain dictionary for a class of the user's),
    and ``setting`` is a :class:`wakesleep.learners.chunks.Setting`.

    It also offers ``momentum`` and ``updates_per_batch`` if it uses these settings of a chunk,
    ``layerwise`` if it uses the chunk's ``layers``, and ``baseline`` if it keeps the stored
    baseline of negative phases.

    A learner that cannot use all data has a method ``check_data(images)``. A learner with a time
    scale has ``check_clock(seconds)``, where ``seconds`` is the duration of a case by the
    protocol's clock. Both are called before anything is written, and raise an ``InputError``.

    A learner gets its cases from ``chunk.take``, once for every presentation. This function shifts
    images if the protocol says so.

    Methods that are called between chunks (goodness, labels, norms) must not change the learner,
    and must not draw random numbers from a stream that learning uses.
    """

    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps in place.

        Returns the index (from 0) of the first step at which a value was not finite; the rest of
        the chunk may then be left out. Returns None if all values are finite.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return all that a resumed run needs, as nested dictionaries and lists of tensors."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` returned."""


@runtime_checkable
class HasGoodness(Protocol):
    """Offers ``goodness``: the goodness of a case in each layer, and the thresholds."""

    layer_names: Sequence[str]

    def goodness(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return each layer's goodness (layers, cases)."""

    def log_odds(self, goodness: Tensor) -> Tensor:
        """Return the log odds of being real (layers, cases) for goodness of that shape."""

    def thresholds(self) -> Tensor:
        """Return the goodness at which the log odds are 0 (layers,)."""


@runtime_checkable
class Classifies(Protocol):
    """Offers ``classify``: one or more read-outs that name a case's class."""

    readouts: Sequence[str]

    def classify(self, images: Tensor, readout: str) -> Tensor:
        """Return the label (cases,) that a read-out picks."""


@runtime_checkable
class ProposesLabels(Protocol):
    """Offers ``label_probabilities``: the network's probability of every label."""

    def label_probabilities(self, images: Tensor) -> Tensor:
        """Return probabilities (cases, classes)."""


@dataclass(frozen=True)
class DreamSettings:
    """Start and course of dreams.

    Attributes
    ----------
    start
        ``label``, ``last_waking``, ``noise``, ``stored`` or ``mixed``.
    settle
        Number of passes up and down.
    spread
        Size of the noise at the start.
    noise
        Size of the noise at every layer below (``forward_forward``, ``backprop``).
    """

    start: str = "label"
    settle: int = 2
    spread: float = 1.0
    noise: float = 0.0


@runtime_checkable
class Dreams(Protocol):
    """Offers ``dream``: runs from the top down, with nothing at the input."""

    def dream(
        self, labels: Tensor, how: DreamSettings, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """Return dreams.

        Parameters
        ----------
        labels
            The classes to dream of (cases,), where dreams start from labels.
        how
            Start and course of the dreams.
        generator
            Random stream.

        Returns
        -------
        images, label_probabilities
            Activities at the input: (cases, features) and (cases, classes).
        """


@runtime_checkable
class ClimbsGoodness(Protocol):
    """Offers ``climb_goodness``: changes images so that their goodness increases."""

    def climb_goodness(self, images: Tensor, labels: Tensor, steps: int, size: float) -> Tensor:
        """Return images (cases, features) after some steps up its goodness.

        Parameters
        ----------
        images, labels
            Cases (cases, features), and the labels they are shown with (cases,).
        steps, size
            Number of steps, and the root mean square change of the pixels in one.
        """


@runtime_checkable
class Rests(Protocol):
    """Offers ``rest``: something in it changes while nothing is learned."""

    def rest(self, steps: int) -> None:
        """Let so many steps pass."""


@runtime_checkable
class Erases(Protocol):
    """Offers ``erase``: its weights cannot be set directly if they are on analog devices."""

    def erase(
        self, layers: Sequence[int], kept: float, times: int, paces: Sequence[Tensor] | None
    ) -> bool:
        """Weaken the devices of some layers; return whether there are devices.

        Parameters
        ----------
        layers
            Numbers of the layers (1 is the lowest).
        kept, times
            What a weight keeps each time, and how often this is done.
        paces
            For each of these layers, powers to which ``kept`` is raised, one for each unit
            (units,); None where all are 1.
        """


@runtime_checkable
class Samples(Protocol):
    """Offers ``sample``: has a distribution of its own, and draws from it.

    In a negative chunk with the source ``usual``, such a learner gets None as ``negatives``. It
    then runs its negative phase with its own internal states.
    """

    def sample(self, images: Tensor, labels: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Return samples, as many as there are real cases, and change nothing.

        Parameters
        ----------
        images, labels
            Real cases (cases, features) and (cases,), at which chains can start.
        generator
            Random stream.
        """


@runtime_checkable
class HasLikelihood(Protocol):
    """Offers ``likelihood``: the exact probability of a case."""

    def log_likelihood(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the log probability of each case (cases,), in nats."""


@runtime_checkable
class HasCodes(Protocol):
    """Offers ``codes``: binary hidden units that stand for a case."""

    def hidden_codes(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the most probable state of hidden units (cases, units), booleans."""


@runtime_checkable
class Completes(Protocol):
    """Offers ``complete``: finds the rest of an image from a part of it."""

    def complete(self, images: Tensor, given: int, generator: Generator) -> Tensor:
        """Return images (cases, features) of which the first ``given`` features are real ones.

        The other features are mean activities that the learner finds without their real values.
        """


@runtime_checkable
class HasFields(Protocol):
    """Offers ``fields``: units of the first layer see an image through weights of their own."""

    def receptive_fields(self) -> Tensor:
        """Return the weights from the image to each unit of the first layer (units, features)."""


@runtime_checkable
class TriesLabels(Protocol):
    """Offers ``label_goodness``: the goodness of an image with every label."""

    def activities(self, images: Tensor, labels: Tensor) -> list[Tensor]:
        """Return every layer's activity (cases, units) for images shown with labels."""

    def label_goodness_in_time(self, images: Tensor) -> Tensor:
        """Return the goodness (steps in time, layers, cases, classes) with every label."""


@runtime_checkable
class HasMemories(Protocol):
    """Offers ``memories``: stores patterns that may or may not be fixed points."""

    def stable_fraction(self) -> float:
        """Return the fraction of stored patterns that are fixed points; not a number if none."""


@runtime_checkable
class HasWeightNorms(Protocol):
    """Offers ``weight_norms``."""

    layer_names: Sequence[str]

    def weight_norms(self) -> Tensor:
        """Return the root sum of squared weights per unit of each layer (layers,)."""


@runtime_checkable
class HasPulses(Protocol):
    """Offers ``pulses``: weights are devices that are changed by pulses."""

    layer_names: Sequence[str]

    def pulses(self) -> Tensor:
        """Return how many pulses a device has received, the mean of each layer (layers,)."""


@runtime_checkable
class HasAdaptation(Protocol):
    """Offers ``adaptation``: thresholds that rise awake and recover asleep."""

    layer_names: Sequence[str]

    def threshold_rise(self) -> Tensor:
        """Return by how much the units' thresholds have risen, the mean of each layer (layers,)."""


@runtime_checkable
class HasSynapses(Protocol):
    """Offers ``synapses``: weights that a phase of downscaling can shrink."""

    def synapses(self) -> list[Tensor]:
        """Return the weights between units, a tensor for each layer, to be changed in place.

        Biases and read-outs are not among them, nor the top-down path of Forward-Forward networks.
        """


@runtime_checkable
class HasUnitActivity(Protocol):
    """Offers ``unit_activity``: how active the units of each layer of synapses are."""

    def unit_activity(self, images: Tensor, labels: Tensor) -> list[Tensor]:
        """Return the mean activity of the units (units,) of each layer that ``synapses`` names."""


@runtime_checkable
class Consolidates(Protocol):
    """Offers ``consolidate``: protects the weights that matter for what it is shown."""

    def consolidate(self, images: Tensor, generator: Generator, last: bool) -> None:
        """Estimate from a batch which weights matter, and change none.

        Parameters
        ----------
        images
            Real cases (cases, features).
        generator
            Random stream.
        last
            Whether this is the last batch of the phase: after it, weights are held near their
            current values.
        """


CAPABILITIES: dict[str, type] = {
    "wake": Learner,
    "sleep": Learner,
    "interleaved": Learner,
    "goodness": HasGoodness,
    "classify": Classifies,
    "label_probabilities": ProposesLabels,
    "dream": Dreams,
    "sample": Samples,
    "likelihood": HasLikelihood,
    "codes": HasCodes,
    "complete": Completes,
    "fields": HasFields,
    "label_goodness": TriesLabels,
    "memories": HasMemories,
    "weight_norms": HasWeightNorms,
    "adaptation": HasAdaptation,
    "pulses": HasPulses,
    "synapses": HasSynapses,
    "unit_activity": HasUnitActivity,
    "consolidate": Consolidates,
    "momentum": Learner,
    "baseline": Learner,
    "updates_per_batch": Learner,
    "layerwise": Learner,
}
