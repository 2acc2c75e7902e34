"""Studies: real processes, real stores, real failures."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import wakesleep as ws
from wakesleep.files import library
from wakesleep.studies import gather, grid
from wakesleep.studies.run import run_study

STUDY = """\
study: little
description: Two lengths, two rates, two seeds.
models: [{name: tiny, use: ff_digits, set: {layers: [12, 12], top_down: false}}]
protocols: [phase_separation]
set: {batch: 20}
vary:
  - phase_steps: [3, 6]
    nights: [4, 2]
  - model.rate: [0.005, 0.01]
seeds: 2
outcomes:
  sleep: {quantity: error, at: sleep, readout: goodness, scale: 100}
  d_prime: {quantity: d_prime, at: wake}
  final: {quantity: validation_error}
published:
  - {outcome: sleep, at: {phase_steps: 6}, value: 42, source: nobody}
figures:
  - {figure: heatmap, name: map, outcome: sleep, x: phase_steps, y: rate}
  - {figure: lines, name: line, outcome: d_prime, x: phase_steps, hue: layer, columns: rate}
  - {figure: cycles, name: nights, quantity: error, at: sleep, hue: phase_steps, columns: rate,
     select: {readout: goodness}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "little.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "little.yaml").write_text(STUDY)
    return folder / "out", run_study(folder / "little.yaml", folder / "out", workers=2)


def test_every_place_in_the_grid_is_the_run_it_says(done):
    _, studied = done
    assert not studied.failed
    outcomes = studied.tree["outcomes"].to_dataset()
    assert dict(outcomes["sleep"].sizes) == {
        "model": 1, "protocol": 1, "phase_steps": 2, "rate": 2, "seed": 2,
    }  # fmt: skip
    assert outcomes["nights"].dims == ("phase_steps",)
    assert outcomes["nights"].values.tolist() == [4, 2]
    alone = ws.run(
        "phase_separation",
        "ff_digits",
        seed=1,
        inputs={"batch": 20, "phase_steps": 6, "nights": 2},
        parameters={"layers": [12, 12], "top_down": False, "rate": 0.01},
    )
    here = outcomes.sel(phase_steps=6, rate=0.01, seed=1, model="tiny").squeeze("protocol")
    ends = ws.statistics.phase_ends(alone)
    last = ends.isel(probe=-1)
    assert here["sleep"].item() == last["error"].sel(readout="goodness").item()
    np.testing.assert_array_equal(here["d_prime"], ends["d_prime"].isel(probe=-2))
    np.testing.assert_array_equal(here["final"], alone["validation_error"])
    theirs = outcomes["sleep_published"].squeeze(["model", "protocol"])
    assert theirs.dims == ("phase_steps", "rate")
    np.testing.assert_array_equal(theirs, [[np.nan, np.nan], [42, 42]])


def test_the_tree_holds_the_runs_with_their_place(done):
    out, studied = done
    places = []
    for run in studied.tree["runs"].children.values():
        its = run.to_dataset()
        place = json.loads(its.attrs["place"])
        places.append((place["phase_steps"], place["rate"]))
        assert its.sizes["seed"] == 2
        assert its.sizes["probe"] == 2 * (12 // place["phase_steps"])
    assert sorted(places) == [(3, 0.005), (3, 0.01), (6, 0.005), (6, 0.01)]
    again = ws.open_study(out)
    xr.testing.assert_identical(
        again["outcomes"].to_dataset().drop_attrs(),
        studied.tree["outcomes"].to_dataset().drop_attrs(),
    )
    assert set(again["runs/0000"].to_dataset()["phase"].values) == {"wake", "sleep"}
    assert list(again["outcomes"].data_vars) == ["sleep", "d_prime", "final", "sleep_published"]
    assert list(again["runs"].children) == ["0000", "0001", "0002", "0003"]


def test_outcomes_are_a_small_netcdf_file_and_figures_are_drawn(done):
    out, studied = done
    plain = xr.load_dataset(out / "outcomes.nc", engine="scipy")
    np.testing.assert_allclose(plain["sleep"], studied.tree["outcomes"]["sleep"])
    assert {path.name for path in (out / "figures").iterdir()} == {
        "map.png", "line.png", "nights.png",
    }  # fmt: skip


def test_panels_say_what_their_numbers_are(done):
    from wakesleep.plots.study import draw_values
    from wakesleep.plots.wanted import Figure

    values = done[1].tree["outcomes"]["d_prime"].squeeze(["model", "protocol"], drop=True)
    wanted = Figure(figure="lines", name="x", outcome="d_prime", x="rate", rows="phase_steps",
                    columns="layer")  # fmt: skip
    titles = [ax.get_title() for ax in draw_values(wanted, values).axes]
    assert titles == [
        f"length of a phase (updates) {steps}, layer {layer}" for steps in (3, 6) for layer in "12"
    ]


def test_no_network_is_kept_unless_asked_for(done):
    assert not list((done[0] / "runs").glob("*.pt"))


def test_an_outcome_that_no_run_has_is_told(done, file):
    out, _ = done
    more = "  nowhere: {quantity: d_prime, at: wake, layer: '9'}\npublished:"
    file.write_text(STUDY.replace("published:", more))
    told = r"outcome 'nowhere' \(d_prime, at wake, layer 9\) has no value in any run"
    with pytest.warns(UserWarning, match=told):
        gather.gather(grid.load(file), out / "runs", out / "again.zarr", {})


def test_what_is_finished_is_not_run_again(done, tmp_path):
    out, _ = done
    written = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/zarr.json")}
    assert len(written) == 8
    run_study(out.parent / "little.yaml", out, workers=1)
    assert {path: path.stat().st_mtime_ns for path in out.glob("runs/*/zarr.json")} == written


def test_an_interval_over_seeds_needs_two(done):
    _, studied = done
    found = ws.statistics.interval(studied.tree["outcomes"]["sleep"].isel(seed=[0]))
    assert np.isnan(found["low"]).all()
    assert (found["n"] == 1).all()


OWN = """\
import torch

class Fails:
    readouts = ("none",)
    def __init__(self, parameters, setting):
        self.how, self.classes = parameters["how"], setting.classes
    def learn(self, chunk):
        if self.how == "raises":
            raise ArithmeticError("as told")
        if self.how == "dies":
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)
        return 3 if self.how == "diverges" else None
    def classify(self, images, readout):
        return torch.zeros(len(images), dtype=torch.long)
    def state_dict(self):
        return {}
    def load_state_dict(self, state):
        pass
"""


def test_one_failed_run_loses_no_other(tmp_path, wakesleep):
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "own.yaml").write_text(
        "model: own\nkind: ./own.py:Fails\ndata: digits\nparameters: {how: well}\n"
        "offers: [wake, classify]\n"
    )
    (tmp_path / "awake.yaml").write_text("protocol: awake\nphases: [{phase: wake, steps: 5}]\n")
    (tmp_path / "failing.yaml").write_text(
        "study: failing\nmodels: [own.yaml]\nprotocols: [awake.yaml]\nseeds: 1\n"
        "vary: [{model.how: [raises, dies, well, diverges]}]\n"
        "outcomes: {error: {quantity: error}}\n"
        "figures: [{figure: lines, name: line, outcome: error, x: how},"
        " {figure: cycles, name: cycles, quantity: error, hue: how, select: {readout: none}}]\n"
    )
    out = tmp_path / "out"
    code, printed, told = wakesleep(
        "study", tmp_path / "failing.yaml", "-o", out, "--workers", 2, "--quiet"
    )
    assert code == 1
    assert "3 of the study's runs failed" in told
    assert str(out / "outcomes.nc") in printed
    tree = ws.open_study(out)
    why = {
        key.split("how=")[1].split("-")[0]: its
        for key, its in json.loads(tree.attrs["failed"]).items()
    }
    assert re.fullmatch(r"own\.py:\d+: in \w+: ArithmeticError: as told", why["raises"])
    assert "died" in why["dies"]
    assert "no longer finite" in why["diverges"]
    error = tree["outcomes"]["error"].squeeze(["model", "protocol", "seed", "readout"])
    assert np.isfinite(error.sel(how="well"))
    assert np.isnan(error.drop_sel(how="well")).all()


UNLIKE = """\
study: unlike
models:
  - {name: two, use: ff_digits, set: {layers: [6, 6], top_down: false}}
  - {name: three, use: ff_digits, set: {layers: [6, 6, 6], top_down: false}}
  - {name: backprop, use: backprop_digits, set: {layers: [6]}}
protocols: [interleaved]
set: {sweeps: 1, batch: 100, negatives: wrong_label}
seeds: 2
outcomes:
  error: {quantity: error, label: error}
  by_goodness: {quantity: error, readout: goodness}
  d_prime: {quantity: d_prime}
  norm: {quantity: weight_norm, layer: '3'}
figures:
  - {figure: cycles, name: norms, quantity: weight_norm, hue: model, columns: layer}
  - {figure: lines, name: errors, outcome: error, x: model, hue: readout}
"""


def test_unlike_models_keep_their_own_layers_and_readouts(tmp_path):
    (tmp_path / "unlike.yaml").write_text(UNLIKE)
    studied = run_study(tmp_path / "unlike.yaml", tmp_path / "out", workers=1)
    outcomes = studied.tree["outcomes"].to_dataset().squeeze("protocol")
    there = outcomes.notnull().any("seed")
    assert there["error"].sel(readout="softmax").all()
    assert there["error"].sel(readout="goodness").values.tolist() == [True, True, False]
    assert there["by_goodness"].values.tolist() == [True, True, False]
    assert there["d_prime"].sel(model="two", layer=["1", "2", "3"]).values.tolist() == [
        True, True, False,
    ]  # fmt: skip
    assert there["norm"].values.tolist() == [False, True, False]
    alone = ws.run(
        "interleaved",
        "ff_digits",
        seed=1,
        inputs={"sweeps": 1, "batch": 100, "negatives": "wrong_label"},
        parameters={"layers": [6, 6], "top_down": False},
    )
    np.testing.assert_array_equal(
        outcomes["d_prime"].sel(model="two", seed=1, layer=["1", "2"]),
        alone["d_prime"].isel(probe=-1),
    )


def test_what_is_run_decides_the_name_of_its_store(file):
    names = set(grid.load(file).jobs)
    assert not names & set(grid.load(file, device="cuda").jobs)
    file.write_text(STUDY.replace("set: {batch: 20}", "set: {batch: 25}"))
    assert not names & set(grid.load(file).jobs)
    file.write_text(STUDY.replace("description: Two", "description: To"))
    assert names == set(grid.load(file).jobs)


def test_an_arm_keeps_what_it_sets_itself(file):
    arm = "[{name: mine, use: phase_separation, set: {batch: 7}}, phase_separation]"
    text = STUDY.replace("[phase_separation]", arm)
    file.write_text(text.partition("figures:")[0])
    batches = {
        job.name.split("-")[1]: job.protocol.values["batch"]
        for job in grid.load(file).jobs.values()
    }
    assert batches == {"mine": 7, "phase_separation": 20}


@pytest.mark.long
def test_a_killed_study_goes_on_where_it_was(tmp_path, file):
    """kill -9 on the parent: its workers end, and the same command makes the same numbers."""
    long = STUDY.replace("nights: [4, 2]", "nights: [400, 200]")
    file.write_text(long)
    command = [
        sys.executable,
        "-m",
        "wakesleep",
        "study",
        str(file),
        "-o",
        str(tmp_path / "killed"),
        "--workers",
        "2",
        "--quiet",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    runs = tmp_path / "killed" / "runs"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        finished = [
            path
            for path in (runs.glob("*.zarr") if runs.exists() else ())
            if '"finished"' in (path / "zarr.json").read_text()
        ]
        if len(finished) >= 2:
            break
        time.sleep(0.05)
    children = _children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert children
    while any(_alive(child) for child in children):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)
    assert not (tmp_path / "killed" / "outcomes.nc").exists()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    whole = run_study(file, tmp_path / "whole", workers=2)
    again = ws.open_study(tmp_path / "killed")
    xr.testing.assert_equal(again["outcomes"].to_dataset(), whole.tree["outcomes"].to_dataset())


def test_an_interrupted_study_stops_where_it_is_safe(tmp_path, file):
    file.write_text(STUDY.replace("nights: [4, 2]", "nights: [9000, 9000]"))
    command = [sys.executable, "-m", "wakesleep", "study", str(file), "-o", str(tmp_path / "out")]
    process = subprocess.Popen(
        [*command, "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job, as a run of the tests may be one, ignores the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    runs = tmp_path / "out" / "runs"
    deadline = time.monotonic() + 120
    while len(list(runs.glob("*.zarr"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    children = _children(process.pid)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "wakesleep: interrupted: 0 of 8 runs have ended; the same command continues" in told
    assert "Traceback" not in told
    while any(_alive(child) for child in children):  # the last of them tidies up
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)
    assert len(list(runs.glob("*.checkpoint.pt"))) == 2


def _children(pid: int) -> list[int]:
    found = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return [int(its) for its in found]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


BAD = {
    "missing model": (
        ("use: ff_digits", "use: ff_digit"),
        r"'ff_digit' is neither .*\(did you mean 'ff_digits'\?\); ",
    ),
    "missing protocol": (
        ("[phase_separation]", "[phase.yaml]"),
        "phase.yaml: there is no such file",
    ),
    "empty grid": (("phase_steps: [3, 6]", "phase_steps: []"), "'phase_steps' must not be empty"),
    "a phase that no protocol has": (
        ("quantity: d_prime, at: wake", "quantity: d_prime, at: deprivation"),
        r"no protocol of this study has a phase 'deprivation'; there are sleep, wake",
    ),
    "a dimension that a figure leaves undecided": (
        ("x: phase_steps, hue: layer, columns: rate", "x: phase_steps, hue: layer"),
        r"19:5: figure 'line': 'rate' has 2 values; show it as",
    ),
    "lists of two lengths": (
        ("nights: [4, 2]", "nights: [4]"),
        "equally long; phase_steps has 2, nights has 1",
    ),
    "unknown input": (
        ("set: {batch: 20}", "set: {btach: 20}"),
        r"little.yaml:5:7: 'btach' is an input of no protocol.*\(did you mean 'batch'\?\); ",
    ),
    "unknown parameter": (
        ("set: {batch: 20}", "set: {batch: 20, model.rat: 0.1}"),
        r"'model.rat' is a parameter of no model.*\(did you mean 'model.rate'\?\); ",
    ),
    "value out of range": (
        ("phase_steps: [3, 6]", "phase_steps: [0, 6]"),
        "at batch=20, phase_steps=0.*must be at least 1",
    ),
    "set twice": (("set: {batch: 20}", "set: {nights: 20}"), "nights is set or varied twice"),
    "unknown quantity": (
        ("quantity: d_prime", "quantity: dprime"),
        r"quantity 'dprime' is unknown \(did you mean 'd_prime'\?\); ",
    ),
    "unknown outcome of a figure": (
        ("outcome: sleep, x", "outcome: slep, x"),
        r"no outcome 'slep' \(did you mean 'sleep'\?\); ",
    ),
    "no outcomes": (("outcomes:", "outcoms:"), "unknown key 'outcoms'"),
    "published elsewhere": (
        ("at: {phase_steps: 6}", "at: {phase_steps: 7}"),
        "published: 'phase_steps' is never 7; it is 3, 6",
    ),
    "two of one name": (
        ("  final: {", "  nights: {"),
        "nights names two things in the result",
    ),
    "a seed twice": (("seeds: 2", "seeds: [1, 2, 1]"), "a seed occurs twice"),
    "a value twice": (("[0.005, 0.01]", "[0.005, 0.005]"), "a value of 'model.rate' occurs twice"),
    "a dimension of a figure": (
        ("hue: layer, columns", "hue: lair, columns"),
        r"no dimension 'lair' \(did you mean 'layer'\?\); ",
    ),
    "a scale of a figure": (("y: rate}", "y: rate, log: [z]}"), "'0' is 'z'; allowed are x, y"),
    "a statistic that heeds no phase": (
        (
            "final: {quantity: validation_error}",
            "final: {quantity: error, statistic: overshoot, at: wake}",
        ),
        "'at' does not apply to 'statistic: overshoot'",
    ),
    "a layer of what has none": (
        ("at: sleep, readout: goodness, scale", "at: sleep, layer: '1', scale"),
        "'error' has no layer to select",
    ),
    "an arm that is varied": (
        ("set: {layers: [12, 12], top_down: false}", "set: {rate: 0.1}"),
        "'model.rate' is varied, and set by one of the arms",
    ),
    "no seeds": (("seeds: 2", "seeds: 0"), "'seeds'"),
    "not a study": (("study: little", "stdy: little"), "not a study"),
    "inputs of a model that a protocol sets": (
        (
            "top_down: false}}]\nprotocols: [phase_separation]",
            "top_down: false}, inputs: {batch: 9}}]\n"
            "protocols: [{name: one, use: phase_separation, set: {batch: 7}}]",
        ),
        "'batch' is set by a model's 'inputs', and by one of the protocols",
    ),
    "a misspelt read-out": (
        ("at: sleep, readout: goodness", "at: sleep, readout: godness"),
        r"there is no read-out 'godness' \(did you mean 'goodness'\?\); ",
    ),
    "a block that is nowhere": (
        ("sleep: {quantity: error, at: sleep,", "sleep: {quantity: error, at: sleep, block: lost,"),
        "no protocol of this study has a block 'lost'; there are",
    ),
    "a parameter among the inputs": (
        ("top_down: false}}]", "top_down: false}, inputs: {model.peer: 0.1}}]"),
        "'model.peer' is an input of no protocol",
    ),
    "two arms of one name": (
        ("protocols: [phase_separation]", "protocols: [phase_separation, phase_separation]"),
        "same name",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_study_is_one_sentence_and_writes_nothing(what, file, tmp_path, wakesleep):
    (old, new), message = BAD[what]
    assert old in STUDY
    file.write_text(STUDY.replace(old, new))
    code, _, told = wakesleep("study", file, "-o", tmp_path / "out")
    assert code == 2
    assert told.count("\n") == 1
    assert re.search(message, told), told
    assert not (tmp_path / "out").exists()


def test_a_study_of_a_model_that_cannot(tmp_path):
    file = tmp_path / "cannot.yaml"
    file.write_text(
        "study: cannot\nmodels: [ff_mnist_256x2]\nprotocols: [total_sleep_deprivation]\n"
        "outcomes: {error: {quantity: error}}\n"
    )
    with pytest.raises(ws.InputError, match="does not offer 'dream'"):
        run_study(file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_study_that_is_nowhere(wakesleep, tmp_path):
    code, _, told = wakesleep("study", "phase_diagrm", "-o", tmp_path / "out")
    assert code == 2
    assert "did you mean 'phase_diagram'" in told


@pytest.mark.filterwarnings("default:.*no value in any run")
def test_a_figure_that_cannot_be_drawn_loses_no_table_and_no_other(file, tmp_path, wakesleep):
    """Layers are known only once there are runs; a logarithm only of what is above 0."""
    text = STUDY.replace("hue: layer, columns: rate", "columns: rate")
    text = text.replace("outcome: sleep, x", "outcome: lost, x").replace(
        "figure: heatmap", "figure: lines"
    )
    text = text.replace("y: rate}", "columns: rate, log: [y]}")
    text = text.replace("  final:", "  lost: {quantity: sleep_pressure}\n  final:")
    file.write_text(text)
    words = ("-o", tmp_path / "out", "--workers", 1, "--seeds", 1)
    code, out, told = wakesleep("study", file, *words)
    assert code == 0
    assert "little" in out
    assert "outcome 'lost' (sleep_pressure) has no value in any run" in told
    assert "figure 'line' could not be drawn: figure 'line': 'layer' has 2 values" in told
    assert "figure 'map' could not be drawn: figure 'map': nothing is left to draw" in told
    assert (tmp_path / "out" / "figures" / "nights.png").exists()


def test_a_study_is_not_opened_as_a_run(done):
    out, _ = done
    with pytest.raises(ws.InputError, match=r"is the result of a study.*open_study"):
        ws.open(out)


def test_a_dry_run_only_tells(file, wakesleep, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, printed, _ = wakesleep("study", file, "--dry", "--seeds", 3)
    assert code == 0
    assert len(printed.splitlines()) == 12
    assert not (tmp_path / "little").exists()


@pytest.mark.parametrize("name", sorted(library.shipped("studies")))
def test_shipped_studies_are_in_order(name):
    loaded = grid.load(name)
    assert loaded.spec.study == name
    assert loaded.jobs


def test_a_checkpoint_that_a_killed_worker_left_is_removed(done, file, tmp_path):
    """Killed after the end of a run, before its checkpoint was removed."""
    out, studied = tmp_path / "out", done[1]
    shutil.copytree(done[0], out)
    store = next((out / "runs").glob("*.zarr"))
    left = store.with_name(f"{store.name}.checkpoint.pt")
    left.write_bytes(b"left")
    again = run_study(file, out, workers=2)
    assert not left.exists()
    xr.testing.assert_identical(
        again.tree["outcomes"].to_dataset(), studied.tree["outcomes"].to_dataset()
    )


@pytest.mark.parametrize(
    "name", ["OMP_NUM_THREADS", pytest.param("MKL_NUM_THREADS", marks=pytest.mark.long)]
)
def test_threads_that_the_user_sets_hold_for_the_workers(name, tmp_path):
    """Other numbers of threads round differently, so a run alone would have other numbers."""
    (tmp_path / "one.yaml").write_text(
        "study: one\nmodels: [{name: tiny, use: ff_digits, set: {layers: [4], top_down: false}}]\n"
        "protocols: [phase_separation]\nset: {nights: 1, phase_steps: 2}\nseeds: 1\n"
        "outcomes: {error: {quantity: validation_error}}\n"
    )
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    surroundings = {key: its for key, its in os.environ.items() if key not in names}
    done = subprocess.run(
        [sys.executable, "-m", "wakesleep", "study", "one.yaml", "-o", "one", "--workers", "1"],
        cwd=tmp_path, env=surroundings | {name: "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "one" / "runs").glob("*.zarr")
    assert ws.open(run).attrs["device_name"] == "cpu (1 thread)"


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ("[0.005, 0.02]", "4 runs of earlier settings"),
        ("[0.005, 0.01]", "1 run of earlier settings"),
    ],
    ids=["new runs beside them", "one"],
)
def test_runs_of_earlier_settings_are_told(done, file, tmp_path, rates, said):
    out = tmp_path / "out"
    shutil.copytree(done[0], out)
    if said.startswith("1 run "):
        store = next((out / "runs").glob("*.zarr"))
        shutil.copytree(store, out / "runs" / "tiny-phase_separation-00000000-seed0.zarr")
    file.write_text(STUDY.replace("[0.005, 0.01]", rates).partition("published:")[0])
    with pytest.warns(UserWarning, match=f"out: {said} in this folder, not in the result"):
        run_study(file, out, workers=1)
