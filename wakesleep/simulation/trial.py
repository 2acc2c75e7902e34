"""A trial of the user's own code before anything is written; it does not change the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wakesleep.data.batches import BatchStream
from wakesleep.errors import InputError, RunError, listed
from wakesleep.files import own_errors, references
from wakesleep.learners.build import build
from wakesleep.learners.chunks import Setting
from wakesleep.negatives import BoundSource, Context, source
from wakesleep.protocols.kinds import PHASES
from wakesleep.runtime.randomness import Streams
from wakesleep.simulation.chunks import chunk_of
from wakesleep.simulation.prepare import Prepared, prepare
from wakesleep.simulation.probes import measured_by
from wakesleep.simulation.request import Request


def ready(request: Request) -> Prepared:
    """Prepare a run, and try the user's own code, if any, for one batch.

    Raises
    ------
    InputError
        As :func:`wakesleep.simulation.prepare.prepare`; also if the user's code raises, with its
        file and line, or returns something else than it should.
    """
    code: Mapping[str, Any] = json.loads(request.code())
    with own_errors.in_one_line(code, InputError):
        prepared = prepare(request)
        if code:
            try:
                _try(prepared)
            except RunError as error:
                raise InputError(str(error)) from error
    return prepared


def _try(prepared: Prepared) -> None:
    """Call every piece of the user's code once, with random streams of the trial alone."""
    request = prepared.request
    streams = Streams(request.seed, request.device)
    sources = {key: _twin_source(key, its, streams) for key, its in prepared.sources.items()}
    _try_sources(prepared, sources)
    _try_quantities(prepared)
    if not references.references([request.model.values, request.model.own_kind]):
        return
    setting = Setting.of(prepared.data, request.device, request.dtype, request.seed)
    twin = build(request.model, setting)
    batches = {
        name: BatchStream(stream.cases, stream.batch, streams(f"trial {name}"), stream.among)
        for name, stream in prepared.batches.items()
    }
    trial = replace(prepared, learner=twin, sources=sources, batches=batches)
    _check_answers(twin, prepared)
    prepared.probe.measure(twin)
    tried = set()
    for entry in prepared.entries:
        kind = (PHASES[entry.phase].sign, entry.mode, repr(entry.negatives), repr(entry.replay))
        if kind[0] is not None and kind not in tried:
            tried.add(kind)
            twin.learn(chunk_of(trial, entry, 0, 1))
    state = twin.state_dict()
    if not isinstance(state, dict):
        raise InputError(
            f"kind '{request.model.spec.kind}': state_dict returns {type(state).__name__}; "
            "expected a dictionary"
        )
    twin.load_state_dict(state)


def _twin_source(key: str, bound: BoundSource, streams: Streams) -> BoundSource:
    its = bound.context
    return replace(
        bound, context=Context(its.classes, its.shape, streams(f"trial {key}"), its.options)
    )


def _try_sources(prepared: Prepared, sources: Mapping[str, BoundSource]) -> None:
    few = slice(0, prepared.batches["awake"].batch)
    model = prepared.request.model
    for key, bound in sources.items():
        name = json.loads(key.removeprefix("replay"))["source"]
        if not references.is_reference(references.installed("negatives").get(name, name)):
            continue
        needs = source(name).needs
        if needs and needs not in model.offers:
            raise InputError(
                f"negative data '{name}' need '{needs}', which model '{model.name}' does not offer"
            )
        images, _ = bound.function(
            prepared.learner, prepared.images[few], prepared.labels[few], bound.context
        )
        if not bool(images.isfinite().all()):
            raise InputError(f"negative data '{name}' return images that are not finite")


def _check_answers(twin: Any, prepared: Prepared) -> None:
    """Refuse outputs of a wrong shape, such as those of a wrong user-defined ``classify``."""
    few = slice(0, prepared.batches["awake"].batch)
    images, labels = prepared.images[few], prepared.labels[few]
    model, count = prepared.request.model, len(images)
    asked: list[tuple[str, Any, tuple[int, ...]]] = []
    if "classify" in model.offers:
        asked += [("classify", twin.classify(images, its), (count,)) for its in twin.readouts]
    if "goodness" in model.offers:
        asked.append(("goodness", twin.goodness(images, labels), (len(twin.layer_names), count)))
    for name, answer, wanted in asked:
        shape = tuple(getattr(answer, "shape", ()))
        if shape != wanted:
            raise InputError(
                f"kind '{model.spec.kind}': {name} returns shape {shape} for {count} cases; "
                f"expected {wanted}"
            )


def _try_quantities(prepared: Prepared) -> None:
    sizes = {dim: len(words) for dim, words in prepared.words.items()}
    for name, quantity in prepared.quantities.items():
        if quantity.function is None:
            continue
        value = measured_by(quantity, prepared.learner, prepared.probe)
        wanted = tuple(sizes[dim] for dim in quantity.dims)
        if value.shape != wanted:
            raise InputError(
                f"quantity '{name}' has shape {value.shape}; expected {wanted} "
                f"({listed(quantity.dims) or 'one number'})"
            )
