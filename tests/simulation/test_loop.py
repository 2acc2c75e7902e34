"""The loop: what it does to the network, what it records, and what it leaves alone."""

from __future__ import annotations

import json
import random
import sys

import numpy as np
import pytest
import torch
import xarray as xr

import wakesleep as ws
from wakesleep.files import documents
from wakesleep.protocols import protocol_file
from wakesleep.results.schema import QUANTITIES
from wakesleep.simulation import checkpoint

TINY = {"layers": [16, 16], "rate": 0.01}


def run(text: str, **options):
    """Run a protocol given as text on a tiny network, in memory."""
    return ws.run(
        loaded(text), "ff_digits", parameters={**TINY, **options.pop("parameters", {})}, **options
    )


def small(phases: str, more: str = "") -> str:
    return f"protocol: small\ndata: {{batch: 20, train: 200}}\nphases: [{phases}]\n{more}"


def same(one: xr.Dataset, other: xr.Dataset) -> bool:
    return one.drop_attrs().identical(other.drop_attrs())


WAKE_SLEEP = small(
    "{repeat: 2, phases: [{phase: wake, steps: 12}, {phase: sleep, steps: 12}]}",
    "record: {every: 5, cases: 60}",
)


def test_one_seed_one_result():
    first, again, other = run(WAKE_SLEEP), run(WAKE_SLEEP), run(WAKE_SLEEP, seed=1)
    assert same(first, again)
    assert not same(first, other)
    assert (first["goodness"] != other["goodness"]).any()


def test_global_random_state_is_left_alone():
    before = (torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate())
    run(WAKE_SLEEP, parameters={"layers": [4]})
    after = (torch.get_rng_state(), np.random.get_state()[1], random.getstate())
    assert torch.equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2] == after[2]


def test_probes_stand_where_the_protocol_says():
    result = run(WAKE_SLEEP)
    np.testing.assert_array_equal(
        result["step"], [0, 5, 10, 12, 17, 22, 24, 29, 34, 36, 41, 46, 48]
    )
    assert list(result["phase"].values) == [
        *["wake"] * 4,
        *["sleep"] * 3,
        *["wake"] * 3,
        *["sleep"] * 3,
    ]
    np.testing.assert_array_equal(result["step"][result["phase_end"]], [12, 24, 36, 48])
    np.testing.assert_array_equal(result["phase_index"], [0] * 4 + [1] * 3 + [2] * 3 + [3] * 3)


def test_probes_change_nothing():
    often, seldom = (
        run(small("{phase: interleaved, steps: 30}", f"record: {{every: {every}}}"))
        for every in (1, 30)
    )
    assert same(
        often.isel(probe=-1, drop=True).drop_vars("probe", errors="ignore"),
        seldom.isel(probe=-1, drop=True).drop_vars("probe", errors="ignore"),
    )


def test_deprivation_is_wake_and_recovery_is_sleep():
    named = run(small("{phase: deprivation, steps: 9}, {phase: recovery, steps: 9}"))
    plain = run(small("{phase: wake, steps: 9}, {phase: sleep, steps: 9}"))
    for name in plain.data_vars:
        np.testing.assert_array_equal(named[name], plain[name])


def test_rest_learns_nothing_but_takes_time():
    result = run(
        small(
            "{phase: rest, steps: 6}, {phase: wake, steps: 6}",
            "clock: {steps_per_hour: 2, start_h: 7}",
        )
    )
    first, rested, woken = (result.isel(probe=number) for number in range(3))
    for name in set(QUANTITIES) & set(first):
        np.testing.assert_array_equal(first[name], rested[name])
    assert (rested["weight_norm"] != woken["weight_norm"]).all()
    np.testing.assert_array_equal(result["time_h"], [7, 10, 13])


def test_separate_states_differ_from_shared_ones():
    shared, separate = (
        run(WAKE_SLEEP + f"\noptimiser_state: {state}") for state in ("shared", "separate")
    )
    np.testing.assert_array_equal(shared["goodness"][:4], separate["goodness"][:4])  # first day
    assert (shared["goodness"][-1] != separate["goodness"][-1]).all()


