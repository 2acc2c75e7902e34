"""Checks that need the data and the model: negative data, quantities, conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError, choices
from wakesleep.files import references
from wakesleep.learners.model_file import LoadedModel
from wakesleep.negatives import source
from wakesleep.protocols.negatives import Negatives
from wakesleep.protocols.phases import Condition
from wakesleep.protocols.spec import Data
from wakesleep.protocols.timetable import Entry
from wakesleep.results import schema
from wakesleep.results.schema import Quantity
from wakesleep.simulation.request import Request

MOST_ACTIVITIES = 2**32  # bytes

if TYPE_CHECKING:
    from wakesleep.data import DataSet


def meant_by(negatives: Negatives, model: LoadedModel) -> Negatives:
    """Return negative data, with ``usual`` replaced if the model cannot draw samples."""
    if source(negatives.source).own and "sample" not in model.offers:
        unlabelled = getattr(model.parameters, "label", None) == "none"
        return Negatives(source="hybrid" if unlabelled else "wrong_label")
    return negatives


def check_negatives(negatives: Negatives, its: DataSet, learner: Any, name: str) -> None:
    """Refuse negative data from which a learner would learn nothing."""
    its_source = source(negatives.source)
    default = "wrong" if negatives.source in ("dream", "stored") else ""
    wrong = negatives.options.get("label", default) == "wrong" or negatives.source == "mixture"
    if its.classes < 2 and (its_source.labels_only or wrong):
        raise InputError(
            f"negative data '{negatives.source}' need another label, but '{its.name}' has only one"
        )
    if (its_source.labels_only or (its_source.real and wrong)) and not getattr(
        learner, "sees_labels", True
    ):
        raise InputError(
            f"negative data '{negatives.source}' differ from real data by their label alone, which "
            f"model '{name}' does not see; "
            + (
                "its own samples are 'usual'"
                if hasattr(learner, "sample")
                else "choose others, such as 'hybrid'"
            )
        )
    if not its_source.own and getattr(learner, "own_negatives_only", False):
        raise InputError(
            f"model '{name}' learns asleep from what it dreams itself alone: its negative data are "
            f"'usual', not '{negatives.source}'"
        )


def check_stored(entries: Sequence[Entry], there: Sequence[int], name: str) -> None:
    """Refuse stored cases of a class that does not occur in the training data.

    Raises
    ------
    InputError
        If there is such a class; the message names it.
    """
    for entry in entries:
        name_of = entry.replay.source if entry.replay else entry.negatives.source
        if not source(name_of).real:
            continue
        lacking = sorted(set(entry.dreamt or ()) - set(there))
        if lacking:
            raise InputError(
                f"phase '{entry.phase}' needs stored cases of class {lacking[0]}, of which the "
                f"training data of '{name}' have none"
            )


def check_views(entries: Sequence[Entry], its: DataSet) -> None:
    """Refuse changes of images if the data have no images, or together with stored cases.

    Raises
    ------
    InputError
        If the changes are refused; the message names the data or the source.
    """
    if all(entry.view is None for entry in entries):
        return
    if its.window is not None:
        raise InputError(f"tasks change images, but '{its.name}' has strings")
    for entry in entries:
        name_of = entry.replay.source if entry.replay else entry.negatives.source
        if source(name_of).real:
            raise InputError(
                f"phase '{entry.phase}' uses stored cases, which are kept as they are, but tasks "
                "change images; choose another source"
            )


def check_spontaneous(entries: Sequence[Entry], learner: Any, features: int) -> None:
    """Refuse spontaneous activity of a model that is not a stack of dense layers on the pixels.

    Raises
    ------
    InputError
        Saying what it is, or how many thresholds it needs.
    """
    for entry in entries:
        if entry.spontaneous is None:
            continue
        if entry.view is not None:
            raise InputError(
                "phase 'spontaneous' fires as the mean image of all known classes does, and tasks "
                "change images; leave one of them out"
            )
        weights = learner.synapses()
        sizes = [features, *(len(its) for its in weights)]
        if not weights or any(
            tuple(its.shape) != (units, inputs)
            for its, inputs, units in zip(weights, sizes, sizes[1:], strict=False)
        ):
            raise InputError(
                "phase 'spontaneous' needs a stack of dense layers of which the first sees the "
                "pixels alone, such as kind 'backprop'"
            )
        its = entry.spontaneous.threshold
        if isinstance(its, tuple) and len(its) != len(weights):
            raise InputError(
                f"'spontaneous' has {len(its)} thresholds, but the model has {len(weights)} layers"
            )


def check_sizes(asked: Data, its: DataSet, train: int) -> None:
    """Refuse more cases than there are, and shifts that are larger than an image.

    Raises
    ------
    InputError
        Saying what there is.
    """
    for name, wanted, there in (
        ("train", asked.train or 1, len(its.train)),
        ("batch", asked.batch_of(train), train),
    ):
        if wanted > there:
            raise InputError(
                f"data: {name} is {wanted}, but '{its.name}' has {there} training cases; choose "
                f"{name} of at most {there}"
            )
    jitter = asked.jitter
    if jitter and its.window is not None:
        raise InputError(f"data: jitter is {jitter}, but '{its.name}' has strings")
    if jitter and jitter >= min(its.shape):
        raise InputError(
            f"data: jitter is {jitter}, but images of '{its.name}' have {min(its.shape)} pixels a "
            "side"
        )


def quantities_to_record(request: Request, its: DataSet) -> dict[str, Quantity]:
    """Return the quantities that every probe records: those requested, or all that are possible.

    Raises
    ------
    InputError
        If a requested quantity is not possible, or the user's code is not a quantity.
    """
    spec, offers = request.protocol.spec, request.model.offers
    asked = spec.record.quantities
    for name in {"error", "class_error", "view_error", "bits"} & set(asked or ()):
        if not its.labelled:
            raise InputError(f"record '{name}': data '{its.name}' have no labels")
    if "view_error" in (asked or ()) and not spec.changes_images:
        raise InputError(
            "record 'view_error': no task of the protocol has 'rotate', 'permute' or 'data'"
        )
    for name in {"divergence", "distinct_codes", "completion"} & set(asked or ()):
        if not its.population:
            raise InputError(
                f"record '{name}': '{its.name}' is a sample, not a population known in full"
            )
    if asked is not None and "kl" in asked and its.validation.truth is None:
        raise InputError(f"record 'kl': the true probabilities of '{its.name}' are not known")
    possible = {
        name: set(quantity.needs) <= set(offers) for name, quantity in schema.QUANTITIES.items()
    }
    possible["kl"] &= its.validation.truth is not None
    for name in ("divergence", "distinct_codes"):
        possible[name] &= its.population and len(its.validation.first(spec.record.cases)) == len(
            its.validation
        )
    for name in ("log_likelihood", "divergence"):
        possible[name] &= its.validation.binary
    for name in ("error", "bits"):
        possible[name] &= its.labelled
    possible["class_error"] &= its.labelled and (
        "class_error" in (asked or ()) or spec.goes_through_tasks
    )
    possible["view_error"] &= its.labelled and spec.changes_images
    possible["completion"] = asked is not None  # it takes far longer than all other quantities
    possible["sleep_pressure"] = spec.sleep_pressure is not None
    chosen = [name for name in possible if (possible[name] if asked is None else name in asked)]
    found = {name: schema.QUANTITIES[name] for name in chosen}
    if spec.record.activities is not None:
        for capability in schema.ACTIVITIES.needs:
            if capability not in offers:
                raise InputError(
                    f"record 'activities' needs '{capability}', which model "
                    f"'{request.model.name}' does not offer"
                )
        found[schema.ACTIVITY] = schema.ACTIVITIES
    for reference in (*(asked or ()), *(spec.record.also or ())):
        if reference in schema.QUANTITIES:
            if reference not in found and possible[reference]:
                found[reference] = schema.QUANTITIES[reference]
            continue
        name, quantity = own_quantity(reference)
        if name in found or name in schema.QUANTITIES or name in schema.COORDINATES:
            raise InputError(f"quantity '{name}': there is one of that name; rename the function")
        for capability in quantity.needs:
            if capability not in offers:
                raise InputError(
                    f"quantity '{name}' needs '{capability}', which model "
                    f"'{request.model.name}' does not offer"
                )
        found[name] = quantity
    return found


def check_size_of_activities(probes: int, cases: int, units: int) -> None:
    """Refuse activities that would fill the memory.

    Raises
    ------
    InputError
        If they are too many.
    """
    size = 4 * probes * cases * units
    if size > MOST_ACTIVITIES:
        raise InputError(
            f"record 'activities': {probes:,} probes of {cases:,} cases and {units:,} units "
            f"come to {size / 2**30:.1f} GiB; allowed are {MOST_ACTIVITIES / 2**30:.0f}; record "
            "fewer cases or fewer probes ('every', 'cycles')"
        )


def own_quantity(reference: str) -> tuple[str, Quantity]:
    """Return the name and the description of a quantity that is the user's own.

    It is a function ``f(model, images, labels)`` with the attributes ``dims``, ``long_name``,
    ``units`` and ``needs``, each of which may be left out.

    Raises
    ------
    InputError
        If it cannot be imported, or an attribute is wrong.
    """
    target = references.installed("quantities").get(reference, reference)
    function = references.own(target, "quantity")
    name = schema.variable(reference)
    if not callable(function):
        raise InputError(f"quantity '{reference}' is not a function")
    dims = tuple(getattr(function, "dims", ()))
    for dim in dims:
        if dim not in ("layer", "readout", "sign"):
            raise InputError(
                f"quantity '{name}': there is no dimension '{dim}'"
                f"{choices(dim, ('layer', 'readout', 'sign'))}"
            )
    return name, Quantity(
        dims,
        str(getattr(function, "long_name", name.replace("_", " "))),
        tuple(getattr(function, "needs", ())),
        str(getattr(function, "units", "1")),
        function,
    )


def check_labels(its: DataSet, learner: Any, model: LoadedModel) -> None:
    """Refuse data without labels for a model that learns from labels.

    Raises
    ------
    InputError
        Naming both.
    """
    uses = getattr(learner, "sees_labels", "classify" in model.offers)
    if not its.labelled and uses:
        raise InputError(
            f"data '{its.name}' have no labels, which model '{model.name}' learns from; give them "
            "(y, or label: COLUMN), or choose a model without labels (label: none)"
        )


def check_condition(
    condition: Condition, quantities: Mapping[str, Quantity], words: Mapping[str, Sequence[str]]
) -> None:
    """Refuse a condition on something that is not recorded, or that the model does not have.

    Raises
    ------
    InputError
        Saying what there is.
    """
    name = schema.variable(condition.quantity)
    if name not in quantities:
        raise InputError(
            f"condition on '{name}': it is not recorded here"
            f"{choices(name, quantities, 'recorded are')}"
        )
    for dim in ("layer", "readout"):
        chosen = getattr(condition, dim)
        if chosen is not None and chosen not in words[dim]:
            raise InputError(
                f"condition on '{name}': the model has no {dim} '{chosen}'"
                f"{choices(chosen, words[dim])}"
            )
