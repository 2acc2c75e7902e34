"""The twin against plain loops, and Brian2 against the twin, spike for spike."""

from __future__ import annotations

import itertools
import math

import hypothesis.strategies as some
import numpy as np
import pytest
import torch
from hypothesis import given

from wakesleep.errors import InputError
from wakesleep.learners.spiking import builds, simulator, twin
from wakesleep.learners.spiking.parameters import Parameters

PIXELS, CLASSES = 9, 3


def network(seed: int, layers=(12, 7), top_down: bool = False) -> twin.Weights:
    """Return weights that make all layers fire."""
    generator = torch.Generator().manual_seed(seed)
    widths = (PIXELS + CLASSES, *layers)
    forward = [
        torch.randn(shape, generator=generator, dtype=torch.double) * 0.5 + 0.1
        for shape in itertools.pairwise(widths)
    ]
    if not top_down:
        return twin.Weights(forward)
    return twin.Weights(
        forward,
        [torch.zeros_like(its).T.contiguous() for its in forward],
        [its.new_zeros(its.shape[0]) for its in forward],
        forward[-1].new_zeros(CLASSES, layers[-1]),
    )


def presentations(seed: int, cases: int = 7, steps: int = 30):
    """Return spikes of the inputs, signs, gains and labels."""
    generator = torch.Generator().manual_seed(seed)
    raster = (torch.rand(steps, cases, PIXELS + CLASSES, generator=generator) < 0.4).double()
    sign = torch.tensor([1.0, 1, -1, 1, -1, -1, 1])[:cases].double()
    gain = torch.linspace(0.5, 1, cases).double()
    return raster, sign, gain, torch.randint(0, CLASSES, (cases,), generator=generator)


def by_hand(p: Parameters, forward, raster):
    """Return counts, goodness and eligibility of one case, neuron by neuron."""
    leak, fade = math.exp(-p.dt / p.tau), math.exp(-p.dt / p.trace)
    inputs = raster.shape[1]
    sizes = [inputs, *(its.shape[1] for its in forward)]
    v, n, x = ([[0.0] * size for size in sizes] for _ in range(3))
    good = [0.0] * len(sizes)
    elig = [[[0.0] * its.shape[1] for _ in range(its.shape[0])] for its in forward]
    for now in raster.tolist():
        fired = [now]
        for layer in range(1, len(sizes)):
            v[layer] = [its * leak for its in v[layer]]
            fired.append([float(its > 1) for its in v[layer]])
        for layer in range(len(sizes)):
            x[layer] = [its * fade for its in x[layer]]
        size = [1.0] + [1 / math.sqrt(1 + its) for its in good[1:]]
        for layer in range(1, len(sizes)):
            for post in range(sizes[layer]):
                for pre in range(sizes[layer - 1]):
                    if fired[layer][post]:
                        elig[layer - 1][pre][post] += x[layer - 1][pre]
                    if fired[layer - 1][pre]:
                        v[layer][post] += float(forward[layer - 1][pre, post]) * size[layer - 1]
                v[layer][post] -= fired[layer][post]
        for layer in range(len(sizes)):
            for unit in range(sizes[layer]):
                x[layer][unit] += fired[layer][unit] * size[layer]
                n[layer][unit] += fired[layer][unit]
            good[layer] = sum(its * its for its in n[layer]) / sizes[layer]
    return n[1:], good[1:], elig


@given(some.integers(0, 10**6))
def test_the_twin_against_plain_loops(seed):
    p = Parameters(layers=(5, 4))
    weights = network(seed, (5, 4))
    raster = presentations(seed, cases=1, steps=12)[0]
    seen = twin.present(p, weights.forward, raster, eligible=True)
    counts, goodness, eligibility = by_hand(p, weights.forward, raster[:, 0])
    for layer in range(2):
        assert seen.counts[layer][0].tolist() == counts[layer]
        assert np.allclose(seen.eligibility[layer], eligibility[layer], rtol=1e-12)
    assert np.allclose(seen.goodness[:, 0], goodness, rtol=1e-12)


@given(some.integers(0, 10**6))
def test_side_by_side_is_one_by_one(seed):
    p, weights = Parameters(layers=(12, 7)), network(seed)
    raster = presentations(seed)[0]
    together = twin.present(p, weights.forward, raster)
    for case in range(raster.shape[1]):
        alone = twin.present(p, weights.forward, raster[:, case : case + 1])
        assert torch.equal(alone.counts[1][0], together.counts[1][case])


