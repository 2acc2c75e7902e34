"""Code that files name: found without importing it, and told in one line when it is wrong."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

import wakesleep as ws
from wakesleep.files import references

NEGATIVES = """\
import torch

raise_on_import = {}


def mine(model, images, labels, context):
    return images.flip(1), labels


mine.options = {{"strength": 0.5}}
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("./neg.py:mine", True),
        ("/a b/neg.py:mine", True),
        ("package.module:name", True),
        ("module:name", True),
        ("dream", False),
        ("./neg.py", False),
        ("./neg.py:not a name", False),
        ("a.b.c", False),
        ("12:30", False),
        (3, False),
    ],
)
def test_what_is_a_reference(text, wanted):
    assert references.is_reference(text) == wanted


def test_the_file_of_a_module_is_found_without_importing_it(tmp_path, monkeypatch):
    package = tmp_path / "loud"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "inner.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert references.source_file("loud.inner:f") == package / "inner.py"
    assert (
        references.digest("loud.inner:f")
        == hashlib.sha256((package / "inner.py").read_bytes()).hexdigest()
    )
    assert references.digest("loud.nothing:f") == ""


def test_identity_does_not_depend_on_the_folder(tmp_path):
    trees = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "neg.py").write_text("x = 1")
        trees.append(references.placed({"a": ["./neg.py:x", 3, "./neg.py"]}, tmp_path / name))
    assert trees[0] != trees[1]
    assert references.shortened(trees[0]) == references.shortened(trees[1])
    (tmp_path / "two" / "neg.py").write_text("x = 2")
    assert references.shortened(trees[0]) != references.shortened(trees[1])


