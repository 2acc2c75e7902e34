"""How fast runs are on a CUDA GPU, and whether they compute what a CPU computes.

    python benchmarks/gpu.py [--minutes 8] [--out gpu.nc] [--tiny] [--device cpu]

Parts: agreement with the CPU in float64 and float32; captured steps against steps launched one
kernel at a time; the time of a step beside the larger of its memory and arithmetic limits, both
measured here; kernels of a step; whole runs of 60 sweeps with their test error; a local, a
recurrent and a restricted machine. A part that would not end in time is left out, and said so.
With ``--tiny`` everything is small, and runs on a CPU too: that tests the script.

One NetCDF file and one table are written. MNIST must be in ``$WAKESLEEP_DATA_DIR`` or is fetched.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

import wakesleep as ws
from wakesleep.data import load as load_data
from wakesleep.learners.build import build
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.negatives import BoundSource, Context, bind
from wakesleep.results.provenance import git_commit, now
from wakesleep.runtime.device import products
from wakesleep.runtime.randomness import Streams
from wakesleep.simulation.loading import load_model

BATCH = 100
TIMED, ROUNDS = 50, 5  # steps of a round, rounds
CHECKED = 10  # steps after which weights are compared


@dataclass
class Report:
    """What was measured, one number a row."""

    device: torch.device
    ends: float
    tiny: bool
    rows: list[tuple[str, str, float, str]] = field(default_factory=list)

    def add(self, part: str, what: str, value: float, unit: str) -> None:
        self.rows.append((part, what, float(value), unit))
        print(f"{part:<12} {what:<52} {value:12.5g} {unit}", flush=True)

    def left(self) -> float:
        return self.ends - time.monotonic()


def settled(device: torch.device) -> None:
    """Wait until the device has nothing to do."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def seconds(device: torch.device, work: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Return how long work takes, several times."""
    found = []
    for _ in range(rounds):
        settled(device)
        begun = time.perf_counter()
        work()
        settled(device)
        found.append(time.perf_counter() - begun)
    return found


def learner(
    name: str, device: torch.device, dtype: torch.dtype, tiny: bool, **more: Any
) -> tuple[Any, Any]:
    """Return a model of the library and its data."""
    small = {
        "ff_mnist_2000x4": {"layers": [60, 60, 60, 60]},
        "ff_mnist_1000x3": {"layers": [50, 50, 50]},
        "ff_mnist_recurrent": {"layers": [40, 40]},
        "rbm_mnist": {"hidden": [40]},
    }
    model = load_model(name, {**(small.get(name, {}) if tiny else {}), **more})
    its = load_data(model.source)
    return build(model, Setting.of(its, device, dtype, 1)), its


def chunk(
    its: Any,
    steps: int,
    device: torch.device,
    dtype: torch.dtype,
    negatives: BoundSource | None,
    sign: str = "both",
) -> Chunk:
    """Return steps on the first cases, which are the same on every device."""
    count = min(len(its.train), 10_000)
    images = torch.tensor(its.train.images[:count], dtype=dtype, device=device)
    labels = torch.tensor(its.train.labels[:count], device=device)
    index = torch.arange(steps * BATCH, device=device).view(steps, BATCH) % count
    return Chunk(sign, images, labels, index, [1.0] * steps, negatives)


def source(name: str, its: Any, device: torch.device) -> BoundSource:
    generator = Streams(1, device)("negatives")
    return bind(name, Context(its.classes, its.shape, generator))


def next_label(model: Any, images: Any, labels: Any, context: Context) -> tuple[Any, Any]:
    """Return negatives without chance, the same on every device."""
    return images, (labels + 1) % context.classes


def tensors(state: Any) -> Iterator[torch.Tensor]:
    """Yield all tensors of a learner's state."""
    if isinstance(state, torch.Tensor):
        yield state
    elif isinstance(state, dict):
        for value in state.values():
            yield from tensors(value)
    elif isinstance(state, list | tuple):
        for value in state:
            yield from tensors(value)


