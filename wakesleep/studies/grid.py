"""From a study file to its runs: each is checked, and named after the values that define it."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wakesleep.errors import InputError, choices
from wakesleep.files import documents, library, references, specs
from wakesleep.learners.kinds import KINDS, READOUTS
from wakesleep.learners.model_file import LoadedModel
from wakesleep.plots.wanted import Scalar
from wakesleep.protocols.phases import block_names, walk
from wakesleep.protocols.protocol_file import LoadedProtocol
from wakesleep.simulation.loading import check_fit, load_model, load_protocol
from wakesleep.simulation.request import identity
from wakesleep.studies.spec import MOST_RUNS, Arm, Study, arm_name


@dataclass(frozen=True)
class Job:
    """One run of a study.

    Attributes
    ----------
    name
        Name of its store, unique to what is run.
    protocol, model, seed
        What is run.
    """

    name: str
    protocol: LoadedProtocol
    model: LoadedModel
    seed: int


@dataclass(frozen=True)
class LoadedStudy:
    """A study file and its runs.

    Attributes
    ----------
    spec
        The file's content.
    document
        The file.
    jobs
        Every run, by name.
    grid
        For every place in the grid (one index per dimension, the seed last) the name of its run.
        Places that differ only in values that a protocol does not have share a run.
    """

    spec: Study
    document: documents.Document
    jobs: dict[str, Job]
    grid: dict[tuple[int, ...], str]

    @property
    def files(self) -> list[Path]:
        """All files that define the runs: the study, its protocols and models, and their code."""
        documents_ = {id(self.document): self.document}
        for job in self.jobs.values():
            documents_[id(job.protocol.document)] = job.protocol.document
            documents_[id(job.model.document)] = job.model.document
        found: dict[Path, None] = {}
        for its in documents_.values():
            if Path(its.source).is_file():
                found[Path(its.source).resolve()] = None
            for reference in references.references(
                references.placed(its.tree, its.folder or Path.cwd())
            ):
                path = references.source_file(reference)
                if path is not None:
                    found[Path(path).resolve()] = None
        return list(found)


def load(name: str | Path, seeds: int | None = None, device: str = "cpu") -> LoadedStudy:
    """Load a study file and check all of its runs.

    Parameters
    ----------
    name
        Name of a shipped study, or a path.
    seeds
        Number of seeds, instead of the file's.
    device
        ``cpu`` or ``cuda``; runs on different devices count as different runs.

    Raises
    ------
    InputError
        If the file, or any protocol or model it names, is wrong; if a value fits none of them; or
        if the grid is too large.
    """
    document = documents.read(library.find(str(name), ("studies",)))
    if "study" not in document.tree:
        raise InputError(
            f"{document.source}:1:1: not a study: it needs a key 'study' that names it"
        )
    folder = document.folder or Path.cwd()
    texts = ("study", "description", "references")
    tree = {
        key: value if key in texts else references.placed(value, folder)
        for key, value in document.tree.items()
    }
    spec = specs.validate(Study, tree, document)
    if seeds is not None:
        if not 1 <= seeds <= MOST_RUNS:
            raise InputError(f"a study has from one to {MOST_RUNS:,} seeds, not {seeds:.6g}")
        spec = spec.model_copy(update={"seeds": seeds})
    count = len(spec.seed_list)
    for its in spec.dims.values():
        count *= len(its)
    if count > MOST_RUNS:
        raise InputError(
            f"study '{spec.study}' has {count:,} runs; at most {MOST_RUNS:,} are allowed"
        )
    _refuse_arms_that_are_varied(spec, document)
    protocols = [_arm(arm, load_protocol, document) for arm in spec.protocols]
    models = [_arm(arm, load_model, document) for arm in spec.models]
    _check_names(spec, document, protocols, models)
    for number, figure in enumerate(spec.figures):
        try:
            spec.check_dimensions(figure)
        except ValueError as error:
            raise document.error(("figures", number), str(error)) from None
    jobs: dict[str, Job] = {}
    grid: dict[tuple[int, ...], str] = {}
    axes = [range(len(next(iter(item.values())))) for item in spec.vary]
    filled = _Filled(protocols, models)
    for place in itertools.product(range(len(models)), range(len(protocols)), *axes):
        own = _own(spec.protocols[place[1]]) | {
            f"model.{name}" for name in _own(spec.models[place[0]])
        }
        values: dict[str, Scalar] = {
            name: value for name, value in spec.set.items() if name not in own
        }
        values |= _inputs(spec.models[place[0]])
        for item, number in zip(spec.vary, place[2:], strict=True):
            values |= {name: choices[number] for name, choices in item.items()}
        try:
            protocol, model = filled.at(place[1], place[0], values)
        except InputError as error:
            shown = ", ".join(f"{name}={value}" for name, value in values.items())
            raise InputError(
                f"study '{spec.study}', at {shown or 'its only place'}: {error}"
            ) from None
        cell = _cell_name(spec, place, {**identity(protocol, model), "device": device})
        for number, seed in enumerate(spec.seed_list):
            run = f"{cell}-seed{seed}"
            jobs[run] = Job(run, protocol, model, seed)
            grid[*place, number] = run
    _check_phases(spec, document, list(jobs.values()))
    return LoadedStudy(spec, document, jobs, grid)


def _check_phases(spec: Study, document: documents.Document, jobs: list[Job]) -> None:
    """Refuse an outcome or a figure of a phase, block or read-out that does not exist."""
    known = {phase.phase for job in jobs for phase in walk(job.protocol.spec.phases)}
    blocks = {
        its for job in jobs for its in (job.protocol.name, *block_names(job.protocol.spec.phases))
    }
    shipped = all(job.model.spec.kind in KINDS for job in jobs)  # user-defined ones may differ

    def refuse(
        path: documents.Path_, word: str | None, allowed: Collection[str], told: str
    ) -> None:
        if word is not None and word not in allowed:
            raise document.error(path, f"{told} '{word}'{choices(word, allowed, 'there are')}")

    for name, its in spec.outcomes.items():
        path = ("outcomes", name)
        refuse((*path, "block"), its.block, sorted(blocks), "no protocol of this study has a block")
        for repeat in its.cycles or {}:
            told = "no protocol of this study has a repeat"
            refuse((*path, "cycles"), repeat, sorted(blocks), told)
        if shipped:
            refuse((*path, "readout"), its.readout, READOUTS, "there is no read-out")
    places: list[tuple[documents.Path_, str]] = [
        (("outcomes", name, "at"), its.at) for name, its in spec.outcomes.items()
    ]
    places += [(("figures", number, "at"), its.at) for number, its in enumerate(spec.figures)]
    for place, at in places:
        if at != "any":
            refuse(place, at, sorted(known), "no protocol of this study has a phase")


def _own(arm: str | Arm) -> set[str]:
    """Return the names that an arm sets itself; the study's ``set`` does not change them.

    Parts of a parameter are among them: ``hardware.noise`` of ``hardware: {noise: 2}``.
    """
    return set(_names(arm.set)) if isinstance(arm, Arm) else set()


def _names(values: Mapping[str, Any], within: str = "") -> Iterator[str]:
    for name, value in values.items():
        yield f"{within}{name}"
        if isinstance(value, Mapping):
            yield from _names(value, f"{within}{name}.")


def _inputs(arm: str | Arm) -> dict[str, Scalar]:
    """Return the inputs of the protocol that are set only for the runs of a model."""
    return dict(arm.inputs) if isinstance(arm, Arm) else {}


def _refuse_arms_that_are_varied(spec: Study, document: documents.Document) -> None:
    own = {name for arm in spec.protocols for name in _own(arm)}
    own |= {name for arm in spec.models for name in _inputs(arm)}
    own |= {f"model.{name}" for arm in spec.models for name in _own(arm)}
    for number, item in enumerate(spec.vary):
        for name in item:
            if name in own:
                raise document.error(
                    ("vary", number, name),
                    f"'{name}' is varied, and set by one of the arms as well",
                )


def _arm(arm: str | Arm, loader: Any, document: documents.Document) -> Any:
    name, values = (arm.use, arm.set) if isinstance(arm, Arm) else (arm, {})
    beside = (document.folder or Path.cwd()) / name
    try:
        return loader(beside if beside.is_file() else name, values)
    except InputError as error:
        raise InputError(f"study {document.source}: {error}") from None


def _check_names(
    spec: Study,
    document: documents.Document,
    protocols: list[LoadedProtocol],
    models: list[LoadedModel],
) -> None:
    """Refuse a name that no protocol and no model knows."""
    inputs = sorted({name for its in protocols for name in its.values})
    parameters = sorted({f"model.{name}" for its in models for name in its.values})
    places: list[tuple[documents.Path_, str]] = [(("set", name), name) for name in spec.set]
    places += [
        (("vary", number, name), name) for number, its in enumerate(spec.vary) for name in its
    ]
    set_twice = {name for arm in spec.protocols for name in _own(arm)}
    set_twice &= {name for arm in spec.models for name in _inputs(arm)}
    if set_twice:
        raise document.error(
            ("models",),
            f"'{min(set_twice)}' is set by a model's 'inputs', and by one of the protocols as well",
        )
    places += [
        (("models", number, "inputs", name), name)
        for number, arm in enumerate(spec.models)
        for name in _inputs(arm)
    ]
    for path, name in places:
        known = parameters if name.startswith("model.") and path[0] != "models" else inputs
        if name not in known and _whole(name) not in known:
            what = "a parameter of no model" if known is parameters else "an input of no protocol"
            raise document.error(
                path,
                f"'{name}' is {what} of this study{choices(name, known)}",
            )


@dataclass
class _Filled:
    """Protocols and models with their values set; each of them is checked once."""

    protocols: list[LoadedProtocol]
    models: list[LoadedModel]
    made: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def at(
        self, protocol: int, model: int, values: Mapping[str, Scalar]
    ) -> tuple[LoadedProtocol, LoadedModel]:
        """Set those values that a protocol and a model have, and check that the two fit."""
        inputs = {
            name: value for name, value in values.items() if name in self.protocols[protocol].values
        }
        parameters = {
            name.removeprefix("model."): value
            for name, value in values.items()
            if name.startswith("model.") and self._takes(self.models[model], name)
        }
        filled = (
            self._once(load_protocol, self.protocols[protocol], inputs),
            self._once(load_model, self.models[model], parameters),
        )
        check_fit(*filled)
        return filled

    def _takes(self, model: LoadedModel, name: str) -> bool:
        """Say whether a model has a parameter, or uses the one that this is a part of.

        A part that no model uses so far is for all that could: it switches devices on, say.
        """
        values, whole = model.values, _whole(name).removeprefix("model.")
        if name.removeprefix("model.") in values or values.get(whole) is not None:
            return True
        return whole in values and all(its.values.get(whole) is None for its in self.models)

    def _once(self, loader: Any, its: Any, values: Mapping[str, Scalar]) -> Any:
        # The key is the written text, because 1, 1.0 and true are equal as dictionary keys.
        key = (id(its), json.dumps(values))
        if key not in self.made:
            self.made[key] = loader(its, values)
        return self.made[key]


def _whole(name: str) -> str:
    """Return ``model.hardware`` for ``model.hardware.noise``, a part of it."""
    return ".".join(name.split(".")[:2]) if name.startswith("model.") else name


def _cell_name(spec: Study, place: tuple[int, ...], decides: Mapping[str, Any]) -> str:
    """Return a readable name of a run, with a hash of everything that defines it."""
    parts = [arm_name(spec.models[place[0]]), arm_name(spec.protocols[place[1]])]
    for item in spec.vary:
        name = next(iter(item))
        its = json.loads(decides["parameters" if name.startswith("model.") else "inputs"])
        short = name.removeprefix("model.")
        if short in its:
            parts.append(f"{short}={its[short]}")
            continue
        for key in short.split("."):
            its = its.get(key) if isinstance(its, dict) else None
        if its is not None:
            parts.append(f"{short}={its}")
    readable = re.sub(r"[^\w.=+-]", "_", "-".join(parts))[:120]
    digest = hashlib.sha256(json.dumps(dict(decides), sort_keys=True).encode()).hexdigest()
    return f"{readable}-{digest[:8]}"