def test_the_rule_has_three_factors():
    """A change is rate x gain x gate x eligibility, and bounded."""
    p = Parameters(layers=(12,), rate=0.02, bound=0.6, threshold=300.0, temperature=90.0)
    weights = network(1, (12,))
    raster, _, gain, label = presentations(1, cases=1)
    seen = twin.present(p, weights.forward, raster, eligible=True)
    goodness = float(seen.goodness[0, 0])
    for way in (1.0, -1.0):
        after = network(1, (12,))
        twin.learn(p, after, raster, way * torch.ones(1), gain, label)
        gate = way / (1 + math.exp(-way * (p.threshold - goodness) / p.temperature))
        change = p.rate * float(gain[0]) * gate * seen.eligibility[0]
        expected = (weights.forward[0] + change).clamp(-0.6, 0.6)
        assert torch.allclose(after.forward[0], expected, rtol=1e-12)
        assert float(change.abs().max()) > 1e-3


@pytest.mark.parametrize(
    ("target", "top_down", "layers"),
    [
        ("numpy", False, (12, 7)),
        ("numpy", True, (12, 7)),
        ("standalone", True, (12,)),
        # Twice as many files to compile.
        pytest.param("standalone", True, (12, 7), marks=pytest.mark.long),
    ],
)
def test_brian_learns_what_the_twin_learns(target, top_down, layers, tmp_path, monkeypatch):
    if target == "standalone" and builds.compiler() is None:
        pytest.skip("no C++ compiler here")
    monkeypatch.setenv("WAKESLEEP_BUILD_DIR", str(tmp_path))
    found = {}
    for name in ("twin", target):
        p = Parameters(
            layers=layers,
            rate=1e-3,
            tau=7.0,
            threshold=60.0,
            temperature=40.0,
            top_down=top_down,
            target=name,
        )
        weights = network(2, layers, top_down)
        runs = simulator.Simulator(p, PIXELS, CLASSES)
        for seed in (2, 3):  # the second block begins where the first one ended
            runs.learn(weights, *presentations(seed))
        found[name] = simulator.named(weights)
    start = simulator.named(network(2, layers, top_down))
    for name, its in found["twin"].items():
        assert float((its - start[name]).abs().max()) > 1e-3, name
        assert torch.allclose(found[target][name], its, rtol=1e-9, atol=1e-12), name
    if target == "standalone":
        # Other constants and weights need no other build.
        again = simulator.Simulator(p.model_copy(update={"rate": 0.01}), PIXELS, CLASSES)
        again.learn(network(5, layers, top_down), *presentations(5))
        assert len(list(tmp_path.iterdir())) == 1


def test_brian_fires_spike_for_spike():
    import brian2 as b2

    p = Parameters(layers=(12, 7), rate=1e-3, threshold=60.0, temperature=40.0, target="numpy")
    runs = simulator.Simulator(p, PIXELS, CLASSES)
    weights = network(4)
    raster, sign, gain, label = presentations(4)
    runs.learn(network(4), raster, sign, gain, label)  # builds it
    monitors = [b2.SpikeMonitor(runs.network.network[f"layer_{one}"]) for one in (1, 2)]
    runs.network.network.restore()
    for its in monitors:
        runs.network.network.add(its)
    runs.network.network.store()
    runs.learn(weights, raster, sign, gain, label)
    again, fired = network(4), [0, 0]
    for case in range(raster.shape[1]):
        shown = raster[:, case : case + 1]
        seen = twin.present(p, again.forward, shown, keep=True)
        for layer, its in enumerate(monitors):
            steps = np.round(np.asarray(its.t / b2.ms)).astype(int) - case * p.steps
            there = np.zeros((p.steps, p.layers[layer]))
            here = (steps >= 0) & (steps < p.steps)
            there[steps[here], np.asarray(its.i)[here]] = 1
            assert np.array_equal(there, seen.spikes[layer][:, 0].numpy())
            fired[layer] += int(there.sum())
        one = slice(case, case + 1)
        twin.learn(p, again, shown, sign[one], gain[one], label[one])
    assert min(fired) > 50


def test_no_compiler(monkeypatch):
    monkeypatch.setattr(builds, "compiler", lambda: None)
    with pytest.raises(
        InputError, match=r"needs make and a C\+\+ compiler .* use target: numpy or twin"
    ):
        simulator.Simulator(Parameters(layers=(5,), target="standalone"), PIXELS, CLASSES)
    with pytest.warns(UserWarning, match="runs in torch"):
        assert simulator.Simulator(Parameters(layers=(5,)), PIXELS, CLASSES).target == "twin"


@pytest.mark.skipif(builds.compiler() is None, reason="no C++ compiler here")
def test_no_place_for_what_is_compiled(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WAKESLEEP_BUILD_DIR", str(tmp_path / "file" / "builds"))
    with pytest.raises(InputError, match="no compiled network can be kept here"):
        simulator.Simulator(Parameters(layers=(5,)), PIXELS, CLASSES)
