"""From checked input to all that a run needs: data, network, timetable, probes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wakesleep import results
from wakesleep.errors import InputError, choices
from wakesleep.model import LoadedModel, Setting, build
from wakesleep.negatives import SOURCES, Context, bind
from wakesleep.phases import PHASES, Condition, Negatives
from wakesleep.protocol import LoadedProtocol
from wakesleep.provenance import git_commit, now, sha256, versions
from wakesleep.timetable import Entry, timetable

if TYPE_CHECKING:
    import torch

    from wakesleep.data import Cases, DataSet
    from wakesleep.data.batches import BatchStream
    from wakesleep.data.jitter import Jitter
    from wakesleep.negatives import BoundSource
    from wakesleep.randomness import Streams
    from wakesleep.record import Probe


# What must be the same for a run to be the same run, as its result's attributes name it.
IDENTITY = (
    "protocol",
    "inputs",
    "protocol_resolved",
    "model",
    "model_resolved",
    "parameters",
    "data",
    "seed",
    "device",
    "dtype",
)


@dataclass(frozen=True)
class Request:
    """What is to be run."""

    protocol: LoadedProtocol
    model: LoadedModel
    seed: int
    device: torch.device
    dtype: torch.dtype

    @property
    def data(self) -> str:
        """Name of the data set: the protocol's, or else the model's."""
        return data_name(self.protocol, self.model)

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for a run to be the same run."""
        return {
            **identity(self.protocol, self.model),
            "seed": self.seed,
            "device": self.device.type,
            "dtype": str(self.dtype).removeprefix("torch."),
        }


def identity(protocol: LoadedProtocol, model: LoadedModel) -> dict[str, Any]:
    """Return what a protocol and a model contribute to a run's identity."""
    return {
        "protocol": protocol.name,
        "inputs": json.dumps(dict(protocol.values)),
        "protocol_resolved": protocol.resolved,
        "model": model.name,
        "model_resolved": json.dumps(
            {"kind": model.spec.kind, "offers": model.offers, "code": model.code}
        ),
        "parameters": json.dumps(model.values),
        "data": data_name(protocol, model),
    }


def data_name(protocol: LoadedProtocol, model: LoadedModel) -> str:
    """Return the name of the data set: the protocol's, or else the model's."""
    named = protocol.spec.data.set
    return model.spec.data if named == "model" else named


@dataclass(frozen=True)
class Prepared:
    """All that a run needs.

    Attributes
    ----------
    entries
        The timetable.
    images, labels
        Training cases, on the device.
    words
        The words of each flag of the result (phases, blocks, layers, ...), in order.
    quantities
        What every probe records.
    batches
        Cases in the order of waking (``awake``; also for interleaved steps) and of sleep
        (``asleep``).
    sources
        Every source of negative data that a phase uses, by :func:`source_key`.
    seen
        What is done to images at every presentation; None for nothing.
    """

    request: Request
    data: DataSet
    entries: tuple[Entry, ...]
    streams: Streams
    learner: Any
    images: torch.Tensor
    labels: torch.Tensor
    words: dict[str, tuple[str, ...]]
    quantities: tuple[str, ...]
    probe: Probe
    batches: dict[str, BatchStream]
    sources: dict[str, BoundSource]
    seen: Jitter | None

    @property
    def untrained(self) -> list[str]:
        """Names of the layers that no phase trains, where phases choose layers."""
        learning = [its for its in self.entries if PHASES[its.phase].sign is not None]
        if not learning or any(its.layers is None for its in learning):
            return []
        trained = {number for its in learning for number in its.layers or ()}
        names = enumerate(self.learner.layer_names, 1)
        return [name for number, name in names if number not in trained]

    def source(self, entry: Entry) -> BoundSource:
        """Return where the negative data of a phase come from."""
        return self.sources[source_key(entry.negatives)]

    def negatives(self, entry: Entry) -> BoundSource | None:
        """Return what a chunk of the phase is given as negatives; None where it needs none."""
        if PHASES[entry.phase].sign == "positive":
            return None
        own = SOURCES[entry.negatives.source].own and "sample" in self.request.model.offers
        return None if own else self.source(entry)

    def block(self, entry: Entry) -> str:
        """Return the name of a phase's block; what stands in none bears the protocol's name."""
        return entry.block or self.request.protocol.name

    def placed(self, cases: Cases) -> tuple[torch.Tensor, torch.Tensor]:
        """Return images and labels as tensors on the run's device."""
        return _placed(cases, self.request)

    def attributes(self) -> dict[str, Any]:
        """Return what the result says of its making before the first step."""
        from wakesleep.device import describe

        request = self.request
        return {
            "wakesleep_schema": results.SCHEMA_VERSION,
            "title": f"{request.protocol.name} on {request.model.name}",
            "status": "running",
            **request.identity(),
            "protocol_text": request.protocol.document.text,
            "protocol_sha256": sha256(request.protocol.document.text),
            "model_text": request.model.document.text,
            "model_sha256": sha256(request.model.document.text),
            "data_sha256": self.data.digest,
            "device_name": describe(request.device),
            "versions": json.dumps(versions()),
            "git_commit": git_commit(),
            "started": now(),
        }


