"""Phases of downscaling: weights shrink as fast as the protocol says, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import wakesleep as ws
from wakesleep.errors import InputError
from wakesleep.learners.parts.downscaling import paces, shrink
from wakesleep.networks.kept import kept_network

PROTOCOL = """\
protocol: shrinking
requires: []
data: {{batch: 20, train: 100}}
negatives: {{source: {source}}}
phases:
  - {{phase: wake, steps: 2}}
  - {{phase: downscale, {length}, downscale: {{{how}}}}}
clock: {{steps_per_hour: 50, start_h: 7}}
record: {{cases: 20, every: 60}}
"""
TINY = {
    "ff_digits": {"layers": [12, 8]},
    "rbm_digits": {"hidden": [10]},
    "backprop_digits": {"layers": [12]},
    "helmholtz_digits": {"hidden": [6, 4]},
    "spiking_digits": {"target": "twin", "layers": [12]},
    "hopfield_100": {},
}


def file(tmp_path, length="hours: 3", how="per_hour: 0.1", source="usual"):
    path = tmp_path / "shrinking.yaml"
    path.write_text(PROTOCOL.format(length=length, how=how, source=source))
    return path


def synapses(out):
    return [its.clone() for its in kept_network(out)[0].synapses()]


@pytest.mark.parametrize("model", TINY)
def test_weights_of_every_kind_shrink_by_the_hour(tmp_path, model):
    before, after = tmp_path / "before.zarr", tmp_path / "after.zarr"
    for out, how in ((before, "per_hour: 0.0"), (after, "per_hour: 0.1")):
        ws.run(file(tmp_path, how=how), model, out=out, parameters=TINY[model])
    for one, other in zip(synapses(before), synapses(after), strict=True):
        assert one.abs().max() > 0
        torch.testing.assert_close(other, one * 0.9**3, rtol=1e-5, atol=0)


def test_by_updates_and_sparing_the_strongest(tmp_path):
    before, after = tmp_path / "before.zarr", tmp_path / "after.zarr"
    for out, how in ((before, "per_update: 0.0"), (after, "per_update: 0.01, spare: 0.25")):
        protocol = file(tmp_path, "steps: 130", how)
        ws.run(protocol, "ff_digits", out=out, parameters={"layers": [12, 8]})
    for one, other in zip(synapses(before), synapses(after), strict=True):
        same = one == other
        assert int(same.sum()) == round(0.25 * one.numel())
        assert one.abs()[same].min() > one.abs()[~same].max()
        torch.testing.assert_close(other[~same], one[~same] * 0.99**130, rtol=1e-4, atol=0)


@given(
    # A weight that shrinks to 0 no longer counts, so none is so small that it vanishes.
    values=st.lists(
        st.floats(-10, 10, width=32).filter(lambda its: its == 0 or abs(its) > 1e-30),
        min_size=1,
        max_size=40,
    ),
    kept=st.floats(0.1, 1),
    spare=st.floats(0, 0.99),
    times=st.integers(0, 4),
)
def test_steps_taken_together_or_apart_are_the_same(values, kept, spare, times):
    start, once, apart = (torch.tensor(values) for _ in range(3))
    shrink([once], kept, times, spare)
    for _ in range(times):
        shrink([apart], kept, 1, spare)
    assert torch.equal(once, apart)
    size = start.abs()
    spared = round(spare * int((size > 0).sum()))
    bound = size.sort(descending=True).values[spared - 1] if spared else float("inf")
    wanted = torch.where(size >= bound, start, start * kept**times)
    torch.testing.assert_close(once, wanted, rtol=1e-4, atol=1e-30)


def test_weights_that_are_not_there_are_no_share():
    its = torch.tensor([0.0] * 7 + [1.0, 2.0, -3.0])
    shrink([its], 0.5, 1, spare=1 / 3)
    assert its.tolist() == [0.0] * 7 + [0.5, 1.0, -3.0]


def test_probes_change_nothing(tmp_path):
    found = []
    for every in (60, 7):
        out = tmp_path / f"{every}.zarr"
        path = file(tmp_path, "steps: 130", "per_update: 0.003")
        path.write_text(path.read_text().replace("every: 60", f"every: {every}"))
        ws.run(path, "ff_digits", out=out, parameters={"layers": [12, 8]})
        found.append(synapses(out))
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


def test_its_stage_and_its_clock(tmp_path):
    result = ws.run(file(tmp_path), "ff_digits", parameters={"layers": [12, 8]})
    asleep = result.sel(probe=result["phase"] == "downscale")
    assert set(asleep["stage"].values) == {"NREM"}
    assert np.isclose(asleep["time_h"].values[-1], 7 + 152 / 50)


@pytest.mark.parametrize(
    ("length", "how", "told"),
    [
        ("hours: 3", "per_hour: -0.1", "must be greater than or equal to 0"),
        ("hours: 3", "per_hour: 1.0", "must be less than 1"),
        ("hours: 3", "per_hour: 0.1, per_update: 0.1", "exclude each other"),
        ("hours: 3", "spare: 0.1", "needs 'per_hour' or 'per_update'"),
        ("hours: 3", "per_hour: 0.1, spare: 1.5", "must be less than 1"),
    ],
)
def test_a_wrong_speed_is_told(tmp_path, length, how, told):
    with pytest.raises(InputError, match=told):
        ws.run(file(tmp_path, length, how), "ff_digits")


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        ("{phase: downscale, steps: 3}", "needs 'downscale'"),
        ("{phase: wake, steps: 3, downscale: {per_update: 0.1}}", "is for phase 'downscale'"),
        ("{phase: downscale, steps: 3, downscale: {per_hour: 0.1}}", "needs a 'clock'"),
    ],
)
def test_where_it_does_not_belong(tmp_path, phase, told):
    path = tmp_path / "odd.yaml"
    path.write_text(f"protocol: odd\nphases: [{phase}]\n")
    with pytest.raises(InputError, match=told):
        ws.run(path, "ff_digits")


def test_a_model_without_weights_is_refused(tmp_path):
    with pytest.raises(InputError, match="synapses"):
        ws.run(file(tmp_path, source="wrong_label"), "bigram")


@given(
    st.lists(st.floats(0, 5), min_size=2, max_size=6),
    st.floats(0.5, 1.0),
    st.integers(1, 4),
)
def test_weights_into_active_units_shrink_faster(active, factor, times):
    activity = torch.tensor(active, dtype=torch.float64)
    weight = torch.ones(len(active), 3, dtype=torch.float64)
    shrink([weight], factor, times, pace=paces([activity]))
    mean = activity.mean()
    pace = activity / mean if mean > 0 else torch.ones_like(activity)
    wanted = torch.tensor([factor ** (times * float(its)) for its in pace], dtype=torch.float64)
    torch.testing.assert_close(weight, wanted.unsqueeze(1).expand(-1, 3))


@pytest.mark.parametrize("model", ["ff_digits", "backprop_digits"])
def test_by_activity_a_run_shrinks_each_unit_at_its_own_pace(tmp_path, model):
    out = {}
    for name, how in (("before", "per_hour: 0.0"), ("after", "per_hour: 0.1, by: activity")):
        out[name] = tmp_path / f"{name}.zarr"
        ws.run(file(tmp_path, "hours: 3", how), model, parameters=TINY[model], out=out[name])
    network, data = kept_network(out["before"])
    images = torch.as_tensor(data.train.images[:100]).flatten(1)
    labels = torch.as_tensor(data.train.labels[:100])
    for was, its, active in zip(
        synapses(out["before"]),
        synapses(out["after"]),
        network.unit_activity(images, labels),
        strict=True,
    ):
        pace = active / active.mean()
        torch.testing.assert_close(its, was * (0.9 ** (3 * pace)).unsqueeze(1), rtol=1e-4, atol=0)


def test_a_run_stopped_while_it_shrinks_by_activity_goes_on_with_the_same_paces(tmp_path):
    from wakesleep.simulation.chunks import ByItself

    how = "per_hour: 0.1, by: activity"
    prepared = [_prepared(file(tmp_path, "hours: 3", how)) for _ in range(2)]
    entry = next(its for its in prepared[0].entries if its.phase == "downscale")
    whole, first = ByItself(prepared[0]), ByItself(prepared[1])
    whole.go_on(entry, 0, 150)
    first.go_on(entry, 0, 60)
    again = ByItself(prepared[1])
    again.load_state_dict(first.state_dict(), prepared[1].entries.index(entry), 60)
    again.go_on(entry, 60, 90)
    for one, two in zip(*(its.learner.synapses() for its in prepared), strict=True):
        assert torch.equal(one, two)


def test_a_phase_that_has_not_begun_takes_no_state_of_the_one_before(tmp_path):
    """A checkpoint can lie between two phases, of which the second has a state of another kind."""
    from wakesleep.simulation.chunks import ByItself

    path = file(tmp_path, "hours: 3", "per_hour: 0.1, by: activity")
    later = "  - {phase: spontaneous, steps: 20}\nclock:"
    path.write_text(path.read_text().replace("clock:", later))
    prepared = _prepared(path, "backprop_digits")
    shrinks, fires = (prepared.entries[place] for place in (1, 2))
    its = ByItself(prepared)
    its.go_on(shrinks, 0, 150)
    again = ByItself(prepared)
    again.load_state_dict(its.state_dict(), 2, 0)
    again.go_on(fires, 0, 20)
    assert set(again.state_dict()) == {"potentials", "scales", "chances"}


def _prepared(path, name="ff_digits"):
    from wakesleep.simulation.loading import load_model, load_protocol
    from wakesleep.simulation.prepare import prepare
    from wakesleep.simulation.request import Request

    model = load_model(name, TINY[name])
    request = Request(load_protocol(path, None), model, 0, torch.device("cpu"), torch.float32)
    return prepare(request)


def test_a_model_without_unit_activity_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not offer 'unit_activity'"):
        ws.run(file(tmp_path, how="per_hour: 0.1, by: activity"), "rbm_digits")
    with pytest.raises(InputError, match="by"):
        ws.run(file(tmp_path, how="per_hour: 0.1, by: mood"), "ff_digits")
