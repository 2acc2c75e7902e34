"""``record: {activities: N}``: the activity of units along a run."""

import numpy as np
import pytest

import wakesleep as ws

PROTOCOL = """
protocol: short
record: {{every: 10, activities: {cases}}}
requires: [interleaved]
data: {{batch: 50}}
negatives: {{source: wrong_label}}
phases:
  - {{phase: interleaved, steps: 30}}
"""
SMALL = {"layers": [12, 8]}


@pytest.fixture
def protocol(tmp_path):
    def write(cases):
        path = tmp_path / "short.yaml"
        path.write_text(PROTOCOL.format(cases=cases))
        return path

    return write


@pytest.mark.parametrize("model", ["ff_digits", "ff_mnist_recurrent"])
def test_activities_are_those_of_the_trained_network(protocol, tmp_path, model):
    data = ws.data.load("digits")
    out = tmp_path / "run.zarr"
    result = ws.run(protocol(7), model, parameters=SMALL, out=out, data="digits")
    cases = data.validation.first(7)
    assert result["activity"].dims == ("probe", "case", "unit")
    assert result["activity"].shape == (4, 7, 20)
    np.testing.assert_array_equal(result["case_label"], cases.labels)
    assert result["unit_layer"].values.tolist() == ["1"] * 12 + ["2"] * 8
    theirs = ws.trained(out).activities(cases.images, cases.labels)
    for layer, units in (("1", slice(0, 12)), ("2", slice(12, 20))):
        own = result["activity"].isel(probe=-1, unit=units)
        np.testing.assert_allclose(own, theirs[f"activity_{layer}"], rtol=1e-6)
    assert not np.array_equal(result["activity"][0], result["activity"][-1])


def test_nothing_else_of_the_run_changes(protocol):
    plain = ws.run(_without(protocol(5)), "ff_digits", parameters=SMALL)
    recorded = ws.run(protocol(5), "ff_digits", parameters=SMALL)
    np.testing.assert_array_equal(plain["goodness"], recorded["goodness"])
    np.testing.assert_array_equal(plain["error"], recorded["error"])


def test_more_cases_than_there_are_means_all(protocol):
    result = ws.run(protocol(10_000), "ff_digits", parameters=SMALL)
    assert result.sizes["case"] == len(ws.data.load("digits").validation)


def test_what_cannot_be_recorded_is_refused(protocol, tmp_path, wakesleep):
    code, _, told = wakesleep("run", protocol(5), "rbm_digits", "-o", tmp_path / "x.zarr")
    assert code == 2
    assert "record 'activities' needs" in told or "requires" in told
    path = protocol(300)
    path.write_text(path.read_text().replace("every: 10", "every: 1").replace("30}", "200000}"))
    code, _, told = wakesleep("run", path, "ff_digits", "-o", tmp_path / "x.zarr")
    assert code == 2
    assert "GiB" in told
    assert not (tmp_path / "x.zarr").exists()


def _without(path):
    path.write_text(path.read_text().replace(", activities: 5", ""))
    return path
