"""The kinds of model that come with the package, and the capabilities of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of model that comes with the package.

    Attributes
    ----------
    parameters
        ``module:name`` of the pydantic class that checks a model file's parameters; it must not
        import torch, so that files are checked quickly.
    learner
        ``module:name`` of the class that is built as ``learner(parameters, setting)``.
    offers
        Capabilities it can have.
    """

    parameters: str
    learner: str
    offers: tuple[str, ...]


# Read-outs that any of these kinds has.
READOUTS = ("goodness", "softmax", "candidates")

# Capabilities of every learner that distinguishes real from negative data and reads labels.
JUDGES = ("wake", "sleep", "interleaved", "goodness", "classify", "label_probabilities")

KINDS: dict[str, Kind] = {
    "forward_forward": Kind(
        parameters="wakesleep.learners.forward_forward.parameters:Parameters",
        learner="wakesleep.learners.forward_forward.network:ForwardForward",
        offers=(
            *JUDGES,
            "dream",
            "consolidate",
            "weight_norms",
            "adaptation",
            "pulses",
            "synapses",
            "unit_activity",
            "momentum",
            "baseline",
            "updates_per_batch",
            "layerwise",
            "fields",
            "label_goodness",
        ),
    ),
    "online": Kind(
        parameters="wakesleep.learners.forward_forward.online_parameters:Parameters",
        learner="wakesleep.learners.forward_forward.online:Online",
        offers=(
            *JUDGES,
            "weight_norms",
            "synapses",
            "fields",
            "label_goodness",
        ),
    ),
    "recurrent": Kind(
        parameters="wakesleep.learners.forward_forward.recurrent_parameters:Parameters",
        learner="wakesleep.learners.forward_forward.recurrent:Recurrent",
        offers=(
            *JUDGES,
            "weight_norms",
            "synapses",
            "momentum",
            "fields",
            "label_goodness",
        ),
    ),
    "boltzmann": Kind(
        parameters="wakesleep.learners.boltzmann.parameters:Parameters",
        learner="wakesleep.learners.boltzmann.machine:Boltzmann",
        offers=(
            *JUDGES,
            "dream",
            "sample",
            "likelihood",
            "codes",
            "complete",
            "weight_norms",
            "synapses",
            "momentum",
            "baseline",
        ),
    ),
    "helmholtz": Kind(
        parameters="wakesleep.learners.helmholtz.parameters:Parameters",
        learner="wakesleep.learners.helmholtz.network:Helmholtz",
        offers=(
            *JUDGES,
            "sample",
            "likelihood",
            "momentum",
            "synapses",
        ),
    ),
    "hopfield": Kind(
        parameters="wakesleep.learners.hopfield.parameters:Parameters",
        learner="wakesleep.learners.hopfield.network:Hopfield",
        offers=("wake", "sleep", "interleaved", "goodness", "sample", "memories", "synapses"),
    ),
    "spiking": Kind(
        parameters="wakesleep.learners.spiking.parameters:Parameters",
        learner="wakesleep.learners.spiking.network:Spiking",
        offers=(
            *JUDGES,
            "dream",
            "weight_norms",
            "synapses",
        ),
    ),
    "backprop": Kind(
        parameters="wakesleep.learners.backprop.parameters:Parameters",
        learner="wakesleep.learners.backprop.network:Backprop",
        offers=(
            "wake",
            "sleep",
            "interleaved",
            "classify",
            "label_probabilities",
            "dream",
            "weight_norms",
            "pulses",
            "synapses",
            "unit_activity",
            "consolidate",
            "fields",
        ),
    ),
    "ngram": Kind(
        parameters="wakesleep.learners.ngram.parameters:Parameters",
        learner="wakesleep.learners.ngram.counter:Counter",
        offers=("wake", "sleep", "interleaved", "classify", "label_probabilities"),
    ),
}
