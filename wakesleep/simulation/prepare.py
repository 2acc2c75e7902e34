"""From checked input to all that a run needs: data, network, timetable, probes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wakesleep.data.source import DataSource
from wakesleep.errors import InputError
from wakesleep.learners.build import build
from wakesleep.learners.chunks import Setting
from wakesleep.negatives import Context, bind, source
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.known import resolve
from wakesleep.protocols.negatives import Negatives
from wakesleep.protocols.timetable import Entry, timetable
from wakesleep.results import schema
from wakesleep.results.provenance import git_commit, now, sha256, versions
from wakesleep.results.schema import Quantity
from wakesleep.simulation.refusals import (
    check_condition,
    check_labels,
    check_size_of_activities,
    check_sizes,
    check_spontaneous,
    check_stored,
    check_views,
    meant_by,
    quantities_to_record,
)
from wakesleep.simulation.request import Request
from wakesleep.simulation.special import check_all_negatives, check_devices
from wakesleep.simulation.start import met, take_up
from wakesleep.simulation.streams import (
    Presented,
    other_data,
    some_classes,
    stored_cases,
    views_of,
)

if TYPE_CHECKING:
    import torch

    from wakesleep.data import Cases, DataSet
    from wakesleep.data.batches import BatchStream
    from wakesleep.data.jitter import Jitter
    from wakesleep.data.views import View
    from wakesleep.negatives import BoundSource
    from wakesleep.runtime.randomness import Streams
    from wakesleep.simulation.probes import Probe


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
        What every probe records, by name.
    batches
        Cases in the order of waking (``awake``; also for interleaved steps) and of sleep
        (``asleep``), by :func:`stream_name`.
    sources
        Every source of negative data that a phase uses, by :func:`source_key`.
    seen
        Change of images at every presentation, such as shifts; None for no change.
    presented
        Called with a phase, returns the training images as its task presents them.
    """

    request: Request
    data: DataSet
    entries: tuple[Entry, ...]
    streams: Streams
    learner: Any
    images: torch.Tensor
    labels: torch.Tensor
    words: dict[str, tuple[str, ...]]
    quantities: Mapping[str, Quantity]
    probe: Probe
    batches: dict[str, BatchStream]
    sources: dict[str, BoundSource]
    seen: Jitter | None
    presented: Presented

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

    def sources_of(self, entry: Entry) -> list[BoundSource]:
        """Return every source that a phase may draw from."""
        replay = self.replayed(entry)
        return [self.source(entry), *([] if replay is None else [replay])]

    def replayed(self, entry: Entry) -> BoundSource | None:
        """Return where the cases of a replay come from; None in any other phase."""
        if entry.replay is None:
            return None
        return self.sources[source_key(entry.replay.told, "replay")]

    def negatives(self, entry: Entry) -> BoundSource | None:
        """Return the source of negatives for a chunk of the phase; None if it needs none."""
        if PHASES[entry.phase].sign == "positive":
            return None
        own = source(entry.negatives.source).own and "sample" in self.request.model.offers
        return None if own else self.source(entry)

    def block(self, entry: Entry) -> str:
        """Return the name of a phase's block; outside of all blocks, the protocol's name."""
        return entry.block or self.request.protocol.name

    def placed(self, cases: Cases) -> tuple[torch.Tensor, torch.Tensor]:
        """Return images and labels as tensors on the run's device."""
        return _placed(cases, self.request)

    def attributes(self) -> dict[str, Any]:
        """Return the provenance that the result holds before the first step."""
        from wakesleep.runtime.device import describe

        request = self.request
        return {
            "wakesleep_schema": schema.SCHEMA_VERSION,
            "every_chunk": 1,  # each row that is recorded has its chunk, also one of blanks
            "title": f"{request.protocol.name} on {request.model.name}",
            "status": "running",
            **request.identity(),
            "identity": json.dumps(request.identity()),
            # What repeats the run, with whole paths.
            "inputs": json.dumps(dict(request.protocol.values)),
            "parameters": json.dumps(request.model.values),
            "protocol_folder": str(request.protocol.folder),
            "model_folder": str(request.model.folder),
            "data_source": request.data.model_dump_json(exclude_unset=True)
            if isinstance(request.data, DataSource)
            else "",
            # How data that were given in Python were read; they themselves are not kept.
            "data_options": ""
            if isinstance(request.data, DataSource)
            else json.dumps(dict(request.options)),
            "code": request.code(),
            "protocol_text": request.protocol.document.text,
            "protocol_sha256": sha256(request.protocol.document.text),
            "model_text": request.model.document.text,
            "model_sha256": sha256(request.model.document.text),
            "data_sha256": self.data.digest,
            "validation_cases": len(self.probe.labels),
            "device_name": describe(request.device),
            "versions": json.dumps(versions()),
            "git_commit": git_commit(),
            "started": now(),
            **({} if request.start is None else {"start": str(request.start.resolve())}),
        }