def test_adam_with_separate_states_runs():
    result = run(
        WAKE_SLEEP + "\noptimiser_state: separate",
        parameters={
            "plasticity": "adam",
            "rate": 0.001,
            "goodness": "mean_of_squares",
            "normalisation": "length",
        },
    )
    assert np.isfinite(result["goodness"]).all()


def test_a_condition_ends_its_phase():
    """Asleep, false positives in layer 1 fall; the phase ends at the first probe below a half."""
    text = (
        "{phase: wake, steps: 80}, {phase: sleep, at_most: 400, until: {quantity: "
        "false_positive_rate, layer: '1', below: 0.5}}, {phase: rest, steps: 1}"
    )
    result = run(small(text, "record: {every: 1}"), parameters={"rate": 0.02})
    rates = result["false_positive_rate"].sel(layer="1")
    asleep = rates[result["phase"] == "sleep"]
    assert 1 < len(asleep) < 100
    assert asleep[-1] < 0.5
    assert (asleep[:-1] >= 0.5).all()
    assert result["phase"].values[-1] == "rest"
    assert result["step"].values[-1] == 80 + len(asleep) + 1


def test_a_condition_that_never_holds_stops_at_its_maximum():
    result = run(
        small(
            "{phase: wake, at_most: 7, until: {quantity: d_prime, above: 1000}}",
            "record: {every: 3}",
        )
    )
    assert result["step"].values[-1] == 7


def test_a_condition_on_an_unknown_layer_says_so():
    text = small(
        "{phase: wake, at_most: 7, until: {quantity: d_prime, layer: top, above: 1}}",
        "record: {every: 3}",
    )
    with pytest.raises(ws.InputError, match="no layer 'top'"):
        run(text)


OWN_KIND = """\
import torch
class Mine:
    layer_names = ("only",)
    def __init__(self, parameters, setting):
        self.level, self.size = 0.0, parameters["size"]
    def learn(self, chunk):
        self.level += self.size * sum(chunk.gains)
    def state_dict(self):
        return {"level": self.level}
    def load_state_dict(self, state):
        self.level = state["level"]
    def weight_norms(self):
        return torch.tensor([self.level])
"""


@pytest.fixture
def own_model(tmp_path):
    (tmp_path / "mine.py").write_text(OWN_KIND)
    model = tmp_path / "mine.yaml"
    model.write_text(
        "model: mine\nkind: ./mine.py:Mine\ndata: digits\nparameters: {size: 2}\n"
        "offers: [wake, sleep, weight_norms]\n"
    )
    return model


def loaded(text: str):
    return protocol_file.from_document(documents.parse(text, "test"), {})


def test_the_users_own_kind(own_model):
    """A kind of one's own is a class beside the model file; checking it does not import it."""
    ws.check(own_model)
    assert "mine" not in sys.modules
    result = ws.run(loaded(WAKE_SLEEP), own_model)
    np.testing.assert_array_equal(result["weight_norm"].sel(layer="only"), 2 * result["step"])

    own_model.write_text(own_model.read_text().replace("weight_norms]", "weight_norms, goodness]"))
    with pytest.raises(ws.InputError, match="lacks goodness, log_odds, thresholds"):
        ws.run(loaded(WAKE_SLEEP), own_model)


def test_cooling_reaches_the_learner(own_model):
    text = small(
        "{phase: wake, steps: 4, cooling: second_half}, {phase: sleep, steps: 2}",
        "record: {every: 1}",
    )
    result = ws.run(loaded(text), own_model, parameters={"size": 1})
    np.testing.assert_allclose(
        np.diff(result["weight_norm"].values[:, 0]), [1, 1, 3 / 4, 1 / 4, 1, 1]
    )


def test_weights_gone_astray_stop_the_run_and_keep_the_record(tmp_path):
    text = small("{phase: wake, steps: 1}, {phase: sleep, steps: 50}", "record: {every: 2}")
    out = tmp_path / "astray.zarr"
    with pytest.raises(
        ws.RunError,
        match=r"no longer finite: phase 'sleep' \(small, cycle 0, counted from 0\), "
        r"step \d+ of 50",
    ) as caught:
        run(text, out=out, parameters={"rate": 1e18, "decay": 0.0})
    kept = ws.open(out)
    assert list(kept["step"].values) == [0, 1]
    assert kept.attrs["status"] == f"stopped: {caught.value}"
    assert not checkpoint.path_for(out).exists()


