"""The verb ``activity``: cortical activity during the stages of a protocol."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wakesleep.errors import InputError, choices
from wakesleep.experiments.cortex.parameters import Cortex
from wakesleep.runtime.brian import in_a_process

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[Any]

BIN_MS = 5.0  # of rates
SMOOTH_MS = 25.0  # smoothing of the rates whose distribution is measured
SETTLE_S = 0.5  # of every stage that statistics leave out
DOWN_HZ = 1.0  # below this mean excitatory rate the network is in a Down state
SHOWN = 200  # excitatory neurons whose spikes are kept
TARGETS = ("auto", "standalone", "numpy")
STAGES = ("WAKE", "NREM", "REM")
MOST_SECONDS = 600.0


def activity(
    stages: Sequence[tuple[str, float]],
    *,
    cortex: Mapping[str, Any] | None = None,
    seed: int = 0,
    target: str = "auto",
) -> xr.Dataset:
    """Simulate an adaptive-exponential network through stages of wake and sleep.

    Parameters
    ----------
    stages
        Each stage (``WAKE``, ``NREM``, ``REM``; N1, N2 and N3 count as NREM) and its length in
        seconds, in order. See :func:`stages_of` for those of a result.
    cortex
        Parameters of the network that differ from the defaults; see
        :class:`wakesleep.experiments.cortex.parameters.Cortex`.
    seed
        Seed of connections and noise.
    target
        ``standalone`` (C++), ``numpy``, or ``auto``.

    Returns
    -------
    xarray.Dataset
        ``rate`` (population, time) in Hz, ``adaptation`` (pA) and ``scale`` (time) over ``time``
        (s); spikes of some excitatory neurons as ragged arrays, ``spike_time`` and
        ``spike_neuron`` (spike); and for each ``stage`` in order its ``stage_name``, ``onset`` and
        ``duration`` (s), ``mean_rate``, ``down_share`` (share of time in a Down state),
        ``bimodality`` (Sarle's coefficient of the smoothed excitatory rate; above 5/9 more than one
        mode is likely) and ``delta_share`` (share of the power up to 50 Hz that is in 0.5-4 Hz).

    Raises
    ------
    InputError
        If a stage or a number is invalid, or the target needs a compiler and there is none.
    """
    from wakesleep.learners.spiking.builds import chosen_target

    table = _checked(stages)
    p = _cortex(cortex or {})
    if target not in TARGETS:
        raise InputError(f"there is no target '{target}'{choices(target, TARGETS)}")
    if seed < 0:
        raise InputError(f"seed must be a whole number of at least 0, not {seed}")
    simulated = "standalone" if chosen_target(target) == "standalone" else "numpy"
    seconds = sum(length for _, length in table)
    bins = round(seconds * 1000 / BIN_MS)
    words = np.repeat([word for word, _ in table], np.diff(_edges(table, bins)))
    levels = {"WAKE": p.b_wake, "NREM": p.b_nrem, "REM": p.b_rem}
    b = np.array([levels[word] for word in words])
    growth = np.where(words == "WAKE", p.upscaling, np.where(words == "NREM", -p.downscaling, 0.0))
    scale = np.exp(np.cumsum(growth) * BIN_MS / 1000)
    spikes = _simulate(p, b, scale, seconds, seed, simulated)
    return _dataset(p, table, b, scale, spikes, bins, seed)


def stages_of(result: xr.Dataset, seconds: float = 4.0, most: int = 4) -> list[tuple[str, float]]:
    """Return the last stages of a result's hypnogram, each with a length of some seconds.

    Neighbouring phases of one stage are one stage. The true proportions are lost, since hours
    cannot be simulated.

    Parameters
    ----------
    result
        A result of :func:`wakesleep.run` or :func:`wakesleep.open`.
    seconds
        Length of every stage.
    most
        Largest number of stages, counted from the last.

    Raises
    ------
    InputError
        If the result has no phase that is wake or sleep.
    """
    from wakesleep.results.hypnograms import events

    words: list[str] = []
    for value in events(result, 1.0)["value"]:
        word = "NREM" if value in ("N1", "N2", "N3") else str(value)
        if word in STAGES and (not words or words[-1] != word):
            words.append(word)
    if not words:
        raise InputError("the result has no phase of wake or sleep to simulate")
    return [(word, seconds) for word in words[-most:]]


def bimodality(values: Array) -> float:
    """Return Sarle's coefficient, (skewness^2 + 1) / kurtosis; NaN if nothing varies.

    It is 1/3 for a normal distribution, 5/9 for a uniform one, and 1 for two values only.
    """
    centred = values - values.mean()
    spread = centred.std()
    if not spread > 0:
        return float("nan")
    z = centred / spread
    return float(((z**3).mean() ** 2 + 1) / (z**4).mean())


def delta_share(rate: Array, bin_s: float) -> float:
    """Return the share of the power of a rate up to 50 Hz that lies between 0.5 and 4 Hz."""
    from scipy.signal import welch

    frequency, power = welch(rate, 1 / bin_s, nperseg=min(len(rate), round(4 / bin_s)))
    inside = (frequency >= 0.5) & (frequency <= 4)
    total = power[(frequency >= 0.5) & (frequency <= 50)].sum()
    return float(power[inside].sum() / total) if total > 0 else float("nan")


def _checked(stages: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    try:
        table = [("NREM" if word in ("N1", "N2", "N3") else word, float(s)) for word, s in stages]
    except (TypeError, ValueError):
        raise InputError(
            f"stages are pairs of a name and its seconds, such as [('WAKE', 5)], not {stages!r}"
        ) from None
    if not table:
        raise InputError("there is no stage to simulate")
    for word, seconds in table:
        if word not in STAGES:
            raise InputError(f"there is no stage '{word}'{choices(word, STAGES)}")
        if not seconds >= 1:
            raise InputError(f"a stage must last a second at least, not {seconds:g} s")
    if sum(seconds for _, seconds in table) > MOST_SECONDS:
        raise InputError(f"at most {MOST_SECONDS:g} s can be simulated at once")
    return table


def _cortex(values: Mapping[str, Any]) -> Cortex:
    from wakesleep.files import documents, specs

    document = documents.Document("cortex", "", {}, {})
    p = specs.validate(Cortex, dict(values), document)
    if p.inputs > p.excitatory:
        raise InputError(f"inputs: {p.inputs} are more than the {p.excitatory} excitatory neurons")
    return p


def _edges(table: list[tuple[str, float]], bins: int) -> Array:
    ends = np.cumsum([0.0, *(seconds for _, seconds in table)])
    return np.minimum(np.round(ends * 1000 / BIN_MS).astype(int), bins)


def _simulate(
    p: Cortex, b: Array, scale: Array, seconds: float, seed: int, target: str
) -> dict[str, Array]:
    with tempfile.TemporaryDirectory(prefix="wakesleep-") as place:
        task = {
            "cortex": p.model_dump(),
            "b": b.tolist(),
            "scale": scale.tolist(),
            "bin_ms": BIN_MS,
            "seconds": seconds,
            "seed": seed,
            "target": target,
            "folder": str(Path(place) / "build"),
            "out": str(Path(place) / "spikes.npz"),
        }
        what = "the cortical network cannot be simulated"
        in_a_process("wakesleep.experiments.cortex.simulate", task, what)
        with np.load(task["out"]) as found:
            return dict(found)


def _dataset(
    p: Cortex,
    table: list[tuple[str, float]],
    b: Array,
    scale: Array,
    spikes: dict[str, Array],
    bins: int,
    seed: int,
) -> xr.Dataset:
    import xarray as xr

    from wakesleep.results.provenance import versions

    edges = np.arange(bins + 1) * BIN_MS / 1000
    sizes = {"e": p.excitatory, "i": p.inhibitory}
    rate = np.stack(
        [
            np.histogram(spikes[f"time_{name}"], edges)[0] / (size * BIN_MS / 1000)
            for name, size in sizes.items()
        ]
    )
    borders = _edges(table, bins)
    width = round(SMOOTH_MS / BIN_MS)
    found: dict[str, list[float]] = {
        name: [] for name in ("mean_rate", "down_share", "bimodality", "delta_share")
    }
    for begin, end in itertools.pairwise(borders):
        part = rate[0, begin + round(SETTLE_S * 1000 / BIN_MS) : end]
        smooth = np.convolve(part, np.ones(width) / width, "valid")
        found["mean_rate"].append(float(part.mean()))
        found["down_share"].append(float((smooth < DOWN_HZ).mean()))
        found["bimodality"].append(bimodality(smooth))
        found["delta_share"].append(delta_share(part, BIN_MS / 1000))
    kept = spikes["neuron_e"] < SHOWN
    units = {"mean_rate": "Hz"}
    return xr.Dataset(
        {
            "rate": (("population", "time"), rate, {"units": "Hz", "long_name": "mean rate"}),
            "adaptation": ("time", b, {"units": "pA", "long_name": "adaptation b of a spike"}),
            "scale": ("time", scale, {"units": "1", "long_name": "recurrent excitation"}),
            "spike_time": ("spike", spikes["time_e"][kept], {"units": "s"}),
            "spike_neuron": ("spike", spikes["neuron_e"][kept], {"units": "1"}),
            **{
                name: ("stage", values, {"units": units.get(name, "1")})
                for name, values in found.items()
            },
        },
        coords={
            "population": ["excitatory", "inhibitory"],
            "time": ("time", edges[:-1] + BIN_MS / 2000, {"units": "s"}),
            "stage_name": ("stage", [word for word, _ in table]),
            "onset": ("stage", borders[:-1] * BIN_MS / 1000, {"units": "s"}),
            "duration": ("stage", np.diff(borders) * BIN_MS / 1000, {"units": "s"}),
        },
        attrs={
            "title": "activity of a cortical network through wake and sleep",
            "cortex": p.model_dump_json(),
            "seed": seed,
            "versions": json.dumps(versions()),
        },
    )
