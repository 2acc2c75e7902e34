"""Goodness and activations of the user's: their slopes are checked against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import wakesleep as ws
from wakesleep.learners.forward_forward import own
from wakesleep.learners.forward_forward.activation import ACTIVATIONS
from wakesleep.learners.forward_forward.goodness import GOODNESS

GOOD = """\
import torch


def powers(y, power):
    return y.abs().pow(power).sum(-1)


powers.options = {"power": {"default": 4.0, "minimum": 1.5}}
powers.slope = lambda y, power: power * y.abs().pow(power - 1) * y.sign()
powers.threshold = lambda per_unit, units, power: per_unit * units


def squares(y):
    return y.square().sum(-1)


squares.slope = lambda y: 2 * y
squares.threshold = lambda per_unit, units: per_unit * units


def rectified(z):
    return torch.relu(z)


rectified.slope = lambda z: (z > 0).to(z.dtype)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "good.py"
    path.write_text(GOOD)
    return path


def model(tmp_path, more: str):
    path = tmp_path / "m.yaml"
    path.write_text(
        f"model: m\nkind: forward_forward\ndata: digits\nparameters: {{layers: [12, 12]{more}}}\n"
    )
    return path


def run(path, **more):
    return ws.run("phase_separation", path, inputs={"nights": 2, "phase_steps": 5}, **more)


def test_the_same_functions_give_the_same_run(file, tmp_path):
    own = ", goodness: ./good.py:squares, activation: ./good.py:rectified"
    theirs = run(model(tmp_path, ""), dtype="float64")
    ours = run(model(tmp_path, own), dtype="float64")
    # Sums of squares may be taken in another order, so their last digits differ.
    np.testing.assert_allclose(ours["goodness"], theirs["goodness"], rtol=1e-12)


def test_options(file, tmp_path):
    four, three = (
        run(model(tmp_path, f", goodness: {{use: ./good.py:powers{more}}}"))
        for more in ("", ", power: 3.0")
    )
    assert not np.array_equal(four["goodness"], three["goodness"])
    for more, message in (
        (", powr: 3.0", r"has no option 'powr' \(did you mean 'power'\?\)"),
        (", power: 1.0", "'power' must be at least 1.5"),
    ):
        with pytest.raises(ws.InputError, match=message):
            run(model(tmp_path, f", goodness: {{use: ./good.py:powers{more}}}"))
    with pytest.raises(ws.InputError, match="goodness 'sum_of_squares' has no options"):
        run(model(tmp_path, ", goodness: {use: sum_of_squares, power: 2.0}"))


@pytest.mark.parametrize("name", GOODNESS)
def test_the_check_takes_every_shipped_goodness(name):
    its = GOODNESS[name]

    def code(y):
        return its.value(y)

    code.slope = lambda y: 2 * its.half_slope(y)
    code.threshold = its.threshold
    made = own._own_goodness(code, {}, name)
    y = torch.randn(5, 8, dtype=torch.float64)
    torch.testing.assert_close(made.half_slope(y), its.half_slope(y))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_check_takes_every_shipped_activation(name):
    def code(z):
        return ACTIVATIONS[name].value(z)

    code.slope = ACTIVATIONS[name].slope
    own._own_activation(code, {}, name)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            ("2 * y", "y"),
            r"its slope is wrong; worst at activity \S+, where it is \S+ and finite differences "
            r"give \S+$",
        ),
        (("2 * y", "2 * y.clamp(max=2.0)"), r"worst at activity 3\.\d+, where it is 4 and"),
        (("2 * y", "float('nan') * y"), "its slope is wrong"),
        (("2 * y", "2 * y[:, :3]"), "its slope has shape"),
        (("y.square().sum(-1)", "y.square()"), "returns shape"),
        (("y.square().sum(-1)", "y.sqare().sum(-1)"), "raises AttributeError"),
        (("squares.slope = lambda y: 2 * y", ""), "lacks its slope"),
        (("squares.threshold", "squares.treshold"), "lacks its threshold"),
        (("per_unit, units: per_unit * units", "per_unit: 1"), "its threshold raises TypeError"),
    ],
)
def test_wrong_goodness_is_refused(wrong, message, file, tmp_path):
    head, tail = GOOD.split("def squares")
    file.write_text(head + "def squares" + tail.replace(*wrong))
    with pytest.raises(ws.InputError, match=message):
        run(model(tmp_path, ", goodness: ./good.py:squares"))


def test_a_wrong_slope_of_an_activation_is_refused(file, tmp_path):
    file.write_text(GOOD.replace("(z > 0).to(z.dtype)", "(z > -0.5).to(z.dtype)"))
    with pytest.raises(ws.InputError, match=r"worst at total input -0\.\d+, where it is 1 and"):
        run(model(tmp_path, ", activation: ./good.py:rectified"))


def test_unknown_names(tmp_path):
    with pytest.raises(ws.InputError, match=r"goodness 'squares' is unknown.*\./file\.py:name"):
        run(model(tmp_path, ", goodness: squares"))
