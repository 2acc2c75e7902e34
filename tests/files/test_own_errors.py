"""What the user's own code raises is told in one line, with their file and line."""

import re
import subprocess
import sys

import numpy as np
import pytest

import wakesleep as ws

KIND = """import torch

class Mine:
    layer_names = ("1",)
    readouts = ("mean",)

    def __init__(self, parameters, setting):
        self.weight = torch.zeros(setting.classes, setting.features)
        {__init__}

    def learn(self, chunk):
        {learn}
        for images, labels, *_ in []:
            pass

    def classify(self, images, readout):
        {classify}
        return (images @ self.weight.T).argmax(1)

    def state_dict(self):
        {state_dict}
        return {{"weight": self.weight}}

    def load_state_dict(self, state):
        self.weight = state["weight"]
"""
METHODS = ("__init__", "learn", "classify", "state_dict")


def files(folder, broken, what="raise KeyError('k')"):
    code = {name: what if name == broken else "pass" for name in METHODS}
    (folder / "rule.py").write_text(KIND.format(**code))
    model = folder / "mine.yaml"
    model.write_text(
        "model: mine\nkind: ./rule.py:Mine\ndata: digits\noffers: [wake, sleep, classify]\n"
    )
    protocol = folder / "days.yaml"
    protocol.write_text("protocol: days\nphases: [{phase: wake, steps: 2}]\n")
    return protocol, model


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_raises_is_one_line_and_nothing_is_written(method, tmp_path, wakesleep):
    protocol, model = files(tmp_path, method)
    lines = (tmp_path / "rule.py").read_text().splitlines()
    number = next(place for place, line in enumerate(lines, 1) if "raise" in line)
    before = set(tmp_path.iterdir())
    code, _, err = wakesleep("run", protocol, model, "-o", tmp_path / "out.zarr")
    assert code == 2
    assert err == f"wakesleep: rule.py:{number}: in {method}: KeyError: 'k'\n"
    assert set(tmp_path.iterdir()) - {tmp_path / "__pycache__"} == before
    code, _, err = wakesleep("check", protocol, "--model", model, "--import")
    assert code == 2
    assert f"in {method}: KeyError" in err


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("self, parameters, setting", "self, parameters", "Class.parameters, setting."),
        ('layer_names = ("1",)', "layer_names = None", "layer_names.*must be a list of names"),
        (".argmax(1)", "", r"classify returns shape \(100, 10\).*expected \(100,\)"),
        ('return {"weight": self.weight}', "return 3", "state_dict returns int"),
        ("def learn", "def learns", "lacks learn, which 'wake' asks for"),
        ("layer_names", 'options = {"rate": 0.1}\n    layer_names', "no option 'rat'.*'rate'"),
    ],
)
def test_what_beginners_do_is_one_line(was, now, message, tmp_path, wakesleep):
    protocol, model = files(tmp_path, "")
    rule = tmp_path / "rule.py"
    assert was in rule.read_text()
    rule.write_text(rule.read_text().replace(was, now, 1))
    model.write_text(model.read_text() + "parameters: {rat: 0.5}\n")
    code, _, err = wakesleep("run", protocol, model, "-o", tmp_path / "out.zarr")
    assert code == 2, err
    assert re.search(message, err), err
    assert err.count("\n") == 1
    assert not (tmp_path / "out.zarr").exists()


def test_check_says_what_it_did_not_import(tmp_path, wakesleep):
    protocol, model = files(tmp_path, "")
    code, out, _ = wakesleep("check", protocol, "--model", model)
    assert code == 0
    assert "code of your own was not imported (--import checks it too)" in out
    assert "not imported" not in wakesleep("check", protocol, "--model", model, "--import")[1]


def test_check_does_not_run_code_without_import(tmp_path, wakesleep):
    protocol, model = files(tmp_path, "__init__")
    assert wakesleep("check", model)[0] == 0
    assert wakesleep("check", protocol, "--model", model)[0] == 0
    assert not (tmp_path / "__pycache__").exists()


def test_a_method_that_fails_later_keeps_what_was_recorded(tmp_path, wakesleep):
    later = "Mine.calls = getattr(Mine, 'calls', 0) + 1; assert Mine.calls < 6, 'enough'"
    protocol, model = files(tmp_path, "classify", later)
    protocol.write_text("protocol: days\nrecord: {every: 1}\nphases: [{phase: wake, steps: 20}]\n")
    code, _, err = wakesleep("run", protocol, model, "-o", tmp_path / "out.zarr")
    assert code == 1
    assert "in classify: AssertionError: enough" in err
    assert err.count("\n") == 1
    kept = ws.open(tmp_path / "out.zarr")
    assert kept.sizes["probe"] > 1
    assert kept.attrs["status"].startswith("stopped: rule.py:")


def test_debug_shows_where_it_came_from(tmp_path):
    protocol, model = files(tmp_path, "learn")
    command = [sys.executable, "-m", "wakesleep", "--debug", "run", str(protocol), str(model)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("wakesleep: rule.py:")


def test_a_slope_that_fails_at_the_size_of_the_run_is_told_before_it(tmp_path):
    (tmp_path / "act.py").write_text(
        "import torch\n\n\ndef mine(z):\n    return z.clamp(min=0)\n\n\n"
        "def slope(z):\n    assert z.shape[1] == 6, 'six units'\n    return (z > 0).to(z)\n\n\n"
        "mine.slope = slope\n"
    )
    model = tmp_path / "m.yaml"
    model.write_text(
        "model: m\nkind: forward_forward\ndata: digits\n"
        "parameters: {layers: [9], activation: ./act.py:mine}\n"
    )
    with pytest.raises(ws.InputError, match=r"act.py:9: in slope: AssertionError: six units"):
        ws.run("interleaved", model, inputs={"sweeps": 1}, out=tmp_path / "o.zarr")
    assert not (tmp_path / "o.zarr").exists()


def test_trying_changes_nothing_of_the_run(tmp_path):
    """The rule of the package itself, as a kind of one's own, gives the same run."""
    (tmp_path / "copy.py").write_text(
        "from wakesleep.learners.forward_forward.activation import ACTIVATIONS\n"
        "def mine(z):\n    return ACTIVATIONS['relu'].value(z)\n"
        "mine.slope = ACTIVATIONS['relu'].slope\n"
    )
    text = "model: m\nkind: forward_forward\ndata: digits\nparameters: {layers: [9]%s}\n"
    found = []
    for name, more in (("shipped", ""), ("own", ", activation: ./copy.py:mine")):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text % more)
        found.append(ws.run("interleaved", path, inputs={"sweeps": 1}))
    np.testing.assert_array_equal(found[0]["goodness"], found[1]["goodness"])
