"""Named streams: reproducible, independent, resumable."""

from __future__ import annotations

import numpy as np
import torch

from wakesleep.runtime.randomness import Streams


def draw(generator: torch.Generator, count: int = 4000) -> np.ndarray:
    return torch.rand(count, generator=generator, dtype=torch.float64).numpy()


def test_streams_depend_on_seed_and_name_alone():
    one, other = Streams(3), Streams(3)
    other("another stream, asked for first")
    np.testing.assert_array_equal(draw(one("a")), draw(other("a")))


def test_streams_are_unrelated():
    drawn = [draw(Streams(seed)(name)) for seed in (0, 1) for name in ("a", "b", "ab")]
    correlation = np.corrcoef(drawn) - np.eye(len(drawn))
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)


def test_streams_resume():
    streams = Streams(0)
    draw(streams("a"))
    state = streams.state_dict()
    expected = draw(streams("a")), draw(streams("b"))
    resumed = Streams(0)
    held = resumed("a")  # by somebody, before the state is loaded
    resumed.load_state_dict(state)
    np.testing.assert_array_equal(draw(held), expected[0])
    np.testing.assert_array_equal(draw(resumed("b")), expected[1])


def test_fresh_streams_start_over():
    streams = Streams(0)
    np.testing.assert_array_equal(draw(streams.fresh("a")), draw(streams.fresh("a")))
