"""Captured steps on a GPU compute what launched ones do; keys tell steps apart."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import wakesleep as ws
from wakesleep.learners.chunks import Chunk
from wakesleep.learners.parts import replay
from wakesleep.runtime.randomness import Streams, drawn_column

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


def test_draws_are_those_of_multinomial():
    chances = torch.rand(500, 7, generator=torch.Generator().manual_seed(3))
    one, other = (torch.Generator().manual_seed(5) for _ in range(2))
    for _ in range(3):
        wanted = torch.multinomial(chances, 1, generator=other).squeeze(1)
        assert torch.equal(drawn_column(chances, one), wanted)


def test_draws_have_the_probabilities_asked_for():
    chances = torch.tensor([[1.0, 2.0, 0.0, 5.0]]).expand(40_000, -1)
    drawn = drawn_column(chances, torch.Generator().manual_seed(0))
    share = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(share, np.array([1, 2, 0, 5]) / 8, atol=0.01)
    assert share[2] == 0


def chunk(**more):
    images, labels = torch.zeros(4, 3), torch.zeros(4, dtype=torch.long)
    index = torch.zeros(2, 4, dtype=torch.long)
    return replace(Chunk("both", images, labels, index, [1.0, 1.0]), **more)


@pytest.mark.parametrize(
    "more",
    [
        {"sign": "positive"},
        {"mode": "centred"},
        {"momentum": 0.5},
        {"layers": (1,)},
        {"separate_states": True},
        {"subtract_baseline": True},
        {"negatives": lambda *its: its},
        {"seen": lambda its: its},
        {"index": torch.zeros(2, 3, dtype=torch.long)},
    ],
)
def test_keys_tell_kinds_of_steps_apart(more):
    assert replay.chunk_key(chunk()) != replay.chunk_key(chunk(**more))


def test_keys_do_not_depend_on_cases_and_gains():
    other = chunk(index=torch.ones(5, 4, dtype=torch.long), gains=[0.5] * 5)
    assert replay.chunk_key(chunk()) == replay.chunk_key(other)


def test_addresses_tell_replaced_tensors():
    one, two = torch.zeros(3), torch.zeros(3)
    tree = {"a": [one, {"b": two}], "n": 3}
    before = replay.addresses(tree)
    one.add_(1)
    assert replay.addresses(tree) == before
    assert replay.addresses({"a": [one.clone(), {"b": two}], "n": 3}) != before


def test_streams_of_negatives_are_found():
    class Bound:
        class context:
            generator = torch.Generator()

    streams = Streams(0)
    streams("weights")
    found = replay.generators_of(chunk(negatives=Bound), streams)
    assert len(found) == 2
    assert found[1] is Bound.context.generator


@needs_gpu
@pytest.mark.parametrize(
    ("protocol", "model", "inputs"),
    [
        ("interleaved", "ff_digits", {"negatives": "hard_label", "sweeps": 3}),
        ("interleaved", "ff_digits", {"negatives": "hybrid", "sweeps": 3, "jitter": 1}),
        ("phase_separation", "ff_digits", {}),
        ("total_sleep_deprivation", "ff_digits", {}),
        ("interleaved", "rbm_digits", {"negatives": "usual", "sweeps": 3}),
    ],
)
def test_captured_runs_are_launched_runs(protocol, model, inputs, monkeypatch):
    found = []
    for after in (replay.WARM, sys.maxsize):
        monkeypatch.setattr(replay, "WARM", after)
        found.append(ws.run(protocol, model, inputs=inputs, device="cuda"))
    for name in found[0].data_vars:
        np.testing.assert_array_equal(found[0][name], found[1][name], err_msg=name)


@needs_gpu
def test_tf32_is_an_explicit_choice():
    exact, rounded = (
        ws.run("interleaved", "ff_digits", inputs={"sweeps": 2}, device="cuda", dtype=dtype)
        for dtype in ("float32", "tf32")
    )
    assert rounded.attrs["dtype"] == "tf32"
    assert not np.array_equal(exact["goodness"], rounded["goodness"])
    np.testing.assert_allclose(exact["goodness"][0], rounded["goodness"][0], rtol=1e-2)


def test_tf32_is_refused_on_a_cpu():
    with pytest.raises(ws.InputError, match="dtype 'tf32' is for CUDA GPUs"):
        ws.run("interleaved", "ff_digits", device="cpu", dtype="tf32")
