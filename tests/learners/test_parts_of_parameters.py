"""A part of a parameter is set by a dotted name: ``hardware.noise``."""

from __future__ import annotations

import pytest

import wakesleep as ws
from wakesleep.learners.model_file import together

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


def test_parts_are_set_after_the_whole_and_in_depth():
    given = {"a.b.c": 1, "a": {"b": {"d": 2}, "e": 3}, "f.g": 4}
    assert together({"h": 5}, given, "m") == {
        "h": 5, "a": {"b": {"c": 1, "d": 2}, "e": 3}, "f": {"g": 4},
    }  # fmt: skip
    kept = {"a": {"b": 1}}
    together(kept, {"a.b": 2}, "m")
    assert kept == {"a": {"b": 1}}  # a file's own values stay as they are


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rate.x", "parameter 'rate' of model 'ff_digits' has no parts, so 'rate.x' cannot be set"),
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
    ):  # fmt: skip
        file.write_text(STUDY.replace(old, new))
        code, _, told = wakesleep("study", file, "--dry")
        assert code == 2
        assert said in told