def test_the_code_of_a_module_is_part_of_the_identity(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    found = []
    for text in ("x = 1", "x = 22"):
        (tmp_path / "some_module_of_mine.py").write_text(text)
        found.append(references.shortened(["some_module_of_mine:x"]))
    assert found[0] != found[1]
    assert references.shortened("12:30") == "12:30"


def test_paths_of_defaults_start_from_the_file(tmp_path, monkeypatch, protocol_file, model_file):
    (tmp_path / "neg.py").write_text("def mine(m, x, y, c):\n    return x.flip(1), y\n")
    random = np.random.default_rng(0)
    np.savez(tmp_path / "own.npz", x=random.random((300, 20)), y=np.arange(300) % 3)
    text = protocol_file.read_text().replace(
        "inputs:\n",
        "inputs:\n  neg: {default: ./neg.py:mine}\n  its: {default: own.npz}\n",
    )
    text = text.replace("data: {batch: 20,", "data: {set: $its, batch: 20,")
    protocol_file.write_text(text + "negatives: {source: $neg}\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = ws.run(protocol_file, model_file)
    assert result.attrs["data"].startswith("own.npz@")
    assert ws.load(ws.load(protocol_file).document.source).values["neg"].startswith(str(tmp_path))


def test_a_changed_file_is_imported_anew(tmp_path):
    file = tmp_path / "m.py"
    for value in (1, 2):
        file.write_text(f"x = {value}")
        assert references.own(f"{file}:x", "number") == value


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def mine(:", "SyntaxError, line 1"),
        ("import nonsense_that_is_not_there", "ModuleNotFoundError"),
        ("1 / 0", "ZeroDivisionError"),
        ("def mines(): ...", r"there is no 'mine' in it \(did you mean 'mines'\?\)"),
        ("mine = 3", "is not a function"),
        ("def mine(): ...\nmine.options = 3", "its options must be a dictionary"),
        (
            "def mine(): ...\nmine.options = {'a': {'default': 1.0, 'max': 2}}",
            "its option 'a': max: .*did you mean 'maximum'",
        ),
        ("def mine(m, x, y, c):\n    return x * float('nan'), y", "images that are not finite"),
        ("def mine(a, b, c): ...", "raise TypeError"),
        ("def mine(m, x, y, c):\n    return x", "must return images and labels"),
        ("def mine(m, x, y, c):\n    return x[:, :3], y", r"return images of shape \(20, 3\)"),
        ("def mine(m, x, y, c):\n    raise KeyError('k')", "raise KeyError: 'k'"),
        ("def mine(m, x, y, c):\n    return x, y + 9", "return labels outside of 0 to 9"),
        (
            "def mine(m, x, y, c):\n    return x, y\nmine.needs = 'dream'",
            "need 'dream', which model 'tiny' does not offer",
        ),
    ],
)
def test_faults_of_own_negatives_are_one_line_and_nothing_is_written(
    code, message, tmp_path, monkeypatch, protocol_file, model_file, wakesleep
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "neg.py").write_text(code)
    text = protocol_file.read_text()
    protocol_file.write_text(text + "negatives: {source: ./neg.py:mine}\n")
    before = {its.name for its in tmp_path.iterdir()}
    status, out, err = wakesleep("run", protocol_file, model_file)
    assert status == 2
    assert not out
    assert err.count("\n") == 1
    import re

    assert re.search(message, err), err
    assert {its.name for its in tmp_path.iterdir()} - {"__pycache__"} == before
    # Without --import nothing of it is seen; with it, all is.
    assert wakesleep("check", protocol_file, "--model", model_file)[0] == 0
    status, _, err = wakesleep("check", protocol_file, "--model", model_file, "--import")
    assert status == 2
    assert re.search(message, err), err


def test_options_are_checked_and_reach_the_function(tmp_path, protocol_file, model_file):
    (tmp_path / "neg.py").write_text(
        "def mine(m, x, y, c):\n    return c.options['level'] + 0 * x, y\n"
        "mine.options = {'level': {'default': 0.5, 'maximum': 1.0}}\n"
    )
    text = protocol_file.read_text()

    def run(more):
        protocol_file.write_text(f"{text}negatives: {{source: ./neg.py:mine{more}}}\n")
        return ws.run(protocol_file, model_file)

    same, other = run(""), run(", level: 0.1")
    assert not np.array_equal(same["goodness"], other["goodness"])
    for more, message in (
        (", levle: 1.0", r"has no option 'levle' \(did you mean 'level'\?\)"),
        (", level: 3.0", "option 'level' must be at most 1, not 3"),
        (", level: high", "option 'level' must be a number"),
    ):
        with pytest.raises(ws.InputError, match=message):
            run(more)


def test_code_is_part_of_the_result_and_of_the_run(tmp_path, protocol_file, model_file):
    code = "def mine(m, x, y, c):\n    return x.flip(1), y\n"
    (tmp_path / "neg.py").write_text(code)
    protocol_file.write_text(protocol_file.read_text() + "negatives: {source: ./neg.py:mine}\n")
    store = tmp_path / "out.zarr"
    result = ws.run(protocol_file, model_file, out=store)
    (kept,) = json.loads(result.attrs["code"]).values()
    assert kept["sha256"] == hashlib.sha256(code.encode()).hexdigest()
    # The result repeats its run from anywhere, since it knows where the code lies.
    again = ws.run(store, store)
    np.testing.assert_array_equal(again["goodness"], result["goodness"])
    # Moved with its files, the run is the same run; with other code it is another.
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for file in (protocol_file, model_file, tmp_path / "neg.py"):
        (moved / file.name).write_text(file.read_text())
    ws.run(moved / protocol_file.name, moved / model_file.name, out=store, resume=True)
    (moved / "neg.py").write_text(code.replace("flip(1)", "roll(1, 1)"))
    with pytest.raises(ws.InputError, match=r"cannot be resumed, because its protocol_resolved"):
        ws.run(moved / protocol_file.name, moved / model_file.name, out=store, resume=True)


def test_what_a_source_changes_in_place_changes_nothing_else(tmp_path, protocol_file, model_file):
    text = protocol_file.read_text()
    results = []
    for code in ("return 0 * x, y", "return x.mul_(0), y"):
        (tmp_path / "neg.py").write_text(f"def mine(m, x, y, c):\n    {code}\n")
        protocol_file.write_text(text + "negatives: {source: ./neg.py:mine}\n")
        results.append(ws.run(protocol_file, model_file))
    np.testing.assert_array_equal(results[0]["goodness"], results[1]["goodness"])


def test_a_source_that_fails_later_is_a_failed_run(tmp_path, protocol_file, model_file):
    (tmp_path / "neg.py").write_text(
        "calls = []\n\n\ndef mine(m, x, y, c):\n    calls.append(1)\n"
        "    if len(calls) > 9:\n        raise ValueError('tired')\n    return x, y\n"
    )
    protocol_file.write_text(protocol_file.read_text() + "negatives: {source: ./neg.py:mine}\n")
    with pytest.raises(ws.RunError, match=r"raise ValueError: tired"):
        ws.run(protocol_file, model_file, out=tmp_path / "out.zarr")
    assert ws.open(tmp_path / "out.zarr").attrs["status"].startswith("stopped")


# Quantities, statistics, figures ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def mine(model, x, y): return [1.0, 2.0, 3.0]\nmine.dims = ('layer',)", r"shape \(3,\)"),
        ("def mine(model, x, y): return [1.0, 2.0]", r"shape \(2,\); expected \(\)"),
        ("def mine(model, x, y): return 'x'", "raises ValueError"),
        ("def mine(model, x, y): return 1 / 0", "raises ZeroDivisionError"),
        ("def mine(model, x, y): return 1\nmine.dims = ('unit',)", "no dimension 'unit'"),
        ("def mine(model, x, y): return 1\nmine.needs = ('dream',)", "needs 'dream'"),
        ("mine = 1", "is not a function"),
    ],
)
def test_faults_of_own_quantities(code, message, tmp_path, protocol_file, model_file):
    (tmp_path / "q.py").write_text(code)
    text = protocol_file.read_text().replace("cases: 60}", "cases: 60, also: [./q.py:mine]}")
    protocol_file.write_text(text)
    with pytest.raises(ws.InputError, match=message):
        ws.run(protocol_file, model_file, out=tmp_path / "out.zarr")
    assert not (tmp_path / "out.zarr").exists()


