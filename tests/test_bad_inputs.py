"""Every bad input: exit code 2, one sentence on stderr, nothing written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import wakesleep as ws
from tests.conftest import SMALL_MODEL, SMALL_PROTOCOL

# Bad inputs: (what is changed in the protocol, what is changed in the model, arguments, message).
BAD = {
    "dreams of a model that cannot dream": (
        ("data: {batch: 20, train: 200}", "data: {batch: 20}\nnegatives: {source: dream}"),
        None,
        [],
        r"does not offer 'dream', which is needed by negative data 'dream'",
    ),
    "dreams of a phase of a model that cannot dream": (
        (
            "{phase: recovery, steps: $steps}",
            "{phase: recovery, steps: 3, negatives: {source: dream}}",
        ),
        None,
        [],
        r"does not offer 'dream', which is needed by negative data 'dream'",
    ),
    "waiting for dreams of a model that cannot dream": (
        (
            "{phase: recovery, steps: $steps}",
            "{phase: recovery, until: {quantity: dream_auc, above: 0.9}, at_most: 9}",
        ),
        None,
        [],
        r"does not offer 'dream', which is needed by condition on 'dream_auc'",
    ),
    "option of another source": (
        (
            "data: {batch: 20, train: 200}",
            "data: {batch: 20}\nnegatives: {source: wrong_label, settle: 2}",
        ),
        None,
        [],
        r"small.yaml:9:1: negative data 'wrong_label' have no option 'settle'; allowed are none",
    ),
    "misspelt option of a source": (
        ("data: {batch: 20, train: 200}", "negatives: {source: hybrid, blur: 2}"),
        None,
        [],
        r"have no option 'blur' \(did you mean 'blurs'\?\); ",
    ),
    "option of a source out of range": (
        ("data: {batch: 20, train: 200}", "negatives: {source: hybrid, blurs: -1}"),
        None,
        [],
        r"option 'blurs' must be at least 0, not -1",
    ),
    "a mode of sleep for waking": (
        ("{phase: deprivation, steps: $steps}", "{phase: deprivation, steps: 3, mode: centred}"),
        None,
        [],
        r"'mode: centred' is for sleep, not for phase 'deprivation'",
    ),
    "momentum of one": (
        ("data: {batch: 20, train: 200}", "momentum: 1.0"),
        None,
        [],
        r"'momentum' must be less than 1",
    ),
    "process S without a clock": (
        (
            "clock: {steps_per_hour: 2, start_h: $start, day_h: $steps}",
            "sleep_pressure: {start: 0.1}",
        ),
        None,
        [],
        r"'sleep_pressure' needs a 'clock'",
    ),
    "unknown key": (
        ("record:", "recrod:"),
        None,
        [],
        r"small.yaml:19:1: unknown key 'recrod' \(did you mean 'record'\?\); ",
    ),
    "unknown key in a phase": (
        ("{phase: deprivation, steps: $steps}", "{phase: deprivation, stps: $steps}"),
        None,
        [],
        r"small.yaml:16:26: unknown key 'stps' \(did you mean 'steps'\?\); ",
    ),
    "misspelt phase": (
        ("phase: recovery", "phase: recovrey"),
        None,
        [],
        r"small.yaml:17:6: 'phase' is 'recovrey' \(did you mean 'recovery'\?\); ",
    ),
    "misspelt key of a phase": (
        ("{phase: recovery", "{phse: recovery"),
        None,
        [],
        r"small.yaml:17:6: unknown key 'phse' \(did you mean 'phase'\?\); ",
    ),
    "misspelt repeat": (
        ("repeat: $nights", "repaet: $nights"),
        None,
        [],
        r"small.yaml:11:5: unknown key 'repaet' \(did you mean 'repeat'\?\); ",
    ),
    "negative steps": (
        ("{phase: recovery, steps: $steps}", "{phase: recovery, steps: -3}"),
        None,
        [],
        r"small.yaml:17:23: 'steps' must be greater than or equal to 1",
    ),
    "negative steps by an input": (
        None,
        None,
        ["-p", "steps=-3"],
        r"input 'steps' must be at least 1, not -3",
    ),
    "undeclared input": (
        ("steps: $steps}", "steps: $stesp}"),
        None,
        [],
        r"small.yaml:14:23: '\$stesp' .*\(did you mean 'steps'\?\); ",
    ),
    "undeclared input given": (
        None,
        None,
        ["-p", "nigths=3"],
        r"declares no input 'nigths' \(did you mean 'nights'\?\); ",
    ),
    "wrong type": (
        ("{phase: recovery, steps: $steps}", "{phase: recovery, steps: ten}"),
        None,
        [],
        r"small.yaml:17:23: 'steps' must be a whole number, not 'ten'",
    ),
    "wrong type given": (
        None,
        None,
        ["-p", "nights=many"],
        r"input 'nights' must be a whole number, not 'many'",
    ),
    "not a pair": (None, None, ["-p", "nights"], r"expected NAME=VALUE"),
    "no length": (
        ("{phase: recovery, steps: $steps}", "{phase: recovery}"),
        None,
        [],
        r"small.yaml:17:5: a phase needs exactly one of steps, sweeps",
    ),
    "two lengths": (
        ("{phase: recovery, steps: $steps}", "{phase: recovery, steps: 1, sweeps: 1}"),
        None,
        [],
        r"it has steps and sweeps",
    ),
    "unknown data": (
        ("data: {batch", "data: {set: digts, batch"),
        None,
        [],
        r"small.yaml:8:8: data set 'digts' is unknown \(did you mean 'digits'\?\); ",
    ),
    "too many cases": (
        ("train: 200", "train: 20000"),
        None,
        [],
        r"'digits' has 1200 training cases",
    ),
    "unknown source": (
        ("record:", "negatives: {source: wrong_lable}\nrecord:"),
        None,
        [],
        r"'wrong_lable' is unknown \(did you mean 'wrong_label'\?\); ",
    ),
    "unknown quantity": (
        ("record: {", "record: {quantities: [errors], "),
        None,
        [],
        r"quantity 'errors' is unknown \(did you mean 'error'\?\); ",
    ),
    "empty protocol": ((SMALL_PROTOCOL, ""), None, [], r"small.yaml: the file is empty"),
    "not YAML": (("inputs:", "inputs: ["), None, [], r"small.yaml:\d+:\d+: this is not YAML"),
    "deep nesting": (
        (
            "phases:\n  - repeat",
            "phases:\n  - "
            + "{repeat: 1, phases: [" * 100
            + "{phase: wake, steps: 1}"
            + "]}" * 100
            + "\n  - repeat",
        ),
        None,
        [],
        r"nested more than 24 levels deep",
    ),
    "not a capability": (
        ("requires: [wake, sleep]", "requires: [wake, sleeep]"),
        None,
        [],
        r"small.yaml:7:18: capability 'sleeep' is unknown \(did you mean 'sleep'\?\); ",
    ),
    "typo in a list of one": (
        (SMALL_PROTOCOL[SMALL_PROTOCOL.index("phases:") :], "phases: [{phase: weak, steps: 1}]\n"),
        None,
        [],
        r"small.yaml:10:11: 'phase' is 'weak' \(did you mean 'wake'\?\); ",
    ),
    "condition that is never looked at": (
        (
            SMALL_PROTOCOL[SMALL_PROTOCOL.index("phases:") :],
            "phases: [{phase: wake, at_most: 9, until: {quantity: auc, above: 0.7}}]\n",
        ),
        None,
        [],
        r"a phase with 'until' needs 'record: \{every",
    ),
    "aliases of aliases": (
        (
            "record:",
            "references:\n"
            + "".join(
                f"  - &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 9)}]\n" for n in range(7)
            )
            + "record:",
        ),
        None,
        [],
        r"more than 100,000 values",
    ),
    "merged key": (
        ("{phase: recovery, steps: $steps}", "{<<: {phase: recovery}, stpes: 3}"),
        None,
        [],
        r"small.yaml:17:\d+: unknown key 'stpes' \(did you mean 'steps'\?\); ",
    ),
    "odd tag": (("train: 200", "train: !!float ''"), None, [], r"this is not YAML|train"),
    "list for a default": (
        ("start: {default: 7.5}", "start: {default: [1]}"),
        None,
        [],
        r"'default' must be a number, text, or true/false, not a list",
    ),
    "unused input": (
        ("start_h: $start", "start_h: 7"),
        None,
        [],
        r"small.yaml:6:3: input 'start' is declared, but '\$start' is not used",
    ),
    "wrong default": (
        ("steps: {default: 12, minimum: 1}", "steps: {default: twelve}"),
        None,
        [],
        r"'steps' must be a whole number, not 'twelve' \(the value of \$steps\)",
    ),
    "name of a protocol": (
        ("protocol: small", "protocol: a small one"),
        None,
        [],
        r"small.yaml:1:1: 'a small one' is not a valid name",
    ),
    "endless days": (
        None,
        None,
        ["-p", "steps=1000000000000"],
        r"has .* probes; allowed are 1,000,000",
    ),
    "too large a batch": (
        ("batch: 20", "batch: 201"),
        None,
        [],
        r"'digits' has 200 training cases",
    ),
    "too large a layer": (None, ("[16, 16]", "[16, 9999999]"), [], r"less than or equal to 100000"),
    "output in NetCDF": (None, None, ["-o", "out.nc"], r"written as a Zarr store.* out.zarr"),
    "model without a capability": (
        None,
        ("kind:", "offers: [wake, goodness]\nkind:"),
        [],
        r"'small' cannot run: model 'tiny' does not offer 'sleep'",
    ),
    "unknown parameter": (
        None,
        ("layers:", "lyers:"),
        [],
        r"tiny.yaml:6:3: unknown key 'lyers' in 'parameters' \(did you mean 'layers'\?\); ",
    ),
    "unknown parameter given": (
        None,
        None,
        ["-p", "model.rat=1"],
        r"no parameter 'rat' \(did you mean 'rate'\?\); ",
    ),
    "wrong parameter": (None, ("[16, 16]", "[16, -16]"), [], r"tiny.yaml:6:16: .*greater than 0"),
    "wrong parameter given": (
        None,
        None,
        ["-p", "model.rate=fast"],
        r"parameters of model 'tiny': 'rate' must be a number, not 'fast'",
    ),
    "unknown kind": (
        None,
        ("kind: forward_forward", "kind: forward"),
        [],
        r"kind 'forward' is unknown \(did you mean 'forward_forward'\?\); ",
    ),
    "unknown data of the model": (
        None,
        ("data: digits", "data: digit"),
        [],
        r"data set 'digit' is unknown \(did you mean 'digits'\?\); ",
    ),
    "absent device": (None, None, ["--device", "cuda"], r"finds no CUDA GPU"),
    "a field larger than the image": (
        ("data: {batch", "negatives: {source: hybrid}\ndata: {batch"),
        (
            "[16, 16]\n  label: extra_units",
            "[{field: 9, channels: 4}, 16]\n  label: none",
        ),
        [],
        r"layer 1: a field of 9 places does not fit into a map of 8",
    ),
    "a stride that leaves no place": (
        ("data: {batch", "negatives: {source: hybrid}\ndata: {batch"),
        (
            "[16, 16]\n  label: extra_units",
            "[{field: 3, stride: 6, channels: 4}, 16]\n  label: none",
        ),
        [],
        r"layer 1: a stride of 6 leaves no second place on a map of 8",
    ),
    "a field without channels": (
        None,
        ("[16, 16]", "[{field: 3}, 16]"),
        [],
        r"tiny.yaml:6:1\d: .*channels",
    ),
    "a local layer without a map below": (
        None,
        ("[16, 16]", "[16, {field: 3, channels: 4}]"),
        [],
        r"layer 2 has receptive fields, but the layer below it has no map",
    ),
    "a label for local fields": (
        None,
        ("[16, 16]", "[{field: 3, channels: 4}, 16]"),
        [],
        r"a first layer with receptive fields has no inputs for a label",
    ),
    "blocks that do not divide a layer": (
        None,
        ("label: extra_units", "label: extra_units\n  blocks: 5"),
        [],
        r"blocks: 5 do not divide layer 1, of 16 units",
    ),
    "a read-out over a layer that is not there": (
        None,
        ("label: extra_units", "label: extra_units\n  readout_layers: [2, 3]"),
        [],
        r"readout_layers: there is no layer 3, only 2",
    ),
    "more candidates than classes": (
        None,
        ("label: extra_units", "label: extra_units\n  candidates: 11"),
        [],
        r"candidates: 11, but there are 10 classes",
    ),
    "hybrids of single images": (
        (
            "data: {batch: 20, train: 200}",
            "data: {batch: 1, train: 200}\nnegatives: {source: hybrid}",
        ),
        None,
        [],
        r"'hybrid' mix images of a batch, and batch is 1",
    ),
    "wrong labels for a net without any": (
        None,
        ("label: extra_units", "label: none"),
        [],
        r"differ from real data by their label alone.*such as 'hybrid'",
    ),
    "jitter beyond the image": (
        ("train: 200}", "train: 200, jitter: 8}"),
        None,
        [],
        r"jitter is 8, but images of 'digits' have 8 pixels a side",
    ),
    "a layer to be trained that is not there": (
        ("{phase: wake, steps: $steps}", "{phase: wake, steps: $steps, layers: [3]}"),
        None,
        [],
        r"a phase trains layer 3, but model 'tiny' has 2 layers",
    ),
    "unknown device": (None, None, ["--device", "gpu"], r"device 'gpu' is unknown"),
    "negative seed": (
        None,
        None,
        ["--seed", "-1"],
        r"'--seed': it must be greater than or equal to 0",
    ),
    "seed that is no number": (None, None, ["--seed", "one"], r"--seed.*integer"),
    "unknown option": (None, None, ["--sede", "1"], r"No such option.*--sede"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_inputs(name, wakesleep, tmp_path, monkeypatch, protocol_file, model_file):
    if name == "absent device":
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a GPU here")
    change, model_change, arguments, message = BAD[name]
    if change:
        assert change[0] in SMALL_PROTOCOL
        protocol_file.write_text(SMALL_PROTOCOL.replace(*change, 1) if change[1] else "")
    if model_change:
        assert model_change[0] in SMALL_MODEL
        model_file.write_text(SMALL_MODEL.replace(*model_change, 1))
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    refused(wakesleep("run", "small.yaml", "tiny.yaml", "-o", "out.zarr", *arguments), message)
    assert sorted(tmp_path.rglob("*")) == before, "something was written"


def refused(outcome: tuple[int, str, str], message: str) -> None:
    code, out, err = outcome
    assert code == 2
    assert out == ""
    assert err.startswith("wakesleep: ")
    assert err.count("\n") == 1, "one sentence on one line"
    assert re.search(message, err), err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "absent.yaml", "ff_digits"], r"absent.yaml: there is no such file"),
        (["run", "total_slep_deprivation", "ff_digits"], r"did you mean 'total_sleep_deprivation'"),
        (["run", "total_sleep_deprivation", "ff_digit"], r"did you mean 'ff_digits'"),
        (
            ["run", "ff_digits", "ff_digits"],
            r"'ff_digits' is a model, not a protocol",
        ),
        (["check", "absent.yaml"], r"there is no such file"),
        (["check", "ff_digits", "--model", "ff_digits"], r"only a protocol can be checked"),
        (["check", "interleaved", "--model", "nothing"], r"neither a file nor a shipped model"),
        (["check", "interleaved", "-p", "model.rate=1"], r"name the model too \(--model\)"),
        (["check", "interleaved", "-p", "swps=1"], r"no input 'swps' \(did you mean 'sweeps'"),
        (["look", "hybrids", "/tmp"], r"hybrids are made of a data set's images"),
        (["show", "nothing"], r"'nothing' is neither a file nor a shipped"),
        (["copy", "nothing"], r"'nothing' is neither a file nor a shipped"),
        (["copy", "ff_digits", "/proc/none/x.yaml"], r"cannot be written"),
        (["list", "model"], r"did you mean 'models'"),
        (["schema", "protocols"], r"did you mean 'protocol'"),
        (["plot", "absent.zarr"], r"there is no such result"),
        (["nothing"], r"No such command 'nothing'"),
        (
            ["look", "x.zarr"],
            r"Missing argument RESULT; usage: wakesleep look \[OPTIONS\] WHAT RESULT$",
        ),
        (["run"], r"Missing argument PROTOCOL; usage: .* \[OPTIONS\] PROTOCOL \[MODEL\]$"),
        (["look", "fields", "x.zarr", "--first", "2.5"], r"'--first': it must be a valid integer$"),
    ],
)
def test_other_bad_inputs(arguments, message, wakesleep, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(wakesleep(*arguments), message)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("ascent: 3", r"dreams have 'ascent' in networks of kind forward_forward without recurren"),
        ("noise: 1.0", r"dreams have 'noise' in networks of kind forward_forward and backprop"),
        ("start: mixed", r"dreams have the start 'mixed' in networks of kind forward_forward and"),
    ],
)
@pytest.mark.parametrize("source", ["dream", "mixture"])
def test_dreams_that_a_machine_does_not_make(
    source, options, message, wakesleep, tmp_path, monkeypatch, protocol_file
):
    text = f"data: {{batch: 20}}\nnegatives: {{source: {source}, {options}}}"
    protocol_file.write_text(SMALL_PROTOCOL.replace("data: {batch: 20, train: 200}", text, 1))
    monkeypatch.chdir(tmp_path)
    refused(wakesleep("run", "small.yaml", "rbm_digits", "-o", "out.zarr"), message)
    assert not (tmp_path / "out.zarr").exists()


def test_output_that_exists(wakesleep, protocol_file, model_file, tmp_path):
    out = tmp_path / "out.zarr"
    out.mkdir()
    (out / "precious").write_text("data")
    refused(wakesleep("run", protocol_file, model_file, "-o", out), "exists already")
    refused(
        wakesleep("run", protocol_file, model_file, "-o", out, "--resume"),
        "not a result of wakesleep",
    )
    assert (out / "precious").read_text() == "data"
    refused(wakesleep("plot", out), "not a result of wakesleep")


def test_folder_that_cannot_be_written(wakesleep, protocol_file, model_file, tmp_path):
    file = tmp_path / "a_file"
    file.write_text("")
    for place in (file / "out.zarr", Path("/proc/out.zarr")):
        refused(wakesleep("run", protocol_file, model_file, "-o", place), "cannot be written")


def test_figure_that_cannot_be_drawn(wakesleep, protocol_file, model_file, tmp_path):
    out = tmp_path / "out.zarr"
    wakesleep("run", protocol_file, model_file, "-o", out)
    refused(wakesleep("plot", out, "-o", tmp_path / "x.jpgg"), "allowed are .*png")
    refused(wakesleep("plot", out, "-o", tmp_path / "none" / "x.png"), "cannot be written")


def test_data_that_is_absent_with_no_network(protocol_file, tmp_path):
    """A real process whose only way out is a closed port."""
    protocol_file.write_text(SMALL_PROTOCOL.replace("data: {", "data: {set: mnist, "))
    environment = {
        **os.environ,
        "WAKESLEEP_DATA_DIR": str(tmp_path / "empty"),
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "wakesleep",
            "run",
            str(protocol_file),
            "ff_digits",
            "-o",
            str(tmp_path / "out.zarr"),
        ],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    refused(
        (done.returncode, done.stdout, done.stderr),
        "data set 'mnist' is not in .* and cannot be downloaded .*WAKESLEEP_DATA_DIR",
    )
    assert not (tmp_path / "out.zarr").exists()


@pytest.mark.parametrize(
    ("change", "message", "mended", "alone"),
    [
        (
            "label: none\n  layers: [{field: 99, channels: 2}]",
            "a field of 99 places does not fit into a map of 8",
            ["model.layers=[9]", "negatives=hybrid"],
            False,
        ),
        (
            "layers: [30]\n  blocks: 4",
            "blocks: 4 do not divide layer 1, of 30 units",
            ["model.blocks=5"],
            False,
        ),
        (
            "layers: [30]\n  label: none",
            "differ from real data by their label alone",
            ["negatives=hybrid"],
            True,
        ),
    ],
)
def test_check_sees_what_a_run_would_refuse(change, message, mended, alone, wakesleep, tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(
        "model: net\ndescription: x\nkind: forward_forward\ndata: digits\n"
        f"parameters:\n  {change}\n"
    )
    if alone:  # in order by itself, though not for every protocol
        assert wakesleep("check", file)[0] == 0
    else:
        refused(wakesleep("check", file), message)
    refused(wakesleep("check", "interleaved", "--model", file), message)
    told = [part for setting in mended for part in ("-p", setting)]
    assert wakesleep("check", "interleaved", "--model", file, *told)[0] == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda its, path: ws.statistics.phase_table(path), r"a result is a data set, as wakesl"),
        (
            lambda its, path: ws.plots.save_overview(path, path),
            r"a result is a data set, as wakesl",
        ),
        (lambda its, path: ws.spikes(its), r"by the path of its store, not as a Dataset"),
        (lambda its, path: ws.activity(path), r"stages are pairs of a name and its seconds"),
        (
            lambda its, path: ws.run("phase_separation", "ff_digits", inputs={"model.rate": 1}),
            r"in Python by parameters=\{'NAME': VALUE\}",
        ),
        (
            lambda its, path: ws.run("phase_separation", "ff_digits", parameters={"model.rate": 1}),
            r"did you mean 'rate'",
        ),
    ],
)
def test_results_paths_and_values_in_each_others_place(call, message, tmp_path):
    with pytest.raises(ws.InputError, match=message):
        call(xr.Dataset(), str(tmp_path / "run.zarr"))
