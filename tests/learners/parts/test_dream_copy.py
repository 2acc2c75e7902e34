"""A kept copy of the dream path goes on dreaming of what it knew (generative replay)."""

import pytest
import torch

import wakesleep as ws
from wakesleep.errors import InputError
from wakesleep.learners.parts.generator import Generator

CLASSES, PIXELS, UNITS = 4, 6, 5


def shown(path, labels, level, steps=60):
    """Let a path learn images of one brightness, with activities that depend on the label."""
    labels = torch.tensor(labels).repeat(8)
    top = torch.nn.functional.one_hot(labels, UNITS).double() + 0.1
    for _ in range(steps):
        path.learn(torch.full((len(labels), PIXELS), level).double(), [top], labels)


def dreamt(path, labels):
    """Return dreams of labels, with noise that is the same at each call."""
    noise = torch.Generator().manual_seed(3)

    def made(its, some):
        top = its.start("label", some, 0.0, noise)
        return its.down(top, lambda y: y, lambda y: y.new_ones(()), noise)

    return path.dreams(torch.tensor(labels), "label", made)


@pytest.fixture(params=[False, True], ids=["by unit", "jointly"])
def path(request):
    like = torch.zeros(1, dtype=torch.float64)
    return Generator([CLASSES + PIXELS, UNITS], CLASSES, 0, 0.1, like, request.param)


def test_the_copy_dreams_of_what_it_knew_and_the_path_of_the_rest(path):
    shown(path, [0, 1], 0.8)
    before = dreamt(path, [0, 1])[0]
    path.keep_copy()
    shown(path, [0, 1, 2, 3], 0.2)
    after = dreamt(path, [3, 0, 2, 1])[0]
    torch.testing.assert_close(after[[1, 3]], before)
    assert (after[[0, 2]] < 0.4).all()
    assert (before > 0.6).all()
    path.kept = None
    assert (dreamt(path, [0, 1])[0] < 0.4).all()  # without a copy the old classes have changed


def test_a_second_copy_takes_the_place_of_the_first(path):
    shown(path, [0], 0.8)
    path.keep_copy()
    shown(path, [0, 1], 0.3)
    live = path.kept
    path.keep_copy()
    assert path.kept is not live
    assert path.kept.kept is None
    assert (dreamt(path, [0, 1])[0] < 0.5).all()


def test_state_goes_with_the_copy(path):
    shown(path, [0, 1], 0.8)
    path.keep_copy()
    shown(path, [0, 2], 0.3)
    other = Generator(
        [CLASSES + PIXELS, UNITS],
        CLASSES,
        0,
        0.1,
        torch.zeros(1, dtype=torch.float64),
        path.memory.covariance is not None,
    )
    other.load_state_dict(path.state_dict())
    for one, two in zip(dreamt(path, [0, 1, 2]), dreamt(other, [0, 1, 2]), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0)


def test_a_network_without_copies_takes_none_from_one_that_kept_one(path):
    shown(path, [0, 1], 0.8)
    path.keep_copy()
    shown(path, [0, 1], 0.2)
    other = Generator(
        [CLASSES + PIXELS, UNITS],
        CLASSES,
        0,
        0.1,
        torch.zeros(1, dtype=torch.float64),
        path.memory.covariance is not None,
        keeps_copy=False,
    )
    other.load_state_dict(path.state_dict())
    assert other.kept is None
    assert (dreamt(other, [0, 1])[0] < 0.4).all()


@pytest.mark.parametrize("model", ["ff_digits", "backprop_digits"])
def test_a_life_with_a_copy(model, tmp_path):
    sleep = {"second_sleep": "rest"} if model == "backprop_digits" else {}
    result = ws.run(
        "protocols/tasks",
        model,
        inputs={"days": 2, "day_updates": 5, "consolidate": 1, "path_learns": True, **sleep},
        parameters={"top_down": True, "dream_copy": True},
        out=tmp_path / "life.zarr",
    )
    kinds = list(result["phase"].values[result["phase_end"].values])
    assert kinds.count("consolidate") == 2


def test_a_copy_needs_a_dream_path():
    with pytest.raises(InputError, match="dream_copy: it is for a network that dreams"):
        ws.run("tasks", "ff_digits", parameters={"top_down": False, "dream_copy": True})


def test_consolidation_needs_a_copy():
    with pytest.raises(InputError, match="consolidate"):
        ws.run("tasks", "ff_digits", inputs={"consolidate": 1})