def test_everything_said_of_a_run_is_in_it():
    result = run(WAKE_SLEEP, seed=7)
    assert result.attrs["seed"] == 7
    assert result.attrs["status"] == "finished"
    assert result.attrs["protocol_text"] == WAKE_SLEEP
    assert json.loads(result.attrs["parameters"])["layers"] == [16, 16]
    assert torch.__version__.startswith(json.loads(result.attrs["versions"])["torch"])
    for name, variable in result.variables.items():
        assert variable.attrs.get("long_name"), name
        assert variable.attrs.get("units"), name


def test_results_repeat_themselves(tmp_path):
    out = tmp_path / "first.zarr"
    first = ws.run(
        "phase_separation",
        "ff_digits",
        inputs={"phase_steps": 7, "nights": 2},
        parameters=TINY,
        seed=3,
        out=out,
    )
    assert same(first, ws.run(out, out, seed=3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed must be"),
        ({"dtype": "float16"}, "dtype 'float16' is unknown"),
        ({"resume": True}, "resume needs 'out'"),
        ({"device": "gpu"}, "device 'gpu' is unknown"),
        ({"inputs": [1]}, "inputs must be a mapping"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ws.InputError, match=message):
        run(WAKE_SLEEP, **options)


def test_record_of_next_to_nothing_is_summed_up(own_model, wakesleep, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(WAKE_SLEEP)
    code, out, err = wakesleep("run", path, own_model, "-o", tmp_path / "own.zarr")
    assert code == 0, err
    assert "sleep" in out
    assert wakesleep("plot", tmp_path / "own.zarr")[0] == 0


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("./absent.py:Mine", "there is no file"),
        ("./mine.py:Yours", "there is no 'Yours' in it"),
        ("json:dumps", "'json:dumps' is not a class"),
        ("no.such.module:Mine", "No module named"),
        (":Mine", "kind ':Mine' is unknown"),
        ("./broken.py:Mine", "SyntaxError, line 1"),
    ],
)
def test_own_kinds_that_cannot_be_imported(own_model, kind, message):
    (own_model.parent / "broken.py").write_text("class Mine(:\n")
    own_model.write_text(own_model.read_text().replace("./mine.py:Mine", kind))
    with pytest.raises(ws.InputError, match=message):
        ws.run(loaded(WAKE_SLEEP), own_model)


def test_own_kinds_may_be_dataclasses(own_model):
    file = own_model.parent / "mine.py"
    file.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        + file.read_text()
        + "@dataclass\nclass Size:\n    size: int\n"
    )
    assert ws.run(loaded(WAKE_SLEEP), own_model).attrs["status"] == "finished"


def test_hard_labels_are_asked_for_by_probes_too(own_model):
    text = small("{phase: wake, steps: 3}", "negatives: {source: hard_label}\n")
    assert "label_probabilities" not in loaded(text).spec.needs()
    assert "label_probabilities" in loaded(text + "record: {quantities: [auc]}").spec.needs()
    own_model.write_text(own_model.read_text().replace("weight_norms]", "goodness]"))
    with pytest.raises(ws.InputError, match="does not offer 'label_probabilities'"):
        ws.run(loaded(text), own_model)


def test_a_softmax_gone_astray_stops_the_run():
    for source in ("hard_label", "wrong_label"):
        text = small("{phase: interleaved, steps: 50}", f"negatives: {{source: {source}}}")
        with pytest.raises(ws.RunError, match="no longer finite"):
            run(text, parameters={"readout_rate": 1e30})


def test_more_words_than_a_byte_holds():
    phases = ", ".join(
        f"{{repeat: 1, block: b{n}, phases: [{{phase: rest, steps: 1}}]}}" for n in range(140)
    )
    result = run(small(phases, "record: {quantities: []}"))
    assert list(result["block"].values[1:]) == [f"b{n}" for n in range(140)]