def prepare(request: Request) -> Prepared:
    """Load the data, build the model and unroll the timetable.

    Raises
    ------
    InputError
        If the data are not to be had or too few, the model cannot be built, or a condition asks for
        something that the model does not have.
    """
    import torch

    from wakesleep import data
    from wakesleep.data.batches import BatchStream
    from wakesleep.data.jitter import Jitter
    from wakesleep.record import Probe

    spec, model = request.protocol.spec, request.model
    its = data.load(request.data)
    train = its.train.first(spec.data.train or None)
    batch = spec.data.batch_of(len(train))
    for name, wanted, there in (
        ("train", spec.data.train or 1, len(its.train)),
        ("batch", batch, len(train)),
    ):
        if wanted > there:
            raise InputError(
                f"data: {name} is {wanted}, but '{its.name}' has {there} training cases; choose "
                f"{name} of at most {there}"
            )
    jitter = spec.data.jitter
    if jitter and its.window is not None:
        raise InputError(f"data: jitter is {jitter}, but '{its.name}' has strings")
    if jitter and jitter >= min(its.shape):
        raise InputError(
            f"data: jitter is {jitter}, but images of '{its.name}' have {min(its.shape)} pixels a "
            "side"
        )
    entries = timetable(spec, len(train))
    setting = Setting.of(its, request.device, request.dtype, request.seed)
    streams, learner = setting.streams, build(model, setting)
    quantities = _quantities(request, its)
    images, labels = _placed(train, request)
    if hasattr(learner, "check_data"):
        learner.check_data(images)
    if spec.clock is not None and hasattr(learner, "check_clock"):
        learner.check_clock(3600 / spec.clock.steps_per_hour / batch)
    validation = its.validation.first(spec.record.cases)
    used = {source_key(entry.negatives): entry.negatives for entry in entries}
    asked = [phase.negatives for phase in entries if PHASES[phase.phase].sign != "positive"]
    for negatives in (*asked, spec.negatives):
        if SOURCES[negatives.source].sequences and its.window is None:
            raise InputError(
                f"negative data '{negatives.source}' are strings, but '{its.name}' has none"
            )
        if negatives.source in ("hybrid", "noise") and its.window is not None:
            raise InputError(
                f"negative data '{negatives.source}' are images, but '{its.name}' has strings"
            )
        meant = _meant(negatives, model)
        if meant.source == "hybrid" and batch < 2:
            raise InputError(
                "negative data 'hybrid' mix images of a batch, and batch is 1; use 2 or more"
            )
        _check_negatives(meant, its, learner, model.name)
    # What a probe takes for a dream goes with its own label, whatever label sleep gives it.
    dreaming = (its for its in used.values() if its.source in ("dream", "mixture"))
    dreamt = dict(next((its.options for its in dreaming), {}))
    dreamt.pop("dreams", None)

    def bound(negatives: Negatives, generator: torch.Generator) -> BoundSource:
        negatives = _meant(negatives, model)
        context = Context(its.classes, its.shape, generator, negatives.options)
        return bind(negatives.source, context)

    def fresh(what: str) -> Any:
        """Return what a probe draws from, at the start of its random stream."""
        if what == "negative":
            return bound(spec.negatives, streams.fresh("probe negatives"))
        generator = streams.fresh(f"probe {what}")
        if what in ("noise", "completion"):
            return generator
        if "sample" in model.offers:  # then that is what it dreams
            return bound(Negatives(source="usual"), generator)
        return bound(Negatives(source="dream", **{**dreamt, "label": "dreamt"}), generator)

    prepared = Prepared(
        request=request,
        data=its,
        entries=entries,
        streams=streams,
        learner=learner,
        images=images,
        labels=labels,
        words={
            "phase": tuple(PHASES),
            "block": tuple(dict.fromkeys(e.block or request.protocol.name for e in entries)),
            "stage": results.STAGES,
            "sign": results.SIGNS,
            "layer": tuple(getattr(learner, "layer_names", ())),
            "readout": tuple(getattr(learner, "readouts", ())),
        },
        quantities=quantities,
        probe=Probe(
            *_placed(validation, request),
            truth=None
            if validation.truth is None
            else torch.tensor(validation.truth, dtype=request.dtype, device=request.device),
            fresh=fresh,
            quantities=[name for name in quantities if name != "sleep_pressure"],
            entropy=validation.entropy(getattr(learner, "sees_labels", False))
            if its.population
            else None,
        ),
        batches={
            name: BatchStream(len(train), batch, streams(f"batches {name}"))
            for name in ("awake", "asleep")
        },
        sources={
            key: bound(
                negatives,
                streams("negatives" if negatives == spec.negatives else f"negatives {key}"),
            )
            for key, negatives in used.items()
        },
        seen=Jitter(its.shape, spec.data.jitter, streams("jitter")) if spec.data.jitter else None,
    )
    missing = {layer for entry in entries for layer in entry.layers or ()}
    missing -= set(range(1, len(getattr(learner, "layer_names", ())) + 1))
    if missing:
        raise InputError(
            f"a phase trains layer {min(missing)}, but model '{model.name}' has "
            f"{len(prepared.words['layer'])} layers"
        )
    for condition in {entry.until for entry in entries if entry.until is not None}:
        _check_condition(condition, prepared)
    return prepared