def difference(one: Any, other: Any) -> float:
    """Return the relative difference of all tensors of two learners, as norms."""
    pairs = list(zip(tensors(one.state_dict()), tensors(other.state_dict()), strict=True))
    apart = sum(float((a.cpu().double() - b.cpu().double()).square().sum()) for a, b in pairs)
    size = sum(float(b.double().square().sum()) for _, b in pairs)
    return float(np.sqrt(apart / size))


def agreement(report: Report) -> None:
    """Compare ten steps on the device with ten on the CPU, from the same weights."""
    cpu = torch.device("cpu")
    for name in ("ff_mnist_1000x3", "ff_mnist_recurrent", "ff_mnist_local"):
        for dtype in (torch.float64, torch.float32):
            here, its = learner(name, cpu, dtype, report.tiny)
            there, _ = learner(name, report.device, dtype, report.tiny)
            there.load_state_dict(_on(here.state_dict(), report.device))
            kind = str(dtype).removeprefix("torch.")
            for steps in (1, CHECKED - 1):
                for one, where in ((here, cpu), (there, report.device)):
                    context = Context(its.classes, its.shape, Streams(1, where)("negatives"))
                    function = next_label if getattr(one, "sees_labels", True) else _flipped
                    negatives = BoundSource(function, context, steady=True)
                    one.learn(chunk(its, steps, where, dtype, negatives))
                done = 1 if steps == 1 else CHECKED
                what = f"{name}, {kind}, {done} steps, against CPU"
                report.add("agreement", what, difference(there, here), "1")


def _flipped(model: Any, images: Any, labels: Any, context: Context) -> tuple[Any, Any]:
    return images.flip(1), labels


