"""Cortical activity: its statistics on known signals, and the network itself."""

from __future__ import annotations

import numpy as np
import pytest

import wakesleep as ws
from wakesleep.errors import InputError
from wakesleep.experiments.cortex.activity import bimodality, delta_share, stages_of
from wakesleep.learners.spiking import builds

SMALL = {"excitatory": 160, "inhibitory": 40, "inputs": 20, "excitation": 30.0, "inhibition": 100.0}


def test_bimodality_of_known_distributions():
    random = np.random.default_rng(0)
    assert bimodality(random.standard_normal(200_000)) == pytest.approx(1 / 3, abs=0.01)
    assert bimodality(random.random(200_000)) == pytest.approx(5 / 9, abs=0.01)
    assert bimodality(np.array([0.0, 1.0] * 50)) == pytest.approx(1)
    assert np.isnan(bimodality(np.ones(9)))


def test_delta_power_of_known_rhythms():
    time = np.arange(0, 20, 0.005)
    assert delta_share(5 + np.sin(2 * np.pi * 2 * time), 0.005) > 0.98
    assert delta_share(5 + np.sin(2 * np.pi * 20 * time), 0.005) < 0.02
    both = np.sin(2 * np.pi * 2 * time) + np.sin(2 * np.pi * 20 * time)
    assert delta_share(both, 0.005) == pytest.approx(0.5, abs=0.02)
    assert np.isnan(delta_share(np.zeros(400), 0.005))


@pytest.fixture(scope="module")
def small():
    """A network too small for states, with coarse steps and no compiler: what is recorded."""
    cortex = {**SMALL, "dt": 0.5, "downscaling": 0.5, "drive": 2.0}
    return ws.activity([("WAKE", 1.0), ("N2", 1.0)], cortex=cortex, target="numpy")


def test_what_is_recorded(small, tmp_path):
    assert dict(small.sizes) == {
        "population": 2, "time": 400, "stage": 2, "spike": small.sizes["spike"],
    }  # fmt: skip
    assert list(small.stage_name.values) == ["WAKE", "NREM"]
    assert small.adaptation.values[[0, 199, 200, 399]].tolist() == [1, 1, 60, 60]
    assert np.allclose(small["scale"].values[[0, 199]], 1)
    assert float(small["scale"][-1]) == pytest.approx(np.exp(-0.5))
    # The excitatory rate, from the spikes of the neurons that are all kept here.
    spikes = np.histogram(small.spike_time, np.arange(401) * 0.005)[0] / 160 / 0.005
    assert np.allclose(spikes, small.rate.sel(population="excitatory"))
    assert float(small.rate.mean()) > 0.5
    figure = ws.plots.save_activity(small, tmp_path / "activity.png")
    assert figure.stat().st_size > 10_000


def test_bad_targets_and_seeds():
    for more, told in (({"target": "numyp"}, "no target 'numyp'"), ({"seed": -1}, "seed must")):
        with pytest.raises(InputError, match=told):
            ws.activity([("WAKE", 1.0)], **more)


@pytest.mark.long
@pytest.mark.skipif(builds.compiler() is None, reason="no C++ compiler here")
def test_adaptation_makes_up_and_down_states():
    found = ws.activity([("WAKE", 4.0), ("NREM", 8.0), ("WAKE", 4.0)], seed=1)
    assert (found.down_share.values > 0.3).tolist() == [False, True, False]
    assert (found.delta_share.values > 0.3).tolist() == [False, True, False]
    assert float(found.bimodality[1]) > float(found.bimodality[[0, 2]].max())


@pytest.mark.parametrize(
    ("stages", "cortex", "told"),
    [
        ([], {}, "no stage to simulate"),
        ([("SLEEP", 2.0)], {}, "no stage 'SLEEP'; allowed are WAKE, NREM, REM"),
        ([("WAKE", 0.5)], {}, "a stage must last a second at least"),
        ([("WAKE", 5000.0)], {}, "at most 600 s"),
        ([("WAKE", 2.0)], {"b_nerm": 3.0}, "b_nerm"),
        ([("WAKE", 2.0)], {"inputs": 5000}, "more than the 4000 excitatory neurons"),
    ],
)
def test_bad_numbers(stages, cortex, told):
    with pytest.raises(InputError, match=told):
        ws.activity(stages, cortex=cortex)


def test_stages_of_a_result(tmp_path, wakesleep, protocol_file, model_file):
    out = tmp_path / "run.zarr"
    result = ws.run(protocol_file, model_file, out=out)
    assert stages_of(result, 3.0, 3) == [("NREM", 3.0), ("WAKE", 3.0), ("NREM", 3.0)]
    code, _, told = wakesleep("activity", out, "-o", tmp_path / "activity.txt")
    assert code == 2
    assert "nothing can be written with the ending" in told