def source_key(negatives: Negatives) -> str:
    """Return a text that two equal sources of negative data share."""
    return json.dumps(negatives.model_dump(), sort_keys=True)


def _meant(negatives: Negatives, model: LoadedModel) -> Negatives:
    """Return what ``usual`` stands for where a model cannot draw samples; else as they are."""
    if SOURCES[negatives.source].own and "sample" not in model.offers:
        unlabelled = getattr(model.parameters, "label", None) == "none"
        return Negatives(source="hybrid" if unlabelled else "wrong_label")
    return negatives


def _check_negatives(negatives: Negatives, its: DataSet, learner: Any, name: str) -> None:
    """Refuse negative data from which a learner would learn nothing."""
    source = SOURCES[negatives.source]
    default = "wrong" if negatives.source == "dream" else ""
    wrong = negatives.options.get("label", default) == "wrong" or negatives.source == "mixture"
    if its.classes < 2 and (source.labels_only or wrong):
        raise InputError(
            f"negative data '{negatives.source}' need another label, but '{its.name}' has only one"
        )
    if source.labels_only and not getattr(learner, "sees_labels", True):
        raise InputError(
            f"negative data '{negatives.source}' differ from real data by their label alone, which "
            f"model '{name}' does not see; "
            + (
                "its own samples are 'usual'"
                if hasattr(learner, "sample")
                else "choose others, such as 'hybrid'"
            )
        )
    if not source.own and getattr(learner, "own_negatives_only", False):
        raise InputError(
            f"model '{name}' learns asleep from what it dreams itself alone: its negative data are "
            f"'usual', not '{negatives.source}'"
        )


def _quantities(request: Request, its: DataSet) -> tuple[str, ...]:
    """Return what every probe records: what was asked for, or all that can be had."""
    spec, offers = request.protocol.spec, request.model.offers
    asked = spec.record.quantities
    for name in {"divergence", "distinct_codes", "completion"} & set(asked or ()):
        if not its.population:
            raise InputError(
                f"record '{name}': '{its.name}' is a sample, not a population known in full"
            )
    if asked is not None and "kl" in asked and its.validation.truth is None:
        raise InputError(f"record 'kl': the true probabilities of '{its.name}' are not known")
    possible = {
        name: set(quantity.needs) <= set(offers) for name, quantity in results.QUANTITIES.items()
    }
    possible["kl"] &= its.validation.truth is not None
    for name in ("divergence", "distinct_codes"):
        possible[name] &= its.population and len(its.validation.first(spec.record.cases)) == len(
            its.validation
        )
    for name in ("log_likelihood", "divergence"):
        possible[name] &= its.validation.binary
    possible["completion"] = asked is not None  # it takes far longer than all other quantities
    possible["sleep_pressure"] = spec.sleep_pressure is not None
    return tuple(name for name in possible if (possible[name] if asked is None else name in asked))


def _placed(cases: Cases, request: Request) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    return (
        torch.tensor(cases.images, dtype=request.dtype, device=request.device),
        torch.tensor(cases.labels, device=request.device),
    )


def _check_condition(condition: Condition, prepared: Prepared) -> None:
    if condition.quantity not in prepared.quantities:
        raise InputError(
            f"condition on '{condition.quantity}': it is not recorded here"
            f"{choices(condition.quantity, prepared.quantities, 'recorded are')}"
        )
    for dim in ("layer", "readout"):
        chosen = getattr(condition, dim)
        if chosen is not None and chosen not in prepared.words[dim]:
            raise InputError(
                f"condition on '{condition.quantity}': the model has no {dim} '{chosen}'"
                f"{choices(chosen, prepared.words[dim])}"
            )