def prepare(request: Request) -> Prepared:
    """Load the data, build the model and unroll the timetable.

    Raises
    ------
    InputError
        If the data are missing or too few, the model cannot be built, or a condition needs
        something that the model does not have.
    """
    import torch

    from wakesleep.data.batches import BatchStream
    from wakesleep.data.jitter import Jitter
    from wakesleep.simulation.probes import Probe

    spec, model = request.protocol.spec, request.model
    its = request.load()
    train = its.train.first(spec.data.train or None)
    batch = spec.data.batch_of(len(train))
    check_sizes(spec.data, its, len(train))
    entries = resolve(timetable(spec, len(train), source), its.classes, met(request, its.classes))
    setting = Setting.of(its, request.device, request.dtype, request.seed)
    streams, learner = setting.streams, build(model, setting)
    if request.start is not None:
        take_up(learner, request, streams)
    check_labels(its, learner, model)
    quantities = quantities_to_record(request, its)
    images, labels = _placed(train, request)
    check_stored(entries, labels.unique().tolist(), its.name)
    check_views(entries, its)
    check_spontaneous(entries, learner, its.features)
    check_devices(entries, model)
    if hasattr(learner, "check_data"):
        learner.check_data(images)
    if spec.clock is not None and hasattr(learner, "check_clock"):
        learner.check_clock(3600 / spec.clock.steps_per_hour / batch)
    validation = its.validation.first(spec.record.cases)
    used = {source_key(entry.negatives): entry.negatives for entry in entries}
    used |= {source_key(its, "replay"): its for its in (e.replay.told for e in entries if e.replay)}
    check_all_negatives(entries, request, its, learner, batch)
    # In a probe, a dream has its own label, whatever label it gets in sleep.
    dreaming = (its for its in used.values() if its.source in ("dream", "mixture"))
    dreamt = dict(next((its.options for its in dreaming), {}))
    dreamt.pop("dreams", None)

    def bound(negatives: Negatives, generator: torch.Generator) -> BoundSource:
        negatives = meant_by(negatives, model)
        cases = stored_cases(negatives, images, labels, its.classes)
        context = Context(its.classes, its.shape, generator, negatives.options, cases=cases)
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

    others = other_data(entries, its, request.protocol.folder)
    shown = {
        name: _placed(one.train.first(spec.data.train or None), request)
        for name, one in others.items()
    }
    for name, cases in shown.items():
        if len(cases[0]) < batch:
            raise InputError(
                f"data: batch is {batch}, but a task's data '{others[name].name}' have "
                f"{len(cases[0])} training cases"
            )
        if hasattr(learner, "check_data"):
            learner.check_data(cases[0])

    def seen(view: View) -> tuple[torch.Tensor, torch.Tensor]:
        own = others[view.data].validation.first(spec.record.cases) if view.data else validation
        its_images, its_labels = _placed(own, request)
        return view(its_images, its.shape), its_labels

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
            "stage": schema.STAGES,
            "sign": schema.SIGNS,
            "layer": tuple(getattr(learner, "layer_names", ())),
            "readout": tuple(getattr(learner, "readouts", ())),
            "class": tuple(map(str, range(its.classes))),
            "view": tuple(views_of(entries)),
            "repeat": tuple(dict.fromkeys(name for e in entries for name in e.counters)),
        },
        quantities=quantities,
        probe=Probe(
            *_placed(validation, request),
            truth=None
            if validation.truth is None
            else torch.tensor(validation.truth, dtype=request.dtype, device=request.device),
            fresh=fresh,
            quantities={
                name: quantity for name, quantity in quantities.items() if name != "sleep_pressure"
            },
            classes=its.classes,
            activity_cases=min(spec.record.activities or 0, len(validation)),
            entropy=validation.entropy(getattr(learner, "sees_labels", False))
            if its.population
            else None,
            views={name: seen(view) for name, view in views_of(entries).items()},
        ),
        batches={
            name: BatchStream(len(train), batch, streams(f"batches {name}"))
            for name in ("awake", "asleep")
        }
        | some_classes(entries, labels, batch, streams)
        | {
            f"{name} {other}": BatchStream(len(cases[0]), batch, streams(f"batches {name} {other}"))
            for other, cases in shown.items()
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
        presented=Presented(images, labels, its.shape, shown),
    )
    if schema.ACTIVITY in quantities:
        layers = prepared.probe.activities(learner)
        named = zip(prepared.words["layer"], layers, strict=True)
        prepared.words["unit"] = tuple(name for name, y in named for _ in range(y.shape[1]))
        named_cases = prepared.probe.labels[: prepared.probe.activity_cases]
        prepared.words["case"] = tuple(map(str, named_cases.tolist()))
        probes = 1 + sum(entry.probes for entry in entries)
        check_size_of_activities(probes, len(named_cases), len(prepared.words["unit"]))
    missing = {layer for entry in entries for layer in entry.layers or ()}
    missing -= set(range(1, len(getattr(learner, "layer_names", ())) + 1))
    if missing:
        raise InputError(
            f"a phase trains layer {min(missing)}, but model '{model.name}' has "
            f"{len(prepared.words['layer'])} layers"
        )
    for condition in {repr(its.until): its.until for its in entries if its.until}.values():
        check_condition(condition, quantities, prepared.words)
    return prepared


def source_key(negatives: Negatives, use: str = "") -> str:
    """Return a key of a source of negative data; it is the same for equal sources with one use."""
    return use + json.dumps(negatives.model_dump(), sort_keys=True)


def _placed(cases: Cases, request: Request) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    return (
        torch.tensor(cases.images, dtype=request.dtype, device=request.device),
        torch.tensor(cases.labels, device=request.device),
    )