def _on(state: Any, device: torch.device) -> Any:
    """Return a copy of a state on a device."""
    if isinstance(state, torch.Tensor):
        return state.detach().clone().to(device)
    if isinstance(state, dict):
        return {name: _on(value, device) for name, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(_on(value, device) for value in state)
    return state


def replayed(report: Report) -> None:
    """Compare captured steps with the same steps launched one kernel at a time, bit for bit."""
    kinds = [
        ("ff_mnist_1000x3", "hard_label"),
        ("ff_mnist_1000x3", "wrong_label"),
        ("ff_mnist_local", "hybrid"),
        ("ff_mnist_recurrent", "hard_label"),
        ("rbm_mnist", ""),
    ]
    for name, negatives in kinds:
        found = []
        for replay in (True, False):
            its_learner, its = learner(name, report.device, torch.float32, report.tiny)
            bound = source(negatives, its, report.device) if negatives else None
            if not replay:
                its_learner.replay.capture_after = 10**9
            its_learner.learn(chunk(its, 2 * CHECKED, report.device, torch.float32, bound))
            found.append(its_learner)
        what = f"{name}{', ' + negatives if negatives else ''}: {found[0].replay.replayed} replayed"
        report.add("replay", what, difference(*found), "1")


def limits(report: Report) -> tuple[float, dict[str, float]]:
    """Return the device's memory traffic in bytes a second and its products in FLOP a second."""
    device = report.device
    size = 2**20 if report.tiny else 2**28
    one = torch.randn(size, device=device)
    two = torch.empty_like(one)
    two.copy_(one)
    bandwidth = 2 * 4 * size / statistics.median(seconds(device, lambda: two.copy_(one)))
    report.add("limits", "memory traffic of a copy", bandwidth / 1e9, "GB/s")
    wide = 256 if report.tiny else 8192
    a, b = (torch.randn(wide, wide, device=device) for _ in range(2))
    rates = {}
    for kind, tf32 in (("float32", False), ("tf32", True)):
        if tf32 and device.type != "cuda":
            continue
        with products(tf32):
            out = a @ b
            spent = statistics.median(seconds(device, lambda: torch.mm(a, b, out=out)))  # noqa: B023
        rates[kind] = 2 * wide**3 / spent
        report.add("limits", f"product {wide} x {wide}, {kind}", rates[kind] / 1e12, "TFLOP/s")
    return bandwidth, rates


def needed(widths: tuple[int, ...]) -> tuple[float, float]:
    """Return FLOP and bytes of a supervised step: three passes, and gradients of two.

    Every weight is read by the passes; weights and velocities are read and written by the update.
    """
    products_of = sum(2.0 * one * two for one, two in itertools.pairwise(widths))
    hidden = sum(2.0 * one * two for one, two in itertools.pairwise(widths[1:]))
    first = 2.0 * widths[0] * widths[1]
    flop = BATCH * (first + 3 * hidden + 2 * products_of)
    weights = products_of / 2
    return flop, 4 * weights * (2 + 4)  # the neutral pass comes before the other two


def step_times(report: Report, bandwidth: float, rates: dict[str, float]) -> None:
    """Time steps, captured and not, beside their limits."""
    for name, widths in (
        ("ff_mnist_2000x4", (784, 2000, 2000, 2000, 2000)),
        ("ff_mnist_1000x3", (784, 1000, 1000, 1000)),
    ):
        flop, traffic = needed(widths)
        for kind, rate in rates.items():
            limit = max(flop / rate, traffic / bandwidth)
            report.add("step", f"{name}, {kind}: limit by products", 1e6 * flop / rate, "us")
            report.add("step", f"{name}, {kind}: limit by memory", 1e6 * traffic / bandwidth, "us")
            for replay in (False, True):
                spent = _step(report, name, replay, tf32=kind == "tf32")
                how = "captured" if replay else "launched"
                report.add("step", f"{name}, {kind}, {how}", 1e6 * spent, "us")
                report.add("step", f"{name}, {kind}, {how}, over the limit", spent / limit, "x")


def _step(
    report: Report,
    name: str,
    replay: bool,
    tf32: bool = False,
    negatives: str = "hard_label",
    sign: str = "both",
) -> float:
    """Return the median time of a step in seconds."""
    with products(tf32):
        its_learner, its = learner(name, report.device, torch.float32, report.tiny)
        bound = source(negatives, its, report.device) if negatives else None
        if not replay:
            its_learner.replay.capture_after = 10**9
        steps = 5 if report.tiny else TIMED
        work = chunk(its, steps, report.device, torch.float32, bound, sign)
        its_learner.learn(work)
        return statistics.median(seconds(report.device, lambda: its_learner.learn(work))) / steps


def kernels(report: Report) -> None:
    """Count kernels of a step, and what the processor launches for a captured one."""
    if report.device.type != "cuda":
        return
    from torch.profiler import ProfilerActivity, profile

    for replay in (False, True):
        its_learner, its = learner("ff_mnist_2000x4", report.device, torch.float32, report.tiny)
        if not replay:
            its_learner.replay.capture_after = 10**9
        work = chunk(
            its, 10, report.device, torch.float32, source("hard_label", its, report.device)
        )
        its_learner.learn(work)
        its_learner.learn(work)
        with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as seen:
            its_learner.learn(work)
            settled(report.device)
        events = seen.events()
        launches = sum("LaunchKernel" in its.name or "GraphLaunch" in its.name for its in events)
        waits = sum("Synchronize" in its.name for its in events)
        how = "captured" if replay else "launched"
        report.add("kernels", f"4x2000, {how}: launches by the processor", launches / 10, "a step")
        report.add("kernels", f"4x2000, {how}: waits for the GPU in 10 steps", waits, "1")


def others(report: Report) -> None:
    """Time steps of other machines."""
    for name, negatives, what in (
        ("ff_mnist_local", "hybrid", "local fields, hybrids"),
        ("ff_mnist_recurrent", "hard_label", "recurrent, 8 steps in time"),
        ("rbm_mnist", "", "RBM of 500, PCD-25"),
    ):
        if report.left() < 20:
            report.add("others", f"{what}: left out, no time", np.nan, "us")
            continue
        for replay in (False, True):
            spent = _other(report, name, replay, negatives)
            how = "captured" if replay else "launched"
            report.add("others", f"{what}, {how}", 1e6 * spent, "us")


def _other(report: Report, name: str, replay: bool, negatives: str) -> float:
    if name != "rbm_mnist":
        return _step(report, name, replay, negatives=negatives)
    its_learner, its = learner(name, report.device, torch.float32, report.tiny, sweeps=25)
    if not replay:
        its_learner.replay.capture_after = 10**9
    steps = 5 if report.tiny else TIMED
    work = chunk(its, steps, report.device, torch.float32, None)
    its_learner.learn(work)
    return statistics.median(seconds(report.device, lambda: its_learner.learn(work))) / steps


def whole_runs(report: Report) -> None:
    """Time the supervised run of 60 sweeps as a user makes it, with probes and test error."""
    kinds = ("float32", "tf32") if report.device.type == "cuda" else ("float32",)
    sweeps, train = (1, 500) if report.tiny else (60, 0)
    more = {"layers": [60] * 4} if report.tiny else {}
    expected = 90.0
    for kind in kinds:
        if report.left() < expected:
            report.add("run", f"4x2000, {sweeps} sweeps, {kind}: left out, no time", np.nan, "s")
            continue
        begun = time.perf_counter()
        result = ws.run(
            "interleaved",
            "ff_mnist_2000x4",
            inputs={"sweeps": sweeps, "train": train},
            parameters=more,
            device=report.device.type,
            dtype=kind,
            seed=1,
        )
        expected = time.perf_counter() - begun
        steps = int(result["step"].values[-1])
        report.add("run", f"4x2000, {sweeps} sweeps, {kind}: whole call", expected, "s")
        report.add("run", f"4x2000, {kind}: of which the run", result.attrs["wall_seconds"], "s")
        report.add("run", f"4x2000, {kind}: a step, probes included",
                   1e6 * result.attrs["wall_seconds"] / steps, "us")  # fmt: skip
        for readout in result["readout"].values:
            error = 100 * float(result["test_error"].sel(readout=readout))
            report.add("run", f"4x2000, {kind}: test error, {readout}", error, "%")


def save(report: Report, path: Path) -> None:
    parts, whats, values, units = zip(*report.rows, strict=True)
    device = report.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    xr.Dataset(
        {"value": ("row", list(values)), "unit": ("row", list(units))},
        {"part": ("row", list(parts)), "what": ("row", list(whats))},
        {
            "device": name,
            "torch": torch.__version__,
            "command": "python benchmarks/gpu.py",
            "git_commit": git_commit(),
            "ended": now(),
        },
    ).to_netcdf(path)
    print(f"{name}, torch {torch.__version__}; written: {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--out", type=Path, default=Path("gpu.nc"))
    parser.add_argument("--tiny", action="store_true", help="small networks, for a test")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--parts", default="agreement,replay,limits,step,kernels,others,run")
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no CUDA GPU here; --tiny --device cpu tests the script")
    report = Report(torch.device(given.device), time.monotonic() + 60 * given.minutes, given.tiny)
    parts = given.parts.split(",")
    bandwidth, rates = limits(report) if {"limits", "step"} & set(parts) else (1.0, {})
    todo: dict[str, Callable[[], None]] = {
        "agreement": lambda: agreement(report),
        "replay": lambda: replayed(report),
        "step": lambda: step_times(report, bandwidth, rates),
        "kernels": lambda: kernels(report),
        "others": lambda: others(report),
        "run": lambda: whole_runs(report),
    }
    for name, part in todo.items():
        if name in parts:
            try:
                part()
            except Exception as error:  # the other parts are worth having
                report.add(name, f"failed: {type(error).__name__}: {error}"[:200], np.nan, "1")
    save(report, given.out)


if __name__ == "__main__":
    main()
