"""A part of a parameter is set by a dotted name: ``hardware.noise``."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep.learners.parts.hardware_parameters import Hardware
from wakesleep.simulation.loading import load_model
from wakesleep.studies.grid import load as load_study

CHIP = {"device": "resistive", "gain": 0.1}
STUDY = """\
study: noisy
models:
  - {name: told, use: ff_digits, set: {layers: [8], top_down: false, decay: 0.0, hardware: {device: resistive, gain: 0.1}}}
  - {name: dotted, use: ff_digits, set: {layers: [8], top_down: false, decay: 0.0, hardware.device: filament}}
protocols: [interleaved]
set: {sweeps: 1}
vary:
  - model.hardware.noise: [1, 4]
seeds: 1
outcomes:
  error: {quantity: validation_error}
figures:
  - {figure: lines, name: e, outcome: error, x: hardware.noise, columns: model, hue: readout}
"""  # noqa: E501


def test_a_part_changes_nothing_else():
    model = ws.load("ff_digits", decay=0.0, hardware=CHIP)
    again = ws.load("ff_digits", **{"hardware.noise": 3, "decay": 0.0, "hardware": CHIP})
    assert again.parameters.hardware == model.parameters.hardware.model_copy(update={"noise": 3})
    alone = ws.load("ff_digits", **{"decay": 0.0, "hardware.device": "filament"})
    assert alone.parameters.hardware.device == "filament"
    assert alone.parameters.hardware.noise == 1
    assert alone.values["rate"] == model.values["rate"]


OWN = """\
model: own
kind: ./own.py:K
offers: []
data: digits
parameters: {a: {b: {c: 0, d: 0}, e: 0}, x.y: 1}
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.py").write_text("class K: pass\n")
    (tmp_path / "own.yaml").write_text(OWN)
    return tmp_path / "own.yaml"


@given(order=st.permutations([("a.b.c", 1), ("a.b", {"d": 2}), ("a", {"e": 3}), ("a.model.f", 4)]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_parts_are_set_after_the_whole_at_every_depth(own, order):
    values = ws.load(own, **dict(order)).values
    assert values["a"] == {"b": {"d": 2, "c": 1}, "e": 3, "model": {"f": 4}}
    assert ws.load(own).values["a"] == {"b": {"c": 0, "d": 0}, "e": 0}


def test_a_dotted_name_of_a_kind_of_one_s_own_is_a_name(own):
    values = load_model(ws.load(own), {"x.y": 2, "u.v": 3}).values
    assert values == {"a": {"b": {"c": 0, "d": 0}, "e": 0}, "x.y": 2, "u.v": 3}


def test_settings_made_in_python_have_parts():
    chip = Hardware(device="filament", gain=0.3)
    its = ws.load("ff_digits", **{"decay": 0.0, "hardware": chip, "hardware.noise": 2}).parameters
    assert its.hardware == chip.model_copy(update={"noise": 2.0})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("momentum.x", "'momentum' of model 'ff_digits' is 0.9 and has no parts, so 'momentum.x'"),
        ("goodness.x", "'goodness' of model 'ff_digits' is 'sum_of_squares' and has no parts"),
        ("hardware.nois", "unknown key 'nois' in 'hardware' (did you mean 'noise'?)"),
        ("hardwar.noise", "has no parameter 'hardwar.noise' (did you mean 'hardware'?)"),
        ("hardware.", "has no parameter 'hardware.' (did you mean 'hardware'?)"),
        (".noise", "has no parameter '.noise'"),
    ],
)
def test_wrong_parts_are_refused_in_one_line(name, said, tmp_path, wakesleep):
    out = tmp_path / "run.zarr"
    code, _, told = wakesleep("run", "interleaved", "ff_digits", "-p", "model.decay=0",
                              "-p", f"model.{name}=2", "-o", out)  # fmt: skip
    assert code == 2
    assert said in told
    assert told.count("\n") == 1
    assert not out.exists()


def test_a_study_varies_a_part(tmp_path, wakesleep):
    file, out = tmp_path / "noisy.yaml", tmp_path / "out"
    file.write_text(STUDY)
    code, _, told = wakesleep("study", file, "-o", out, "--workers", 1)
    assert code == 0, told
    outcomes = ws.open_study(out)["outcomes"].to_dataset()
    assert outcomes["error"].dims[:3] == ("model", "protocol", "hardware.noise")
    alone = ws.run("interleaved", "ff_digits", inputs={"sweeps": 1}, seed=0, parameters={
        "layers": [8], "top_down": False, "decay": 0.0, "hardware": CHIP | {"noise": 4},
    })  # fmt: skip
    here = outcomes["error"].sel({"model": "told", "hardware.noise": 4, "seed": 0})
    assert here.squeeze().values.tolist() == alone["validation_error"].values.tolist()
    assert (out / "figures" / "e.png").exists()
    for old, new, said in (
        ("hardware.noise: [1", "hardwar.noise: [1", "is a parameter of no model of this study"),
        ("model.hardware.noise: [1, 4]", "model.hardware.device: [filament, resistive]",
         "'model.hardware.device' is varied, and set by one of the arms as well"),
        ("hardware.noise: [1, 4]", "hardware.gain: [0.2, 0.3]",
         "'model.hardware.gain' is varied, and set by one of the arms as well"),
    ):  # fmt: skip
        file.write_text(STUDY.replace(old, new))
        code, _, told = wakesleep("study", file, "--dry")
        assert code == 2
        assert said in told


def test_a_study_sets_a_part_of_what_a_model_uses_and_does_not_set_itself(tmp_path):
    plain = "set: {layers: [8], top_down: false, decay: 0.0"
    file = tmp_path / "s.yaml"
    file.write_text(f"""\
study: s
models:
  - {{name: chip, use: ff_digits, {plain}, hardware: {{device: resistive, gain: 0.1}}}}}}
  - {{name: quiet, use: ff_digits, {plain}, hardware: {{device: resistive, noise: 0.5}}}}}}
  - {{name: exact, use: ff_digits, {plain}}}}}
protocols: [interleaved]
set: {{sweeps: 1, model.hardware.noise: 4}}
seeds: 1
outcomes: {{error: {{quantity: validation_error}}}}
""")
    study = load_study(file)
    found = {name: study.jobs[study.grid[n, 0, 0]].model.parameters.hardware
             for n, name in enumerate(("chip", "quiet", "exact"))}  # fmt: skip
    assert (found["chip"].noise, found["chip"].gain, found["quiet"].noise) == (4, 0.1, 0.5)
    assert found["exact"] is None
    file.write_text(file.read_text().replace(", hardware: {device: resistive, gain: 0.1}", "")
                    .replace(", hardware: {device: resistive, noise: 0.5}", "")
                    .replace("hardware.noise: 4", "hardware.device: filament"))  # fmt: skip
    study = load_study(file)  # no model uses devices so far: it switches them on
    assert {its.model.parameters.hardware.device for its in study.jobs.values()} == {"filament"}
