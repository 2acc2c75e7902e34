"""The verb ``run``: checks its arguments, creates or resumes the store, and starts the loop."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError, listed
from wakesleep.files import outputs
from wakesleep.files.remote import address_of
from wakesleep.learners.model_file import LoadedModel
from wakesleep.protocols.protocol_file import LoadedProtocol
from wakesleep.results import schema, store
from wakesleep.runtime.progress import quietly
from wakesleep.runtime.ranks import Ranks, joined
from wakesleep.simulation import along, checkpoint
from wakesleep.simulation.lease import sole_writer
from wakesleep.simulation.loading import check_fit, load_model, load_protocol, recorded_data
from wakesleep.simulation.loop import Run
from wakesleep.simulation.prepare import Prepared
from wakesleep.simulation.remote import copied
from wakesleep.simulation.request import Request, given_data, recorded_identity
from wakesleep.simulation.special import check_parallel
from wakesleep.simulation.trial import ready

if TYPE_CHECKING:
    import xarray as xr


MOST_SEED = 2**63 - 1  # what a result can hold as a number


def run(
    protocol: str | Path | LoadedProtocol,
    model: str | Path | LoadedModel | None = None,
    *,
    seed: int = 0,
    device: str = "auto",
    out: str | Path | None = None,
    resume: bool = False,
    quiet: bool = True,
    inputs: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    dtype: str = "float32",
    progress: Callable[[int, int], bool | None] | None = None,
    data: Any = None,
    data_options: Mapping[str, Any] | None = None,
    network: bool = True,
    start: str | Path | None = None,
    parallel: str | None = None,
) -> xr.Dataset:
    """Run a protocol on a model.

    Parameters
    ----------
    protocol, model
        Library names, paths, or what :func:`wakesleep.load` returned; the default model is that
        of ``start``.
    seed
        Seed of all random numbers.
    device
        ``auto``, ``cpu`` or ``cuda``.
    out
        Zarr store to write, or an address such as ``s3://bucket/run.zarr``; None keeps the result
        in memory only.
    resume
        Continue the run in ``out`` from where it stopped; start it if there is none yet.
    quiet
        Show no progress (a bar, or lines if stderr is not a terminal).
    inputs
        Values for the protocol's inputs.
    parameters
        Values for the model's parameters.
    dtype
        ``float32``, ``float64`` or, on a CUDA GPU, ``tf32``: float32 with matrix products whose
        factors are rounded to 10 bits.
    progress
        Function that is called from time to time with the steps done and the total number of steps;
        it replaces the bar. If it returns True, the run stops at a point where it can be continued.
    data
        Data that replace those of the file: the name of a data set, the path of a file or
        folder, arrays ``(x, y)``, a dictionary of arrays, an xarray data set with the dimension
        ``case``, a torch data set, or a :class:`wakesleep.data.DataSet`. By default those of the
        model; if a result is repeated or continued, those of that run.
    data_options
        How data from outside the package are read, such as ``{"scale": "minmax"}``; see
        :class:`wakesleep.data.source.DataSource`.
    network
        Keep the trained network in a checkpoint beside the store.
    start
        The store of another run, whose trained network is the start of this run.
    parallel
        ``layers`` divides the layers of a Forward-Forward network among the processes that
        ``torchrun`` started; ``data`` divides the cases of every batch. Every process makes the
        same call. Process 0 writes the result.

    Returns
    -------
    xarray.Dataset
        See :mod:`wakesleep.results.store` for its variables.

    Raises
    ------
    InputError
        If an argument is wrong; then nothing has been written.
    RunError
        If weights stop being finite, the disk is full, or the run is interrupted; what was
        recorded is kept.
    """
    from wakesleep.runtime.device import number_format, resolve

    if (address := address_of(out)) is not None:
        if parallel is not None:
            raise InputError(f"{address}: a run of several processes is written to a local path")
        with copied(address, resume) as copy:
            return run(
                protocol, model, seed=seed, device=device, out=copy, resume=True, quiet=quiet,
                inputs=inputs, parameters=parameters, dtype=dtype, progress=progress, data=data,
                data_options=data_options, network=network, start=start,
            )  # fmt: skip
    given = protocol, (start if model is None else model)
    protocol = load_protocol(protocol, inputs)
    if model is None and start is None:
        raise InputError("give a model, or a trained network by 'start'")
    model = load_model(given[1], parameters)  # type: ignore[arg-type]
    check_fit(protocol, model)
    if data is None:
        data = recorded_data(given, inputs or {}, protocol, model)
    if type(seed) is not int or not 0 <= seed <= MOST_SEED:
        raise InputError(f"seed must be a whole number from 0 to {MOST_SEED}, not {seed!r}")
    where = resolve(device)
    its_dtype, tf32 = number_format(dtype, where)
    out = None if out is None else outputs.checked(out)
    if out is None and protocol.spec.record.networks:
        raise InputError("'record: {networks: ...}' needs 'out', the store beside which they lie")
    its_data, options = given_data(data, data_options)
    start = None if start is None else Path(start)
    request = Request(protocol, model, seed, where, its_dtype, its_data, options, tf32, start)
    with joined(parallel) as ranks:
        return _made(request, out, resume, quiet, progress, network, ranks)


def _made(
    request: Request,
    out: Path | None,
    resume: bool,
    quiet: bool,
    progress: Callable[[int, int], bool | None] | None,
    network: bool,
    ranks: Ranks | None,
) -> xr.Dataset:
    """Make or continue a run that has been checked."""
    from wakesleep.runtime.device import products

    protocol, model = request.protocol, request.model
    going_on = _going_on(request, out, resume)
    if out is not None and going_on is not None and going_on.attrs["status"] == "finished":
        if told := checkpoint.damage(checkpoint.path_for(out)):
            warnings.warn(
                f"{told}; the result is complete, but its trained network cannot be read",
                stacklevel=2,
            )
        return going_on
    with quietly(quiet), products(request.tf32):
        prepared = ready(request)
    if ranks is not None:
        from wakesleep.learners.forward_forward.divided import spread

        cases = protocol.spec.data
        spread(prepared.learner, ranks, cases.batch_of(len(prepared.images)))
        if ranks.way == "layers":
            check_parallel(prepared.entries, cases.updates_per_batch, model)
        ranks.wait()  # all have seen whether there is a store
    if going_on is not None and going_on.attrs["data_sha256"] != prepared.data.digest:
        raise InputError(
            f"{out}: cannot be resumed, because its data have changed since it started"
        )
    for sentence in protocol.spec.warnings():
        warnings.warn(f"protocol '{protocol.name}': {sentence}", stacklevel=2)
    untrained = prepared.untrained
    if untrained:
        warnings.warn(
            f"protocol '{protocol.name}' never trains layer {listed(untrained)} of model "
            f"'{model.name}', which keeps its initial weights",
            stacklevel=2,
        )
    if ranks is not None and ranks.rank:  # this process writes nothing
        with products(request.tf32):
            its = Run(prepared, _create(prepared, None), None, network, ranks=ranks, resumes=out)
            return its.go(True, progress)
    place = out if going_on is not None else _create(prepared, out)
    with sole_writer(out) as mine, products(request.tf32):
        if out is not None and going_on is not None:
            so_far = store.open_result(out)
            if so_far.attrs["status"] == "finished":  # by another process, a moment ago
                return so_far
        its = Run(prepared, place, out, network, mine, ranks=ranks)
        result = its.go(quiet, progress)
    told = silence(result)
    if told:
        warnings.warn(f"{protocol.name} on {model.name}: {told}", stacklevel=2)
    return result


def silence(result: xr.Dataset) -> str | None:
    """Return a sentence if a network's goodness on real data is almost 0, or None.

    The limit is a hundredth of the threshold, if that is a constant above 0. Goodness must be below
    it in every layer, at all probes or after the last sleep.
    """
    if "threshold" not in result or "goodness" not in result:
        return None
    theta = result["threshold"]
    if not bool((theta > 0).all()):
        return None
    silent = (abs(result["goodness"].sel(sign="positive")) < 0.01 * theta).all("layer").values
    if silent.all():
        return (
            "the goodness of real data was almost zero at every probe: the network was silent "
            "from the beginning; check its inputs, initial weights and thresholds"
        )
    asleep = (result["phase"].isin(schema.ASLEEP) & (result["step"] > 0)).values
    if asleep.any() and silent[asleep][-1]:
        return (
            "after the last sleep the goodness of real data is almost zero: sleep has silenced "
            "the network, as dreams as the only negative data may do"
        )
    return None


def _going_on(request: Request, out: Path | None, resume: bool) -> xr.Dataset | None:
    """Return the result so far if the run is to be continued, or None if it is to start."""
    if out is None:
        if resume:
            raise InputError("resume needs 'out', the store of the run to continue")
        return None
    if out.suffix in (".nc", ".csv", ".json", ".txt", ".yaml", ".pt", ".png", ".pdf", ".h5"):
        raise InputError(
            f"{out}: a run is written as a Zarr store; choose a name such as "
            f"{out.with_suffix('.zarr').name}"
        )
    beside = [its for its in (checkpoint.path_for(out), along.folder_of(out)) if its.exists()]
    if not out.exists():
        if beside:
            raise InputError(
                f"{beside[0]}: exists already, though its store does not; move it away"
            )
        return None
    if not resume:
        raise InputError(
            f"{out}: exists already; choose another -o, continue it by --resume, or delete it"
            + "".join(f" and {its.name}" for its in beside)
        )
    so_far = store.open_result(out)
    recorded = recorded_identity(so_far.attrs)
    for name, value in request.identity().items():
        if recorded.get(name) != value:
            raise InputError(
                f"{out}: cannot be resumed, because its {name} "
                f"{_difference(recorded.get(name), value)}"
            )
    return so_far


def _difference(before: object, now: object) -> str:
    """Say how a part of a run's identity has changed; of a table of values only what differs."""
    try:
        old, new = json.loads(str(before)), json.loads(str(now))
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        if names == ["code"]:
            return "has changed: the file with its class was edited; choose another -o"
        return ", ".join(
            f"'{name}' was {old.get(name)} and now is {new.get(name)}" for name in names
        )
    except (ValueError, TypeError, AttributeError):
        return f"was {before} and now is {now}"


def _create(prepared: Prepared, out: Path | None) -> Any:
    blank = schema.blank(
        1 + sum(entry.probes for entry in prepared.entries),
        prepared.words,
        prepared.quantities,
        prepared.attributes(),
    )
    offers = prepared.request.model.offers
    # A model that draws samples sets its threshold from its cases: it is not a constant.
    if "layer" in blank.dims and "goodness" in offers and "sample" not in offers:
        blank["threshold"] = schema.constant(
            store.as_numpy(prepared.learner.thresholds()),
            "layer",
            "goodness at which real and negative are equally probable",
        )
    return store.create(blank, out)