def test_own_quantities_are_recorded_and_waited_for(tmp_path, protocol_file, model_file):
    (tmp_path / "q.py").write_text(
        "def mine(model, x, y):\n    return [float(its.bias.abs().max()) for its in model.layers]\n"
        "mine.dims = ('layer',)\nmine.units = 'mV'\n"
    )
    text = protocol_file.read_text().replace(
        "cases: 60}", "cases: 60, quantities: [error, ./q.py:mine]}"
    )
    text = text.replace(
        "{phase: recovery, steps: $steps}",
        "{phase: recovery, until: {quantity: ./q.py:mine, layer: '2', above: 0}, at_most: 99}",
    )
    protocol_file.write_text(text)
    result = ws.run(protocol_file, model_file)
    assert result["mine"].dims == ("probe", "layer")
    assert result["mine"].attrs["units"] == "mV"
    assert float(result["mine"].isel(probe=-1, layer=0)) > 0
    last = ws.statistics.phase_ends(result)["step"].values
    assert last[-1] - last[-2] == 5  # the first probe of the phase


def test_faults_of_own_statistics_and_figures(tmp_path):
    (tmp_path / "s.py").write_text(
        "def lowest(result, quantity, floor=0.0):\n"
        "    return max(floor, float(result[quantity].min()))\n\n\n"
        "def broken(result, quantity):\n    return 1 / 0\n\n\n"
        "def drawn(tree, wanted):\n    return 3\n"
    )
    study = (
        "study: s\nmodels: [{name: m, use: ff_digits, set: {layers: [6], top_down: false}}]\n"
        "protocols: [phase_separation]\nset: {nights: 2, phase_steps: 2}\nseeds: 1\noutcomes:\n"
        "  low: {quantity: error, statistic: ./s.py:lowest, arguments: {floor: 0.99}}\n"
        "figures:\n  - {figure: ./s.py:drawn, name: f}\n"
    )
    (tmp_path / "s.yaml").write_text(study)
    done = ws.study(tmp_path / "s.yaml", tmp_path / "out", workers=1)
    assert done.tree["outcomes"]["low"].item() == 0.99
    assert "returns a int, not a matplotlib figure" in done.undrawn["f"]
    wrong = study.replace("./s.py:lowest, arguments: {floor: 0.99}", "./s.py:broken")
    (tmp_path / "s.yaml").write_text(wrong)
    with pytest.raises(ws.InputError, match="raises ZeroDivisionError"):
        ws.study(tmp_path / "s.yaml", tmp_path / "out", workers=1)
    # What cannot be imported is told before any run is made.
    (tmp_path / "s.yaml").write_text(wrong.replace(":broken", ":nothing"))
    ws.check(tmp_path / "s.yaml")
    with pytest.raises(ws.InputError, match="there is no 'nothing' in it"):
        ws.check(tmp_path / "s.yaml", import_code=True)
    with pytest.raises(ws.InputError, match="there is no 'nothing' in it"):
        ws.study(tmp_path / "s.yaml", tmp_path / "other", workers=1)
    assert not (tmp_path / "other").exists()