def test_recording_fewer_cycles_changes_nothing_else():
    phases = "{repeat: 9, phases: [{phase: wake, steps: 7}, {phase: sleep, steps: 5}]}"
    whole = run(small(phases, "record: {cases: 60}"))
    some = run(small(phases, "record: {cases: 60, cycles: 2}"))
    assert some["cycle"].values.tolist() == [0, 0, 0, 8, 8]
    chosen = whole.isel(probe=np.isin(whole["step"], some["step"]))
    for name in some.data_vars:
        np.testing.assert_array_equal(some[name], chosen[name])


def test_a_phase_can_have_negatives_of_its_own():
    phases = "{phase: wake, steps: 9}, {phase: sleep, steps: 9"
    own = run(small(phases + ", negatives: {source: hard_label}}"))
    other = run(small(phases + "}", "negatives: {source: hard_label}"))
    plain = run(small(phases + "}"))
    np.testing.assert_array_equal(own["error"][:2], plain["error"][:2])  # the same day
    assert (own["weight_norm"][-1] != plain["weight_norm"][-1]).any()
    assert (own["weight_norm"][-1] != other["weight_norm"][-1]).any()  # a stream of its own


def test_every_mode_of_the_stored_baseline_is_its_own():
    found = {}
    for mode in ("negative", "centred", "measure"):
        night = f"{{phase: sleep, steps: 6, mode: {mode}}}"
        phases = f"{{repeat: 3, phases: [{{phase: wake, steps: 6}}, {night}]}}"
        found[mode] = run(small(phases, "record: {cases: 60}"))["weight_norm"]
    # The first day is the same; a night that only measures changes no weight.
    np.testing.assert_array_equal(found["negative"][1], found["measure"][1])
    np.testing.assert_array_equal(found["measure"][1], found["measure"][2])
    assert (found["measure"][2] != found["measure"][3]).all()
    assert (found["centred"][-1] != found["negative"][-1]).all()


def test_a_baseline_counted_twice_is_told(recwarn):
    with pytest.warns(UserWarning, match="counted twice"):
        run(small("{phase: wake, steps: 2}, {phase: sleep, steps: 2}", "baseline_awake: true"))


def test_momentum_of_the_protocol_is_the_models():
    told = run(WAKE_SLEEP + "\nmomentum: 0.5")
    own = run(WAKE_SLEEP, parameters={"momentum": 0.5})
    np.testing.assert_array_equal(told["goodness"], own["goodness"])


def test_a_state_begun_anew_differs_from_one_that_is_kept():
    reset, shared, separate = (
        run(WAKE_SLEEP + f"\noptimiser_state: {state}")["goodness"][-1]
        for state in ("reset", "shared", "separate")
    )
    assert (reset != shared).all()
    assert (reset != separate).all()


def test_dreams_of_a_trained_network(tmp_path):
    out = tmp_path / "run.zarr"
    ws.run(loaded(WAKE_SLEEP), "ff_digits", parameters=TINY, out=out)
    dreamt = ws.dreams(out, each=3)
    assert dict(dreamt.sizes) == {"dream": 30, "row": 8, "column": 8, "readout": 2}
    assert dreamt["label"].values.tolist() == [its for its in range(10) for _ in range(3)]
    assert dreamt["image"].values.min() >= 0
    assert ws.dreams(out, each=3).identical(dreamt)
    assert not ws.dreams(out, each=3, seed=1).identical(dreamt)
    with pytest.raises(ws.InputError, match=r"option 'start' is 'nose'.*did you mean 'noise'"):
        ws.dreams(out, start="nose")
    checkpoint.path_for(out).unlink()
    with pytest.raises(ws.InputError, match="there is no checkpoint"):
        ws.dreams(out)
    with pytest.raises(ws.InputError, match="there is no such result"):
        ws.dreams(tmp_path / "none.zarr")
    awake = tmp_path / "awake.zarr"
    ws.run(loaded(WAKE_SLEEP), "ff_digits", parameters={**TINY, "top_down": False}, out=awake)
    with pytest.raises(ws.InputError, match=r"cannot dream; .* with top_down: true"):
        ws.dreams(awake)
